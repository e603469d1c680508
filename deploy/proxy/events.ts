/**
 * Server-sent events out of a stream of bytes: their data, as MCP sends messages over HTTP. It looks on while the bytes
 * themselves go their way. Source: html.spec.whatwg.org, "Server-sent events", 9.2.6.
 */
export class Events {
  readonly #charsMax: number
  readonly #decoder = new TextDecoder()
  #text = ""
  #data: string[] = []
  #chars = 0
  /** The event at hand is too long to be kept. */
  #long = false
  /** Of the last event that had one. */
  lastId: string | undefined
  /** Milliseconds that the server asks a client to wait before it comes again. */
  retryMs: number | undefined

  constructor(charsMax: number) {
    this.#charsMax = charsMax
  }

  /** The data of the events that are complete with these bytes. */
  push(chunk: Uint8Array): readonly string[] {
    this.#text += this.#decoder.decode(chunk, { stream: true })
    const found: string[] = []
    let from = 0
    for (;;) {
      const at = nextBreak(this.#text, from)
      // A carriage return at the very end may be the first half of a break.
      if (at === -1 || (this.#text[at] === "\r" && at === this.#text.length - 1)) break
      this.#line(this.#text.slice(from, at), found)
      from = this.#text[at] === "\r" && this.#text[at + 1] === "\n" ? at + 2 : at + 1
    }
    this.#text = this.#text.slice(from)
    if (this.#text.length > this.#charsMax) {
      this.#long = true
      this.#text = this.#text.slice(-1)
    }
    return found
  }

  #line(line: string, found: string[]): void {
    if (line === "") {
      if (this.#data.length > 0 && !this.#long) found.push(this.#data.join("\n"))
      this.#data = []
      this.#chars = 0
      this.#long = false
      return
    }
    const colon = line.indexOf(":")
    const name = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1)
    if (name === "id") this.lastId = value
    else if (name === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value)
    else if (name === "data") {
      this.#chars += value.length
      if (this.#chars > this.#charsMax) this.#long = true
      else this.#data.push(value)
    }
  }
}

function nextBreak(text: string, from: number): number {
  const line = text.indexOf("\n", from)
  const carriage = text.indexOf("\r", from)
  return line === -1 ? carriage : carriage === -1 ? line : Math.min(line, carriage)
}

/** A message as an event. */
export const eventOf = (message: string): string =>
  `event: message\n${message
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join("")}\n`
