// Validators of port types: what each type takes and makes of it, over every type and every kind of value; messages that
// name the place; the same object back when nothing changes; laws over random types.
import { describe, expect, test } from "bun:test"
import { accept, acceptStrict, accepts } from "./accept.ts"
import { Failure } from "./failure.ts"
import { parseType } from "./file/notation.ts"
import { Random, randomType, randomValue, valueOfType } from "./random.sample.ts"
import { printType, subtype, T, type Type } from "./type.ts"
import { DEPTH_MAX, decode, encode, isRecord, sameValue, Tensor, type Value } from "./value.ts"

function typed(notation: string): Type {
  const p = parseType(notation)
  if ("problems" in p) throw p.problems[0]
  return p.type
}
const told = (notation: string, v: unknown, take = accept): unknown => {
  try {
    return take(typed(notation))(v)
  } catch (f) {
    if (f instanceof Failure) return f.message
    throw f
  }
}

describe("scalars", () => {
  // Every scalar type on every kind of JavaScript value: what comes out, or nothing.
  const values: readonly unknown[] = [
    null,
    undefined,
    true,
    0,
    -0,
    1.5,
    Number.NaN,
    2 ** 53,
    7n,
    2n ** 60n,
    2n ** 64n,
    "",
    "12",
    "x",
    "\ud800",
  ]
  const no = undefined
  const tables: { readonly [type: string]: readonly unknown[] } = {
    null: [null, no, no, no, no, no, no, no, no, no, no, no, no, no, no],
    boolean: [no, no, true, no, no, no, no, no, no, no, no, no, no, no, no],
    number: [no, no, no, 0, -0, 1.5, Number.NaN, 2 ** 53, 7, 2 ** 60, 2 ** 64, no, no, no, no],
    int64: [no, no, no, 0n, 0n, no, no, no, 7n, 2n ** 60n, no, no, 12n, no, no],
    string: [no, no, no, no, no, no, no, no, no, no, no, "", "12", "x", "\ufffd"],
    bytes: values.map(() => no),
    "x | y": values.map((v) => (v === "x" ? "x" : no)),
    unknown: [null, no, true, 0, -0, 1.5, Number.NaN, 2 ** 53, 7n, 2n ** 60n, no, "", "12", "x", "\ufffd"],
    never: values.map(() => no),
    "[number]": values.map(() => no),
    "{ a: number }": values.map(() => no),
    "tensor<u8>": values.map(() => no),
  }
  for (const [notation, wanted] of Object.entries(tables)) {
    test(notation, () => {
      const type = notation === "never" ? T.never : typed(notation)
      for (const [i, v] of values.entries()) {
        const takes = accepts(type)(v)
        expect([v, takes]).toEqual([v, wanted[i] !== no])
        if (takes) expect([v, accept(type)(v)]).toEqual([v, wanted[i] as Value])
      }
    })
  }
  test("an int64 beyond 2^53 is no number when it would lose digits", () => {
    expect(told("number", 2n ** 53n + 1n)).toContain("a number would lose digits; the port may be an int64")
  })
})

describe("records", () => {
  test("fields that the type does not name are left out", () => {
    expect(told("{ a: number }", { a: 1, b: 2 })).toEqual({ a: 1 })
    expect(told("[{ a: number }]", [{ a: 1 }, { a: 2, b: 3 }])).toEqual([{ a: 1 }, { a: 2 }])
  })
  test("are refused where people type them, with the nearest name", () => {
    expect(told("{ weight_kg: number }", { weight_kg: 1, weigth_kg: 2 }, acceptStrict)).toBe(
      `Cannot take "weigth_kg": want no field "weigth_kg" (near "weight_kg") in { weight_kg: number }, found 2`,
    )
    expect(told("{ a: { b?: number } }", { a: { c: 1 } }, acceptStrict)).toContain(`Cannot take "a.c"`)
    expect(told("{ a: { b?: number } }", { a: { c: undefined } }, acceptStrict)).toEqual({ a: {} })
  })
  test("defaults are filled in, and count as null's meaning where null is not taken", () => {
    expect(told("{ a: number = 1, b?: string, c: string | null }", { c: null })).toEqual({ a: 1, c: null })
    expect(told("{ a: number = 1, b?: string, c: string | null }", { a: null, b: null, c: null })).toEqual({
      a: 1,
      c: null,
    })
    expect(told("{ b?: string | null }", { b: null })).toEqual({ b: null })
    expect(told("{ n: int64 = 5 }", {})).toEqual({ n: 5n })
    expect(told("{ a: { b: number = 2 } }", { a: {} })).toEqual({ a: { b: 2 } })
    const throughBytes = { kind: "record", fields: { n: { type: T.int64, default: decode(encode(5n)) } } } as const
    expect(accept(throughBytes)({})).toEqual({ n: 5n })
  })
  test("undefined is absent", () => {
    expect(Object.keys(told("{ a?: number, b: number }", { a: undefined, b: 1 }) as object)).toEqual(["b"])
    expect(Object.keys(told("unknown", { a: undefined, b: 1 }) as object)).toEqual(["b"])
    expect(told("{ a: number }", { a: undefined })).toBe(`Cannot take "a": want number, found nothing`)
  })
  test("names of Object.prototype are fields like any other", () => {
    expect(told("{ toString: number, constructor?: string }", { toString: 1 })).toEqual({ toString: 1 })
    expect(told("{ toString: number }", {})).toBe(`Cannot take "toString": want number, found nothing`)
    expect(told("{ valueOf?: number }", {})).toEqual({})
    expect(told(`{ "*": number }`, JSON.parse(`{"__proto__": 1}`))).toContain("__proto__")
    expect(told("unknown", JSON.parse(`{"a": {"__proto__": 1}}`))).toContain("__proto__")
    expect(told("{ a: number }", JSON.parse(`{"a": 1, "__proto__": {"b": 2}}`))).toEqual({ a: 1 })
  })
  test("an object of a class is a record of the fields named, and no value otherwise", () => {
    class Point {
      x = 1
      y = 2
      get sum() {
        return this.x + this.y
      }
    }
    const taken = told("{ x: number, sum: number }", new Point())
    expect(taken).toEqual({ x: 1, sum: 3 })
    expect(Object.getPrototypeOf(taken)).toBe(Object.prototype)
    for (const v of [
      new Point(),
      new Date(0),
      new Map(),
      /x/,
      new Error("x"),
      () => 1,
      Symbol("x"),
      new Float32Array(1),
      Promise.resolve(),
    ]) {
      expect(accepts(T.unknown)(v)).toBe(false)
      expect(accepts(T.map(T.unknown))(v)).toBe(false)
      expect(accepts(T.unknown)({ deep: [v] })).toBe(false)
    }
    expect(accepts(typed("{ a?: number }"))(new Date(0))).toBe(false)
    expect(accepts(T.unknown)(Object.create(null))).toBe(true)
  })
})

describe("bytes, tensors, unions", () => {
  test("a Buffer becomes plain bytes without a copy", () => {
    class Sub extends Uint8Array {}
    const sub = new Sub([1, 2, 3])
    const taken = told("bytes", sub) as Uint8Array
    expect(taken.constructor).toBe(Uint8Array)
    expect(taken.buffer).toBe(sub.buffer)
  })
  test("a tensor has the element type and the shape wanted", () => {
    const t = new Tensor("f32", [2, 3], new Uint8Array(24))
    for (const yes of ["tensor<f32>", "tensor<f32>[2, 3]", "tensor<f32>[?, 3]"]) expect(told(yes, t)).toBe(t)
    for (const not of ["tensor<f64>", "tensor<f32>[2]", "tensor<f32>[3, 2]"])
      expect(told(not, t)).toBe(`Cannot take the value: want ${not}, found tensor<f32>[2, 3]`)
  })
  test("a union takes the member that keeps the value as it is", () => {
    expect(told("int64 | number", 3)).toBe(3)
    expect(told("int64 | string", "3")).toBe("3")
    expect(told("int64 | null", "3")).toBe(3n)
    expect(told("int64 | number", 3n)).toBe(3n)
    expect(told("[number] | [int64]", [3n])).toEqual([3n])
    expect(told("{ a: number } | { a: number, b: number }", { a: 1, b: 2 })).toEqual({ a: 1, b: 2 })
    expect(told("{ a: number, c: string } | { a: number, b: number }", { a: 1, b: 2, x: 3 })).toEqual({ a: 1, b: 2 })
  })
  test("and says where the nearest member parts", () => {
    const pay = `{ kind: "card", no: string } | { kind: "cash", sum: number }`
    expect(told(pay, { kind: "cash", sum: "1" })).toBe(`Cannot take "sum": want number, found "1"`)
    expect(told(pay, { kind: "coin" })).toContain(`Cannot take "kind": want "card", found "coin"`)
    expect(told(pay, 5)).toBe(`Cannot take the value: want ${pay}, found 5`)
    expect(told("string | null", 5)).toBe("Cannot take the value: want string | null, found 5")
  })
})

describe("messages", () => {
  test("name the place, the value and the type wanted", () => {
    expect(told("{ lines: [{ weight_kg: number }] }", { lines: [{ weight_kg: 1 }, { weight_kg: "heavy" }] })).toBe(
      `Cannot take "lines[1].weight_kg": want number, found "heavy"`,
    )
    expect(told(`{ "x-y": { "*": [boolean] } }`, { "x-y": { "a b": [true, 1] } })).toBe(
      String.raw`Cannot take "[\"x-y\"][\"a b\"][1]": want boolean, found 1`,
    )
    expect(told("EUR | USD", "EURO")).toBe(`Cannot take the value: want EUR | USD, found "EURO" (near "EUR")`)
    expect(told("int64", 2 ** 60)).toContain("beyond 2^53, write it as text")
  })
  test("carry place and type as data, and never grow with the value", () => {
    try {
      accept(typed("{ a: [number] }"))({ a: ["x".repeat(1e6)] })
      expect("taken").toBe("refused")
    } catch (f) {
      const failure = f as Failure
      expect(failure.code).toBe("Mismatch")
      expect(failure.data).toEqual({ path: "a[0]", want: "number" })
      expect(failure.message.length).toBeLessThan(140)
    }
  })
  test("a value that is too deep, or contains itself", () => {
    const loop: unknown[] = []
    loop.push(loop)
    expect(told("unknown", loop)).toContain(`want a value at most ${DEPTH_MAX} levels deep`)
    let deep: Value = 1
    for (let i = 0; i < DEPTH_MAX; i++) deep = [deep] as Value
    expect(told("unknown", deep)).toBe(deep)
    expect(told("unknown", [deep])).toContain("levels deep")
  })
})

describe("laws over random types", () => {
  test("a value of the type comes back as the same object; what comes out goes in", () => {
    for (let seed = 1; seed <= 6000; seed++) {
      const r = new Random(seed)
      const type = randomType(r)
      const v = valueOfType(r, type)
      if (v === undefined) continue
      const filled = accept(type)(v)
      const again = accept(type)(filled)
      if (again !== filled && !Number.isNaN(again)) expect(`seed ${seed}: ${printType(type)}`).toBe("idempotent")
      if (!hasDefault(type) && filled !== v && !Number.isNaN(filled))
        expect(`seed ${seed}: ${printType(type)}`).toBe("unchanged")
    }
  })
  test("through canonical bytes and back to the port, a value is the same", () => {
    for (let seed = 1; seed <= 3000; seed++) {
      const r = new Random(seed)
      const type = randomType(r)
      const v = valueOfType(r, type)
      if (v === undefined) continue
      const held = accept(type)(v)
      const back = accept(type)(decode(encode(held)))
      if (!sameValue(back, held)) expect(`seed ${seed}: ${printType(type)}`).toBe("the same")
    }
  })
  test("what a subtype takes, the supertype takes", () => {
    let pairs = 0
    for (let seed = 1; seed <= 30_000; seed++) {
      const r = new Random(seed)
      const [a, b] = [randomType(r, 2), randomType(r, 2)]
      const fits = subtype(a, b)
      const v = valueOfType(r, a)
      if (v === undefined) continue
      const held = accept(a)(v)
      if (fits === "yes" && !accepts(b)(held))
        expect(`seed ${seed}: ${printType(a)} into ${printType(b)}`).toBe("taken")
      if (fits === "yes") pairs++
    }
    expect(pairs).toBeGreaterThan(1000)
  })
  test("any value against any type: taken or refused, never a crash, and what is taken is a value", () => {
    for (let seed = 1; seed <= 10_000; seed++) {
      const r = new Random(seed)
      const type = randomType(r)
      const v = randomValue(r, 3)
      for (const take of [accept(type), acceptStrict(type)]) {
        try {
          encode(take(v))
        } catch (f) {
          if (!(f instanceof Failure)) throw f
        }
      }
    }
  })
})

function hasDefault(t: Type): boolean {
  if (t.kind === "record") return Object.values(t.fields).some((f) => f.default !== undefined || hasDefault(f.type))
  if (t.kind === "union") return t.of.some(hasDefault)
  return "of" in t && !Array.isArray(t.of) && hasDefault(t.of as Type)
}

test("a record is a record wherever it comes from", () => {
  expect(isRecord(accept(typed("{ a: number }"))(Object.assign(Object.create(null) as object, { a: 1 })))).toBe(true)
})

test("a value from bytes keeps all of its fields: of two members of a union the one that names them, int64 and all", () => {
  const less = T.record({ a: T.string })
  const more = T.record({ a: T.string, total: T.int64 })
  for (const of of [
    [less, more],
    [more, less],
  ])
    expect(accept({ kind: "union", of })({ a: "x", total: 2 })).toEqual({ a: "x", total: 2n })
})
