/** What cannot become a shadow, from the log to the store: each refused by name, and nothing is kept of it. */
import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { hex, type Rec, sha256, T, type Value } from "../../graph/mod.ts"
import { type CallLog, LearnError, MemoryCallLog, type RecordedCall } from "../../learn/mod.ts"
import { type MakeOptions, makeShadow } from "./make.ts"
import { ShadowStore } from "./store.ts"

const folder = mkdtempSync(join(tmpdir(), "shadowgraph-make-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const call = (args: Value, value: Value, version = "1"): RecordedCall => ({
  ...{ space: "", tool: "t", version, args, at: 0, ms: 1, source: "run" },
  outcome: { ok: true, value },
})
function logOf(calls: readonly RecordedCall[]): CallLog {
  const log = new MemoryCallLog()
  for (const one of calls) log.add(one)
  return log
}
const many = (n: number, value: (i: number) => Value): RecordedCall[] =>
  Array.from({ length: n }, (_, i) => call({ x: i }, value(i)))
const odd = (args: Value): Value => (((args as Rec)["x"] as number) * 7) % 3 === 1
async function refused(
  log: CallLog,
  more: Partial<MakeOptions> = {},
  output = T.number as MakeOptions["tool"]["output"],
) {
  const tool: MakeOptions["tool"] = {
    ...{ tool: "t", version: "1", effect: "read", input: T.record({ x: T.number }), output },
    ask: async (args) => odd(args),
  }
  const training = { hidden: [16], steps: 200 }
  const failed = await makeShadow({ folder, log, tool, training, ...more }).catch((cause: unknown) => cause)
  expect(failed).toBeInstanceOf(LearnError)
  expect((await new ShadowStore(folder).all()).shadows).toEqual([])
  return `${(failed as LearnError).reason}: ${(failed as LearnError).message}`
}

test.each([
  ["no calls", [], "no-calls"],
  ["too few calls", many(50, (i) => i * i), "too-few"],
  ["a constant tool", many(400, () => 5), "constant"],
  ["two answers to one input", [...many(400, (i) => i * i), call({ x: 3 }, 10)], "not-deterministic"],
  ["a schema that drifts", [...many(300, (i) => i), ...many(600, (i) => `${i}`).slice(300)], "drift"],
  ["inputs outside of the schema", many(400, (i) => i).map((c) => ({ ...c, args: { y: c.args } })), "too-few"],
  ["another version", many(400, (i) => i * i).map((c) => ({ ...c, version: "2" })), "record calls of this one"],
] as const)("%s", async (_, calls, said) => {
  expect(await refused(logOf(calls))).toContain(said)
})

test("a tool that changes in the middle of the training", async () => {
  const log = logOf(many(2_500, (i) => i > 1_250))
  const onTraining = () => log.add(call({ x: 1 }, true, "2"))
  const training = { hidden: [64], steps: 1_500 }
  const said = await refused(log, { onTraining, training }, T.boolean)
  expect(said).toContain("is version 1 now, and the newest calls on record are of 2")
}, 60_000)

test("a hash, and answers that are NaN", async () => {
  const hash = (i: number) => hex(sha256(Uint8Array.of(i & 255, i >> 8))).slice(0, 2)
  expect(await refused(logOf(many(2_500, hash)), {}, T.string)).toContain("unlearnable")
  expect(await refused(logOf(many(2_500, (i) => (i % 2 === 0 ? Number.NaN : i))))).toMatch(/unlearnable|refused/)
}, 60_000)

test("a model that is damaged", async () => {
  const log = logOf(many(2_500, (i) => i * i))
  expect(await refused(log, { model: Uint8Array.of(1, 2, 3) })).toContain("training")
})
