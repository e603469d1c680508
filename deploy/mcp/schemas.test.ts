// Schemas of tools: what is said once, and that they take the JSON of the values that they are of.
import { describe, expect, test } from "bun:test"
import Ajv from "ajv/dist/2020.js"
import { acceptStrict, jsonOf, T, type Type, type Value } from "../../graph/mod.ts"
import { inputSchema, outputSchema } from "./schemas.ts"

const ajv = new Ajv({ strict: false })
const address = T.record({ street: T.string, zip: T.number })

describe("a schema", () => {
  test("says a record that comes twice once", () => {
    const schema = inputSchema(T.record({ from: address, to: address, name: T.string }))
    expect(schema["$defs"]).toEqual({
      from: {
        type: "object",
        properties: { street: { type: "string" }, zip: { type: "number" } },
        required: ["street", "zip"],
      },
    })
    expect(schema["properties"]).toEqual({
      from: { $ref: "#/$defs/from" },
      to: { $ref: "#/$defs/from" },
      name: { type: "string" },
    })
  })

  test("has names that tell apart what has one name in two places", () => {
    const a = T.record({ v: T.number })
    const b = T.record({ v: T.string })
    const schema = outputSchema(T.record({ x: T.record({ p: a, q: a }), y: T.record({ p: b, q: b }) }))
    expect(Object.keys(schema["$defs"] as object).sort()).toEqual(["p", "p_2"])
  })

  test("shares what lies in what is shared", () => {
    const outer = T.record({ a: address, b: address })
    const schema = outputSchema(T.record({ one: outer, two: T.list(outer) }))
    expect(ajv.compile(schema)({ one: deep, two: [deep] })).toBe(true)
    expect(ajv.compile(schema)({ one: deep, two: [{}] })).toBe(false)
  })
  const deep = { a: { street: "s", zip: 1 }, b: { street: "s", zip: 1 } }

  test("keeps out what the graph does not know", () => {
    const check = ajv.compile(inputSchema(T.record({ a: T.number })))
    expect([check({ a: 1 }), check({ a: 1, b: 2 })]).toEqual([true, false])
  })

  const outputs: readonly (readonly [string, Type, Value])[] = [
    ["a small int64", T.int64, 5n],
    ["a large int64", T.int64, 9007199254740993n],
    ["int64s in a list", T.list(T.int64), [1n, -9223372036854775808n]],
    ["words", T.enum("a", "b"), "a"],
    ["a union", T.union(T.string, T.null), null],
    ["a map", T.map(T.number), { x: 1 }],
  ]
  test.each(outputs)("of %s takes its JSON", (_, type, value) => {
    expect(ajv.compile(outputSchema(type))(jsonOf(value))).toBe(true)
  })

  test("of an input with a default that JSON writes otherwise", () => {
    const type = T.record({ n: { type: T.int64, default: 30n } })
    const schema = inputSchema(type)
    expect((schema["properties"] as { readonly n: object }).n).toMatchObject({ default: 30 })
    expect(JSON.stringify(schema)).toContain('"default":30')
    const check = ajv.compile(schema)
    expect([{}, { n: 30 }, { n: "9007199254740993" }, { n: 1.5 }, { n: "x" }].map((x) => check(x))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
    expect(acceptStrict(type)({})).toEqual({ n: 30n })
  })
})
