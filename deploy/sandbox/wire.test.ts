/** What a guest says is not believed: texts that our own script would never write are refused by name. */
import { describe, expect, test } from "bun:test"
import { sameValue, Tensor, type Value, ValueError } from "../../graph/mod.ts"
import { fromGuest, toGuest } from "./wire.ts"

const values: readonly Value[] = [
  ...[null, true, -0, 0.1, Number.NaN, Number.NEGATIVE_INFINITY, 5n, -(2n ** 63n), "a\0\u2028", [], {}, [[1]]],
  ...[{ $i: "5" }, { $r: { $r: 1 } }, { $: null, a: 1 }, new Uint8Array([0, 255]), { "": [new Uint8Array(0)] }],
  new Tensor("i16", [2], new Uint8Array([1, 2, 3, 4])),
]

describe("a value", () => {
  test.each(values.map((v, i) => [i, v] as const))("%d comes back from its text", (_, value) => {
    expect(sameValue(fromGuest(toGuest(value).slice(1)), value)).toBe(true)
  })
  test("says beforehand whether anything has to be revived", () => {
    expect(toGuest({ a: [1, "x"] })[0]).toBe(" ")
    expect(toGuest({ a: [1, -0] })[0]).toBe("$")
  })
})

test.each([
  "",
  "{",
  "undefined",
  '{"$n":"5"}',
  '{"$n":5}',
  '{"$i":"9223372036854775808"}',
  '{"$i":"1e3"}',
  '{"$i":5}',
  '{"$b":"0"}',
  '{"$b":"zz"}',
  '{"$b":[1]}',
  '{"$t":["f32",[1],"00"]}',
  '{"$t":["f99",[1],"00000000"]}',
  '{"$t":["u8",[-1],""]}',
  '{"$t":["u8","x",""]}',
  '{"$t":["u8",[1]]}',
  '{"$r":5}',
  '{"$r":[1]}',
  '{"__proto__":{"a":1}}',
  '{"$r":{"__proto__":1,"a":1}}',
])("%s is refused", (text) => expect(() => fromGuest(text)).toThrow(ValueError))

test("half a surrogate pair is U+FFFD, in texts and in keys", () => {
  expect(fromGuest('{"\\ud800":"\\udfff"}')).toEqual({ "\ufffd": "\ufffd" })
})
