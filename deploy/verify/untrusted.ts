/** Claims about code that nobody trusts: the sandbox holds it, and the hold-out gate lets only what is right stand in for a tool. */

import { admits, alphaOf, casesFor, Draw, errorBound, HoldOutGate, type Target } from "../../gate/mod.ts"
import { encode, hex, sameValue, T, Tensor, type Value } from "../../graph/mod.ts"
import { quickJsSandbox } from "../sandbox/quickjs.ts"
import { systemChance } from "../services/chance.ts"
import type { Checked, Claim, Depth } from "./claim.ts"

const program = (body: string): string => `export default (x) => { ${body} }`
/** A program, and what it has to end in: a reason to be stopped, or an answer. */
const ATTACKS: readonly (readonly [name: string, source: string, ends: string | { readonly value: Value }])[] = [
  ["a loop", program("for (;;);"), "fuel"],
  ["a search of 2^53 holes", program("Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)"), "fuel"],
  ["a catastrophic expression", program('/^(a+)+$/.test("a".repeat(40) + "!")'), "fuel"],
  ["growing integers", program("let n = 3n; for (;;) n *= n"), "fuel"],
  ["a catch around a loop", program("for (;;) { try { for (;;); } catch {} }"), "fuel"],
  ["a heap of bytes", program("const a = []; for (;;) a.push(new Uint8Array(1e5))"), "memory"],
  ["a buffer of 1 GiB", program("return new Uint8Array(2 ** 30)"), "memory"],
  ["a function that calls itself", program("const f = () => f() + 1; return f()"), "stack"],
  ["JSON nested too deep", program('return JSON.parse("[".repeat(1e5))'), "stack"],
  ["a long answer", program('return "x".repeat(2e5)'), "output"],
  ["a cycle", program("const a = []; a.push(a); return a"), "depth"],
  ["a getter that never ends", program("return { get a() { for (;;); } }"), "fuel"],
  ["an exception that is a trap", program("throw { get message() { for (;;); } }"), "fuel"],
  ["a promise that never settles", program("return new Promise(() => {})"), "pending"],
  ["a function", program("return () => 1"), "not-a-value"],
  ["code from text", program("return (() => {}).constructor('return 1')()"), "threw"],
  ["a module of the host", 'import fs from "node:fs"\nexport default (x) => x', "source"],
  [
    "the host by name",
    program(
      'return ["process", "Bun", "Deno", "fetch", "require", "Date", "eval", "setTimeout"].filter((n) => n in globalThis)',
    ),
    { value: [] },
  ],
  ["chance", program("return typeof Math.random"), { value: "undefined" }],
  ["state between calls", "let n = 0; export default () => ++n", { value: 1 }],
  [
    "our functions replaced",
    'JSON.stringify = JSON.parse = () => "=forged"; export default (x) => ({ a: 1 })',
    { value: { a: 1 } },
  ],
]

async function held(): Promise<Checked> {
  const sandbox = quickJsSandbox()
  const wrong: string[] = []
  for (const [name, source, ends] of ATTACKS) {
    const limits = { fuel: 10_000_000, memoryBytes: 8 << 20, outputBytes: 100_000 }
    const loaded = await sandbox.load(source, limits)
    const answers = loaded.ok ? [loaded.program.call(null), loaded.program.call(null)] : [loaded, loaded]
    for (const got of answers) {
      const as = typeof ends === "string" ? !got.ok && got.why === ends : got.ok && sameValue(got.value, ends.value)
      if (!as) wrong.push(`${name}: ${got.ok ? "answered" : got.why}`)
    }
    if (answers[0]!.fuel !== answers[1]!.fuel) wrong.push(`${name}: twice the same call took another amount of fuel`)
  }
  return { tried: ATTACKS.length, what: "attacks", how: "every", wrong }
}

async function crossed({ thorough, seed }: Depth): Promise<Checked> {
  const draw = new Draw(seed)
  const wrong: string[] = []
  const loaded = await quickJsSandbox().load("export default (x) => x")
  if (!loaded.ok) return { tried: 1, what: "values", how: "sample", wrong: [loaded.message] }
  const types = [T.unknown, T.int64, T.number, T.list(T.unknown), T.tensor("f32", [3]), T.bytes]
  const values: Value[] = [new Tensor("u8", [0], new Uint8Array(0)), -0, Number.NaN, 2n ** 63n - 1n, { $n: 1 }]
  for (let i = 0; i < (thorough ? 20_000 : 2_000); i++) values.push(draw.value(draw.pick(types)))
  for (const value of values) {
    const got = loaded.program.call(value)
    if (!got.ok || !sameValue(got.value, value)) wrong.push(`${hex(encode(value)).slice(0, 60)} came back otherwise`)
  }
  return { tried: values.length, what: "values", how: "sample", wrong }
}

/** Half a tool of its own in each: one that is right, and ways to be wrong or to cheat. */
const DOUBLE: Target = { name: "double", input: T.number, output: T.number, oracle: (x) => (x as number) * 2 }
const CANDIDATES: readonly (readonly [name: string, body: string, outcome: string])[] = [
  ["the right one", "return x + x", "admitted"],
  ["one that is right otherwise", "return -(-x * 2)", "admitted"],
  ["off in the last bit", "return x + x * (1 + Number.EPSILON)", "rejected"],
  ["wrong on one case in fifty", "return Math.trunc(x) % 50 === 7 ? 0 : x + x", "rejected"],
  ["wrong above a million", "return x > 1e6 ? 0 : x + x", "rejected"],
  ["a table", "return ({ 0: 0, 1: 2, 2: 4, '-1': -2, '0.5': 1 })[x]", "rejected"],
  ["a constant", "return 0", "rejected"],
  ["a clock", "return Date.now() > 0 ? x + x : 0", "rejected"],
  ["chance", "return Math.random() < 2 ? x + x : 0", "rejected"],
  ["a look for the oracle", "return globalThis.oracle(x)", "rejected"],
  ["a score of its own", "return { outcome: 'admitted', wrong: 0 }", "rejected"],
  ["a loop", "for (;;);", "rejected"],
]

async function gated({ thorough, seed }: Depth): Promise<Checked> {
  const kept = new Map<string, number>()
  const sandbox = quickJsSandbox()
  const gate = new HoldOutGate({
    chance: systemChance,
    load: (candidate, limits) => sandbox.load(new TextDecoder().decode(candidate), limits),
    book: { last: (target) => kept.get(target) ?? 0, keep: (target, n) => void kept.set(target, n) },
  })
  const wrong: string[] = []
  const submit = async (target: Target, source: string, want: string, name: string) => {
    const bytes = new TextEncoder().encode(source)
    const verdict = await gate.submit(target, bytes)
    const usable = admits(verdict, target.name, bytes) || admits({ ...verdict }, target.name, bytes)
    if (verdict.outcome !== want || usable !== (want === "admitted")) wrong.push(`${name}: ${verdict.message}`)
    if (want === "admitted" && (verdict.cases < 2995 || verdict.bound! > 0.001))
      wrong.push(`${name}: ${verdict.message}`)
  }
  for (const [name, body, outcome] of CANDIDATES) await submit(DOUBLE, program(body), outcome, name)
  await submit({ ...DOUBLE, name: "dull", oracle: () => 7 }, program("return 7"), "no verdict", "a placebo that passes")
  const loose: Target = { ...DOUBLE, name: "loose", same: () => true }
  await submit(loose, program("return 0"), "no verdict", "a comparison that takes anything")
  const draw = new Draw(seed)
  const tables = thorough ? 300 : 20
  for (let i = 0; i < tables; i++) {
    const cases = Array.from({ length: draw.between(1, 200) }, () => draw.number()).filter(Number.isFinite)
    const rows = cases.map((x) => `[${x}, ${x * 2}]`).join(", ")
    const source = `const T = new Map([${rows}]); export default (x) => T.get(x) ?? ${draw.pick(["0", "null", "x", "NaN"])}`
    await submit(DOUBLE, source, "rejected", `table ${i}`)
  }
  return { tried: CANDIDATES.length + 2 + tables, what: "candidates", how: "every", wrong }
}

/** The bounds that verdicts print, against their definition. */
async function bounds(): Promise<Checked> {
  const wrong: string[] = []
  if (casesFor(0.001, 0.05) !== 2995) wrong.push(`0.1 % at 95 % takes ${casesFor(0.001, 0.05)} cases, not 2,995`)
  // Clopper and Pearson's bounds, as quantiles of the beta distribution.
  const known = [
    [1, 10, 0.05, 0.39416330243650466],
    [5, 100, 0.025, 0.11283491110546275],
    [50, 1000, 0.05, 0.06286340351237973],
  ] as const
  for (const [k, n, alpha, want] of known)
    if (Math.abs(errorBound(k, n, alpha) - want) > 1e-12) wrong.push(`${k} wrong in ${n}: ${errorBound(k, n, alpha)}`)
  let spent = 0
  for (let m = 1; m <= 100_000; m++) spent += alphaOf(m)
  if (!(spent < 0.05)) wrong.push(`100,000 submissions may err with ${spent} together`)
  return { tried: known.length + 2, what: "known bounds", how: "every", wrong }
}

export const UNTRUSTED: readonly Claim[] = [
  {
    name: "sandbox",
    says: "Untrusted code ends within its bounds, reaches nothing of the host and keeps nothing between calls.",
    check: held,
  },
  { name: "values across", says: "A value comes out of the sandbox as it went in.", check: crossed },
  {
    name: "hold-out gate",
    says: "What is right is admitted on 2,995 cases or more; near misses, tables and probes are not, and weak tests give no verdict.",
    check: gated,
  },
  {
    name: "bounds of verdicts",
    says: "The bound of a verdict is the exact binomial one, over all submissions.",
    check: bounds,
  },
]
