// Places at a resource whose calls are bounded: given back whatever becomes of a call, and bounds on how many begin within a
// second count what is sent again.
import { describe, expect, test } from "bun:test"
import { type Call, fail } from "../graph/mod.ts"
import { Machine } from "../tests/machine/machine.ts"

const STREAMED = `graph: streamed
input: { n: number }
limits: { feed: { concurrent: 1 } }
nodes:
  items: { read: feed, on: feed, with: { n: "\${ input.n }" }, output: "stream<number>" }
  sum: { fold: items, from: 0, as: acc, into: item, do: { expr: acc + item } }
output: sum
`

describe("a place at a resource", () => {
  test("is given back by a stream that breaks off: the next run has it", async () => {
    const machine: Machine = new Machine(STREAMED, {
      feed: async function* ({ n }: { n: number }) {
        yield 1
        if (n === 0) throw fail("Broken", "no more")
        yield n
      },
    })
    expect((await machine.run({ n: 0 })).out).toMatchObject({ code: "Broken" })
    expect((await machine.run({ n: 2 })).out).toBe(3)
  })

  test("is given back by a stream whose run is cancelled", async () => {
    let hangs = true
    const machine: Machine = new Machine(STREAMED, {
      feed: async function* () {
        yield 1
        if (hangs) await new Promise(() => {})
        yield 2
      },
    })
    const stop = new AbortController()
    const { answer, end } = machine.begin({ n: 0 }, { signal: stop.signal })
    void machine.clock.sleep(5).then(() => stop.abort("enough"))
    expect(end(await machine.clock.until(Promise.resolve(answer))).out).toMatchObject({ code: "Cancelled" })
    hangs = false
    expect((await machine.run({ n: 2 })).out).toBe(3)
  })

  test("is given back by a write that never answers, once its run is over", async () => {
    const machine: Machine = new Machine(
      `graph: hung
input: { hangs: boolean }
limits: { api: { concurrent: 1 } }
nodes:
  a: { write: api, on: api, with: { hangs: "\${ input.hangs }" }, output: number }
output: a
`,
      { api: ({ hangs }: { hangs: boolean }) => (hangs ? new Promise(() => {}) : 1) },
    )
    const stop = new AbortController()
    const { answer, end } = machine.begin({ hangs: true }, { signal: stop.signal })
    void machine.clock.sleep(5).then(() => stop.abort("enough"))
    expect(end(await machine.clock.until(Promise.resolve(answer))).out).toMatchObject({ code: "Cancelled" })
    expect((await machine.run({ hangs: false })).out).toBe(1)
  })

  test("is free for all bodies that a tool asks for at once, until the last of them has ended", async () => {
    const machine: Machine = new Machine(
      `graph: asks
limits: { api: { concurrent: 1 } }
nodes:
  a:
    write: ask
    on: api
    output: "[number]"
    tools:
      soon: { do: { read: slow, on: api, with: { ms: 1 }, output: number } }
      late:
        do:
          nodes:
            first: { read: slow, on: clock, with: { ms: 5 }, output: number }
            second: { read: slow, on: api, with: { ms: "\${ first }" }, output: number }
          output: second
output: a
`,
      {
        ask: async (_: unknown, { invoke }: Call) => {
          const late = invoke!("tool:late", {})
          const soon = await invoke!("tool:soon", {})
          return [soon, await invoke!("tool:soon", {}), await late]
        },
        slow: async ({ ms }: { ms: number }) => {
          await machine.clock.sleep(ms)
          return ms
        },
      },
    )
    expect((await machine.run({})).out).toEqual([1, 1, 5])
    expect((await machine.run({})).out).toEqual([1, 1, 5])
  })

  test("a call that is sent again counts as one that begins", async () => {
    const sent: number[] = []
    const machine: Machine = new Machine(
      `graph: again
limits: { api: { per_second: 1 } }
nodes:
  a: { read: api, on: api, output: number, retry: { times: 3, delay: 1ms } }
output: a
`,
      {
        api: () => {
          sent.push(machine.clock.tick())
          if (sent.length < 3) throw fail("Busy", "later", { retryable: true })
          return sent.length
        },
      },
    )
    expect((await machine.run({})).out).toBe(3)
    expect(sent).toEqual([0, 1_000, 2_000])
  })
})
