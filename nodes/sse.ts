/**
 * Server-sent events as they come off the wire, cut anywhere, in the middle of a character or of a line end.
 * Source: html.spec.whatwg.org, 9.2.5 and 9.2.6 (parsing and interpreting an event stream).
 */

/** The data of each event that has any. A last event without its empty line is dropped, as the standard says. */
export async function* eventsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  // Pieces of the line that has not ended; joined once, so that a long line costs no more than its length.
  let open: string[] = []
  let afterCr = false
  let data: string[] = []
  for await (const chunk of chunks) {
    let piece = decoder.decode(chunk, { stream: true })
    if (piece === "") continue
    // A CR ended the last piece: an LF that follows belongs to the same line end.
    if (afterCr && piece.startsWith("\n")) piece = piece.slice(1)
    afterCr = piece === "" ? false : piece.endsWith("\r")
    const lines = piece.split(/\r\n|\n|\r/)
    for (const [i, end] of lines.entries()) {
      open.push(end)
      if (i === lines.length - 1) break
      const line = open.join("")
      open = []
      if (line === "") {
        if (data.length > 0) yield data.join("\n")
        data = []
      } else if (line === "data" || line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""))
    }
  }
}
