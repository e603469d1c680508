// Which failure a handler met: on record once, before what follows, and known again by whoever goes on or computes again.
import { expect, test } from "bun:test"
import { MemoryLedger } from "../deploy/ledger/memory.ts"
import { encode, fail, sha256 } from "../graph/mod.ts"
import { GrowingChain } from "./chain.ts"
import { openHistory } from "./history.ts"
import { Met } from "./met.ts"
import { replaying, resuming } from "./past.ts"

const store = new MemoryLedger({ entriesMax: 1e3 })
const options = { store, digest: sha256, clock: { now: () => 1 }, run: "r", space: "" }
const chain = new GrowingChain(options)
const data = encode({})
chain.append({ kind: "start", graph: "g", plan: "p", pins: null, input: sha256(data) }, data)
const history = () => openHistory(store.entries("", "r"), { digest: sha256, space: "", run: "r" })

test("the failure that was met is told from another; where none is on record none is another", () => {
  new Met(chain, sha256, undefined).keep(["shop", 2], fail("Late", "No answer", { data: { ms: 5 } }))
  for (const past of [resuming(history()), replaying(history())]) {
    const known = new Met(chain, sha256, past)
    expect(known.isOther(["shop", 2], fail("Late", "Said otherwise", { data: { ms: 5 } }))).toBe(false)
    expect(known.isOther(["shop", 2], fail("Late", "No answer", { data: { ms: 6 } }))).toBe(true)
    expect(known.isOther(["shop", 2], fail("Early", "No answer", { data: { ms: 5 } }))).toBe(true)
    expect(known.isOther(["shop", 3], fail("Early", "No answer"))).toBe(false)
  }
  expect(new Met(chain, sha256, undefined).isOther(["shop", 2], fail("Early", "No answer"))).toBe(false)
})

test("it goes on record once", () => {
  const before = history().head.seq
  new Met(chain, sha256, resuming(history())).keep(["shop", 2], fail("Late", "No answer"))
  expect(history().head.seq).toBe(before)
  new Met(chain, sha256, resuming(history())).keep(["shop", 3], fail("Late", "No answer"))
  expect(history().head.seq).toBe(before + 1)
})

test("a run that takes over outcomes of another meets what comes", () => {
  const past = { ...resuming(history()), how: "taken", met: new Map() } as const
  expect(new Met(chain, sha256, past).isOther(["shop", 2], fail("Early", "No answer"))).toBe(false)
})
