/**
 * The judge: an answer counts as its port's type and past its validators, or as the failure `Mismatch`; never as anything
 * else. A validator that throws, hangs or answers nonsense refuses.
 */
import { describe, expect, test } from "bun:test"
import { Failure, fail, LEVELS, type Outcome, reaches, T, type Validator, type Value } from "../graph/mod.ts"
import { judgeOf } from "./judge.ts"

const type = (port: Parameters<typeof judgeOf>[0]) => {
  const { judge, level, plain, alone } = judgeOf(port)
  expect([plain, alone]).toEqual([true, true])
  return { level, judge: (answer: unknown) => judge(answer) as Outcome }
}

test("it looks at the answer alone where each of its validators says so", () => {
  const own: Validator = { level: "property", about: "", alone: true, holds: () => true }
  const both: Validator = { level: "property", about: "", holds: () => true }
  const exact: Validator = { level: "exact", about: "", reference: () => 1 }
  const alone = (...validators: Validator[]) => judgeOf(T.number, validators).alone
  expect([alone(own), alone(own, own)]).toEqual([true, true])
  // What an exact one must equal is a function of the arguments, whatever it says.
  const says = { ...exact, alone: true } as Validator
  expect([alone(both), alone(own, both), alone(exact, own), alone(says)]).toEqual([false, false, false, false])
  expect(judgeOf(T.number, [own]).plain).toBe(false)
})

test("an answer of the port's type passes, another is a Mismatch", () => {
  const { judge, level } = type(T.record({ rate: T.number }))
  expect(level).toBe("schema")
  expect(judge({ rate: 1.5 })).toEqual({ ok: true, value: { rate: 1.5 } })
  for (const answer of [{ rate: "1.5" }, {}, null, undefined, 1, [], () => 1, Symbol("x"), Promise.resolve(1)]) {
    const outcome = judge(answer)
    expect(outcome.ok).toBe(false)
    if (!outcome.ok) expect(outcome.failure).toMatchObject({ _tag: "Failure", code: "Mismatch" })
  }
})

test("where the type says nothing it must still be a value", () => {
  const { judge, level } = type(T.unknown)
  expect(level).toBe("syntax")
  expect(judge({ a: [1, null, "x"] })).toEqual({ ok: true, value: { a: [1, null, "x"] } })
  for (const answer of [() => 1, { a: Symbol("x") }]) expect(judge(answer).ok).toBe(false)
  expect(judge(undefined)).toEqual({ ok: true, value: null })
})

test("a failure stays the failure that it is", () => {
  const failure = fail("Timeout", "too late")
  expect(type(T.number).judge(failure)).toEqual({ ok: false, failure })
})

test("a stream promises of its items what their type does", () => {
  expect(type(T.stream(T.number)).level).toBe("schema")
  expect(type(T.stream(T.unknown)).level).toBe("syntax")
})

test("the outcome of a stream is the list of its items", () => {
  const { judge } = type(T.stream(T.number))
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
  for (const port of [T.unknown, T.record({ a: T.number }), T.list(T.number)]) {
    const outcome = type(port).judge(hostile)
    expect(outcome.ok).toBe(false)
    if (!outcome.ok) {
      expect(outcome.failure).toBeInstanceOf(Failure)
      expect(outcome.failure.code).toBe("Mismatch")
    }
  }
})

test("levels have an order, and it is that of their promises, not of their names", () => {
  expect(LEVELS).toEqual(["none", "syntax", "schema", "property", "oracle", "exact"])
  LEVELS.forEach((level, i) => {
    LEVELS.forEach((least, k) => {
      expect(reaches(level, least)).toBe(i >= k)
    })
  })
  for (const odd of ["", "Exact", "toString", undefined, 9, null]) {
    expect(reaches(odd as never, "none")).toBe(false)
    expect(reaches("exact", odd as never)).toBe(false)
  }
})

describe("validators", () => {
  const property = (holds: (answer: Value, args: Value) => unknown, more = {}): Validator =>
    ({ level: "property", about: "is not negative", holds, ...more }) as Validator
  const notNegative = property((answer) => (answer as number) >= 0)
  const double: Validator = { level: "exact", about: "twice n", reference: (args) => 2 * (args as { n: number }).n }

  test("a property that holds passes, one that does not is a Mismatch that says which", () => {
    const { judge, level } = judgeOf(T.number, [notNegative])
    expect(level).toBe("property")
    expect(judge(1)).toEqual({ ok: true, value: 1 })
    expect(judge(-1)).toMatchObject({
      ok: false,
      failure: {
        code: "Mismatch",
        message: "The answer was refused by its property validator (is not negative): it does not hold",
        data: { path: "", want: "is not negative", level: "property" },
      },
    })
  })

  test("the type comes first, and the level is that of the strongest", () => {
    let asked = 0
    const { judge, level } = judgeOf(T.number, [
      double,
      property(() => {
        asked++
        return true
      }),
    ])
    expect(level).toBe("exact")
    expect(judge("1", { n: 1 })).toMatchObject({ ok: false })
    expect(asked).toBe(0)
    expect(judge(2, { n: 1 })).toEqual({ ok: true, value: 2 })
    expect(judge(3, { n: 1 })).toMatchObject({ failure: { data: { level: "exact" } } })
    expect(asked).toBe(2)
  })

  test("a failure of the tool is not judged", () => {
    const failure = fail("Timeout", "too late")
    const never = property(() => {
      throw new RangeError("asked")
    })
    expect(judgeOf(T.number, [never]).judge(failure)).toEqual({ ok: false, failure })
  })

  test("the cheap are asked before the dear, and those of one level as they were installed", () => {
    const asked: string[] = []
    const named = (name: string, verdict: boolean) =>
      property(() => {
        asked.push(name)
        return verdict
      })
    const reference: Validator = {
      level: "exact",
      about: "the reference",
      reference: () => {
        asked.push("exact")
        return 1
      },
    }
    judgeOf(T.number, [reference, named("a", true), named("b", true), named("c", false), named("d", true)]).judge(1)
    expect(asked).toEqual(["a", "b", "c"])
    asked.length = 0
    expect(judgeOf(T.number, [reference, named("a", true), named("b", true)]).judge(1)).toMatchObject({ ok: true })
    expect(asked).toEqual(["a", "b", "exact"])
  })

  test("what is no verdict refuses", () => {
    const callable = Object.assign(() => true, { then: (go: (v: boolean) => void) => go(true) })
    for (const verdict of [
      undefined,
      null,
      1,
      0,
      {},
      [],
      [true],
      new Boolean(true),
      Symbol("yes"),
      () => true,
      callable,
      { then: true },
    ]) {
      const what = verdict === null ? "null" : typeof verdict
      expect(judgeOf(T.number, [property(() => verdict)]).judge(1)).toMatchObject({
        ok: false,
        failure: { code: "Mismatch", message: expect.stringContaining(`what it said is no verdict: ${what}`) },
      })
    }
    const said = judgeOf(T.number, [property(() => "it is Tuesday")]).judge(1)
    expect(said).toMatchObject({ ok: false, failure: { message: expect.stringContaining("it is Tuesday") } })
  })

  test("a validator that throws refuses, whatever it throws", () => {
    const trap = new Proxy(
      {},
      {
        get: () => {
          throw new RangeError("caught you")
        },
      },
    )
    const thrown = [new RangeError("no"), "no", undefined, null, trap, fail("Timeout", "late", { retryable: true })]
    for (const cause of thrown) {
      const outcome = judgeOf(T.number, [
        property(() => {
          throw cause
        }),
      ]).judge(1) as Outcome
      expect(outcome.ok).toBe(false)
      if (!outcome.ok) expect([outcome.failure.code, outcome.failure.retryable]).toEqual(["Mismatch", undefined])
    }
  })

  test("verdicts that come later, and rejections", async () => {
    const clock = { sleep: () => new Promise<void>(() => {}) }
    const later = (verdict: unknown) =>
      judgeOf(T.number, [property(() => Promise.resolve(verdict)), double]).judge(2, { n: 1 }, clock)
    expect(await later(true)).toEqual({ ok: true, value: 2 })
    expect(await later(false)).toMatchObject({ ok: false })
    expect(await later({})).toMatchObject({ ok: false })
    // A failure is no verdict either, and not the tool's.
    expect(await later(fail("Busy", "later", { retryable: true }))).toMatchObject({ failure: { code: "Mismatch" } })
    // What comes after a verdict that came later is asked too, and so is a reference that answers later.
    const both = (n: number) =>
      judgeOf(T.number, [property(async () => true), property(() => false), double]).judge(2, { n }, clock)
    expect(await both(1)).toMatchObject({ ok: false })
    const slow: Validator = { ...double, reference: async (args) => 2 * (args as { n: number }).n } as Validator
    const slowly = (n: number) => judgeOf(T.number, [property(async () => true), slow]).judge(2, { n }, clock)
    expect([(await slowly(1)).ok, (await slowly(2)).ok]).toEqual([true, false])
    const broken = judgeOf(T.number, [property(() => Promise.reject(new RangeError("gone")))])
    expect(await broken.judge(1, null, clock)).toMatchObject({
      ok: false,
      failure: { code: "Mismatch", message: expect.stringContaining("gone") },
    })
  })

  test("one that hangs is refused when its time is over, and told to stop", async () => {
    let slept = 0
    let stopped: AbortSignal | undefined
    const clock = {
      sleep: async (ms: number) => {
        slept = ms
      },
    }
    const hangs: Validator = {
      level: "oracle",
      about: "a slow one",
      by: "server:slow",
      timeoutMs: 250,
      check: (_answer, _args, signal) => {
        stopped = signal
        return new Promise<boolean>(() => {})
      },
    }
    const outcome = await judgeOf(T.number, [hangs]).judge(1, null, clock)
    expect(outcome).toMatchObject({
      ok: false,
      failure: { message: expect.stringContaining("no verdict after 250 ms") },
    })
    expect([slept, stopped?.aborted]).toEqual([250, true])
    // A verdict in time ends the sleep.
    let sleeping: AbortSignal | undefined
    const patient = {
      sleep: (_: number, signal?: AbortSignal) => {
        sleeping = signal
        return new Promise<void>(() => {})
      },
    }
    expect(await judgeOf(T.number, [property(async () => true)]).judge(1, null, patient)).toMatchObject({ ok: true })
    expect(sleeping?.aborted).toBe(true)
    // Where nothing bounds the wait, nobody waits, and nobody is told when it breaks after all.
    const unheard: unknown[] = []
    const hear = (cause: unknown) => void unheard.push(cause)
    process.on("unhandledRejection", hear)
    const breaks = property(() => Promise.reject(new RangeError("gone")))
    expect(await judgeOf(T.number, [breaks]).judge(1)).toMatchObject({ ok: false })
    await new Promise((resolve) => setTimeout(resolve, 1))
    process.off("unhandledRejection", hear)
    expect(unheard).toEqual([])
    expect(await judgeOf(T.number, [hangs]).judge(1)).toMatchObject({
      ok: false,
      failure: { message: expect.stringContaining("nothing bounds the wait") },
    })
  })
})
