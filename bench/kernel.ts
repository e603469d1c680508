/**
 * `npm run bench:kernel`: what the kernel costs. Chains of 1,000 nodes through the engine as it is, with admission, judging,
 * hashing and the ledger, against the same VM on the same plan with a record that keeps nothing: pure nodes, reads, writes.
 * The record that keeps nothing exists here alone: nothing that ships can run without the real one. Pure chains are measured
 * in several processes: each compiles the loop anew, not always as well, for either side.
 */
import { spawnSync } from "node:child_process"
import { parseArgs } from "node:util"
import * as v from "valibot"
import { execute, load, type Program, type RunSettings } from "../bus/mod.ts"
import { hostDigest, MemoryLedger, systemChance, systemClock } from "../deploy/mod.ts"
import * as build from "../graph/build/mod.ts"
import type { Executor, Services, Value } from "../graph/mod.ts"
import { type Admitted, type Commit, openRun } from "../kernel/mod.ts"
import { measure, type Sample, summary } from "./measure.ts"
import { asFunctions, checked, engine, ready, value } from "./ours.ts"
import { Report } from "./report.ts"
import { chain } from "./workloads.ts"

const { values } = parseArgs({
  options: {
    processes: { type: "string", default: "9" },
    /** One process of those: pure chains with the kernel `on` or `off`, in nanoseconds. */
    pure: { type: "string" },
  },
})
const SIZE = 1_000
const GRANTS = ["app:bench"]
/** By the processor's clock, so that what else the machine does is not counted as the kernel's. */
const BY_CPU = { turns: 31, turnMs: 20, warmMs: 500, cpu: true }
const services = { clock: systemClock, chance: systemChance }

type Loose = (...args: unknown[]) => unknown
const loose = build as unknown as { readonly graph: Loose; readonly fn: Loose }
type Yielded = Iterable<unknown> & { [Symbol.iterator](): Iterator<unknown, unknown> }

/** A chain of calls that cost nothing by themselves, so that what is left is what the kernel does around them. */
function effects(effect: "read" | "write"): unknown {
  const tool = loose.fn(
    "call",
    { input: v.number(), output: v.number(), effect, resource: "app:bench", needs: GRANTS, async: false },
    (x: number) => (x * 3 + 1) % 1000003,
  ) as Loose
  return loose.graph(`${effect}s`, { input: { x: v.number() } }, function* (input: { x: unknown }): Generator<
    unknown,
    unknown,
    unknown
  > {
    let x = input.x
    for (let i = 0; i < SIZE; i++) x = yield* tool(x, { name: `c${i}` }) as Yielded
    return x
  })
}

/** The program of an admitted plan, its tools not looked at: what they answer is taken as it is. */
async function unjudged(admitted: Admitted, inline: NonNullable<Services["inline"]>): Promise<Program> {
  const lent: Services = { ...services, granted: () => true, inline }
  const executors = await Promise.all(
    admitted.externs.map(async (x): Promise<Executor> => {
      const { execute: work } = await x.kind.open(x.claim.config, admitted.plan.resources, lent, x.signature)
      // As the engine hands out executors: one that acts on the world is opened at its first call.
      return { execute: x.signature.effect === "pure" ? work : (args, call) => work(args, call) }
    }),
  )
  const program = load(admitted, executors, { codegen: true })
  for (const tool of program.tools) Object.assign(tool, { judge: (answer: Value) => answer })
  return program
}

/** Keeps nothing, hashes nothing, judges nothing. */
const commit = (answer: unknown): Commit => ({ outcome: { ok: true, value: answer } }) as unknown as Commit
const nothing = {
  run: "r",
  space: "",
  meter: undefined,
  seal: () => {},
  key: () => "",
  recall: () => undefined,
  read: (_path: unknown, _extern: number, _args: Value, answer: unknown) => commit(answer),
  intent: (path: unknown) => ({ path, key: "", seq: 0 }),
  delivered: (_intent: unknown, answer: unknown) => commit(answer),
} as unknown as RunSettings["record"]

interface Contest {
  readonly on: Sample
  readonly off: Sample
}

/** The ways of running a graph, with the kernel and without, and the answer of both. */
async function waysOf(
  made: unknown,
): Promise<{ readonly answer: unknown; readonly on: () => unknown; readonly off: () => unknown }> {
  const run = await ready(made, engine(), GRANTS)
  const { built } = checked(made)
  const program = await unjudged(run.admitted, (code) => built.code.get(code)?.call)
  const input = { x: 1 }
  const off = (): unknown => {
    const outcome = execute(program, input, { services, record: nothing })
    if (outcome instanceof Promise || !outcome.ok) throw new RangeError("a chain did not answer at once")
    return outcome.value
  }
  return { answer: await value(run, input), on: () => value(run, input), off }
}

async function contest(made: unknown): Promise<Contest> {
  const { answer, on, off } = await waysOf(made)
  const contestants = [
    { name: "on", run: on },
    { name: "off", run: off },
  ]
  const samples = await measure(answer, contestants, BY_CPU)
  return { on: samples.get("on")!, off: samples.get("off")! }
}

if (values.pure === "on" || values.pure === "off") {
  const ways = await waysOf(asFunctions(chain(SIZE)))
  const of = async (cpu: boolean) => {
    const samples = await measure(ways.answer, [{ name: "pure", run: ways[values.pure as "on"] }], { ...BY_CPU, cpu })
    return samples.get("pure")!.median
  }
  console.log(JSON.stringify([await of(false), await of(true)]))
  process.exit(0)
}

/** Nanoseconds of pure chains, on and off, each in a process of its own: beside the other way an engine compiles for both. */
function pureChains(): readonly { readonly [way in "on" | "off"]: readonly [passed: number, worked: number] }[] {
  const one = (way: "on" | "off") => {
    const child = spawnSync(process.execPath, [import.meta.filename, "--pure", way], { encoding: "utf8" })
    if (child.status !== 0) throw new TypeError(`a process of pure chains ended with ${child.status}: ${child.stderr}`)
    return JSON.parse(child.stdout) as [passed: number, worked: number]
  }
  return Array.from({ length: Number(values.processes) }, () => ({ on: one("on"), off: one("off") }))
}

const pure = pureChains()
const PASSED = 0
const WORKED = 1
const times = (way: "on" | "off", by: number): Sample =>
  summary(
    way,
    pure.map((p) => p[way][by]!),
  )
const ratioOf = (by: number): Sample =>
  summary(
    "ratio",
    pure.map(({ on, off }) => on[by]! / off[by]!),
  )
const [on, off] = [times("on", PASSED), times("off", PASSED)]
const [ratio, worked] = [ratioOf(PASSED), ratioOf(WORKED)]
const reads = await contest(effects("read"))
const writes = await contest(effects("write"))

/** What every run costs, however little it does: its start and its end on record. */
const tiny = await ready(asFunctions(chain(1)), engine())
const store = new MemoryLedger()
const record = () =>
  openRun(tiny.admitted, {
    store,
    digest: hostDigest,
    clock: systemClock,
    run: String(n++),
    space: "",
    input: { x: 1 },
  })
let n = 0
const whole = await measure(
  true,
  [
    {
      name: "run",
      run: () => {
        record().end(1)
        return true
      },
    },
  ],
  BY_CPU,
)
const perRun = whole.get("run")!.median / 1000

const row = (name: string, { on, off }: Contest, times = on.median / off.median): string[] => [
  name,
  `${(on.median / 1000).toFixed(1)} µs`,
  `${(off.median / 1000).toFixed(1)} µs`,
  `${times.toFixed(2)}×`,
  `${((on.median - off.median) / SIZE).toFixed(1)} ns`,
]
const report = new Report("Cost of the kernel", "npm run bench:kernel")
report.text(
  `Chains of ${SIZE} nodes, the ledger in memory, medians of turns taken in one process, by the time that the process had a processor; of pure chains by the time that passed, the medians over ${pure.length} processes for each way. \`on\`: admitted, judged, hashed and recorded. \`off\`: the same VM and plan with a record that keeps nothing and a judge that takes all.`,
)
report.table(
  ["chain of", "on", "off", "on / off", "the kernel, per node"],
  [row("pure", { on, off }, ratio.median), row("reads", reads), row("writes", writes)],
)
const per = ({ on, off }: Contest) => (on.median - off.median) / SIZE
report.text(
  `A pure node costs ${per({ on, off }).toFixed(2)} ns: the run's own ${perRun.toFixed(1)} µs (its start and end on record) and what the engine does to begin one, spread over the chain; nothing of the kernel stands between two pure nodes, and how well the loop was compiled differs between processes (on / off: quartiles ${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)}; by the time of all threads, the garbage collector's among them, ${worked.median.toFixed(2)}). A read costs ${(per(reads) / 1000).toFixed(2)} µs, a write, which has two entries, ${(per(writes) / 1000).toFixed(2)} µs.`,
)
report.figure("kernel.cost_ratio_of_all_threads", worked.median)
report.figure("kernel.cost_ratio", ratio.median, undefined, "< 1.2 (pure chain of 1,000)")
report.figure("kernel.run_us", perRun, "µs")
report.figure("kernel.commit_us", per(reads) / 1000, "µs")
report.figure("kernel.write_us", per(writes) / 1000, "µs")
report.end()
process.exit(0)
