/** What stands beside a run on its record: guesses and reads that were called in vain, in the bill and in no trace. */
import { describe, expect, test } from "bun:test"
import { MemoryLedger } from "../deploy/ledger/memory.ts"
import { decode, fail, sha256, type Value } from "../graph/mod.ts"
import { Machine } from "../tests/machine/machine.ts"
import { Charge, Meter } from "./budget.ts"
import { openHistory } from "./history.ts"
import { openEntry, openRow } from "./ledger.ts"
import { openRun } from "./run.ts"
import { verifyChain } from "./walk.ts"

const { admitted, clock } = new Machine(
  `graph: g\ninput: { x: number }\nnodes:\n  a: { read: f, with: { n: "\${ input.x }" }, output: number }\noutput: a\n`,
  { f: () => 1 },
)
const BY = "ab".repeat(32)

function record(meter?: Meter, salted = false) {
  const store = new MemoryLedger()
  const kept = salted ? Object.assign(Object.create(store), { salted: true, append: store.append.bind(store) }) : store
  const salt = (n: number) => new Uint8Array(n).fill(7)
  const run = openRun(admitted, {
    store: kept,
    digest: sha256,
    clock,
    run: "r",
    space: "",
    input: { x: 1 },
    meter,
    salt,
  })
  const rows = () => store.entries("", "r").rows
  return { run, rows, chain: () => store.entries("", "r") }
}
const verdict = (chain: Parameters<typeof verifyChain>[0]) =>
  verifyChain(chain, { digest: sha256, space: "", run: "r" })
const args: Value = { n: 1 }
const RAN = "wasm-single: one call"
const guess = { kind: "guess", verdict: "wrong", value: 7, by: BY, alpha: 0.01, confidence: 0.75 } as const

describe("a guess", () => {
  test("is known by hashes, its bound and its verdict, and holds no data", () => {
    const { run, rows } = record()
    run.aside(["a"], 0, args, guess)
    const { body } = openEntry(rows()[1]!.entry)
    expect(body).toMatchObject({
      kind: "guess",
      path: ["a"],
      verdict: "wrong",
      by: BY,
      alpha: 0.01,
      confidence: 0.75,
      why: null,
    })
    expect(body.kind === "guess" && body.outcome).toEqual(
      sha256(new Uint8Array([0x92, 0xa5, ...new TextEncoder().encode("value"), 7])),
    )
    expect(rows()[1]!.data).toBeNull()
  })

  test("says which inference made it, and why that one, where its shadow does", () => {
    const { run, rows } = record()
    run.aside(["a"], 0, args, { ...guess, ran: RAN })
    run.aside(["a"], 0, args, { ...guess, ran: null })
    const why = [1, 2].map((i) => openEntry(rows()[i]!.entry).body).map((b) => b.kind === "guess" && b.why)
    expect(why).toEqual([RAN, null])
  })

  test("that was not made has a reason and nothing else", () => {
    const { run, rows } = record()
    run.aside(["a"], 0, args, { kind: "no guess", why: "support" })
    expect(openEntry(rows()[1]!.entry).body).toMatchObject({ verdict: "off", why: "support", by: null, outcome: null })
  })

  test("in a salted store shows neither what was asked nor what was guessed", () => {
    const { run, rows, chain } = record(undefined, true)
    run.aside(["a"], 0, args, guess)
    const row = rows()[1]!
    expect(openEntry(row.entry).body).toMatchObject({ input: null, outcome: null, verdict: "wrong" })
    expect(openRow(row).body).toMatchObject({ verdict: "wrong", input: expect.any(Uint8Array) })
    expect(verdict(chain()).ok).toBe(true)
  })
})

test("a read that was called in vain is in the bill", () => {
  const meter = new Meter(clock, { budget: { calls: 9 } })
  const { run, rows, chain } = record(meter)
  const charge = new Charge()
  meter.begin(["a"])
  run.aside(["a"], 0, args, { kind: "discarded", on: [["b"], ["c", 2]], attempts: 1, charge })
  const { body } = openEntry(rows()[1]!.entry)
  expect(body).toMatchObject({ kind: "discarded", path: ["a"], on: [["b"], ["c", 2]], attempts: 1 })
  // One call, and the arguments' bytes.
  expect(body.kind === "discarded" && body.spent!.slice(0, 2)).toEqual([1, 4])
  expect(openHistory(chain(), { digest: sha256, space: "", run: "r" }).spent).toMatchObject({ calls: 1, bytes: 4 })
})

test("the trace and what a resumed run knows are the same without", () => {
  const traces = [false, true].map((aside) => {
    const { run, chain } = record()
    if (aside) run.aside(["a"], 0, args, guess)
    run.read(["a"], 0, args, 1, 1)
    if (aside) run.aside(["a"], 0, args, { kind: "discarded", on: [], attempts: 1, charge: undefined })
    const { trace } = run.end(1) as { readonly trace: string }
    expect(verdict(chain()).ok).toBe(true)
    const { known, open, waits } = openHistory(chain(), { digest: sha256, space: "", run: "r" })
    const outcomes = [...known.values()].map(({ path, data }) => [path, decode(data)])
    return [trace, outcomes, open.size, waits.size]
  })
  expect(traces[1]).toEqual(traces[0]!)
})

test("only reads have any, and nothing is recorded after the end", () => {
  const { run } = record()
  expect(() => run.aside(["a"], 5, args, guess)).toThrow("extern 5 is not of this plan")
  run.end(fail("Over", "over"))
  expect(() => run.aside(["a"], 0, args, guess)).toThrow("it has ended")
})

describe("room for calls that may not be needed", () => {
  test("is there while less than half of every budget is used", () => {
    const meter = new Meter(clock, { budget: { calls: 4, bytes: 100 } })
    expect(meter.room).toBe(true)
    meter.begin([])
    expect(meter.room).toBe(true)
    meter.begin([])
    expect(meter.room).toBe(false)
    const bytes = new Meter(clock, { budget: { bytes: 100 } })
    bytes.count({ bytes: 49 }, new Charge())
    expect(bytes.room).toBe(true)
    bytes.count({ bytes: 1 }, new Charge())
    expect(bytes.room).toBe(false)
  })
  test("without a budget there always is, until the run is stopped", () => {
    const meter = new Meter(clock)
    for (let i = 0; i < 100; i++) meter.begin([])
    expect(meter.room).toBe(true)
    meter.expire([])
    expect(meter.room).toBe(false)
  })
})
