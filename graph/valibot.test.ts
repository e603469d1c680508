// Schemas as types: the type each becomes, agreement with valibot itself on values, and the schemas that are refused.
import { describe, expect, test } from "bun:test"
import { Schema } from "effect"
import * as v from "valibot"
import { accepts } from "./accept.ts"
import { BuildError } from "./build/failure.ts"
import { bytesType, int64Type, stream, tensor } from "./build/mod.ts"
import { Failure } from "./failure.ts"
import { printType } from "./type.ts"
import { fromFields, fromSchema } from "./valibot.ts"

const type = (s: Parameters<typeof fromSchema>[0]): string => printType(fromSchema(s).type)

describe("a valibot schema as a type", () => {
  const cases: readonly (readonly [Parameters<typeof fromSchema>[0], string])[] = [
    [v.string(), "string"],
    [v.number(), "number"],
    [v.boolean(), "boolean"],
    [v.bigint(), "int64"],
    [v.null(), "null"],
    [v.unknown(), "unknown"],
    [v.any(), "unknown"],
    [v.never(), "never"],
    [v.instance(Uint8Array), "bytes"],
    [v.array(v.string()), "[string]"],
    [v.tuple([v.string(), v.number()]), "[string | number]"],
    [v.strictTuple([v.string()]), "[string]"],
    [v.tupleWithRest([v.string()], v.boolean()), "[string | boolean]"],
    [v.looseTuple([v.string()]), "[unknown]"],
    [v.record(v.string(), v.number()), '{ "*": number }'],
    [v.record(v.picklist(["a", "b"]), v.number()), '{ "*": number }'],
    [v.object({ a: v.string(), b: v.optional(v.number()) }), "{ a: string, b?: number }"],
    [v.strictObject({ a: v.exactOptional(v.string()) }), "{ a?: string }"],
    [v.looseObject({ a: v.undefinedable(v.string()) }), "{ a?: string }"],
    [v.objectWithRest({ a: v.string() }, v.number()), "{ a: string }"],
    [v.object({ a: v.nullish(v.string()) }), "{ a?: string | null }"],
    [v.nullable(v.string()), "string | null"],
    [v.nonNullable(v.nullable(v.string())), "string"],
    [v.nonNullish(v.nullish(v.string())), "string"],
    [v.nonOptional(v.optional(v.string())), "string"],
    [v.picklist(["EUR", "USD"]), "EUR | USD"],
    [v.picklist([1, 2]), "number"],
    [v.enum({ Up: "up", Down: "down" }), "up | down"],
    [v.literal("x"), '"x"'],
    [v.literal(3), "number"],
    [v.literal(true), "boolean"],
    [v.union([v.string(), v.number()]), "string | number"],
    [
      v.variant("kind", [v.object({ kind: v.literal("a"), n: v.number() }), v.object({ kind: v.literal("b") })]),
      '{ kind: "a", n: number } | { kind: "b" }',
    ],
    [v.intersect([v.object({ a: v.string() }), v.object({ b: v.number() })]), "{ a: string, b: number }"],
    [v.intersect([v.string(), v.number()]), "unknown"],
    [v.pipe(v.string(), v.minLength(3), v.email()), "string"],
    [v.pipe(v.string(), v.picklist(["a", "b"])), "a | b"],
    [v.pipe(v.string(), v.brand("Id"), v.title("An id")), "string"],
    [v.pipe(v.array(v.string()), v.readonly()), "[string]"],
    [v.lazy(() => v.string()), "unknown"],
    [v.custom(() => true), "unknown"],
    [v.nan(), "number"],
    [int64Type(), "int64"],
    [bytesType(), "bytes"],
    [tensor("f32", [2, null]), "tensor<f32>[2, ?]"],
    [stream(v.string()), "stream<string>"],
  ]
  for (const [schema, want] of cases) test(want, () => expect(type(schema)).toBe(want))

  test("keeps a validator exactly where the type says less than the schema", () => {
    const open = (s: Parameters<typeof fromSchema>[0]) => fromSchema(s).validate !== undefined
    const closed = [
      v.string(),
      v.array(v.object({ a: v.optional(v.number(), 3), b: v.picklist(["x"]) })),
      v.nullable(v.record(v.string(), v.unknown())),
      v.pipe(v.string(), v.brand("Id"), v.description("An id")),
      v.looseObject({ a: v.string() }),
    ]
    const opened = [
      v.pipe(v.number(), v.integer()),
      v.object({ a: v.pipe(v.string(), v.minLength(1)) }),
      v.strictObject({ a: v.string() }),
      v.tuple([v.string()]),
      v.literal(3),
      v.record(v.picklist(["a"]), v.string()),
      v.lazy(() => v.string()),
    ]
    expect(closed.map(open)).toEqual(closed.map(() => false))
    expect(opened.map(open)).toEqual(opened.map(() => true))
  })

  test("agrees with the schema on values, where no validator is kept", () => {
    const schema = v.object({
      a: v.string(),
      b: v.optional(v.array(v.nullable(v.number()))),
      c: v.record(v.string(), v.boolean()),
      d: v.union([v.picklist(["x", "y"]), v.number()]),
    })
    const taken = accepts(fromSchema(schema).type)
    const pool: unknown[] = ["x", "q", 1, null, true, [1, null], ["x"], { k: true }, { k: 1 }, {}, [], undefined]
    let n = 0
    for (const a of pool)
      for (const b of pool)
        for (const c of pool)
          for (const d of pool) {
            const value = { a, c, d, ...(b === undefined ? {} : { b }) }
            // null for an absent field is taken at the boundary, and made absent; valibot's record takes a list. The two differences.
            if (b === null || Array.isArray(c)) continue
            if (taken(value) !== v.is(schema, value)) throw new Error(`they differ on ${JSON.stringify(value)}`)
            n++
          }
    expect(n).toBe(12 * 11 * 9 * 12)
  })

  test("gives defaults to fields", () => {
    const { fields } = fromFields(
      { a: v.optional(v.number(), 3), b: v.optional(v.array(v.string()), () => []) },
      "input",
    ).type
    expect(fields).toEqual({
      a: { type: { kind: "number" }, default: 3 },
      b: { type: { kind: "list", of: { kind: "string" } }, default: [] },
    })
  })

  const refused: readonly (readonly [string, string, () => Parameters<typeof fromSchema>[0]])[] = [
    ["a transform", "v.transform changes the value", () => v.pipe(v.string(), v.transform(Number))],
    ["trimming", "v.trim changes", () => v.object({ a: v.pipe(v.string(), v.trim()) })],
    ["upper case", "v.toUpperCase changes", () => v.array(v.pipe(v.string(), v.toUpperCase()))],
    ["a fallback", "v.fallback changes", () => v.fallback(v.string(), "x")],
    ["null made a default", "a default that replaces null", () => v.nullable(v.string(), "x")],
    [
      "null or absent made a default",
      "a default that replaces null",
      () => v.object({ a: v.nullish(v.string(), "x") }),
    ],
    [
      "an asynchronous schema",
      "asynchronous",
      () =>
        v.pipeAsync(
          v.string(),
          v.checkAsync(async () => true),
        ),
    ],
    ["a date", "Use text", () => v.date()],
    ["a map", "Use v.record", () => v.map(v.string(), v.string())],
    ["a blob", "v.instance(Uint8Array)", () => v.blob()],
    ["an instance", "instances of Date", () => v.instance(Date)],
    ["a function", "Use a tool", () => v.function()],
    ["an absent value that is no field", "only a field", () => v.array(v.optional(v.string()))],
    [
      "a default that differs",
      "differs from call to call",
      () => {
        let n = 0
        return v.object({ a: v.optional(v.number(), () => n++) })
      },
    ],
    [
      "a default that is no value",
      "Cannot use a Date as a value",
      () => v.object({ a: v.optional(v.any(), () => new Date(0)) }),
    ],
  ]
  for (const [what, words, make] of refused) {
    test(`is refused: ${what}`, () => {
      let caught: unknown
      try {
        fromSchema(make(), 'input "a"')
      } catch (e) {
        caught = e
      }
      expect(caught).toBeInstanceOf(BuildError)
      expect(["schema", "value"]).toContain((caught as BuildError).reason)
      expect((caught as BuildError).message).toContain(words)
    })
  }

  test("validates with its own words and place", () => {
    const { validate } = fromSchema(v.object({ a: v.array(v.pipe(v.number(), v.integer("whole, please"))) }), "lines")
    expect(validate!({ a: [1] })).toEqual({ a: [1] })
    try {
      validate!({ a: [1, 2.5] })
      throw new Error("it was taken")
    } catch (e) {
      expect(e).toBeInstanceOf(Failure)
      expect((e as Failure).code).toBe("Mismatch")
      expect((e as Failure).message).toBe('Cannot take lines, at a.1: its schema says "whole, please", found 2.5')
    }
  })
})

describe("another Standard Schema", () => {
  test("of Effect is its JSON Schema, where that says both sides alike, and its validator", () => {
    const schema = Schema.toStandardSchemaV1(Schema.Struct({ a: Schema.String, n: Schema.Finite }))
    const { validate } = fromSchema(schema)
    expect(validate!({ a: "x", n: 1 })).toEqual({ a: "x", n: 1 })
    expect(() => validate!({ a: 1 })).toThrow(Failure)
  })

  test("without a description is unknown", () => {
    const bare = {
      "~standard": {
        version: 1 as const,
        vendor: "bare",
        validate: (x: unknown) => (x === 1 ? { value: x } : { issues: [{ message: "not one" }] }),
      },
    }
    expect(type(bare)).toBe("unknown")
    expect(() => fromSchema(bare, "x").validate!(2)).toThrow('Cannot take x: its schema says "not one", found 2')
  })

  test("with a description is that", () => {
    const described = {
      "~standard": {
        version: 1 as const,
        vendor: "described",
        validate: (value: unknown) => ({ value }),
        jsonSchema: { input: () => ({ type: "string" }), output: () => ({ type: "string" }) },
      },
    }
    expect(type(described)).toBe("string")
    const changing = {
      "~standard": {
        ...described["~standard"],
        jsonSchema: { input: () => ({ type: "string" }), output: () => ({ type: "number" }) },
      },
    }
    expect(type(changing)).toBe("unknown")
  })

  test("that answers later is refused when it does", () => {
    const late = {
      "~standard": { version: 1 as const, vendor: "late", validate: async (value: unknown) => ({ value }) },
    }
    expect(() => fromSchema(late).validate!(1)).toThrow("validates asynchronously")
  })
})
