// What a call keeps on its way: given again in order and for the same question only, of the last attempt, until the call ends.
import { describe, expect, test } from "bun:test"
import { MemoryLedger } from "../deploy/ledger/memory.ts"
import { encode, hashValue, sha256, type Value } from "../graph/mod.ts"
import { GrowingChain } from "./chain.ts"
import { openHistory } from "./history.ts"
import { Parts } from "./parts.ts"
import { replaying, resuming } from "./past.ts"

const PATH = ["talk"]

function house() {
  const store = new MemoryLedger({ entriesMax: 1e4 })
  const options = { store, digest: sha256, clock: { now: () => 1 }, run: "r", space: "" }
  const chain = new GrowingChain(options)
  const data = encode({})
  chain.append({ kind: "start", graph: "g", plan: "p", pins: null, input: sha256(data) }, data)
  const history = () => openHistory(store.entries("", "r"), { digest: sha256, space: "", run: "r" })
  const parts = (past = resuming(history())) => new Parts("r", new GrowingChain(options, history().head), sha256, past)
  const keep = (n: number, asked: Value, value: Value) =>
    new Parts("r", chain, sha256, undefined).keep(PATH, n, asked, value, null)
  return { chain, history, parts, keep }
}

describe("parts of a call", () => {
  test("are given again in their order, and nothing for what is not on record", () => {
    const { keep, parts } = house()
    keep(0, "who?", { text: "me" })
    keep(1, "why?", null)
    const known = parts()
    expect(known.known(PATH, 0, "who?")).toEqual({ value: { text: "me" } })
    expect(known.known(PATH, 1, "why?")).toEqual({ value: null })
    expect(known.known(PATH, 2, "when?")).toBeUndefined()
    expect(known.known(["other"], 0, "who?")).toBeUndefined()
  })

  test("are those of the last attempt", () => {
    const { keep, parts } = house()
    keep(0, "a", 1)
    keep(1, "b", 2)
    keep(0, "a", 3)
    expect(parts().known(PATH, 0, "a")).toEqual({ value: 3 })
    expect(parts().known(PATH, 1, "b")).toBeUndefined()
  })

  test("for another question end the run's record, whatever comes after", () => {
    const { keep, parts } = house()
    keep(0, "a", 1)
    const known = parts()
    expect(() => known.known(PATH, 0, "b")).toThrow('Cannot go on with run "r": part 0 of talk asks for something else')
    expect(() => known.keep(PATH, 1, "c", 1, null)).toThrow("part 0 of talk")
  })

  test("are none of a replay's, of a run that takes over another's, nor of a call that has ended", () => {
    const { chain, keep, parts, history } = house()
    keep(0, "a", 1)
    expect(parts(replaying(history())).known(PATH, 0, "a")).toBeUndefined()
    expect(parts({ ...resuming(history()), how: "taken" }).known(PATH, 0, "a")).toBeUndefined()
    const data = encode(["ok", 1])
    const input = hashValue({})
    const read = { kind: "read", path: PATH, resource: null, input, outcome: sha256(data), message: null } as const
    chain.append({ ...read, attempts: 1, cachedMs: null, spent: null }, data)
    expect(history().parts.size).toBe(0)
  })

  test("out of order are no record", () => {
    for (const n of [1, 2]) {
      const { keep, history } = house()
      if (n === 2) keep(0, "a", 1)
      keep(n, "b", 1)
      expect(history).toThrow(`is part ${n} of talk, and part ${n - 1} is not there`)
    }
  })
})
