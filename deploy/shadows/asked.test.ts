/** Words and JSON as the values that an encoding takes. */
import { describe, expect, test } from "bun:test"
import { T, type Type, type Value } from "../../graph/mod.ts"
import { EncodingRefused, encodingOf, type Notes, type PartSpec } from "../../shadow/mod.ts"
import { asSpec, wordAs } from "./asked.ts"

function specOf(type: Type, notes: Notes = {}): PartSpec {
  const encoding = encodingOf(type, notes)
  if (encoding instanceof EncodingRefused) throw encoding
  return encoding.spec.of
}
const short: Notes = { maxLength: 9, below: 128 }

describe("JSON, as an encoding has it", () => {
  const cases: readonly (readonly [string, Type, Notes, Value, Value])[] = [
    ["int64", T.int64, {}, 5, 5n],
    ["int64 in a list", T.list(T.int64), { maxLength: 3 }, [1, 2], [1n, 2n]],
    ["int64 in a map", T.map(T.int64), { keys: ["a", "b"] }, { a: 1 }, { a: 1n }],
    ["int64 in a union", T.union(T.string, T.int64), { members: [short] }, 7, 7n],
    ["text in the same union", T.union(T.string, T.int64), { members: [short] }, "7", "7"],
    ["a record in a union", T.union(T.null, T.record({ n: T.int64 })), {}, { n: 3 }, { n: 3n }],
    ["nothing in the same union", T.union(T.null, T.record({ n: T.int64 })), {}, null, null],
    [
      "bytes in a map",
      T.map(T.bytes),
      { keys: ["a"], of: { maxLength: 4 } },
      { a: "AQI=" },
      { a: Uint8Array.of(1, 2) },
    ],
    ["a number beyond 2^53", T.number, {}, 2n ** 60n, 2 ** 60],
    ["one that no number is", T.number, {}, 2n ** 60n + 1n, 2n ** 60n + 1n],
  ]
  test.each(cases)("%s", (_, type, notes, given, want) => {
    expect(asSpec(specOf(type, notes), given)).toEqual(want)
  })
})

describe("a word", () => {
  const cases: readonly (readonly [string, Type, Notes, string, Value])[] = [
    ["is text where text is wanted", T.string, short, "12", "12"],
    ["is a member of an enumeration", T.enum("1", "2"), {}, "1", "1"],
    ["is bytes, as UTF-8", T.bytes, { maxLength: 4 }, "ä", Uint8Array.of(0xc3, 0xa4)],
    ["is a date", T.string, { format: "date" }, "2024-01-01", "2024-01-01"],
    ["is a number where one is wanted", T.number, {}, "12", 12],
    ["is a list where one is wanted", T.list(T.number), { maxLength: 3 }, "[1,2]", [1, 2]],
    ["is text where it is no JSON", T.number, {}, "twelve", "twelve"],
    ["is text where text or nothing is wanted", T.union(T.null, T.string), { members: [{}, short] }, "12", "12"],
    ["is nothing there as well", T.union(T.null, T.string), { members: [{}, short] }, "null", null],
  ]
  test.each(cases)("%s", (_, type, notes, given, want) => {
    expect(wordAs(given, specOf(type, notes))).toEqual(want)
  })
})
