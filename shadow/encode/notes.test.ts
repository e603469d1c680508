/** Notes from calls and from schemas: whatever was measured must encode, and what a schema says must be in the encoding. */
import { describe, expect, test } from "bun:test"
import { fromJsonSchema, T, type Value } from "../../graph/mod.ts"
import { Random, randomType, valueOfType } from "../../graph/random.sample.ts"
import { must, roundTrip } from "../../tests/encodings/trip.ts"
import { EncodingRefused, encodingOf, filled, measured, outputOf, schemaNotes } from "../mod.ts"

test("values of random types encode with the notes that were measured on them", () => {
  let made = 0
  const refused: string[] = []
  for (let seed = 1; seed <= 700; seed++) {
    const r = new Random(seed)
    const type = randomType(r)
    const values = Array.from({ length: 12 }, () => valueOfType(r, type)).filter((v) => v !== undefined)
    const encoding = encodingOf(type, measured(type, values))
    const output = outputOf(type, measured(type, values))
    if (encoding instanceof EncodingRefused || output instanceof EncodingRefused) continue
    made++
    for (const v of values) {
      const message = (roundTrip(encoding, v) ?? roundTrip(output, v))?.message
      if (message !== undefined) refused.push(`seed ${seed}: ${message}`)
    }
  }
  expect(refused).toEqual([])
  expect(made).toBeGreaterThan(400)
})

describe("measured", () => {
  const of = (values: readonly Value[], type = T.number as Parameters<typeof measured>[0]) => measured(type, values)

  test("whole numbers get room to the end of their last digit, and a sign where one is negative", () => {
    expect(of([1, 300])).toEqual({ integer: true, min: 0, max: 4095 })
    expect(of([-1, 15])).toEqual({ integer: true, min: -15, max: 15 })
    expect(of([0, -0])).toEqual({ integer: true, min: -1, max: 0 })
    expect(of([2 ** 53 - 1])).toEqual({ integer: true, min: 0, max: 2 ** 53 - 1 })
    expect(of([12n, -3n], T.int64)).toEqual({ min: -15n, max: 15n })
    expect(of([-(1n << 63n)], T.int64)).toEqual({ min: -(1n << 63n), max: (1n << 63n) - 1n })
  })

  test("decimals, where all are; otherwise any float64", () => {
    expect(of([1.5, 20, 0.25])).toEqual({ decimals: 2, min: 0, max: 40.95 })
    expect(of([0.1 + 0.2])).toEqual({})
    expect(of([1, Number.NaN])).toEqual({})
    expect(of([])).toEqual({})
  })

  test("a few texts that come again and again are words; others have letters and lengths", () => {
    const units = Array.from({ length: 30 }, (_, i) => ["kg", "lb", "oz"][i % 3]!)
    expect(of(units, T.string)).toEqual({ words: ["kg", "lb", "oz"] })
    expect(of(["abc", "ca", "🐘"], T.string)).toEqual({ minLength: 1, maxLength: 3, alphabet: "abc🐘" })
    const wide = Array.from({ length: 90 }, (_, i) => String.fromCodePoint(0x4e00 + i))
    expect(of(wide, T.string)).toEqual({ minLength: 1, maxLength: 1, below: 0x10000 })
  })

  test("times are known by their form", () => {
    expect(of(["2024-02-29", "2031-01-01"], T.string)).toEqual({ format: "date", years: [2000, 2099] })
    expect(of(["2024-02-29T10:00:00Z", "2024-02-29T10:00:00.250Z"], T.string)).toEqual({
      format: "date-time",
      years: [2000, 2099],
      fraction: [0, 3],
      zone: "Z",
    })
    expect(of(["10:00:00", "23:59:59"], T.string)).toEqual({ format: "time", fraction: [0, 0], zone: "none" })
  })

  test("does not make whole what was declared to have decimals", () => {
    const seen = of([1, 2])
    expect(filled({ decimals: 2, min: 0, max: 99 }, seen)).toEqual({ decimals: 2, min: 0, max: 99 })
    expect(filled({ min: 0, max: 99 }, seen)).toEqual({ integer: true, min: 0, max: 99 })
  })

  test("fills what was declared, but for lengths and letters, which it narrows", () => {
    const declared = { fields: { a: { integer: true, min: 0, max: 9 }, s: { maxLength: 4096 } } }
    const seen = {
      fields: { a: { integer: true, min: -15, max: 15 }, s: { minLength: 2, maxLength: 7, alphabet: "ab" } },
    }
    expect(filled(declared, seen)).toEqual({
      fields: { a: { integer: true, min: 0, max: 9 }, s: { minLength: 2, maxLength: 7, alphabet: "ab" } },
    })
  })
})

describe("a schema", () => {
  const notes = (schema: unknown) => schemaNotes(fromJsonSchema(schema).type, schema)

  test("says bounds, steps, lengths and forms", () => {
    const schema = {
      type: "object",
      required: ["n", "day"],
      properties: {
        n: { type: "integer", minimum: 1, exclusiveMaximum: 100 },
        price: { type: "number", multipleOf: 0.01, minimum: 0, maximum: 99.99 },
        day: { type: "string", format: "date" },
        tags: { type: "array", maxItems: 3, items: { $ref: "#/$defs/tag" } },
        either: { anyOf: [{ type: "null" }, { type: "integer", minimum: 0, maximum: 7 }] },
      },
      $defs: { tag: { type: "string", maxLength: 4 } },
    }
    expect(notes(schema)).toEqual({
      fields: {
        n: { integer: true, min: 1, max: 99 },
        price: { decimals: 2, min: 0, max: 99.99 },
        day: { format: "date" },
        tags: { maxLength: 3, of: { maxLength: 4 } },
        either: { members: [{}, { integer: true, min: 0, max: 7 }] },
      },
    })
    const e = must(encodingOf(fromJsonSchema(schema).type, notes(schema)))
    const value = { n: 99, price: 12.34, day: "2024-02-29", tags: ["a", ""], either: null }
    expect(roundTrip(e, value)).toBeUndefined()
    expect(roundTrip(e, { ...value, n: 100 })?.path).toBe("n")
  })

  test("that refers to itself, or to nothing, says nothing", () => {
    expect(notes({ $ref: "#" })).toEqual({})
    expect(notes({ $ref: "#/nowhere" })).toEqual({})
    expect(notes({ $ref: "https://example.com/schema" })).toEqual({})
    expect(notes(true)).toEqual({})
  })
})

test("values that are not of the type, such as null for what may be absent, say nothing", () => {
  const type = T.record({ name: { type: T.string, optional: true }, n: T.number, list: T.list(T.int64) })
  const usual = { name: "ab", n: 3, list: [1n] }
  const odd = [
    { name: null, n: null, list: null },
    { n: "x", list: [null] },
  ] as never
  expect(measured(type, [usual, ...odd])).toEqual(measured(type, [usual]))
})
