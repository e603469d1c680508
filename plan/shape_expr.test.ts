/** Expressions as a plan carries them: what was written is what is read, and nothing else is. */
import { describe, expect, test } from "bun:test"
import { randomExpr } from "../graph/expr.sample.ts"
import { type Expr, lit, parts, ref } from "../graph/mod.ts"
import { Random } from "../graph/random.sample.ts"
import { PlanError } from "./error.ts"
import { readExpr, readValids } from "./shape_expr.ts"

const isSimple = (e: Expr): boolean =>
  e.op === "const"
    ? e.value === null || ["string", "number", "boolean"].includes(typeof e.value)
    : parts(e).every(isSimple)

function refusal(v: unknown): string {
  try {
    readExpr(v, "x")
  } catch (cause) {
    if (cause instanceof PlanError) return cause.message
    throw cause
  }
  return ""
}

test("every expression reads as itself, all operations met", () => {
  const met = new Set<string>()
  let read = 0
  for (let seed = 1; seed <= 2000; seed++) {
    const e = randomExpr(new Random(seed), 4)
    const note = (x: Expr): void => {
      met.add(x.op)
      for (const p of parts(x)) note(p)
    }
    if (!isSimple(e)) continue
    note(e)
    read++
    expect(readExpr(e, "x")).toEqual(e)
  }
  expect(read).toBeGreaterThan(200)
  expect([...met].sort().length).toBeGreaterThan(9)
})

describe("refused", () => {
  const table: readonly (readonly [what: string, v: unknown, says: string])[] = [
    ["no record", 3, "x must be a record, found 3"],
    ["no operation", {}, "x.op must be text"],
    ["an unknown one", { op: "eval", of: ref("out") }, 'x.op must be an operation of expressions, found "eval"'],
    ["one that all objects have", { op: "toString" }, "an operation of expressions"],
    ["a key too many", { ...ref("out"), then: 1 }, "x.then must be no such key"],
    ["a part that is missing", { op: "and", left: lit(true) }, "x.right must be there"],
    ["a name that is none", { op: "ref", name: 3 }, "x.name must be text"],
    [
      "a function that nobody knows",
      { op: "call", fn: "shell", args: [] },
      "x.fn must be a function of the builtin table",
    ],
    ["arguments that are no list", { op: "call", fn: "size", args: ref("out") }, "x.args must be a list"],
    ["an int64, which bytes do not tell from a number", lit(3n), "x.value must be a text"],
    ["bytes", lit(new Uint8Array(2)), "x.value must be a text"],
    ["a list", lit([1]), "x.value must be a text"],
    ["a macro that is none", { op: "each", macro: "reduce", over: ref("out"), item: "i", body: ref("i") }, "a macro"],
    [
      "optional that is neither",
      { op: "field", of: ref("out"), name: "a", optional: 1 },
      "x.optional must be true or false",
    ],
    ["fields that are no pairs", { op: "record", fields: [["a"]] }, "x.fields[0] must be a list of name, value"],
    ["entries that are no pairs", { op: "map", entries: [lit("a")] }, "x.entries[0] must be a list of key, value"],
  ]
  for (const [what, v, says] of table) test(what, () => expect(refusal(v)).toContain(says))

  test("too deep, too wide, or in itself", () => {
    let deep: Expr = ref("out")
    for (let i = 0; i < 70; i++) deep = { op: "field", of: deep, name: "a" }
    expect(refusal(deep)).toContain("at most 64 levels")
    expect(refusal({ op: "list", items: Array.from({ length: 2000 }, () => lit(1)) })).toContain("at most 1000 parts")
    const knot: { op: "list"; items: unknown[] } = { op: "list", items: [] }
    knot.items.push(knot, knot)
    expect(refusal(knot)).toContain("at most 64 levels")
  })

  test("a list of none, and one whose paths are no paths", () => {
    expect(() => readValids([], "x")).toThrow(PlanError)
    expect(() => readValids([[3, lit(true)]], "x")).toThrow(PlanError)
    expect(() => readValids([[["a", 3], lit(true)]], "x")).toThrow(PlanError)
    expect(readValids([[["a"], lit(true)]], "x")).toEqual([{ path: ["a"], valid: lit(true) }])
  })
})
