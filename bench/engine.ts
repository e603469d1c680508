/**
 * `npm run bench:engine`: what a node costs here, beside direct calls (the limit), plain `await`, Effect.gen, LangGraph.js
 * and Mastra, in one run. Peers are installed into `bench/peers` (`bench/installed.ts`) where they are not there.
 */
import * as Effect from "effect/Effect"
import * as v from "valibot"
import * as build from "../graph/build/mod.ts"
import { type Contestant, measure, type Sample, versus } from "./measure.ts"
import { asBranches, asExpressions, asFunctions, coefficients, engine, ready, value } from "./ours.ts"
import { type Peers, peers } from "./peers.ts"
import { reads } from "./reads.ts"
import { Report } from "./report.ts"
import { chain, direct, fan, layered, type Work } from "./workloads.ts"

const report = new Report("Engine", "npm run bench:engine")
const loaded: Peers = await peers()
/** Sizes that peers take part in: LangGraph.js needs minutes for a chain of 10,000. */
const PEER_SIZE_MAX = 1_000
const rows: string[][] = []
const kept = new Map<string, Map<string, Sample>>()

const awaited = (work: Work): (() => Promise<number>) => {
  const fns = work.tasks.map((t) => async (x: unknown) => (t.f as (x: unknown) => number)(x))
  return async () => {
    const values: number[] = []
    for (const [i, t] of work.tasks.entries()) {
      const [a, b] = t.parents.map((p) => values[p]!)
      values.push(await fns[i]!(t.parents.length === 0 ? 1 : b === undefined ? a : { a, b }))
    }
    return gather(work, values)
  }
}
/** The hand-written chain: no table of values, just one await after another. */
const awaitedChain = (work: Work): (() => Promise<number>) => {
  const fns = work.tasks.map((t) => async (x: number) => (t.f as (x: unknown) => number)(x))
  return async () => {
    let x = 1
    for (const f of fns) x = await f(x)
    return x
  }
}
const effects = (work: Work): (() => Promise<number>) => {
  const fns = work.tasks.map((t) => t.f as (x: unknown) => number)
  const program = Effect.gen(function* () {
    const values: number[] = []
    for (const [i, t] of work.tasks.entries()) {
      const [a, b] = t.parents.map((p) => values[p]!)
      values.push(yield* Effect.succeed(fns[i]!(t.parents.length === 0 ? 1 : b === undefined ? a : { a, b })))
    }
    return gather(work, values)
  })
  return () => Effect.runPromise(program)
}
function gather(work: Work, values: readonly number[]): number {
  if (work.answer === "last") return values[values.length - 1]!
  const taken = new Set(work.tasks.flatMap((t) => t.parents))
  return values.reduce((sum, x, i) => (taken.has(i) ? sum : sum + x), 0)
}

async function contest(
  name: string,
  size: number,
  expected: unknown,
  contestants: readonly Contestant[],
): Promise<Map<string, Sample>> {
  const slow = size >= 10_000
  const result = await measure(expected, contestants, slow ? { turns: 9, turnMs: 5, warmMs: 1500 } : {})
  kept.set(`${name} ${size}`, result)
  for (const s of result.values()) {
    const per = (x: number) => (x / size / 1000).toFixed(4)
    rows.push([name, size.toLocaleString("en"), s.name, per(s.median), `${per(s.low)}–${per(s.high)}`])
  }
  return result
}

for (const make of [chain, fan, layered]) {
  for (const size of [100, 1_000, 10_000, 100_000]) {
    if (size === 100_000 && make !== chain) continue
    const work = make(size)
    const limit = direct(work)
    const run = await ready(asFunctions(work))
    const contestants: Contestant[] = [
      { name: "direct calls", run: () => limit(1) },
      { name: "shadowgraph", run: () => value(run, { x: 1 }) },
    ]
    if (size <= 10_000) {
      contestants.push(
        { name: "await", run: make === chain ? awaitedChain(work) : awaited(work) },
        { name: "Effect.gen", run: effects(work) },
      )
    }
    if (size <= PEER_SIZE_MAX && (make === chain || size <= 100)) {
      contestants.push(...(await loaded.contestants(work)))
    }
    await contest(work.name, size, limit(1), contestants)
  }
}

// Expressions: fused into straight-line code.
for (const size of [100, 1_000, 10_000]) {
  const fns = Array.from(
    { length: size },
    (_, i) => new Function("x", `return x * ${coefficients(i)[0]} + ${coefficients(i)[1]}`) as (x: number) => number,
  )
  const later = fns.map((f) => async (x: number) => f(x))
  const run = await ready(asExpressions(size))
  const limit = () => fns.reduce((x, f) => f(x), 1)
  await contest("expressions", size, limit(), [
    { name: "direct calls", run: limit },
    { name: "shadowgraph", run: () => value(run, { x: 1 }) },
    {
      name: "await",
      run: async () => {
        let x = 1
        for (const f of later) x = await f(x)
        return x
      },
    },
  ])
}

// Async functions.
for (const size of [100, 1_000]) {
  const work = chain(size)
  const later = work.tasks.map((t) => new Function("f", "return async (x) => f(x)")(t.f) as (x: never) => number)
  const run = await ready(
    asFunctions({ ...work, tasks: work.tasks.map((t, i) => ({ ...t, f: later[i]! })) }, (f) => f, true),
  )
  await contest("async chain", size, direct(work)(1), [
    {
      name: "await",
      run: async () => {
        let x: number = 1
        for (const f of later) x = await (f as (x: number) => unknown as (x: number) => Promise<number>)(x)
        return x
      },
    },
    { name: "shadowgraph", run: () => value(run, { x: 1 }) },
  ])
}

// Choices.
{
  const size = 1_000
  const [low, high] = [chain(size), chain(size)].map((w) =>
    w.tasks.map((t) => t.f as (x: unknown) => number as (x: number) => number),
  )
  const run = await ready(asBranches(size, low!, high!))
  const by = (x: number, i: number) => (x < 500_000 ? low![i]!(x) : high![i]!(x))
  const limit = () => {
    let x = 1
    for (let i = 0; i < size; i++) x = by(x, i)
    return x
  }
  await contest("choices", size, limit(), [
    { name: "direct calls", run: limit },
    { name: "shadowgraph", run: () => value(run, { x: 1 }) },
    {
      name: "await",
      run: async () => {
        let x = 1
        for (let i = 0; i < size; i++) x = await (async () => by(x, i))()
        return x
      },
    },
  ])
}

// Records judged at every node.
{
  const size = 1_000
  const shape = v.object({ id: v.number(), name: v.string(), tags: v.array(v.string()) })
  type Row = v.InferOutput<typeof shape>
  const fns = Array.from(
    { length: size },
    (_, i) =>
      (r: Row): Row => ({ id: r.id + i, name: r.name, tags: r.tags }),
  )
  const loose = build as unknown as { readonly [name: string]: (...args: unknown[]) => never }
  const tools = fns.map(
    (f, i) =>
      loose["fn"]!(`t${i}`, { input: shape, output: shape, effect: "pure", async: false }, f) as (
        x: unknown,
      ) => Iterable<unknown>,
  )
  const made = loose["graph"]!("records", { input: { row: shape } }, function* (input: { row: unknown }): Generator<
    unknown,
    unknown,
    unknown
  > {
    let x = input.row
    for (const t of tools) x = yield* t(x) as unknown as Iterator<unknown, unknown> & Iterable<unknown>
    return x
  })
  const run = await ready(made)
  const row: Row = { id: 1, name: "a", tags: ["x", "y"] }
  const check = v.safeParser(shape)
  await contest("schema-checked", size, { id: 1 + (size * (size - 1)) / 2, name: "a", tags: ["x", "y"] }, [
    { name: "shadowgraph", run: () => value(run, { row }) },
    {
      name: "await + valibot",
      run: async () => {
        let x = row
        for (const f of fns) x = await (async () => check(f(x)).output as Row)()
        return x
      },
    },
  ])
}

report.text(
  "Microseconds per node, median and quartiles; every answer is compared before it is timed. The ledger, judging and hashing are on. One run has a fixed cost (its start and end in the ledger, five digests), which small graphs show.",
)
report.table(["workload", "nodes", "contestant", "µs per node", "quartiles"], rows)

// A read with its commit, above the tool's own time.
const commit = await commitCost()
// Fifty timers of ten milliseconds.
const timers = await fiftyTimers()
const bytes = await allocation()

const at = (name: string, who: string): Sample => kept.get(name)!.get(who)!
const ratio = (name: string, peer: string) => versus(at(name, "shadowgraph"), at(name, peer))
report.figure("engine.fn.vs_direct", ratio("chain 1000", "direct calls"), undefined, "≥ 0.5 (chain of 1,000)")
report.figure("engine.fn.vs_direct_100", ratio("chain 100", "direct calls"), undefined, "the fixed cost of a run shows")
report.figure("engine.fn.vs_direct_10k", ratio("chain 10000", "direct calls"))
report.figure("engine.fn.vs_await", ratio("chain 1000", "await"), undefined, "≥ 2.5")
report.figure("engine.expr.vs_await", ratio("expressions 1000", "await"), undefined, "≥ 10")
report.figure("engine.async.vs_await", ratio("async chain 1000", "await"), undefined, "≥ 0.77")
report.figure("engine.fn.vs_effect", ratio("chain 1000", "Effect.gen"))
report.figure("engine.commit_us", commit, "µs")
for (const name of loaded.names)
  report.figure(`engine.vs_${name.key}`, ratio("chain 100", name.name), undefined, name.aim)
report.figure("engine.alloc_bytes_per_node", bytes, "B", "≤ 64")
const growth = (who: string) => at("chain 100000", who).median / 100_000 / (at("chain 100", who).median / 100)
report.figure("engine.growth_100_to_100k", growth("shadowgraph") / growth("direct calls"), undefined, "≤ 1.5")
report.figure("engine.timers_efficiency", timers, undefined, "50 × 10 ms, 1 is perfect overlap")
report.end()
await loaded.close()
process.exit(0)

async function commitCost(): Promise<number> {
  const size = 200
  const { graph: made, read } = reads(size)
  const run = await ready(made, engine(), ["app:read"])
  const bare = () => {
    let x = 1
    for (let i = 0; i < size; i++) x = read(x)
    return x
  }
  const result = await measure(bare(), [
    { name: "bare", run: bare },
    { name: "read", run: () => value(run, { x: 1 }) },
  ])
  return (result.get("read")!.median - result.get("bare")!.median) / size / 1000
}

async function fiftyTimers(): Promise<number> {
  const work = fan(50)
  const wait = (f: (x: never) => number) => async (x: never) => {
    await new Promise((done) => setTimeout(done, 10))
    return f(x)
  }
  const tasks = work.tasks.map((t) => ({ ...t, f: wait(t.f) as never }))
  const run = await ready(asFunctions({ ...work, tasks }, (f) => f, true))
  const times: number[] = []
  for (let i = 0; i < 15; i++) {
    const start = performance.now()
    await value(run, { x: 1 })
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  return 10 / times[7]!
}

/** Bytes that a node leaves for the collector, in a chain of functions. */
async function allocation(): Promise<number> {
  const { heapStats } = (await import("bun:jsc")) as unknown as {
    readonly heapStats: () => { readonly heapSize: number }
  }
  const size = 10_000
  const run = await ready(asFunctions(chain(size)))
  for (let i = 0; i < 30; i++) value(run, { x: 1 })
  const samples: number[] = []
  for (let k = 0; k < 9; k++) {
    Bun.gc(true)
    const before = heapStats().heapSize
    for (let i = 0; i < 10; i++) value(run, { x: 1 })
    samples.push((heapStats().heapSize - before) / 10 / size)
  }
  samples.sort((a, b) => a - b)
  return Math.max(0, samples[4]!)
}
