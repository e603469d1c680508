// The table of operators and functions, exhaustively: every builtin on every tuple of types, where typing and meaning have
// to agree; every documented example; arithmetic against BigInt and IEEE facts; order, equality and their laws.
import { describe, expect, test } from "bun:test"
import "./patterns/mod.ts"
import { accept } from "./accept.ts"
import { equal, keyOf, less, order } from "./builtins/compare.ts"
import { WORDS } from "./builtins/words.ts"
import { compare, type Row } from "./builtins.sample.ts"
import { BUILTINS, resolve } from "./builtins.ts"
import { parseCel, printCel } from "./cel.ts"
import { evaluate } from "./evaluate.ts"
import { Failure } from "./failure.ts"
import { printLiteral } from "./literal.ts"
import { Random, randomNumber, randomText, randomValue } from "./random.sample.ts"
import { printType, T, type Type } from "./type.ts"
import { sameValue, Tensor, type Value } from "./value.ts"

function value(source: string): Value {
  const p = parseCel(source)
  if ("problems" in p) throw new Error(`${source}: ${p.problems[0]!.message}`)
  return evaluate(p.expr, () => null)
}
function code(source: string): string {
  try {
    return printLiteral(value(source))
  } catch (f) {
    if (f instanceof Failure) return f.code
    throw f
  }
}

describe("documented examples", () => {
  for (const b of BUILTINS.values()) {
    const { about, example } = WORDS[b.name]!
    const [source = "", want = ""] = example.split(" → ")
    test(example, () => {
      expect(sameValue(value(source), value(want))).toBe(true)
      expect(source.includes(b.name) || b.name === "neg").toBe(true)
      expect(about).toMatch(/[.?]$/)
    })
  }
  test("are of each, and of nothing else", () => {
    expect(Object.keys(WORDS).sort()).toEqual([...BUILTINS.keys()].sort())
  })
  test("are printed as they are documented", () => {
    for (const b of BUILTINS.values()) {
      const p = parseCel(WORDS[b.name]!.example.split(" → ")[0]!)
      if (!("expr" in p)) throw new Error(b.name)
      const again = parseCel(printCel(p.expr))
      expect("expr" in again && printCel(again.expr)).toBe(printCel(p.expr))
    }
  })
})

/** A type with values of it; none is empty, so that what a list holds shows. */
const SAMPLES: readonly (readonly [Type, readonly Value[]])[] = [
  [T.null, [null]],
  [T.boolean, [true, false]],
  [T.number, [0, -1.5, 3, Number.NaN]],
  [T.int64, [0n, -7n, 2n ** 63n - 1n]],
  [T.string, ["", "12", "é,x"]],
  [T.enum("true", "b"), ["true", "b"]],
  [T.bytes, [new Uint8Array([1, 200])]],
  [T.list(T.number), [[1, 2]]],
  [T.list(T.int64), [[5n, -(2n ** 63n)]]],
  [T.list(T.string), [["b", "a"]]],
  [T.list(T.boolean), [[true]]],
  [T.list(T.list(T.number)), [[[1], [2]]]],
  [T.list(T.record({ key: T.string, value: T.number })), [[{ key: "k", value: 1 }]]],
  [T.map(T.number), [{ a: 1, b: 2 }]],
  [T.record({ a: T.number, c: T.string }), [{ a: 1, c: "x" }]],
  [T.tensor("u8", [1]), [new Tensor("u8", [1], new Uint8Array(1))]],
  [T.union(T.number, T.null), [null, 2]],
  [T.union(T.string, T.number), ["x", 2]],
  [T.unknown, [null, 1, 1n, "x", [1], { a: 1 }]],
]

describe("typing and meaning agree on every tuple of types", () => {
  for (const b of BUILTINS.values()) {
    const arities = new Set(b.overloads.flatMap((o) => [o.params.length, ...(o.rest ? [o.params.length + 1] : [])]))
    test(`${b.name} (${[...arities].join(", ")})`, () => {
      for (const n of arities) {
        const rows: readonly Row[] = compare(b, n, SAMPLES)
        for (const { types, args, resolved, outcome } of rows) {
          const where = `${b.name}(${args.map(printLiteral).join(", ")}) : (${types.map(printType).join(", ")})`
          if (resolved === undefined) {
            if (!(outcome instanceof Failure))
              expect(`${where} = ${printLiteral(outcome)}`).toBe("refused, as its types are")
          } else if (outcome instanceof Failure) {
            if (resolved.fits === "yes" && !resolved.fails) expect(`${where} ${outcome.message}`).toBe("total")
            if (resolved.fits === "yes" && outcome.code === "Mismatch")
              expect(`${where} ${outcome.message}`).toBe("taken")
          } else {
            const taken = accept(resolved.type)(outcome)
            const kept = taken === outcome || Number.isNaN(taken)
            if (!kept) expect(`${where} = ${printLiteral(outcome)}`).toBe(printType(resolved.type))
          }
        }
      }
    })
  }

  test("total says that no overload fails", () => {
    for (const b of BUILTINS.values()) expect(b.total).toBe(!b.overloads.some((o) => o.fails))
  })
  test("every number of arguments that no overload has is refused", () => {
    for (const b of BUILTINS.values()) {
      for (const n of [0, 4, 5]) {
        if (b.overloads.some((o) => o.rest !== undefined) && n > 0) continue
        expect(
          resolve(
            b,
            Array.from({ length: n }, () => T.unknown),
          ),
        ).toBe(undefined)
        expect(() => b.apply(Array.from({ length: n }, () => 1))).toThrow(Failure)
      }
    }
  })
})

describe("int64", () => {
  const numbers = [
    0n,
    1n,
    -1n,
    2n,
    3n,
    2n ** 31n,
    -(2n ** 32n),
    2n ** 53n,
    2n ** 62n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    -(2n ** 63n) + 1n,
  ]
  const fits = (n: bigint) => BigInt.asIntN(64, n) === n
  const exact: Readonly<Record<string, (a: bigint, b: bigint) => bigint | string>> = {
    "+": (a, b) => a + b,
    "-": (a, b) => a - b,
    "*": (a, b) => a * b,
    "/": (a, b) => (b === 0n ? "DivideByZero" : a / b),
    "%": (a, b) => (b === 0n ? "DivideByZero" : a % b),
    div: (a, b) => (b === 0n ? "DivideByZero" : a / b),
  }
  for (const [name, run] of Object.entries(exact)) {
    test(`${name} is exact or fails, never wraps`, () => {
      for (const a of numbers) {
        for (const b of numbers) {
          const want = run(a, b)
          let got: Value
          try {
            got = BUILTINS.get(name)!.apply([a, b])
          } catch (f) {
            got = (f as Failure).code
          }
          expect([a, b, got]).toEqual([a, b, typeof want === "bigint" && !fits(want) ? "Overflow" : want])
        }
      }
    })
  }

  test("compares with numbers exactly", () => {
    expect(code("int64(9007199254740993) > 9007199254740992.0")).toBe("true")
    expect(code("int64(9007199254740993) == 9007199254740992.0")).toBe("false")
    expect(code("int64(3) == 3")).toBe("true")
    expect(code("int64(3) < 3.5")).toBe("true")
    expect(code("int64(1) < NaN")).toBe("false")
  })

  test("does not mix with numbers", () => {
    for (const fn of ["+", "-", "*", "/", "%"]) expect(() => BUILTINS.get(fn)!.apply([1n, 1])).toThrow(Failure)
    for (const source of ["max(int64(1), 2)", "[int64(1), 2].sum()", "clamp(int64(1), 0, 2)", "div(int64(1), 1)"]) {
      expect(code(source)).toBe("Mismatch")
    }
  })
})

describe("numbers", () => {
  test("follow IEEE where integers would fail", () => {
    const facts = [
      ["1 / 0", "Infinity"],
      ["-1 / 0", "-Infinity"],
      ["0 / 0", "NaN"],
      ["5 % 0", "NaN"],
      ["-7 % 3", "-1"],
      ["0 == -0", "true"],
      ["NaN == NaN", "false"],
      ["NaN != NaN", "true"],
      ["NaN < 1 || NaN >= 1", "false"],
      ["[NaN] == [NaN]", "false"],
      ["0.1 + 0.2", "0.30000000000000004"],
      ["div(1, 0)", "DivideByZero"],
      ["div(-7, 2)", "-3"],
      ["div(7.9, 2)", "3"],
    ]
    for (const [source, want] of facts) expect([source, code(source!)]).toEqual([source, want])
  })

  test("round halves away from zero, and exactly with digits", () => {
    const facts = [
      ["round(2.5)", "3"],
      ["round(-2.5)", "-3"],
      ["round(0.49999999999999994)", "0"],
      ["round(4503599627370495.5)", "4503599627370496"],
      ["round(0.125, 2)", "0.13"],
      ["round(-0.125, 2)", "-0.13"],
      ["round(1.005, 2)", "1"], // the float64 is below 1.005
      ["round(1e300, 2)", "1e+300"],
      ["round(NaN, 2)", "NaN"],
      ["round(1, 16)", "OutOfRange"],
      ["(1.005).fixed(2)", '"1.00"'],
      ["(18.4).fixed(2)", '"18.40"'],
      ['number("1e3")', "1000"],
      ['number(" -.5 ")', "-0.5"],
      ['number("0x10")', "BadNumber"],
      ['number("")', "BadNumber"],
      ['number("1_000")', "BadNumber"],
      ['int64("9223372036854775808")', "Overflow"],
      ["int64(1.5)", "BadNumber"],
      ["int64(NaN)", "BadNumber"],
      ['bool("yes")', "BadBoolean"],
      ["string(-0)", '"0"'],
      ["string(1e21)", '"1e+21"'],
    ]
    for (const [source, want] of facts) expect([source, code(source!)]).toEqual([source, want])
  })

  test("min, max and sort know NaN", () => {
    expect(code("max(1, NaN)")).toBe("NaN")
    expect(code("min([NaN, 1])")).toBe("NaN")
    expect(code("[3, NaN, 1].sort()")).toBe("[1, 3, NaN]")
    expect(code("[].min()")).toBe("Missing")
    expect(code("[].avg()")).toBe("Missing")
    expect(code("[].sum()")).toBe("0")
  })
})

describe("texts and bytes", () => {
  test("count code points and never cut one", () => {
    const facts = [
      ['"a\\U0001F418b".size()', "3"],
      ['"a\\U0001F418b".substring(1, 2)', '"🐘"'],
      ['"a\\U0001F418b".substring(-1)', '"b"'],
      ['"a\\U0001F418b".split("").size()', "3"],
      ['"a\\U0001F418b".indexOf("b")', "2"],
      ['"\\U0001F418".replace("", "-")', '"-🐘-"'],
      ['"aXbX".replace("X", "$&")', '"a$&b$&"'],
      ['utf8(b"\\xff")', "BadText"],
      ['unbase64("a")', "BadText"],
      ['unbase64("a=bc")', "BadText"],
      ['unhex("abc")', "BadText"],
      ['utf8(unbase64(base64("héllo")))', '"héllo"'],
      ['"ÄB".lowerAscii()', '"Äb"'],
      ['[1, true, "x"].join(",")', '"1,true,x"'],
      ["[[1]].join()", "Mismatch"],
    ]
    for (const [source, want] of facts) expect([source, code(source!)]).toEqual([source, want])
  })

  test("a pattern that is too long, too large or not RE2 is refused", () => {
    for (const p of ["(", "(?=a)", "\\1", "(a{1000}){1000}", "a".repeat(513), "(a{900}b{900}c{900}d{900}e{900})"]) {
      expect(code(`"x".matches(${JSON.stringify(p)})`)).toBe("BadPattern")
    }
  })

  test("nothing grows without bound", () => {
    const big = "x".repeat(1 << 20)
    const apply = (fn: string, ...args: Value[]) => {
      try {
        return typeof BUILTINS.get(fn)!.apply(args)
      } catch (f) {
        return (f as Failure).code
      }
    }
    expect(apply("replace", big, "x", big)).toBe("TooLarge")
    expect(apply("replace", big, "", big)).toBe("TooLarge")
    expect(
      apply(
        "join",
        Array.from({ length: 1000 }, () => "y"),
        big,
      ),
    ).toBe("TooLarge")
    expect(apply("range", 1e9)).toBe("TooLarge")
    expect(apply("range", -1e15, 1e15)).toBe("TooLarge")
    expect(apply("range", Number.POSITIVE_INFINITY)).toBe("OutOfRange")
    expect(apply("+", "x".repeat(1 << 26), "x")).toBe("TooLarge")
  })
})

describe("maps", () => {
  test("are gone over in code-point order, however they were built", () => {
    for (const m of ['{"b": 1, "a": 2, "10": 3, "9": 4}', '{"9": 4, "10": 3, "a": 2, "b": 1}']) {
      expect(code(`${m}.keys()`)).toBe('["10", "9", "a", "b"]')
      expect(code(`${m}.values()`)).toBe("[3, 4, 2, 1]")
      expect(code(`${m}.map(k, k)`)).toBe('["10", "9", "a", "b"]')
      expect(code(`${m}.transformList(k, v, v)`)).toBe("[3, 4, 2, 1]")
      expect(code(`toJson(${m})`)).toBe(printLiteral('{"10":3,"9":4,"a":2,"b":1}'))
    }
  })
  test("have each key once, and never __proto__", () => {
    expect(code('[{"key": "a", "value": 1}, {"key": "a", "value": 2}].fromEntries()')).toBe("DuplicateKey")
    expect(code('{("a" + "b"): 1, ("ab"): 2}')).toBe("DuplicateKey")
    expect(code('{("__pro" + "to__"): 1}')).toBe("BadKey")
    expect(code('[{"key": "__proto__", "value": 1}].fromEntries()')).toBe("BadKey")
    expect(code('json("{\\"__proto__\\": 1}")')).toBe("BadJson")
    expect(code('{"a": 1}["constructor"]')).toBe("Missing")
    expect(code('"toString" in {"a": 1}')).toBe("false")
    expect(code('{"toString": 1}.toString')).toBe("1")
  })
})

describe("laws of equality and order", () => {
  const r = new Random(17)
  const values = Array.from({ length: 150 }, () => randomValue(r, 1))
  const scalars = Array.from({ length: 200 }, () => (r.chance(0.5) ? randomNumber(r) : randomText(r)))

  test("equality is symmetric, and reflexive but for NaN", () => {
    for (const a of values) {
      expect(equal(a, a) || printLiteral(a).includes("NaN")).toBe(true)
      for (const b of values) if (equal(a, b) !== equal(b, a)) expect<unknown>([a, b]).toBe("symmetric")
    }
  })
  test("keys of distinct agree with equality, NaN apart", () => {
    for (const a of values) {
      for (const b of values) {
        const nan = `${printLiteral(a)}${printLiteral(b)}`.includes("NaN")
        if (!nan && equal(a, b) !== (keyOf(a) === keyOf(b))) expect<unknown>([a, b]).toBe("agreeing")
      }
    }
  })
  test("less is a strict order, and order is total and consistent with it", () => {
    for (const kind of ["number", "string"]) {
      const some = scalars.filter((x) => typeof x === kind)
      for (const a of some) {
        for (const b of some) {
          if (less(a, b) && less(b, a)) expect([a, b]).toEqual(["one", "way"])
          if (Math.sign(order(a, b)) !== -Math.sign(order(b, a))) expect([a, b]).toEqual(["anti", "symmetric"])
        }
      }
      const sorted = some.toSorted(order)
      for (let i = 1; i < sorted.length; i++) expect(less(sorted[i]!, sorted[i - 1]!)).toBe(false)
    }
  })
})
