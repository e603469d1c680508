/** What is printed as a literal reads back as the same value; whatever else arrives is no literal. */
import { describe, expect, test } from "bun:test"
import { accept } from "./accept.ts"
import { parseType } from "./file/notation.ts"
import { printLiteral } from "./literal.ts"
import { readLiteral } from "./literal-read.ts"
import { parsePlainType } from "./notation.ts"
import { Tensor, type Value } from "./value.ts"

const VALUES: readonly Value[] = [
  0,
  -0,
  1.5,
  -12,
  1e21,
  2 ** 60,
  5e-324,
  true,
  false,
  null,
  "",
  'a "quoted" \\ line\nand ünïcode 運 🙂',
  0n,
  -(2n ** 63n),
  new Uint8Array([0, 34, 92, 127, 255, 65]),
  new Tensor("f32", [2], new Uint8Array(8)),
  [],
  [1, [2, ["three"]]],
  {},
  { a: 1, "with space": { b: [null] }, ü: "x" },
]

describe("a literal", () => {
  test.each(VALUES.map((value) => [printLiteral(value), value] as const))("%s reads back", (text, value) => {
    expect(readLiteral(text)).toEqual(value)
    expect(Object.is(readLiteral(text), -0)).toBe(Object.is(value, -0))
  })

  test.each([
    "",
    "1 + 2",
    "x",
    "1 2",
    "[1",
    "[1,]",
    '{"a" 1}',
    '{"a": 1, "a": 2}',
    '{"__proto__": 1}',
    '"open',
    '"\\q"',
    "int64(x)",
    'tensor("f99", [1], b"")',
    'tensor("f32", [2], b"")',
    `${"[".repeat(200)}1${"]".repeat(200)}`,
    "NaN",
  ])("%s is none", (text) => {
    expect(readLiteral(text)).toBeUndefined()
  })
})

describe("the plain notation", () => {
  test.each([
    "number",
    "[string]",
    '{ a: number = 3, b?: "x" | "y", c: [int64] = [1, 2] }',
    '{ s: string = "a, b }" }',
  ])("reads %s as files do", (text) => {
    const plain = parsePlainType(text)
    expect(plain).toEqual(parseType(text))
    if ("type" in plain) expect(() => accept(plain.type)).not.toThrow()
  })

  test("takes no expression for a default, and says so with its place", () => {
    const read = parsePlainType("{ a: number = 1 + 2 }")
    expect("problems" in read && read.problems[0]).toMatchObject({ code: "G008" })
    expect("problems" in parsePlainType('{ a: number = "x" }')).toBe(true)
  })
})
