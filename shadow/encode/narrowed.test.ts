/** The part of a type that values use: still a type of all of them, and never more than the type was. */
import { expect, test } from "bun:test"
import { accepts, printType, subtype, T, type Type, type Value } from "../../graph/mod.ts"
import { narrowed } from "./narrowed.ts"

const SCALAR = T.union(T.string, T.number, T.int64, T.boolean)
const cases: readonly (readonly [what: string, Type, readonly Value[], string])[] = [
  ["members that nobody uses go", SCALAR, [1, 2], "number"],
  ["those that are used stay", SCALAR, [1, "x"], "string | number"],
  [
    "parameters of a request that are always the same become a record",
    T.record({ query: T.map(T.union(T.null, SCALAR, T.list(SCALAR))) }),
    [{ query: { op: "add", a: 1 } }, { query: { op: "add", a: 2 } }],
    "{ query: { op: string, a: number } }",
  ],
  ["others stay a map", T.map(SCALAR), [{ a: 1 }, { b: 2 }], "{ *: number }"],
  ["what may be anything is what it was", T.unknown, [{ a: [1] }, { a: [] }], "{ a: [number] }"],
  ["fields that may be left out may be", T.record({ a: T.optional(SCALAR) }), [{ a: true }, {}], "{ a?: boolean }"],
  ["of nothing nothing is known", SCALAR, [], "string | number | int64 | boolean"],
  ["what says enough stays", T.number, [1], "number"],
]

for (const [what, type, values, wanted] of cases) {
  test(what, () => {
    const found = narrowed(type, values)
    expect(printType(found).replaceAll('"', "")).toBe(wanted)
    expect(subtype(found, type)).toBe("yes")
    for (const v of values) expect(accepts(found)(v)).toBe(true)
  })
}
