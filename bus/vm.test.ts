// What runs when: independent work overlaps, nothing waits for what it does not use, conflicting effects keep their order,
// and what can no longer matter is stopped. Time is a test clock, so every duration is exact.
import { describe, expect, test } from "bun:test"
import type { Failure } from "../graph/mod.ts"
import { Machine, told, WAYS } from "../tests/machine/machine.ts"

describe.each(WAYS)("a run %s", (_says, options) => {
  test("of pure work answers at once, without a promise", () => {
    const machine = new Machine(
      "graph: sum\ninput: { a: number, b: number }\nnodes:\n  c: { expr: input.a + input.b }\noutput: c * 2\n",
      {},
      options,
    )
    const { answer } = machine.begin({ a: 1, b: 2 })
    expect(answer).toEqual({ ok: true, value: 6 })
  })

  test("overlaps what is independent: as long as the longest way through it", async () => {
    const machine: Machine = new Machine(
      `graph: diamond
input: { ms: number }
nodes:
  a: { read: wait, on: a, with: { ms: "\${ input.ms }" }, output: number }
  b: { read: wait, on: b, with: { ms: "\${ input.ms * 3 }" }, output: number }
  c: { read: wait, on: c, with: { ms: "\${ a }" }, output: number }
  d: { expr: b + c }
output: d
`,
      {
        wait: async ({ ms }: { ms: number }) => {
          await machine.clock.sleep(ms)
          return ms
        },
      },
      options,
    )
    const { out, ms } = await machine.run({ ms: 10 })
    expect([out, ms]).toEqual([40, 30])
  })

  test("a slow sibling holds nobody back", async () => {
    const done: string[] = []
    const machine: Machine = new Machine(
      `graph: sibling
input: { ms: number }
nodes:
  slow: { read: wait, on: s, with: { ms: "\${ input.ms * 100 }", name: slow }, output: number }
  a: { read: wait, on: a, with: { ms: "\${ input.ms }", name: a }, output: number }
  b: { read: wait, on: b, with: { ms: "\${ a }", name: b }, output: number }
  c: { read: wait, on: c, with: { ms: "\${ b }", name: c }, output: number }
output: slow + c
`,
      {
        wait: async ({ ms, name }: { ms: number; name: string }) => {
          await machine.clock.sleep(ms)
          done.push(`${name} ${machine.clock.tick()}`)
          return ms
        },
      },
      options,
    )
    const { ms } = await machine.run({ ms: 5 })
    expect(done).toEqual(["a 5", "b 10", "c 15", "slow 500"])
    expect(ms).toBe(500)
  })

  test("conflicting effects go in their order, others do not wait", async () => {
    const log: string[] = []
    const machine: Machine = new Machine(
      `graph: ordered
input: { n: number }
nodes:
  w1: { write: log, on: db, with: { name: w1, ms: 30 }, output: number }
  r1: { read: log, on: db, with: { name: r1, ms: 10 }, output: number, after: w1 }
  r2: { read: log, on: db, with: { name: r2, ms: 10 }, output: number, after: w1 }
  w2: { write: log, on: db, with: { name: w2, ms: 5 }, output: number, after: [r1, r2] }
  other: { read: log, on: elsewhere, with: { name: other, ms: 5 }, output: number }
output: w1 + r1 + r2 + w2 + other
`,
      {
        log: async ({ name, ms }: { name: string; ms: number }) => {
          log.push(`+${name}`)
          await machine.clock.sleep(ms)
          log.push(`-${name}`)
          return 1
        },
      },
      options,
    )
    const ended = await machine.run({ n: 1 })
    expect(ended.out).toBe(5)
    expect(ended.ms).toBe(45)
    expect(log.slice(0, 4)).toEqual(["+w1", "+other", "-other", "-w1"])
    // Two reads of one resource do not conflict: whoever is first, they overlap.
    expect([log.slice(4, 6).sort(), log.slice(6, 8).sort()]).toEqual([
      ["+r1", "+r2"],
      ["-r1", "-r2"],
    ])
    expect(log.slice(8)).toEqual(["+w2", "-w2"])
  })

  test("a failure stops the calls that no longer matter; what was committed stays on record", async () => {
    const signals: AbortSignal[] = []
    const machine: Machine = new Machine(
      `graph: failing
input: { n: number }
nodes:
  first: { read: now, on: a, with: { n: "\${ input.n }" }, output: number }
  bad: { read: bad, on: b, with: { n: "\${ first }" }, output: number }
  slow: { read: slow, on: c, with: { n: "\${ input.n }" }, output: number }
output: first + bad + slow
`,
      {
        now: ({ n }: { n: number }) => n,
        bad: async () => {
          await machine.clock.sleep(10)
          throw new RangeError("broken")
        },
        slow: (_: unknown, call) => {
          signals.push(call.signal)
          return machine.clock.sleep(10_000, call.signal)
        },
      },
      options,
    )
    const ended = await machine.run({ n: 1 })
    expect((ended.out as Failure).code).toBe("Threw")
    expect(ended.ms).toBe(10)
    expect(signals.map((s) => s.aborted)).toEqual([true])
    expect(told(ended)).toEqual(["read first", "read bad"])
    expect(machine.clock.sleeping).toBe(0)
  })

  test("a cancelled run stops its tools and says so", async () => {
    const machine: Machine = new Machine(
      'graph: long\ninput: { n: number }\nnodes:\n  a: { read: forever, with: { n: "${ input.n }" }, output: number }\noutput: a\n',
      { forever: (_: unknown, call) => machine.clock.sleep(1e9, call.signal) },
      options,
    )
    const stop = new AbortController()
    const { answer, end } = machine.begin({ n: 1 }, { signal: stop.signal })
    stop.abort("enough")
    const { out } = end(await answer)
    expect((out as Failure).code).toBe("Cancelled")
    expect(machine.clock.sleeping).toBe(0)
    expect((await machine.begin({ n: 1 }, { signal: stop.signal }).answer).ok).toBe(false)
  })

  test("the same run has the same trace hash, whoever is first", async () => {
    const of = async (a: number, b: number) => {
      const machine: Machine = new Machine(
        `graph: races
input: { n: number }
nodes:
  a: { read: wait, on: a, with: { ms: 1, name: a }, output: string }
  b: { read: wait, on: b, with: { ms: 1, name: b }, output: string }
  c: { map: "[1, 2, 3]", parallel: 3, do: { read: wait, on: c, with: { ms: "\${ item }", name: c }, output: string } }
output: "[a, b] + c"
`,
        {
          wait: async ({ name, ms }: { name: string; ms: number }) => {
            await machine.clock.sleep(name === "a" ? a : name === "b" ? b : 10 - ms)
            return name
          },
        },
        options,
      )
      return machine.run({ n: 1 })
    }
    const [one, two] = [await of(5, 1), await of(1, 5)]
    expect(one.out).toEqual(["a", "b", "c", "c", "c"])
    expect(two.trace).toBe(one.trace)
    expect(told(two)).not.toEqual(told(one))
  })
})
