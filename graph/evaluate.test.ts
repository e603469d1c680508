// The reference evaluator: the truth tables of && and || with failures on either side, bounds that nothing forgives,
// failures with what they say, and names that are asked for only where they are free.
import { describe, expect, test } from "bun:test"
import { parseCel } from "./cel.ts"
import { access, callCost, evaluate } from "./evaluate.ts"
import { randomExpr, valuesOfScope } from "./expr.sample.ts"
import { call, type Expr, freeNames, lit, ref } from "./expr.ts"
import { Failure } from "./failure.ts"
import { Random } from "./random.sample.ts"
import { sameValue, type Value } from "./value.ts"

function parsed(source: string): Expr {
  const p = parseCel(source)
  if ("problems" in p) throw new Error(`${source}: ${p.problems[0]!.message}`)
  return p.expr
}
function outcome(e: Expr, env: (name: string) => Value = () => null, fuel = { left: 1e6 }): Value | Failure {
  try {
    return evaluate(e, env, fuel)
  } catch (f) {
    if (f instanceof Failure) return f
    throw f
  }
}
const told = (source: string, env: { readonly [name: string]: Value } = {}): unknown => {
  const o = outcome(parsed(source), (n) => env[n]!)
  return o instanceof Failure ? `${o.code}: ${o.message}` : o
}

describe("&& and ||", () => {
  // t, f, a failure, and a value that is no boolean, which is a failure too.
  const sides = { t: lit(true), f: lit(false), e: parsed("[][0]"), x: lit(1) } as const
  type Side = keyof typeof sides
  const tables: { readonly [op in "and" | "or"]: { readonly [pair: string]: unknown } } = {
    and: {
      tt: true,
      tf: false,
      ft: false,
      ff: false,
      te: "Missing",
      et: "Missing",
      fe: false,
      ef: false,
      ee: "Missing",
    },
    or: { tt: true, tf: true, ft: true, ff: false, te: true, et: true, fe: "Missing", ef: "Missing", ee: "Missing" },
  }
  for (const [op, table] of Object.entries(tables)) {
    for (const [pair, want] of Object.entries(table)) {
      test(`${op} of ${pair}`, () => {
        const [left, right] = [sides[pair[0] as Side], sides[pair[1] as Side]]
        const o = outcome({ op: op as "and" | "or", left, right })
        expect(o instanceof Failure ? o.code : o).toBe(want as boolean)
      })
    }
  }
  test("what is no boolean is a mismatch, forgiven like any other", () => {
    expect(told("1 && true")).toBe("Mismatch: Cannot take the value: want boolean, found 1")
    expect(told("1 && false")).toBe(false)
    expect(told("1 || true")).toBe(true)
    expect(told("true && 1")).toBe("Mismatch: Cannot take the value: want boolean, found 1")
  })
  test("the left failure is the one that is told", () => {
    expect(told("[][0] && {}.a")).toContain("Cannot find 0")
    expect(told("{}.a || [][0]")).toContain(`Cannot find "a"`)
  })
  test("a bound is not forgiven", () => {
    const hungry = parsed("range(1000).map(x, range(1000)).size() > 0 || true")
    expect((outcome(hungry, () => null, { left: 5000 }) as Failure).code).toBe("Fuel")
    const large = parsed("range(2000000).size() > 0 || true")
    expect((outcome(large) as Failure).code).toBe("TooLarge")
    expect(told("range(0.5).size() > 0 || true")).toBe(true)
  })
})

describe("fuel", () => {
  test("is used up by every node and every element", () => {
    const fuel = { left: 100 }
    evaluate(parsed("1 + 2"), () => null, fuel)
    expect(fuel.left).toBeLessThan(100)
    expect(callCost("sum", [Array.from({ length: 500 }, () => 1)])).toBe(501)
    expect(callCost("==", ["x".repeat(6400), ""])).toBe(101)
  })
  test("ends four nested macros over 60 items at once", () => {
    const source = "xs.map(a, xs.map(b, xs.map(c, xs.map(d, a + b + c + d))))"
    const xs = Array.from({ length: 60 }, (_, i) => i)
    expect((outcome(parsed(source), () => xs, { left: 100_000 }) as Failure).code).toBe("Fuel")
  })
  test("the same expression uses the same fuel", () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const r = new Random(seed)
      const e = randomExpr(r, 4)
      const values = valuesOfScope(r)
      const [a, b] = [{ left: 1e6 }, { left: 1e6 }]
      const [x, y] = [outcome(e, (n) => values.get(n)!, a), outcome(e, (n) => values.get(n)!, b)]
      expect(a.left).toBe(b.left)
      expect(x instanceof Failure ? y instanceof Failure && x.message === y.message : sameValue(x, y as Value)).toBe(
        true,
      )
    }
  })
})

describe("what is not there", () => {
  const env = { r: { a: 1 }, xs: [1, 2], s: "text", nil: null, n: 5 }
  const cases: readonly (readonly [string, unknown])[] = [
    ["r.b", `Missing: Cannot find "b" in {a: 1}`],
    ["r.?b", null],
    ['r["a" + "b"]', `Missing: Cannot find "ab" in {a: 1}`],
    ["xs[2]", "Missing: Cannot find 2 in [1, 2]"],
    ["xs[-1]", "Missing: Cannot find -1 in [1, 2]"],
    ["xs[0.5]", "Missing: Cannot find 0.5 in [1, 2]"],
    ["xs[int64(1)]", 2],
    ["xs[?7]", null],
    ["nil.a", `Missing: Cannot find "a" in null`],
    ["nil.?a", null],
    ["nil[?0]", null],
    ["s.a", `Mismatch: Cannot take "a" of "text": it is no list, map or record`],
    ["s[?0]", `Mismatch: Cannot take 0 of "text": it is no list, map or record`],
    ['xs["a"]', `Mismatch: Cannot look up "a" in [1, 2]: want a whole number`],
    ["r[0]", "Mismatch: Cannot look up 0 in {a: 1}: want text"],
    ["has(n.a)", `Mismatch: Cannot look for "a" in 5: it is no record`],
    ["n.map(x, x)", "Mismatch: Cannot go over 5: want a list or a map"],
    ["n ? 1 : 2", "Mismatch: Cannot take the value: want boolean, found 5"],
    ["xs.filter(x, x)", "Mismatch: Cannot take the value: want boolean, found 1"],
    ['text(b"a")', "Mismatch: Cannot compute string(1 bytes): it does not take bytes"],
    ["r.constructor", `Missing: Cannot find "constructor" in {a: 1}`],
    ["r.toString", `Missing: Cannot find "toString" in {a: 1}`],
  ]
  for (const [source, want] of cases) test(source, () => expect(told(source, env)).toEqual(want))

  test("carries the key as data", () => {
    const missing = outcome(parsed("r.b"), () => ({})) as Failure
    expect(missing.data).toEqual({ name: "b" })
    expect((outcome(parsed("r[7]"), () => []) as Failure).data).toEqual({ name: 7 })
  })
  test("a value is shown short, however large it is", () => {
    const large = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, "x".repeat(100)]))
    try {
      access(large, "nope", false)
    } catch (f) {
      expect((f as Failure).message.length).toBeLessThan(130)
    }
  })
})

describe("macros", () => {
  const env = {
    xs: [3, 1, 2],
    m: { b: 2, a: 1 },
    rs: [
      { k: 2, v: "x" },
      { k: 1, v: "y" },
      { k: 2, v: "z" },
    ],
  }
  const cases: readonly (readonly [string, Value])[] = [
    ["xs.transformList(i, x, i * 10 + x)", [3, 11, 22]],
    ["xs.filter(i, x, i > 0)", [1, 2]],
    ["m.map(k, k)", ["a", "b"]],
    ["m.transformList(k, v, text(k, v))", ["a1", "b2"]],
    ["m.filter(k, v, v > 1)", [2]],
    ['m.all(k, v, v > 0 && k != "")', true],
    ["rs.sortBy(r, r.k).map(r, r.v)", ["y", "x", "z"]],
    ["rs.sumBy(r, r.k)", 5],
    ["[].sumBy(r, r.k)", 0],
    ["xs.map(x, xs.map(y, x * y).sum())", [18, 6, 12]],
    ["xs.exists_one(x, x == 2)", true],
  ]
  for (const [source, want] of cases) test(source, () => expect(told(source, env)).toEqual(want))

  test("ask the surroundings only for free names", () => {
    for (let seed = 1; seed <= 3000; seed++) {
      const r = new Random(seed)
      const e = randomExpr(r, 5)
      const values = valuesOfScope(r)
      const free = freeNames(e)
      outcome(e, (name) => {
        if (!free.has(name)) expect(`seed ${seed}: ${name}`).toBe("free")
        return values.get(name)!
      })
    }
  })
})

test("an unknown function is a failure, not a crash", () => {
  expect((outcome(call("nope", lit(1))) as Failure).code).toBe("Mismatch")
  expect((outcome(call("constructor", ref("x"))) as Failure).code).toBe("Mismatch")
})
