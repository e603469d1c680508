// A value that was at a port and came through bytes is held as the port held it, and is the same value.
import { expect, test } from "bun:test"
import { held } from "./held.ts"
import { T, type Type } from "./type.ts"
import { decode, encode, sameValue, type Value } from "./value.ts"

const CASES: readonly (readonly [type: Type, value: Value])[] = [
  [T.int64, 5n],
  [T.int64, 9007199254740993n],
  [T.number, 5],
  [T.number, -0],
  [T.unknown, [1, "a", null]],
  [T.list(T.int64), [1n, -2n]],
  [T.map(T.int64), { a: 1n }],
  // Fields that the type does not name travel along.
  [T.record({ a: T.int64 }), { a: 1n, more: { b: 2.5 } }],
  [T.record({}), { "*": "red" }],
  [T.union(T.record({}), T.number), { "*": "red" }],
  [T.union(T.record({ a: T.int64 }), T.record({ b: T.int64 })), { b: 3n }],
  [T.union(T.int64, T.number), -0],
  [T.union(T.int64, T.number), 1.5],
  [T.union(T.string, T.int64), 7n],
  // What the port's type is wrong about stays as it is.
  [T.map(T.int64), { z: null }],
  [T.list(T.int64), "no list"],
  [T.int64, 2.5],
]

for (const [type, value] of CASES)
  test(`${JSON.stringify(type)} holds ${encode(value).join(" ")}`, () => {
    const back = held(type, decode(encode(value)))
    expect(back).toEqual(value)
    expect(sameValue(back, value)).toBe(true)
  })
