// Words of a command line as values of port types: each kind of type, and what is said when a word does not fit.
import { describe, expect, test } from "bun:test"
import { parseType } from "../../graph/file/mod.ts"
import { T, type Type } from "../../graph/mod.ts"
import { takes, wordValue } from "./input.ts"

const type = (notation: string): Type => {
  const read = parseType(notation)
  if ("type" in read) return read.type
  throw new TypeError(`no type: ${notation}`)
}
const refusal = (text: string, notation: string): string => {
  try {
    wordValue(text, type(notation))
  } catch (cause) {
    return (cause as Error).message
  }
  return "taken"
}

describe("a word by its type", () => {
  test.each([
    ["17", "string", "17"],
    ["17", "number", 17],
    ["-1.5e3", "number", -1500],
    ["true", "boolean", true],
    ["USD", "EUR | USD", "USD"],
    ["9007199254740993", "int64", 9007199254740993n],
    ["[1, 2]", "[number]", [1, 2]],
    ['{ "a": 1 }', "{ a: number }", { a: 1 }],
    ["null", "null", null],
    ["7", "number | string", 7],
    ["seven", "number | string", "seven"],
    ["true", "unknown", true],
    ["A17", "unknown", "A17"],
    ['{"a": 9007199254740993}', "unknown", { a: 9007199254740993n }],
  ])("%s as %s", (text, notation, value) => {
    expect(wordValue(text, type(notation))).toEqual(value as never)
  })

  test("bytes are the text's UTF-8", () => {
    expect(wordValue("ä", T.bytes)).toEqual(new Uint8Array([0xc3, 0xa4]))
  })

  test.each([
    ["x", "number", 'wanted number, found "x"'],
    ["", "number", 'wanted number, found ""'],
    ["Infinity", "number", 'wanted number, found "Infinity"'],
    ["yes", "boolean", 'wanted boolean, found "yes"'],
    ["DKK", "EUR | USD", 'wanted EUR | USD, found "DKK"'],
    ["1.5", "int64", 'wanted int64, found "1.5"'],
    ["x", "number | boolean", 'wanted boolean | number, found "x"'],
  ])("%s is no %s", (text, notation, message) => {
    expect(refusal(text, notation).replace("number | boolean", "boolean | number")).toBe(message)
  })

  test("JSON that is none says where", () => {
    expect(refusal("[1,", "[number]")).toContain("Cannot read JSON at character")
  })
})

test("what a graph takes, as a person would write it", () => {
  const input = type("{ order: string, currency: EUR | USD, margin: number = 1.2, note?: string, big: int64 = 5 }")
  expect(takes(input as Extract<Type, { kind: "record" }>)).toBe(
    "order=<string> currency=EUR|USD [margin=1.2] [note=<string>] [big=5]",
  )
})
