/** What stays of a schema and what goes: prose at every depth, and never a property that has a name like it. */
import { expect, test } from "bun:test"
import { fromJsonSchema, type Rec, sameType, type Value } from "../graph/mod.ts"
import { schemaMeaning } from "./schema-meaning.ts"

const schema: Rec = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Search",
  description: "Looks for things",
  type: "object",
  properties: {
    title: { type: "string", description: "of the book", examples: ["x"] },
    description: { anyOf: [{ type: "string", title: "A" }, { $ref: "#/$defs/why" }], $comment: "later" },
    kind: { enum: ["title", "description"], default: "title" },
    fixed: { const: { title: "kept", description: "kept" } },
  },
  required: ["title", "description"],
  additionalProperties: { type: "number", description: "any" },
  $defs: { why: { type: "array", items: { type: "string", title: "B" }, deprecated: true } },
}

test("prose goes, meaning stays", () => {
  expect(schemaMeaning(schema)).toEqual({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: {
      title: { type: "string" },
      description: { anyOf: [{ type: "string" }, { $ref: "#/$defs/why" }] },
      kind: { enum: ["title", "description"], default: "title" },
      fixed: { const: { title: "kept", description: "kept" } },
    },
    required: ["title", "description"],
    additionalProperties: { type: "number" },
    $defs: { why: { type: "array", items: { type: "string" } } },
  })
  expect(sameType(fromJsonSchema(schemaMeaning(schema)).type, fromJsonSchema(schema).type)).toBe(true)
  expect(schemaMeaning(schemaMeaning(schema))).toEqual(schemaMeaning(schema))
  expect(schemaMeaning(true)).toBe(true)
})

test("a schema without end is refused", () => {
  let deep: Value = { type: "string" }
  for (let i = 0; i < 2000; i++) deep = { items: deep }
  expect(() => schemaMeaning(deep)).toThrow(/nested deeper/)
})
