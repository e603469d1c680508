// CEL means what it means elsewhere: evaluation against the library's own evaluator as an independent reference, and the
// places where graphs differ on purpose. Patterns against JavaScript's where both have the syntax.
import "./patterns/mod.ts"
import { describe, expect, test } from "bun:test"
import { Environment } from "@marcbachmann/cel-js"
import { CORPUS, SCOPE } from "./cel.sample.ts"
import { parseCel } from "./cel.ts"
import { evaluate } from "./evaluate.ts"
import { call, type Expr, lit } from "./expr.ts"
import { Failure } from "./failure.ts"
import { printLiteral } from "./literal.ts"
import type { Value } from "./value.ts"

function parsed(source: string): Expr {
  const p = parseCel(source)
  if ("problems" in p) throw new Error(`${source}: ${p.problems.map((x) => x.message).join(" ")}`)
  return p.expr
}

describe("agrees with the library's evaluator", () => {
  const environment = new Environment({
    enableOptionalTypes: true,
    unlistedVariablesAreDyn: true,
    homogeneousAggregateLiterals: false,
  })

  /** A result of the library in our terms: ints are numbers. */
  function ours(v: unknown): Value {
    if (typeof v === "bigint") return Number(v)
    if (Array.isArray(v)) return v.map(ours)
    if (v instanceof Uint8Array) return v.slice()
    if (v instanceof Map) return Object.fromEntries([...v].map(([k, x]) => [k, ours(x)]))
    if (typeof v === "object" && v !== null) return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, ours(x)]))
    return v as Value
  }
  const outcome = (run: () => Value): string => {
    try {
      return printLiteral(run())
    } catch (f) {
      return f instanceof Failure || (f instanceof Error && /EvaluationError|TypeError/.test(f.name))
        ? "fails"
        : `threw ${f}`
    }
  }

  test(`on enough expressions (${CORPUS.length}), all different`, () => {
    expect(new Set(CORPUS).size).toBe(CORPUS.length)
    expect(CORPUS.length).toBeGreaterThan(200)
  })
  for (const source of CORPUS) {
    test(source, () => {
      const theirs = outcome(() => ours(environment.parse(source)(SCOPE)))
      expect(outcome(() => evaluate(parsed(source), (n) => SCOPE[n]!))).toBe(theirs)
    })
  }
})

describe("where graphs differ from CEL on purpose", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["7 / 2", "3.5"], // numbers divide
    ["1 / 0", "Infinity"],
    ["1 % 0", "NaN"],
    ["1 == 1.0", "true"],
    ["n + 1", "4.5"], // a literal is a number
    ['[1, "a", null]', '[1, "a", null]'], // lists may mix
    ['yes ? 1 : "x"', "1"],
    ["r.?missing", "null"], // nothing found is null
    ["optional.none().orValue(1)", "1"],
    ["nil.?x.orValue(2)", "2"],
    ["has(nil.x)", "false"],
    ["xs[1.0]", "1"],
    ['size(n > 0.0 ? "ab" : "")', "2"],
    ["div(-7, 2)", "-3"],
    ["int64(7) / int64(2) == int64(3)", "true"],
    ['text("n = ", n, ", ", xs)', '"n = 3.5, [3,1,2]"'],
  ]
  for (const [source, want] of cases) {
    test(`${source} is ${want}`, () => expect(printLiteral(evaluate(parsed(source), (n) => SCOPE[n]!))).toBe(want))
  }
})

describe("patterns", () => {
  test("that would take a backtracking engine for ever end at once", () => {
    const hostile = ["(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*a){20}$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y"]
    const start = performance.now()
    for (const p of hostile) {
      const e = call("matches", lit(`${"a".repeat(5000)}!`), lit(p))
      expect(typeof evaluate(e, () => null)).toBe("boolean")
    }
    expect(performance.now() - start).toBeLessThan(20_000)
  })

  test("agree with JavaScript's where both have the syntax", () => {
    const patterns = ["a+b", "^a.c$", "[a-c]{2,3}", "(ab|cd)+", "\\d+", "\\bfoo\\b", "x?y*", "[^a]b", "(?i)AB", "é"]
    const subjects = ["aab", "abc", "a\nc", "abcd", "foo bar", "123", "xyyy", "cb", "Ab", "né", ""]
    for (const p of patterns) {
      const js = p.startsWith("(?i)") ? new RegExp(p.slice(4), "iu") : new RegExp(p, "u")
      for (const s of subjects) {
        expect([p, s, evaluate(call("matches", lit(s), lit(p)), () => null)]).toEqual([p, s, js.test(s)])
        expect([p, s, evaluate(call("find", lit(s), lit(p)), () => null)]).toEqual([p, s, js.exec(s)?.[0] ?? null])
      }
    }
  })
})
