/** Event streams cut at every place give the same events. */
import { expect, test } from "bun:test"
import { eventsOf } from "./sse.ts"

async function* cut(bytes: Uint8Array, ...at: number[]): AsyncGenerator<Uint8Array> {
  let from = 0
  for (const to of [...at, bytes.length]) {
    yield bytes.subarray(from, to)
    from = to
  }
}
async function all(chunks: AsyncIterable<Uint8Array>): Promise<string[]> {
  const out: string[] = []
  for await (const e of eventsOf(chunks)) out.push(e)
  return out
}

test("an event stream cut anywhere, with every kind of line end", async () => {
  const text = [
    "\ufeff: a comment\n\n",
    "data: one\n\n",
    'event: x\r\nid: 7\r\ndata: {"ü":"😀"}\r\n\r\n',
    "data:two\rdata:  lines\r\r",
    "data\n\n",
    "data:\n\n",
    "retry: 10\n\n",
    "unknown: y\ndata: three\n\n\n\n",
    "data: dropped, for the stream ends",
  ].join("")
  const bytes = new TextEncoder().encode(text)
  const want = ["one", '{"ü":"😀"}', "two\n lines", "", "", "three"]
  expect(await all(cut(bytes))).toEqual(want)
  for (let i = 0; i <= bytes.length; i++) expect(await all(cut(bytes, i))).toEqual(want)
  for (let i = 0; i < bytes.length; i += 7)
    for (let j = i; j < bytes.length; j += 5) expect(await all(cut(bytes, i, j))).toEqual(want)
  expect(await all(cut(bytes, ...Array.from({ length: bytes.length }, (_, i) => i)))).toEqual(want)
})

test("a line of many pieces costs no more than its length", async () => {
  const piece = new TextEncoder().encode("x".repeat(1000))
  async function* long() {
    yield new TextEncoder().encode("data: ")
    for (let i = 0; i < 20_000; i++) yield piece
    yield new TextEncoder().encode("\n\n")
  }
  expect((await all(long()))[0]!.length).toBe(20_000_000)
})
