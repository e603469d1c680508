// Attempts: retries with their pauses, timeouts, answers that come too late, and what is on record of writes whose fate is
// known, or is not. Expected times are worked out by hand from the settings.
import { describe, expect, test } from "bun:test"
import { Failure, fail } from "../graph/mod.ts"
import { Machine, told } from "../tests/machine/machine.ts"

const one = (settings: string, kind = "read") =>
  `graph: one\ninput: { n: number }\nnodes:\n  a: { ${kind}: tool, with: { n: "\${ input.n }" }, output: number${settings} }\noutput: a\n`

describe("retries", () => {
  const flaky = (times: number, failure: () => unknown) => {
    const attempts: number[] = []
    const tool = ({ n }: { n: number }, call: { readonly attempt: number }) => {
      attempts.push(call.attempt)
      if (attempts.length <= times) throw failure()
      return n
    }
    return { attempts, tool }
  }

  test("go on until an attempt succeeds, with pauses that double up to their bound, halved by chance of one half", async () => {
    const { attempts, tool } = flaky(4, () => fail("Down", "not now", { retryable: true }))
    const machine = new Machine(one(", retry: { times: 5, delay: 100ms, delay_max: 300ms }"), { tool }, {})
    const { out, ms, ledger } = await machine.run({ n: 7 })
    expect([out, attempts, ms]).toEqual([7, [1, 2, 3, 4, 5], 50 + 100 + 150 + 150])
    expect(ledger.find((b) => b.kind === "read")).toMatchObject({ attempts: 5 })
  })

  test("stop when they are used up, and at once where a failure says that trying again is no use", async () => {
    const used = flaky(9, () => fail("Down", "not now", { retryable: true }))
    const first = await new Machine(one(", retry: { times: 2, delay: 10ms }"), { tool: used.tool }).run({ n: 1 })
    expect([(first.out as Failure).code, used.attempts]).toEqual(["Down", [1, 2, 3]])
    const never = flaky(9, () => fail("Wrong", "never", { retryable: false }))
    const second = await new Machine(one(", retry: { times: 2, delay: 10ms }"), { tool: never.tool }).run({ n: 1 })
    expect([(second.out as Failure).code, never.attempts]).toEqual(["Wrong", [1]])
  })

  test("of a write: only where it certainly did not happen, or the tool honours a key", async () => {
    for (const [keyed, undelivered, expected] of [
      [false, false, [1]],
      [false, true, [1, 2]],
      [true, false, [1, 2]],
    ] as const) {
      const { attempts, tool } = flaky(1, () =>
        fail("Down", "lost", { retryable: true, ...(undelivered ? { undelivered } : {}) }),
      )
      const settings = `${keyed ? ", keyed: true" : ""}, retry: { times: 3, delay: 10ms }`
      await new Machine(one(settings, "write"), { tool }).run({ n: 1 })
      expect(attempts).toEqual([...expected])
    }
  })

  test("every attempt carries the same key, another call another one", async () => {
    const keys: string[] = []
    const tool = (_: unknown, call: { readonly key: string; readonly attempt: number }) => {
      keys.push(call.key)
      if (call.attempt === 1) throw fail("Down", "lost", { retryable: true })
      return 1
    }
    const text = `graph: two
input: { n: number }
nodes:
  a: { write: tool, keyed: true, on: x, with: { n: 1 }, output: number, retry: { times: 3, delay: 10ms } }
  b: { write: tool, keyed: true, on: y, with: { n: 1 }, output: number, retry: { times: 3, delay: 10ms } }
output: a + b
`
    await new Machine(text, { tool }).run({ n: 1 })
    expect(keys.length).toBe(4)
    expect(new Set(keys).size).toBe(2)
  })
})

describe("timeouts", () => {
  test("end an attempt that does not answer, stop the tool, and let a late answer go", async () => {
    let answered = 0
    const signals: AbortSignal[] = []
    const machine: Machine = new Machine(one(", timeout: 50ms, retry: { times: 1, delay: 10ms }"), {
      tool: async ({ n }: { n: number }, call) => {
        signals.push(call.signal)
        if (call.attempt === 2) return n
        await machine.clock.sleep(53)
        answered++
        return -1
      },
    })
    const { out, ms } = await machine.run({ n: 7 })
    expect([out, ms, signals.map((s) => s.aborted)]).toEqual([7, 55, [true, false]])
    await machine.clock.until(machine.clock.sleep(100))
    expect(answered).toBe(1)
  })

  test("of the host hold where a node says nothing", async () => {
    const machine: Machine = new Machine(one(""), { tool: () => machine.clock.sleep(1e9) }, { timeoutMs: 20 })
    const { out, ms } = await machine.run({ n: 1 })
    expect([(out as Failure).code, ms]).toEqual(["Timeout", 20])
  })
})

describe("writes", () => {
  const told1 = async (answer: () => unknown) =>
    told(await new Machine(one("", "write"), { tool: answer as never }, { timeoutMs: 20 }).run({ n: 1 }))

  test("leave their intent and exactly one outcome, whatever the tool does", async () => {
    expect(await told1(() => 1)).toEqual(["intent a", "delivered"])
    expect(await told1(() => "wrong type")).toEqual(["intent a", "delivered"])
    expect(await told1(() => Promise.reject(fail("Refused", "no")))).toEqual(["intent a", "refused"])
    expect(await told1(() => new Promise(() => {}))).toEqual(["intent a", "uncertain"])
    expect(await told1(() => Promise.reject(fail("ToolDied", "gone")))).toEqual(["intent a", "uncertain"])
  })

  test("that may have arrived are uncertain, whatever an attempt after that one learnt", async () => {
    const cut = fail("Unreachable", "cut", { retryable: true, undelivered: false })
    const never = fail("Unreachable", "nobody there", { retryable: true, undelivered: true })
    expect(await told1(() => Promise.reject(cut))).toEqual(["intent a", "uncertain"])
    expect(await told1(() => Promise.reject(never))).toEqual(["intent a", "refused"])
    const attempts = async (...came: unknown[]) => {
      const answer = async () => {
        const next = came.shift()
        if (next instanceof Failure) throw next
        return next
      }
      const text = one(", retry: { times: 2, delay: 1ms }, keyed: true", "write")
      const machine = new Machine(text, { tool: answer as never }, { timeoutMs: 20 })
      const ended = await machine.run({ n: 1 })
      return [...told(ended), ended.out instanceof Failure ? ended.out.message : "done"]
    }
    expect(await attempts(cut, never, never)).toEqual(["intent a", "uncertain", "cut"])
    expect(await attempts(never, cut, fail("HttpStatus", "no"))).toEqual(["intent a", "uncertain", "cut"])
    expect(await attempts(never, never, never)).toEqual(["intent a", "refused", "nobody there"])
    expect(await attempts(cut, 1)).toEqual(["intent a", "delivered", "done"])
  })

  test("that were on their way when the run failed still report what came of them", async () => {
    const machine: Machine = new Machine(
      `graph: two
input: { n: number }
nodes:
  sent: { write: send, on: a, with: { n: 1 }, output: number }
  bad: { read: bad, on: b, with: { n: 1 }, output: number }
output: sent + bad
`,
      {
        send: async () => {
          await machine.clock.sleep(100)
          return 1
        },
        bad: async () => {
          await machine.clock.sleep(10)
          throw fail("Broken", "no")
        },
      },
    )
    const ended = await machine.run({ n: 1 })
    expect((ended.out as Failure).code).toBe("Broken")
    expect(told(ended)).toEqual(["intent sent", "read bad", "delivered"])
  })
})

test("never more calls of a resource in flight than it allows, over all runs", async () => {
  let now = 0
  let most = 0
  const machine: Machine = new Machine(
    `graph: many
input: { n: number }
nodes:
  all: { map: "[1, 2, 3, 4, 5, 6, 7, 8]", parallel: 8, do: { read: tool, at_once: 3, with: { n: "\${ item }" }, output: number } }
output: all.sum()
`,
    {
      tool: async ({ n }: { n: number }) => {
        most = Math.max(most, ++now)
        await machine.clock.sleep(10)
        now--
        return n
      },
    },
  )
  const runs = [machine.begin({ n: 1 }), machine.begin({ n: 1 })]
  const outs = await machine.clock.until(Promise.all(runs.map(({ answer }) => answer)))
  expect(outs).toEqual([
    { ok: true, value: 36 },
    { ok: true, value: 36 },
  ])
  expect(most).toBe(3)
  expect(machine.clock.tick()).toBe(60)
})
