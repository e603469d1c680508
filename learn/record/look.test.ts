/** What cannot teach is refused with the calls that show it; what can is given out once, on one side of the split. */
import { describe, expect, test } from "bun:test"
import { REDACTED, T, type Value } from "../../graph/mod.ts"
import type { CallOutcome, RecordedCall } from "./call.ts"
import { withoutSecrets } from "./call.ts"
import { casesOf, changedSince, isHeldOut, snapshotOf, splitCases } from "./cases.ts"
import { MemoryCallLog } from "./log.ts"
import { lookOver } from "./look.ts"

const TOOL = "fn:t"
const of = (args: Value, outcome: CallOutcome, version = "v1"): RecordedCall => {
  return { space: "", tool: TOOL, version, args, outcome, at: 0, ms: 1, source: "run" }
}
const gave = (args: Value, value: Value, version?: string) => of(args, { ok: true, value }, version)
const failed = (args: Value, code: string, data: Value = null) => of(args, { ok: false, code, message: "", data })
const logOf = (calls: Iterable<RecordedCall>) => {
  const log = new MemoryCallLog()
  for (const call of calls) log.add(call)
  return log
}
const squares = (n: number, version = "v1") => Array.from({ length: n }, (_, x) => gave({ x }, x * x, version))
const reasons = (calls: Iterable<RecordedCall>, more = {}) =>
  lookOver(logOf(calls), { tool: TOOL, ...more }).refusals.map((r) => r.reason)

describe("a look over calls", () => {
  test("passes a function with enough inputs", () => {
    const look = lookOver(logOf(squares(300)), { tool: TOOL })
    expect(look).toMatchObject({ calls: 300, inputs: 300, answers: 300, contradicted: 0, refusals: [], failures: {} })
    expect(look.ms).toEqual({ p50: 1, p99: 1 })
  })

  test("refuses nothing on record, too few, a constant, nothing but failures", () => {
    expect(reasons([])).toEqual(["no-calls"])
    expect(reasons(squares(199))).toEqual(["too-few"])
    const again = Array.from({ length: 10 }, () => squares(8)).flat()
    expect(lookOver(logOf(again), { tool: TOOL }).refusals.map((r) => r.message)).toEqual([
      expect.stringContaining("`cache:` on its nodes answers what was asked before"),
    ])
    expect(reasons(Array.from({ length: 300 }, (_, x) => gave({ x }, "ok")))).toEqual(["constant"])
    expect(reasons(Array.from({ length: 300 }, (_, x) => failed({ x }, "ToolError")))).toEqual(["only-failures"])
  })

  test("refuses a tool that is not deterministic, and shows the calls", () => {
    const look = lookOver(logOf([...squares(300), gave({ x: 7 }, 50)]), { tool: TOOL })
    expect(look.refusals.map((r) => r.reason)).toEqual(["not-deterministic"])
    expect(look.refusals[0]!.message).toContain('{"x":7} gave 49 (call 8), then 50 (call 301)')
    expect(look.contradictions[0]!.args).toEqual({ x: 7 })
    // An answer once and a failure of the tool at another time is a contradiction too.
    expect(reasons([...squares(300), failed({ x: 7 }, "ToolError")])).toEqual(["not-deterministic"])
  })

  test("the way to a tool may fail without a word about the tool", () => {
    const look = lookOver(logOf([...squares(300), failed({ x: 7 }, "Timeout"), failed({ x: 8 }, "Unreachable")]), {
      tool: TOOL,
    })
    expect(look.refusals).toEqual([])
    expect(look.failures).toEqual({ Timeout: 1, Unreachable: 1 })
  })

  test("0 and −0 are two inputs, and a failure's words are for people", () => {
    expect(reasons([...squares(300), gave({ x: -0 }, 1)])).toEqual([])
    const said = (message: string) => of({ x: -1 }, { ok: false, code: "ToolError", message, data: null })
    expect(reasons([...squares(300), said("at 10:01"), said("at 10:02")])).toEqual([])
  })

  test("the newest version counts; those before teach nothing", () => {
    const calls = [...squares(300, "v1"), ...squares(50, "v2")]
    const look = lookOver(logOf(calls), { tool: TOOL })
    expect(look.version).toBe("v2")
    expect(look.refusals[0]!.message).toContain("50 different inputs")
    expect(look.refusals[0]!.message).toContain("1 other versions are on record")
    expect(lookOver(logOf(calls), { tool: TOOL, version: "v1" }).refusals).toEqual([])
  })

  test("a shape that changes within one version is drift; one that comes and goes is not", () => {
    const text = Array.from({ length: 300 }, (_, x) => gave({ x: x + 300 }, `${x}`))
    const look = lookOver(logOf([...squares(300), ...text]), { tool: TOOL })
    expect(look.refusals.map((r) => r.reason)).toEqual(["drift"])
    expect(look.drift).toEqual([{ side: "answers", was: "number", became: "string", seq: 301 }])
    const mixed = Array.from({ length: 400 }, (_, x) => gave({ x }, x % 3 === 0 ? `${x}` : x))
    expect(reasons(mixed)).toEqual([])
  })

  test("inputs outside the schema are counted and left out", () => {
    const calls = [...squares(300), gave({ x: "seven" }, 49)]
    const log = logOf(calls)
    const input = T.record({ x: T.number })
    const look = lookOver(log, { tool: TOOL, input })
    expect(look).toMatchObject({ inputs: 300, outsideCalls: 1, refusals: [], outside: [{ args: { x: "seven" } }] })
    expect([...casesOf(log, { tool: TOOL, version: "v1", input })]).toHaveLength(300)
  })

  test("calls whose secrets were left out teach nothing", () => {
    const hidden = squares(300).map((c) => withoutSecrets(c, { input: [["x"]], output: [], words: [] }))
    expect(hidden[0]!.args).toEqual({ x: REDACTED })
    expect(reasons(hidden)).toContain("redacted")
  })
})

describe("cases", () => {
  test("give each input once, successes alone, of one version, up to a snapshot", () => {
    const log = logOf([...squares(10), ...squares(10), failed({ x: 99 }, "ToolError")])
    const snapshot = snapshotOf(log, TOOL)!
    log.add(gave({ x: 1_000 }, 0))
    const cases = [...casesOf(log, { ...snapshot })]
    expect(cases.map((c) => c.value)).toEqual(squares(10).map((c) => (c.outcome.ok ? c.outcome.value : null)))
    expect(changedSince(log, snapshot)).toBeUndefined()
    log.add(gave({ x: 1 }, 2, "v2"))
    expect(changedSince(log, snapshot)).toBe("v2")
    expect(snapshotOf(log, "fn:other")).toBeUndefined()
  })

  test("have int64 where the types say so: in bytes 5 is 5", () => {
    const log = logOf([gave({ x: 5, n: 5 }, { sum: 10 }), gave({ x: 6, n: 6, more: 1 }, { sum: "12" })])
    const input = T.record({ x: T.number, n: T.int64 })
    const output = T.record({ sum: T.int64 })
    const cases = [...casesOf(log, { tool: TOOL, version: "v1", input, output })]
    expect(cases.map(({ args, value }) => ({ args, value }))).toEqual([
      { args: { x: 5, n: 5n }, value: { sum: 10n } },
      // What would lose or change something is as it was.
      { args: { x: 6, n: 6, more: 1 }, value: { sum: "12" } },
    ])
  })

  test("the held-out part is a share of inputs, the same whoever asks and however often an input comes", () => {
    const cases = Array.from({ length: 4_000 }, (_, x) => ({ args: { x }, value: x, seq: x }))
    const { learn, heldOut } = splitCases(cases, { share: 0.25, salt: "a" })
    expect(learn.length + heldOut.length).toBe(4_000)
    expect(Math.abs(heldOut.length - 1_000)).toBeLessThan(120)
    expect(splitCases([...cases].reverse(), { share: 0.25, salt: "a" }).heldOut.toReversed()).toEqual([...heldOut])
    expect(splitCases(cases, { share: 0.25, salt: "b" }).heldOut).not.toEqual(heldOut)
    // What a field's order in the text was does not matter: canonical bytes decide.
    expect(isHeldOut({ a: 1, b: 2 }, { share: 0.5, salt: "s" })).toBe(
      isHeldOut({ b: 2, a: 1 }, { share: 0.5, salt: "s" }),
    )
    expect(splitCases(cases, { share: 0, salt: "" }).heldOut).toEqual([])
    expect(splitCases(cases, { share: 1, salt: "" }).learn).toEqual([])
  })
})

describe("a call without its secrets", () => {
  const call = of(
    { user: "ann", password: "hunter22", n: 1 },
    { ok: false, code: "ToolError", message: "wrong password hunter22", data: { text: "hunter22?" } },
  )
  test("has none of them, also not where the tool repeats one", () => {
    const copy = withoutSecrets(call, { input: [["password"]], output: [], words: [] })
    expect(JSON.stringify(copy)).not.toContain("hunter22")
    expect(copy.args).toEqual({ user: "ann", password: REDACTED, n: 1 })
  })
  test("nor a word that the host knows to be secret", () => {
    const copy = withoutSecrets(gave({ url: "https://x/?key=abcdef" }, ["abcdef"]), {
      input: [],
      output: [],
      words: ["abcdef"],
    })
    expect(JSON.stringify(copy)).not.toContain("abcdef")
  })
  test("is the very same where nothing is secret", () => {
    expect(withoutSecrets(call, { input: [], output: [], words: [] })).toBe(call)
  })
})
