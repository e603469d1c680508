// Validators at work, from the registration to the answer: on reads, writes and pure calls, at once and later, with the
// whole engine behind them. What they refuse is a failure that a graph can catch; what they say is on record.
import { describe, expect, test } from "bun:test"
import { compile } from "../compile/mod.ts"
import { MemoryLedger } from "../deploy/ledger/memory.ts"
import { Engine, systemChance, systemClock } from "../deploy/mod.ts"
import { checkFile } from "../graph/file/mod.ts"
import { printProblemShort, registry, type Validator, validated } from "../graph/mod.ts"
import { AdmissionError, type Demands } from "../kernel/mod.ts"
import { say } from "./say.ts"

const clock = { ...systemClock, sleep: async () => {} }
async function running(
  effect: string,
  n: number,
  validators: readonly Validator[],
  more: { readonly demands?: Demands; readonly settings?: string; readonly patient?: boolean } = {},
) {
  const text = `graph: g\ninput: { n: number }\nnodes:\n  a: { say: ${effect}, n: input.n${more.settings ?? ""} }\noutput: a\n`
  const kinds = registry(validated(say, () => validators))
  const { checked, problems } = checkFile({ file: "g.graph.yaml", text }, { registry: kinds })
  expect(problems.map(printProblemShort)).toEqual([])
  const store = new MemoryLedger()
  const engine = new Engine({
    registry: kinds,
    services: { clock: more.patient === true ? systemClock : clock, chance: systemChance },
    store,
    ...(more.demands ? { demands: more.demands } : {}),
  })
  const ready = await engine.prepare(compile(checked!).bytes, { grants: [] })
  const runs = [await ready.run({ n }), await ready.run({ n })]
  await engine.close()
  return runs.map((r) => (r.outcome.ok ? r.outcome.value : `${r.outcome.failure.code} at ${r.outcome.failure.path}`))
}

const property: Validator = { level: "property", about: "is at least 0", holds: (answer) => (answer as number) >= 0 }
const later: Validator = {
  level: "oracle",
  about: "a second look",
  by: "code:second",
  check: async (answer) => (answer as number) !== 7,
}
const exact: Validator = { level: "exact", about: "what was asked for", reference: (args) => (args as { n: number }).n }
const hangs: Validator = {
  level: "oracle",
  about: "one that never answers",
  by: "server:slow",
  timeoutMs: 5,
  check: () => new Promise<boolean>(() => {}),
}
const throws: Validator = {
  level: "property",
  about: "one that breaks",
  holds: () => {
    throw new RangeError("broken")
  },
}

describe("an answer counts only past its validators", () => {
  const refused = "Mismatch at a"
  for (const effect of ["pure", "read", "write"]) {
    for (const settings of ["", ", retry: 2", ...(effect === "read" ? [", cache: 10m"] : [])]) {
      test(`${effect}${settings}`, async () => {
        const run = (n: number, ...validators: Validator[]) => running(effect, n, validators, { settings })
        expect(await run(1, property)).toEqual([1, 1])
        expect(await run(-1, property)).toEqual([refused, refused])
        expect(await run(100, property, exact)).toEqual([100, 100])
        const twice: Validator = { level: "exact", about: "double", reference: (args) => 2 * (args as { n: number }).n }
        expect(await run(100, twice)).toEqual([refused, refused])
        expect(await run(1, throws)).toEqual([refused, refused])
        expect(await running(effect, 1, [property, later], { settings, patient: true })).toEqual([1, 1])
        expect(await running(effect, 7, [property, later], { settings, patient: true })).toEqual([refused, refused])
        expect(await run(1, hangs)).toEqual([refused, refused])
      })
    }
  }
})

test("what an engine demands is demanded of every plan that it admits", async () => {
  expect(await running("write", 1, [property], { demands: { write: "property" } })).toEqual([1, 1])
  const refused = await running("write", 1, [property], { demands: { write: "exact" } }).catch(
    (cause: unknown) => cause,
  )
  expect(refused).toBeInstanceOf(AdmissionError)
  expect((refused as AdmissionError).message).toBe(
    [
      'Cannot admit plan "g":',
      "  a: its answer is validated at level property, and what this run demands of write is exact. " +
        'Install one where kind "say" is registered: validated(kind, () => [{ level: "exact", … }]).',
    ].join("\n"),
  )
})
