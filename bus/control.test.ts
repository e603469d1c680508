// Control: which bodies run, how many at once, in which order, and that a loop of any length needs no more memory than a
// short one. Streams: how far a producer may be ahead of its consumer, and that it hears when nobody reads on.
import { describe, expect, test } from "bun:test"
import { type Failure, fail, printPath } from "../graph/mod.ts"
import { Machine, told, WAYS } from "../tests/machine/machine.ts"

describe.each(WAYS)("control %s", (_says, options) => {
  test("`when` and `switch` run one body and nothing of the others", async () => {
    const called: string[] = []
    const machine = new Machine(
      `graph: choose
input: { n: number, word: a | b | c }
nodes:
  side:
    when: input.n > 0
    then: { read: say, on: s, with: { w: plus }, output: string }
    else: { read: say, on: s, with: { w: minus }, output: string }
  kind:
    switch: input.word
    cases:
      a: { read: say, on: t, with: { w: first }, output: string }
      b: { read: say, on: t, with: { w: second }, output: string }
    else: { expr: '"third"' }
output: side + " " + kind
`,
      {
        say: ({ w }: { w: string }) => {
          called.push(w)
          return w
        },
      },
      options,
    )
    expect((await machine.run({ n: 1, word: "b" })).out).toBe("plus second")
    expect((await machine.run({ n: -1, word: "c" })).out).toBe("minus third")
    expect(called.sort()).toEqual(["minus", "plus", "second"])
  })

  test("`map` keeps the order of its items and its bound, whatever each takes", async () => {
    let now = 0
    let most = 0
    const machine: Machine = new Machine(
      `graph: map
input: { xs: [number] }
nodes:
  out: { map: input.xs, parallel: 4, do: { read: tool, with: { x: "\${ item }" }, output: number } }
output: out
`,
      {
        tool: async ({ x }: { x: number }) => {
          most = Math.max(most, ++now)
          await machine.clock.sleep((x * 7) % 11)
          now--
          return x * 10
        },
      },
      options,
    )
    const xs = Array.from({ length: 30 }, (_, i) => i)
    const { out } = await machine.run({ xs })
    expect(out).toEqual(xs.map((x) => x * 10))
    expect(most).toBe(4)
  })

  test("writes in a `map` go in item order", async () => {
    const log: number[] = []
    const machine: Machine = new Machine(
      `graph: map
input: { xs: [number] }
nodes:
  out: { map: input.xs, parallel: 8, do: { write: tool, with: { x: "\${ item }" }, output: number } }
output: out
`,
      {
        tool: async ({ x }: { x: number }) => {
          await machine.clock.sleep(20 - x)
          log.push(x)
          return x
        },
      },
      options,
    )
    await machine.run({ xs: [1, 2, 3, 4, 5] })
    expect(log).toEqual([1, 2, 3, 4, 5])
  })

  test("a failing item fails the map with its place, and stops the others", async () => {
    const stopped: number[] = []
    const machine: Machine = new Machine(
      `graph: map
input: { xs: [number] }
nodes:
  out: { map: input.xs, parallel: 8, do: { read: tool, with: { x: "\${ item }" }, output: number } }
output: out
`,
      {
        tool: async ({ x }: { x: number }, call) => {
          if (x === 3) throw new RangeError("three")
          await machine.clock.sleep(1e6, call.signal).catch(() => stopped.push(x))
          return x
        },
      },
      options,
    )
    const { out } = await machine.run({ xs: [1, 2, 3, 4] })
    expect(printPath((out as Failure).path!)).toBe("out[2].do")
    expect(stopped.sort()).toEqual([1, 2, 4])
  })

  test("`fold` and `loop` go in order; a loop ends at its condition or its bound", async () => {
    const machine = new Machine(
      `graph: fold
input: { xs: [number], most: number }
nodes:
  all: { fold: input.xs, from: '""', do: { expr: 'acc + string(item)' } }
  twice: { loop: 1, while: state < input.most, max: 20, do: { expr: state * 2 } }
output: '{ "all": all, "twice": twice }'
`,
      {},
      options,
    )
    expect((await machine.run({ xs: [3, 1, 2], most: 100 })).out).toEqual({ all: "312", twice: 128 })
  })

  test("a caught failure gives its way out, and what ran before stays on record", async () => {
    const machine = new Machine(
      `graph: caught
input: { n: number }
nodes:
  a:
    read: bad
    with: { n: "\${ input.n }" }
    output: number
    catch: "-1"
output: a
`,
      {
        bad: () => {
          throw fail("Broken", "no")
        },
      },
      options,
    )
    const ended = await machine.run({ n: 1 })
    expect(ended.out).toBe(-1)
    expect(told(ended)).toEqual(["read a"])
  })
})

describe("streams", () => {
  const text = (parallel: number) => `graph: stream
input: { n: number }
nodes:
  items: { read: feed, with: { n: "\${ input.n }" }, output: "stream<number>" }
  seen: { map: items, parallel: ${parallel}, do: { read: tool, on: t, with: { x: "\${ item }" }, output: number } }
  sum: { fold: seen, from: 0, do: { expr: acc + item } }
output: sum
`
  test("are read no further than somebody wants: back-pressure", async () => {
    for (const parallel of [1, 4]) {
      let made = 0
      let taken = 0
      let ahead = 0
      const machine: Machine = new Machine(text(parallel), {
        feed: async function* ({ n }: { n: number }) {
          for (let i = 0; i < n; i++) {
            made++
            ahead = Math.max(ahead, made - taken)
            yield i
          }
        },
        tool: async ({ x }: { x: number }) => {
          await machine.clock.sleep(10)
          taken++
          return x
        },
      })
      const { out } = await machine.run({ n: 100 })
      expect(out).toBe(4950)
      expect(ahead).toBeGreaterThanOrEqual(parallel)
      // What may be under way, one behind each, and the one being made.
      expect(ahead).toBeLessThanOrEqual(2 * parallel + 2)
    }
  })

  test("are closed when nobody reads on", async () => {
    let closed = false
    const machine: Machine = new Machine(text(1), {
      feed: async function* () {
        try {
          for (let i = 0; ; i++) yield i
        } finally {
          closed = true
        }
      },
      tool: ({ x }: { x: number }) => {
        if (x === 5) throw fail("Broken", "no")
        return x
      },
    })
    const { out } = await machine.run({ n: 1 })
    expect((out as Failure).code).toBe("Broken")
    await machine.clock.until(machine.clock.sleep(1))
    expect(closed).toBe(true)
  })
})

test("a long loop takes no more memory than a short one", async () => {
  const heap = () => {
    const { gc } = globalThis as unknown as {
      readonly Bun?: { readonly gc: (force: boolean) => void }
      readonly gc?: () => void
    }
    gc?.()
    return process.memoryUsage().heapUsed
  }
  const machine = new Machine(
    `graph: long
input: { n: number }
nodes:
  last: { loop: 0, while: state < input.n, max: 1000000, do: { expr: state + 1 } }
output: last
`,
    {},
  )
  await machine.run({ n: 1_000 })
  const before = heap()
  expect((await machine.run({ n: 300_000 })).out).toBe(300_000)
  // Slots and frames are used again: what is left is nothing, give or take what the engine keeps for itself.
  expect(heap() - before).toBeLessThan(16 << 20)
})
