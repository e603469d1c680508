/** Numbers into tensors and back, against typed arrays, which do the same with the host's own byte order. */
import { expect, test } from "bun:test"
import { numbersOf, Tensor, tensorOf, ValueError } from "../value.ts"

test.each([
  ["f32", Float32Array, [0, -0.5, 3.25, Number.POSITIVE_INFINITY]],
  ["f64", Float64Array, [0.1, -1e300, 5e-324, 2]],
  ["i8", Int8Array, [-128, 127, 0, 1]],
  ["u8", Uint8Array, [0, 255, 1, 2]],
  ["i16", Int16Array, [-32768, 32767, 0, 1]],
  ["u16", Uint16Array, [0, 65535, 1, 2]],
  ["i32", Int32Array, [-(2 ** 31), 2 ** 31 - 1, 0, 1]],
  ["u32", Uint32Array, [0, 2 ** 32 - 1, 1, 2]],
] as const)("%s", (dtype, Typed, numbers) => {
  const tensor = tensorOf(dtype, [2, 2], numbers)
  expect(tensor.data).toEqual(new Uint8Array(Typed.from(numbers).buffer))
  expect(numbersOf(tensor)).toEqual([...numbers])
})

test("64 bits, as far as a number holds them", () => {
  const numbers = [0, 2 ** 53 - 1]
  expect(numbersOf(tensorOf("u64", [2], numbers))).toEqual(numbers)
  expect(tensorOf("i64", [1], [-2]).data).toEqual(new Uint8Array(BigInt64Array.of(-2n).buffer))
  const large = new Tensor("i64", [1], new Uint8Array(BigInt64Array.of(2n ** 53n).buffer))
  expect(() => numbersOf(large)).toThrow("9007199254740992 out of a tensor as a number: it is beyond 2^53")
})

test("what does not fit is refused with its place", () => {
  expect(() => tensorOf("u8", [2], [1, 256])).toThrow(
    "Cannot put 256 at 1 of a tensor<u8>: wanted a whole number from 0 to 255",
  )
  expect(() => tensorOf("i64", [1], [0.5])).toThrow("Cannot put 0.5 at 0 of a tensor<i64>")
  expect(() => tensorOf("f32", [3], [1, 2])).toThrow("it takes 12 bytes, found 8")
  expect(() => tensorOf("f16", [1], [1])).toThrow(ValueError)
})
