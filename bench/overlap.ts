/**
 * `npm run bench:overlap`: does work that can overlap overlap? Random graphs of timers against a promise DAG written by
 * hand, in turns; and a slow sibling beside a fast branch, where engines with supersteps make the branch wait.
 */
import * as v from "valibot"
import * as build from "../graph/build/mod.ts"
import { summary } from "./measure.ts"
import { ready, value } from "./ours.ts"
import { peers } from "./peers.ts"
import { Report } from "./report.ts"

type Loose = (...args: unknown[]) => unknown
type Yielded = Iterable<unknown> & { [Symbol.iterator](): Iterator<unknown, unknown> }
const { graph, fn } = build as unknown as { readonly graph: Loose; readonly fn: Loose }

const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))

interface Timer {
  readonly parents: readonly number[]
  readonly ms: number
}

/** A linear congruential generator (Numerical Recipes): the same graphs on every machine. */
function seeded(seed: number): () => number {
  let x = seed >>> 0
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return x / 4294967296
  }
}

function randomTimers(seed: number, size: number): Timer[] {
  const next = seeded(seed)
  return Array.from({ length: size }, (_, i) => {
    const parents = new Set<number>()
    const count = Math.min(i, Math.floor(next() * 4))
    while (parents.size < count) parents.add(Math.floor(next() * i))
    return { parents: [...parents], ms: 4 + Math.floor(next() * 20) }
  })
}

/** The hand-written promise DAG. */
async function byHand(timers: readonly Timer[]): Promise<number> {
  const made: Promise<number>[] = []
  timers.forEach((t, i) => {
    made.push(
      (async () => {
        const values = await Promise.all(t.parents.map((p) => made[p]!))
        await wait(t.ms)
        return values.reduce((a, b) => (a + b) % 1000003, i)
      })(),
    )
  })
  return (await Promise.all(made)).reduce((a, b) => (a + b) % 1000003, 0)
}

function asGraph(timers: readonly Timer[]): unknown {
  const list = v.array(v.number())
  const tools = timers.map((t, i) =>
    fn(`t${i}`, { input: { from: list }, output: v.number(), effect: "pure" }, async ({ from }: { from: number[] }) => {
      await wait(t.ms)
      return from.reduce((a, b) => (a + b) % 1000003, i)
    }),
  ) as Loose[]
  const total = fn(
    "total",
    { input: { all: list }, output: v.number(), effect: "pure", async: false },
    ({ all }: { all: number[] }) => all.reduce((a, b) => (a + b) % 1000003, 0),
  ) as Loose
  return graph("timers", { input: { x: v.number() } }, function* (): Generator<unknown, unknown, unknown> {
    const ports: unknown[] = []
    for (const [i, t] of timers.entries())
      ports.push(yield* tools[i]!({ from: t.parents.map((p) => ports[p]) }) as Yielded)
    return yield* total({ all: ports }) as Yielded
  })
}

const report = new Report("Overlap", "npm run bench:overlap")
const ratios: number[] = []
for (let seed = 1; seed <= 24; seed++) {
  const timers = randomTimers(seed, 40)
  const run = await ready(asGraph(timers))
  const expected = await byHand(timers)
  const times: { ours: number[]; hand: number[] } = { ours: [], hand: [] }
  await value(run, { x: 0 })
  for (let turn = 0; turn < 3; turn++) {
    let start = performance.now()
    const answer = await value(run, { x: 0 })
    times.ours.push(performance.now() - start)
    if (answer !== expected) throw new RangeError(`seed ${seed}: ${answer}, wanted ${expected}`)
    start = performance.now()
    await byHand(timers)
    times.hand.push(performance.now() - start)
  }
  ratios.push(summary("", times.ours).median / summary("", times.hand).median)
}
const makespan = summary("makespan", ratios)
report.text(
  `24 random graphs of 40 timers (4–23 ms, up to 3 parents), each three times in turns: our makespan over the hand-written promise DAG's is ${makespan.median.toFixed(3)} (quartiles ${makespan.low.toFixed(3)}–${makespan.high.toFixed(3)}).`,
)

const [slowMs, fastMs, steps] = [200, 20, 5]
const sibling = async (): Promise<number> => {
  let through = 0
  let start = 0
  const slow = fn(
    "slow",
    { input: { x: v.number() }, output: v.number(), effect: "pure" },
    async ({ x }: { x: number }) => {
      await wait(slowMs)
      return x
    },
  ) as Loose
  const fast = Array.from({ length: steps }, (_, i) =>
    fn(`fast${i}`, { input: { x: v.number() }, output: v.number(), effect: "pure" }, async ({ x }: { x: number }) => {
      await wait(fastMs)
      through = performance.now() - start
      return x
    }),
  ) as Loose[]
  const made = graph("siblings", { input: { x: v.number() } }, function* (input: { x: unknown }): Generator<
    unknown,
    unknown,
    unknown
  > {
    const beside = yield* slow({ x: input.x }) as Yielded
    let x = input.x
    for (const f of fast) x = yield* f({ x }) as Yielded
    return { beside, x }
  })
  const run = await ready(made)
  start = performance.now()
  await value(run, { x: 1 })
  return through
}
const alone = async (): Promise<number> => {
  const beside = wait(slowMs)
  const start = performance.now()
  for (let i = 0; i < steps; i++) await wait(fastMs)
  const through = performance.now() - start
  await beside
  return through
}
const loaded = await peers()
const [ours, hand, langgraph]: [number[], number[], number[]] = [[], [], []]
for (let turn = 0; turn < 7; turn++) {
  ours.push(await sibling())
  hand.push(await alone())
  langgraph.push(await loaded.slowSibling(slowMs, fastMs, steps))
}
const middle = (xs: readonly number[]) => summary("", xs).median
report.text(
  `A chain of ${steps} × ${fastMs} ms beside a sibling of ${slowMs} ms. Until the chain is through: ours ${middle(ours).toFixed(0)} ms, by hand ${middle(hand).toFixed(0)} ms, LangGraph.js ${middle(langgraph).toFixed(0)} ms.`,
)
report.figure("engine.makespan_over_promise_dag", makespan.median, undefined, "≤ 1.02")
report.figure("engine.slow_sibling_ratio", middle(ours) / middle(hand), undefined, "≤ 1.05")
report.figure("engine.slow_sibling_ratio_langgraph", middle(langgraph) / middle(hand))
report.end()
process.exit(0)
