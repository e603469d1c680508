/** Whatever way bytes come in pieces, they go out the same, and whole where they are not too long. */
import { describe, expect, test } from "bun:test"
import { drawOf } from "../../learn/mod.ts"
import { Events, eventOf } from "./events.ts"
import { Lines } from "./lines.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (b: Uint8Array) => new TextDecoder().decode(b)

describe("lines", () => {
  test("are the same however they are cut, and nothing is lost", () => {
    const draw = drawOf("lines")
    for (let round = 0; round < 200; round++) {
      const all = Array.from(
        { length: draw.below(12) },
        () => "é".repeat(draw.below(40)) + (draw.below(3) === 0 ? "\r" : ""),
      ).join("\n")
      const given = bytes(all)
      const lines = new Lines(30)
      const out: { text: string; whole: boolean }[] = []
      const raw: number[] = []
      const take = (pieces: ReturnType<Lines["push"]>) => {
        for (const p of pieces) {
          raw.push(...p.bytes)
          out.push({ text: text(p.bytes), whole: p.whole })
        }
      }
      for (let at = 0; at < given.length; ) {
        const end = Math.min(given.length, at + 1 + draw.below(25))
        take(lines.push(given.subarray(at, end)))
        at = end
      }
      take(lines.end())
      expect(Uint8Array.from(raw)).toEqual(given)
      for (const { text: t, whole } of out) if (whole) expect(t.replace(/\n$/, "")).not.toContain("\n")
      const every = all.split("\n")
      const short = every.filter((l, n) => bytes(l).length + (n < every.length - 1 ? 1 : 0) <= 30)
      const whole = out.filter((o) => o.whole).map((o) => o.text.replace(/\n$/, ""))
      expect(whole.filter((w) => w !== "")).toEqual(short.filter((s) => s !== ""))
    }
  })
})

describe("events", () => {
  test("are found however the stream is cut and its lines end", () => {
    const stream =
      'id: 7\r\nretry: 250\r\ndata: {"a":\r\ndata: "ü"}\r\n\r\n: comment\n\nevent: message\ndata:{"b":2}\n\ndata: left over'
    const given = bytes(stream)
    for (let size = 1; size < 9; size++) {
      const events = new Events(1_000)
      const found: string[] = []
      for (let at = 0; at < given.length; at += size) found.push(...events.push(given.subarray(at, at + size)))
      expect(found).toEqual(['{"a":\n"ü"}', '{"b":2}'])
      expect([events.lastId, events.retryMs]).toEqual(["7", 250])
    }
  })

  test("too large are passed over, and the next one is found", () => {
    const events = new Events(50)
    expect(events.push(bytes(`data: ${"x".repeat(500)}\n\ndata: next\n\n`))).toEqual(["next"])
    const more = new Events(50)
    const found = [...Array.from({ length: 40 }, () => "data: 0123456789").join("\n")].map((c) => more.push(bytes(c)))
    expect(found.flat()).toEqual([])
    expect(more.push(bytes("\n\ndata: next\n\n"))).toEqual(["next"])
  })

  test("are written as they are read", () => {
    const message = '{"a":\n1}'
    expect(new Events(100).push(bytes(eventOf(message)))).toEqual([message])
  })
})
