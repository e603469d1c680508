// Outcomes as they are kept: whatever a tool came to, what is on record can be read, and reads as what was handed on.
import { describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { encode as msgpack } from "@msgpack/msgpack"
import { Failure, fail, hex, type Outcome, sha256, T, Tensor, type Value } from "../graph/mod.ts"
import { encoded, heldBy, messageOf, openOutcome } from "./outcome.ts"

const again = (o: Outcome): Outcome => {
  const { data, outcome } = encoded(o, sha256)
  return openOutcome(data, messageOf(outcome))
}

describe("an outcome", () => {
  test("is kept as msgpack of what the trace hashes, written here by another encoder", () => {
    const value = encoded({ ok: true, value: { b: [1, null], a: "x" } }, sha256)
    expect(hex(value.data)).toBe(hex(msgpack(["value", { a: "x", b: [1, null] }])))
    expect(hex(value.hash)).toBe(createHash("sha256").update(value.data).digest("hex"))
    const failed = encoded({ ok: false, failure: fail("Timeout", "after 3 s", { data: { ms: 3_000 } }) }, sha256)
    expect(hex(failed.data)).toBe(hex(msgpack(["failure", { data: { ms: 3_000 }, failure: "Timeout" }])))
    expect(messageOf(failed.outcome)).toBe("after 3 s")
    expect(messageOf(value.outcome)).toBeNull()
  })

  test("is read back as it was", () => {
    const values: Value[] = [null, 0, "", [], {}, new Uint8Array([1, 2]), 2n ** 60n, ["value", 1], { failure: "x" }]
    for (const value of values) expect(again({ ok: true, value })).toEqual({ ok: true, value })
    const failure = fail("Missing", "no row", { data: [1, "a"] })
    expect(again({ ok: false, failure })).toEqual({ ok: false, failure })
  })

  test("that is no value of ours counts as a failure, and that can be read", () => {
    for (const value of [() => 1, Symbol("x"), { a: undefined, b: () => 1 }, Object.assign([], { 0: Symbol("y") })]) {
      const { outcome } = encoded({ ok: true, value: value as never }, sha256)
      expect(outcome).toMatchObject({ ok: false })
      expect(again(outcome)).toMatchObject({ ok: false, failure: { data: null } })
    }
  })
})

describe("a failure with anything in it", () => {
  const odd = [undefined, null, 5, {}, [], () => 1, true] as never[]
  test("has texts for its words on record, and is a failure there", () => {
    for (const x of odd) {
      const wordless = encoded({ ok: false, failure: new Failure({ code: "Odd", message: x, data: 1 }) }, sha256)
      expect(wordless.outcome).toMatchObject({ ok: false, failure: { code: "Odd", data: 1 } })
      // Null in its place would say that it is a value.
      expect(typeof messageOf(wordless.outcome)).toBe("string")
      const codeless = encoded({ ok: false, failure: fail(x, "it said", { data: 2 }) }, sha256)
      expect(again(codeless.outcome)).toEqual({ ok: false, failure: fail("Threw", "it said", { data: 2 }) })
    }
  })

  test("loses data that are no value, and keeps its words and why", () => {
    const { outcome } = encoded({ ok: false, failure: fail("Odd", "so", { data: (() => 1) as never }) }, sha256)
    expect(outcome).toMatchObject({ ok: false, failure: { code: "Odd", message: "so", data: null } })
    expect(outcome.ok ? undefined : String(outcome.failure.cause)).toContain("Cannot encode")
    const both = encoded({ ok: false, failure: fail(7 as never, 8 as never, { data: Symbol("x") as never }) }, sha256)
    expect(both.outcome).toMatchObject({ ok: false, failure: { code: "Threw", message: "", data: null } })
  })

  test("that is sound is handed on as it is", () => {
    const failure = fail("Timeout", "", { path: ["a"], retryable: true })
    const { outcome } = encoded({ ok: false, failure }, sha256)
    expect(outcome.ok ? undefined : outcome.failure).toBe(failure)
  })
})

describe("heldBy", () => {
  test("gives values as a port of their type holds them, which their bytes do not tell", () => {
    expect(heldBy(T.int64, { ok: true, value: 5 })).toEqual({ ok: true, value: 5n })
    expect(heldBy(T.number, { ok: true, value: 5 })).toEqual({ ok: true, value: 5 })
    const tensor = new Tensor("f32", [2], new Uint8Array(8))
    expect(heldBy(T.unknown, { ok: true, value: tensor })).toEqual({ ok: true, value: tensor })
    const failed: Outcome = { ok: false, failure: fail("X", "y") }
    expect(heldBy(T.int64, failed)).toBe(failed)
  })
})
