/** Writes that an earlier process announced: which of them are still open, and what is said of them in the end. */
import { describe, expect, test } from "bun:test"
import { encode, sha256 } from "../graph/mod.ts"
import type { OpenIntent } from "./history.ts"
import { LostWrites } from "./lost.ts"
import type { Past } from "./past.ts"

const INPUT = sha256(encode(1))
const open = (name: string, seq: number, data: Uint8Array | null = null): OpenIntent => ({
  seq,
  path: [name],
  resource: "here",
  input: INPUT,
  key: `key of ${name}`,
  data,
})
const past = (how: Past["how"], again: readonly string[], ...all: OpenIntent[]): Past => ({
  how,
  known: new Map(),
  open: new Map(all.map((o) => [o.path.join("."), o])),
  waits: new Map(),
  again: new Set(again),
  parts: new Map(),
  met: new Map(),
  ordered: false,
  from: null,
  held: false,
})
const both = [open("a", 1), open("b", 2, encode({ n: 7 }))] as const
const names = (of: readonly { readonly path: readonly (string | number)[] }[]) => of.map(({ path }) => path.join("."))

describe("writes that were announced before", () => {
  test("are open until this process has come to them, or said what is true of them", () => {
    const lost = new LostWrites(past("resume", [], ...both))
    expect(names(lost.unknown())).toEqual(["a", "b"])
    lost.met(["a"])
    expect(names(lost.unknown())).toEqual(["b"])
    expect(names(lost.settled(sha256))).toEqual(["b"])
    expect([lost.unknown(), lost.settled(sha256)]).toEqual([[], []])
  })

  test("are uncertain, but for those of which somebody said that they never arrived", () => {
    const lost = new LostWrites(past("resume", ["a"], ...both))
    expect(names(lost.unknown())).toEqual(["b"])
    const settled = lost.settled(sha256)
    expect(settled).toMatchObject([
      { path: ["a"], resource: "here", input: INPUT, args: null, body: { intent: 1, how: "refused" } },
      { path: ["b"], resource: "here", input: INPUT, args: { n: 7 }, body: { intent: 2, how: "uncertain" } },
    ])
    expect(settled.map(({ came }) => came.outcome)).toMatchObject([
      { ok: false, failure: { code: "Cancelled", undelivered: true } },
      { ok: false, failure: { code: "Uncertain" } },
    ])
    for (const { body, came } of settled) expect(body.outcome).toEqual(came.hash)
  })

  test("are no matter of a run that does not go on from its record", () => {
    for (const of of [undefined, past("replay", [], ...both), past("taken", [], ...both)]) {
      const lost = new LostWrites(of)
      lost.met(["a"])
      expect([lost.unknown(), lost.settled(sha256)]).toEqual([[], []])
    }
  })
})
