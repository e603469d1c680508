/** What is said where a candidate could not be tested. */
import { expect, test } from "bun:test"
import { GateError, gateError } from "./errors.ts"

test("an error of the gate has a cause where there is one, and none where there is not", () => {
  const cause = new TypeError("disk")
  expect(gateError("storage", "no room", cause)).toMatchObject({ _tag: "GateError", reason: "storage", cause })
  const plain = gateError("misuse", "no such target")
  expect([plain instanceof GateError, plain.message]).toEqual([true, "no such target"])
  expect(Object.hasOwn(plain, "cause")).toBe(false)
})
