// JSON Schema both ways. The judge of values is ajv, an independent validator; the judge of types is the round trip.
import { describe, expect, test } from "bun:test"
import Ajv from "ajv/dist/2020.js"
import { accepts } from "./accept.ts"
import { fromJsonSchema, toJsonSchema } from "./jsonschema.ts"
import { printType, sameType, T, type Type } from "./type.ts"
import type { Value } from "./value.ts"

/** A seeded source of numbers in [0, 1). */
function seeded(seed: number): () => number {
  let s = seed >>> 0
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0
    return s / 2 ** 32
  }
}
const pick = <X>(random: () => number, xs: readonly X[]): X => xs[Math.floor(random() * xs.length)]!

const WORDS = ["a", "b", "EUR", "x y", "äöü", "then"]
function randomType(random: () => number, depth: number): Type {
  const leaf: readonly (() => Type)[] = [
    () => T.null,
    () => T.boolean,
    () => T.number,
    () => T.string,
    () => T.unknown,
    () => T.enum(...new Set([pick(random, WORDS), pick(random, WORDS)])),
  ]
  if (depth === 0) return pick(random, leaf)()
  const deep = () => randomType(random, depth - 1)
  return pick(random, [
    ...leaf,
    () => T.list(deep()),
    () => T.map(deep()),
    () => T.union(deep(), deep()),
    () =>
      T.record(
        Object.fromEntries(
          Array.from({ length: Math.floor(random() * 4) }, (_, i) => [
            WORDS[i]!,
            random() < 0.3 ? T.optional(deep()) : { type: deep() },
          ]),
        ),
      ),
  ])()
}
function randomValue(random: () => number, depth: number): Value {
  const leaf: readonly Value[] = [null, true, false, 0, -1.5, 3, "a", "EUR", "q", ""]
  if (depth === 0) return pick(random, leaf)
  const kind = random()
  if (kind < 0.5) return pick(random, leaf)
  const n = Math.floor(random() * 3)
  if (kind < 0.7) return Array.from({ length: n }, () => randomValue(random, depth - 1))
  return Object.fromEntries(Array.from({ length: n }, () => [pick(random, WORDS), randomValue(random, depth - 1)]))
}
/** A value that mostly fits: built from the type, now and then with a random part. */
function likelyValue(random: () => number, t: Type): Value {
  if (random() < 0.04) return randomValue(random, 2)
  switch (t.kind) {
    case "null":
      return null
    case "boolean":
      return random() < 0.5
    case "number":
      return pick(random, [0, 1, -2.5, 1e300])
    case "string":
      return pick(random, ["", "a", "long text"])
    case "enum":
      return pick(random, t.values)
    case "list":
      return Array.from({ length: Math.floor(random() * 3) }, () => likelyValue(random, t.of))
    case "map":
      return Object.fromEntries(
        Array.from({ length: Math.floor(random() * 3) }, () => [pick(random, WORDS), likelyValue(random, t.of)]),
      )
    case "union":
      return likelyValue(random, pick(random, t.of))
    case "record":
      return Object.fromEntries(
        Object.entries(t.fields).flatMap(([name, f]) =>
          f.optional && random() < 0.5 ? [] : [[name, likelyValue(random, f.type)]],
        ),
      )
    default:
      return randomValue(random, 2)
  }
}
/** Does a value hold a null where the boundary would read it as an absent field? There the validators may differ. */
const nullIsAbsent = (t: Type, x: Value): boolean => {
  if (t.kind === "union") return t.of.some((s) => nullIsAbsent(s, x))
  if (typeof x !== "object" || x === null) return false
  if (t.kind === "list") return Array.isArray(x) && x.some((y) => nullIsAbsent(t.of, y))
  if (t.kind === "map") return Object.values(x).some((y) => nullIsAbsent(t.of, y))
  if (t.kind !== "record" || Array.isArray(x)) return false
  return Object.entries(t.fields).some(([name, f]) => {
    const y = (x as Record<string, Value>)[name]
    return y !== undefined && ((y === null && f.optional === true) || nullIsAbsent(f.type, y))
  })
}

describe("toJsonSchema", () => {
  test("gives back the same type, exactly, for 2,000 random types", () => {
    const random = seeded(7)
    for (let i = 0; i < 2000; i++) {
      const t = randomType(random, 3)
      const back = fromJsonSchema(toJsonSchema(t))
      if (!sameType(t, back.type)) throw new Error(`${printType(t)} came back as ${printType(back.type)}`)
      expect(back.widened).toEqual([])
    }
  })

  test("is judged by another validator: ajv takes what the type takes, and nothing else", () => {
    const random = seeded(11)
    const ajv = new Ajv({ strict: false })
    let taken = 0
    let refused = 0
    for (let i = 0; i < 250; i++) {
      const t = randomType(random, 3)
      const ours = accepts(t)
      const theirs = ajv.compile(toJsonSchema(t))
      for (let j = 0; j < 24; j++) {
        const x = j % 2 === 0 ? likelyValue(random, t) : randomValue(random, 3)
        if (nullIsAbsent(t, x)) continue
        if (ours(x) !== theirs(x)) throw new Error(`${printType(t)} and ajv differ on ${JSON.stringify(x)}: ${ours(x)}`)
        if (ours(x)) taken++
        else refused++
      }
    }
    expect(taken).toBeGreaterThan(1000)
    expect(refused).toBeGreaterThan(1000)
  })

  test("says what JSON writes in another form, and reads it back", () => {
    for (const t of [
      T.int64,
      T.bytes,
      T.tensor("f32", [2, null]),
      T.tensor("i64", null),
      T.stream(T.string),
      T.never,
    ]) {
      const back = fromJsonSchema(toJsonSchema(t))
      expect(printType(back.type)).toBe(printType(t))
      expect(back.widened).toEqual([])
    }
  })

  test("keeps defaults: a caller may leave the field out, an answer has it", () => {
    const t = T.record({ a: { type: T.number, default: 3 }, b: { type: T.string }, c: T.optional(T.string) })
    expect(toJsonSchema(t)["required"]).toEqual(["b"])
    expect(toJsonSchema(t, "taken")["required"]).toEqual(["a", "b"])
    expect(fromJsonSchema(toJsonSchema(t)).type).toEqual(t)
  })
})

describe("fromJsonSchema", () => {
  const cases: readonly (readonly [what: string, schema: unknown, type: string, widened: readonly string[]])[] = [
    ["true", true, "unknown", []],
    ["false", false, "never", []],
    ["an empty schema", {}, "unknown", []],
    ["an integer", { type: "integer" }, "number", ["/type"]],
    ["several types", { type: ["string", "null"] }, "string | null", []],
    ["nullable of OpenAPI 3.0", { type: "string", nullable: true }, "string | null", []],
    ["an enumeration", { enum: ["a", "b"] }, "a | b", []],
    ["an enumeration of numbers", { enum: [1, 2] }, "number", ["/enum", "/enum"]],
    ["a constant", { const: "x" }, '"x"', []],
    ["an object without fields", { type: "object" }, '{ "*": unknown }', []],
    ["an object that has none", { type: "object", properties: {} }, "{}", []],
    ["a map", { type: "object", additionalProperties: { type: "number" } }, '{ "*": number }', []],
    [
      "a record",
      {
        type: "object",
        properties: { a: { type: "string" }, b: { type: "number" } },
        required: ["a"],
        additionalProperties: false,
      },
      "{ a: string, b?: number }",
      [],
    ],
    [
      "a record with others",
      { type: "object", properties: { a: { type: "string" } }, additionalProperties: { type: "number" } },
      "{ a?: string }",
      ["/additionalProperties"],
    ],
    ["a required field without a schema", { type: "object", required: ["a"] }, "{ a: unknown }", []],
    ["no type but properties", { properties: { a: { type: "string" } }, required: ["a"] }, "{ a: string }", ["/"]],
    ["a list", { type: "array", items: { type: "string" } }, "[string]", []],
    ["a list of anything", { type: "array" }, "[unknown]", []],
    [
      "a tuple of draft-07",
      { type: "array", items: [{ type: "string" }, { type: "number" }], additionalItems: false },
      "[string | number]",
      ["/items"],
    ],
    [
      "a tuple of 2020-12",
      { type: "array", prefixItems: [{ type: "string" }], items: false },
      "[string]",
      ["/prefixItems"],
    ],
    ["alternatives", { anyOf: [{ type: "string" }, { type: "number" }] }, "string | number", []],
    [
      "exclusive alternatives that overlap",
      {
        oneOf: [
          { type: "object", properties: { a: { type: "string" } } },
          { type: "object", properties: { b: { type: "string" } } },
        ],
      },
      "{ a?: string, b?: string }",
      ["/oneOf", "/oneOf"],
    ],
    [
      "tagged alternatives",
      {
        oneOf: [
          { type: "object", properties: { kind: { const: "a" } }, required: ["kind"] },
          { type: "object", properties: { kind: { const: "b" } }, required: ["kind"] },
        ],
      },
      '{ kind: "a" } | { kind: "b" }',
      [],
    ],
    [
      "all of",
      {
        allOf: [
          { type: "object", properties: { a: { type: "string" } }, required: ["a"] },
          { type: "object", properties: { b: { type: "number" } } },
        ],
      },
      "{ a: string, b?: number }",
      [],
    ],
    [
      "all of beside properties",
      {
        type: "object",
        properties: { a: { type: "string" } },
        required: ["a"],
        allOf: [{ $ref: "#/$defs/B" }],
        $defs: { B: { type: "object", properties: { b: { type: "null" } }, required: ["b"] } },
      },
      "{ a: string, b: null }",
      [],
    ],
    ["a reference", { $ref: "#/definitions/A", definitions: { A: { type: "string" } } }, "string", []],
    [
      "a reference used twice",
      {
        type: "object",
        properties: { a: { $ref: "#/$defs/A" }, b: { $ref: "#/$defs/A" } },
        required: ["a", "b"],
        $defs: { A: { type: "integer" } },
      },
      "{ a: number, b: number }",
      ["/$defs/A/type"],
    ],
    [
      "a cycle",
      {
        $ref: "#/$defs/Tree",
        $defs: {
          Tree: {
            type: "object",
            properties: { children: { type: "array", items: { $ref: "#/$defs/Tree" } } },
            required: ["children"],
          },
        },
      },
      "{ children: [unknown] }",
      ["/$defs/Tree/properties/children/items/$ref"],
    ],
    ["a reference to itself", { $ref: "#" }, "unknown", ["/$ref"]],
    ["a reference elsewhere", { $ref: "https://example.com/a.json" }, "unknown", ["/$ref"]],
    ["a pointer with escapes", { $ref: "#/$defs/a~1b", $defs: { "a/b": { type: "boolean" } } }, "boolean", []],
    ["bounds", { type: "string", minLength: 3, pattern: "^a" }, "string", ["/minLength", "/pattern"]],
    [
      "descriptions",
      { type: "string", title: "T", description: "D", examples: ["a"], "x-order": 1, deprecated: true },
      "string",
      [],
    ],
    ["base64 of another", { type: "string", contentEncoding: "base64" }, "string", []],
    ["an unknown type", { type: "decimal" }, "unknown", ["/type"]],
    ["no schema", 3, "unknown", ["/"]],
    [
      "a name of every prototype",
      { type: "object", properties: { constructor: { type: "string" } }, required: ["constructor"] },
      "{ constructor: string }",
      [],
    ],
  ]
  for (const [what, schema, type, widened] of cases) {
    test(what, () => {
      const found = fromJsonSchema(schema)
      expect(printType(found.type)).toBe(type)
      expect(found.widened.map((w) => w.at)).toEqual([...widened])
    })
  }

  test("never narrows: what ajv takes, the type takes, for random schemas with what a type cannot say", () => {
    const random = seeded(23)
    const ajv = new Ajv({ strict: false })
    const extra = (s: Record<string, unknown>): Record<string, unknown> =>
      random() < 0.5
        ? s
        : { ...s, ...pick(random, [{ minLength: 1 }, { minimum: 0 }, { maxItems: 1 }, { minProperties: 1 }]) }
    const wilder = (t: Type): unknown => {
      const s = extra(toJsonSchema(t) as Record<string, unknown>)
      return random() < 0.3 ? { allOf: [s, extra(toJsonSchema(t) as Record<string, unknown>)] } : s
    }
    let taken = 0
    for (let i = 0; i < 200; i++) {
      const t = randomType(random, 2)
      const schema = wilder(t)
      const theirs = ajv.compile(schema as object)
      const ours = accepts(fromJsonSchema(schema).type)
      for (let j = 0; j < 20; j++) {
        const x = likelyValue(random, t)
        if (!theirs(x)) continue
        taken++
        if (!ours(x)) throw new Error(`${JSON.stringify(schema)} refused ${JSON.stringify(x)}`)
      }
    }
    expect(taken).toBeGreaterThan(500)
  })

  test("is linear in references: 40 levels of doubling", () => {
    const $defs: Record<string, unknown> = { T0: { type: "string" } }
    for (let i = 1; i <= 40; i++)
      $defs[`T${i}`] = {
        type: "array",
        items: { anyOf: [{ $ref: `#/$defs/T${i - 1}` }, { $ref: `#/$defs/T${i - 1}` }] },
      }
    expect(fromJsonSchema({ $ref: "#/$defs/T20", $defs }).type.kind).toBe("list")
  })
})
