/** What is drawn fits what it is drawn from, the same for the same seed; what nothing fits is refused in words. */
import { describe, expect, test } from "bun:test"
import Ajv from "ajv/dist/2020.js"
import { parseType } from "../../graph/file/mod.ts"
import { accepts, type Type, type Value } from "../../graph/mod.ts"
import { LearnError } from "../errors.ts"
import { inputsOfSchema, inputsOfType } from "./generate.ts"

const take = (inputs: Iterator<Value>, n: number): Value[] => Array.from({ length: n }, () => inputs.next().value)
const typeOf = (text: string): Type => (parseType(text) as { readonly type: Type }).type

describe("inputs of a type", () => {
  const type = typeOf(
    "{ a: number, op: add | sub, note?: string, list: [{ n: number }], big: int64, of: string | null }",
  )
  test("fit it, and are finite", () => {
    const fits = accepts(type)
    for (const input of take(inputsOfType(type, "1"), 500)) {
      expect(fits(input)).toBe(true)
      expect(Number.isFinite((input as { a: number }).a)).toBe(true)
    }
  })
  test("are the same for the same seed, others for another, and vary", () => {
    expect(take(inputsOfType(type, "1"), 20)).toEqual(take(inputsOfType(type, "1"), 20))
    expect(take(inputsOfType(type, "1"), 20)).not.toEqual(take(inputsOfType(type, "2"), 20))
    const numbers = new Set(take(inputsOfType(typeOf("{ a: number }"), "3"), 1_000).map((x) => (x as { a: number }).a))
    expect(numbers.size).toBeGreaterThan(800)
    expect(numbers.has(0)).toBe(true)
  })
  test("of a stream are refused", () => {
    expect(() => inputsOfType(typeOf("{ s: stream<number> }"), "1").next()).toThrow(LearnError)
  })
})

describe("inputs of a JSON Schema", () => {
  const schemas: readonly (readonly [string, object])[] = [
    [
      "bounds",
      {
        type: "object",
        properties: { n: { type: "integer", minimum: 3, maximum: 9 }, x: { type: "number", exclusiveMinimum: 0 } },
        required: ["n", "x"],
      },
    ],
    [
      "multiples",
      {
        type: "object",
        properties: { n: { type: "integer", multipleOf: 5, minimum: -100, maximum: 100 } },
        required: ["n"],
      },
    ],
    [
      "words",
      { type: "object", properties: { w: { enum: ["a", 2, null] }, c: { const: { k: 1 } } }, required: ["w", "c"] },
    ],
    [
      "texts",
      {
        type: "object",
        properties: {
          t: { type: "string", minLength: 2, maxLength: 5 },
          p: { type: "string", pattern: "^[A-Z]{3}-\\d+$" },
        },
        required: ["t", "p"],
      },
    ],
    [
      "formats",
      {
        type: "object",
        properties: { d: { type: "string", format: "date" }, u: { type: "string", format: "uuid" } },
        required: ["d", "u"],
      },
    ],
    [
      "lists",
      {
        type: "array",
        items: { type: "integer", minimum: 0, maximum: 50 },
        minItems: 1,
        maxItems: 4,
        uniqueItems: true,
      },
    ],
    ["tuples", { type: "array", prefixItems: [{ type: "string" }, { type: "number" }], items: false, minItems: 2 }],
    [
      "references",
      {
        type: "object",
        properties: { a: { $ref: "#/$defs/p" } },
        required: ["a"],
        $defs: {
          p: { type: "object", properties: { x: { type: "number" } }, required: ["x"], additionalProperties: false },
        },
      },
    ],
    [
      "alternatives",
      {
        oneOf: [
          { type: "object", properties: { k: { const: "a" }, n: { type: "number" } }, required: ["k", "n"] },
          { type: "object", properties: { k: { const: "b" } }, required: ["k"] },
        ],
      },
    ],
    [
      "all of",
      {
        allOf: [
          { type: "object", properties: { a: { type: "number", minimum: 0 } }, required: ["a"] },
          { properties: { a: { maximum: 1 } } },
        ],
      },
    ],
    ["maps", { type: "object", additionalProperties: { type: "boolean" } }],
    ["kinds", { type: ["string", "null"] }],
  ]
  // An independent reader of schemas says whether they fit.
  const ajv = new Ajv({ strict: false, logger: false, validateFormats: false })
  test.each(schemas)("%s: every one fits", (_, schema) => {
    const fits = ajv.compile(schema)
    const inputs = take(inputsOfSchema(schema, "seed"), 300)
    for (const input of inputs) {
      if (!fits(input)) throw new TypeError(`${JSON.stringify(input)} does not fit: ${ajv.errorsText(fits.errors)}`)
    }
    expect(take(inputsOfSchema(schema, "seed"), 300)).toEqual(inputs)
  })

  const impossible: readonly (readonly [string, object, RegExp])[] = [
    ["bounds that cross", { type: "number", minimum: 5, maximum: 1 }, /no number was found/],
    ["lengths that cross", { type: "string", minLength: 5, maxLength: 1 }, /minLength 5 is greater/],
    ["nothing at all", { not: {} }, /not: \{\}/],
    ["an empty enumeration", { enum: [] }, /`enum` is empty/],
    ["a reference to nowhere", { $ref: "#/$defs/none" }, /is not in the schema/],
    ["itself", { $ref: "#" }, /refers to itself/],
    ["a pattern beyond us", { type: "string", pattern: "^(?=.*z{9})q+$" }, /no text was found for the pattern/],
    ["endless depth", { type: "object", properties: { c: { $ref: "#" } }, required: ["c"] }, /deeper than/],
  ]
  test.each(impossible)("%s is refused", (_, schema, words) => {
    expect(() => inputsOfSchema(schema, "1").next()).toThrow(words)
  })
})
