/** The judge: an answer counts as its port's type, or as the failure `Mismatch`; never as anything else. */
import { expect, test } from "bun:test"
import { Failure, fail, T } from "../graph/mod.ts"
import { judgeOf } from "./judge.ts"

test("an answer of the port's type passes, another is a Mismatch", () => {
  const { judge, level } = judgeOf(T.record({ rate: T.number }))
  expect(level).toBe("schema")
  expect(judge({ rate: 1.5 })).toEqual({ ok: true, value: { rate: 1.5 } })
  for (const answer of [{ rate: "1.5" }, {}, null, undefined, 1, [], () => 1, Symbol("x"), Promise.resolve(1)]) {
    const outcome = judge(answer)
    expect(outcome.ok).toBe(false)
    if (!outcome.ok) expect(outcome.failure).toMatchObject({ _tag: "Failure", code: "Mismatch" })
  }
})

test("where the type says nothing it must still be a value", () => {
  const { judge, level } = judgeOf(T.unknown)
  expect(level).toBe("syntax")
  expect(judge({ a: [1, null, "x"] })).toEqual({ ok: true, value: { a: [1, null, "x"] } })
  for (const answer of [() => 1, { a: Symbol("x") }]) expect(judge(answer).ok).toBe(false)
  expect(judge(undefined)).toEqual({ ok: true, value: null })
})

test("a failure stays the failure that it is", () => {
  const failure = fail("Timeout", "too late")
  expect(judgeOf(T.number).judge(failure)).toEqual({ ok: false, failure })
})

test("the outcome of a stream is the list of its items", () => {
  const { judge } = judgeOf(T.stream(T.number))
  expect(judge([1, 2])).toEqual({ ok: true, value: [1, 2] })
  expect(judge(1).ok).toBe(false)
  expect(judge(["1"]).ok).toBe(false)
})

test("an answer that breaks the validator is refused", () => {
  const hostile = new Proxy(
    {},
    {
      getPrototypeOf: () => {
        throw new RangeError("caught you")
      },
      get: () => {
        throw new RangeError("caught you")
      },
      ownKeys: () => {
        throw new RangeError("caught you")
      },
    },
  )
  for (const type of [T.unknown, T.record({ a: T.number }), T.list(T.number)]) {
    const outcome = judgeOf(type).judge(hostile)
    expect(outcome.ok).toBe(false)
    if (!outcome.ok) {
      expect(outcome.failure).toBeInstanceOf(Failure)
      expect(outcome.failure.code).toBe("Mismatch")
    }
  }
})
