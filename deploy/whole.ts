/** The body of a request or an answer, from the parts in which it comes. */
import { joined } from "../graph/mod.ts"

/** All of a body. Fails as its parts do. */
export async function wholeOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of chunks) parts.push(part)
  return joined(parts)
}
