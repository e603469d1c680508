/**
 * `npm run bench:telemetry`: what watching runs costs. Graphs of fused nodes, run by an engine that nobody watches; with figures
 * only; with traces of which this one is not kept; and traced, where each node is a span. In turns, in one process, by the
 * processor's clock; spans are written as a collector wants them and then thrown away. That off costs nothing is looked at in
 * processes of their own: runs that nobody watches where none ever was traced, and the same where many were before.
 */
import { spawnSync } from "node:child_process"
import { parseArgs } from "node:util"
import { compile } from "../compile/mod.ts"
import {
  Engine,
  hostDigest,
  openTelemetry,
  type Ready,
  systemChance,
  systemClock,
  type Telemetry,
} from "../deploy/mod.ts"
import { checkFile } from "../graph/file/mod.ts"
import type { Outcome, Value } from "../graph/mod.ts"
import { type Contestant, type MeasureOptions, measure, type Sample, summary } from "./measure.ts"
import { kinds } from "./ours.ts"
import { Report } from "./report.ts"

const { values } = parseArgs({
  options: {
    processes: { type: "string", default: "7" },
    /** One process of those: runs that nobody watches, as a number of nanoseconds; `after` many that were traced, or not. */
    off: { type: "string" },
  },
})
const SIZES = [5, 100] as const
const BY_CPU: MeasureOptions = { turns: 21, turnMs: 20, warmMs: 400, cpu: true }
/** Traced runs in a process before those that nobody watches. */
const TRACED_BEFORE = 20_000
/** Traced runs between two times that what waits is handed over: fewer spans than the queue holds. */
const HANDED_OVER = 10
const INPUT = { x: 1 }
const services = { clock: systemClock, chance: systemChance }

const OFF = "a run, nothing on"
const FIGURES = "a run, figures"
const UNSAMPLED = "a run, traces on and this one not kept"
const EFFECTS = "a run, traced, effects only"
const TRACED = "a run, traced, every node a span"

const chainOf = (size: number): string =>
  [
    "graph: chain",
    "input: { x: number }",
    "nodes:",
    ...Array.from({ length: size }, (_, i) => `  n${i}: { expr: ${i === 0 ? "input.x" : `n${i - 1}`} * 0.5 + ${i}.0 }`),
    `output: n${size - 1}`,
    "",
  ].join("\n")

function planOf(size: number): Uint8Array {
  const { checked, problems } = checkFile({ file: "chain.graph.yaml", text: chainOf(size) }, { registry: kinds() })
  if (checked === undefined) throw new RangeError(problems.map((p) => p.message).join("\n"))
  return compile(checked).bytes
}

const valueOf = (outcome: Outcome): Value => {
  if (!outcome.ok) throw outcome.failure
  return outcome.value
}

/** @param telemetry Undefined: nobody watches. */
async function engineWith(bytes: Uint8Array, telemetry?: Telemetry): Promise<Ready> {
  const observe = telemetry === undefined ? {} : { observe: telemetry }
  return await new Engine({ registry: kinds(), services, digest: hostDigest, ...observe }).prepare(bytes, {
    grants: [],
  })
}

const once = (ready: Ready) => (): unknown => {
  const result = ready.run(INPUT)
  if (result instanceof Promise) throw new RangeError("a chain did not answer at once")
  return valueOf(result.outcome)
}

/** Runs and, now and then, hands over what it left. */
function traced(ready: Ready, telemetry: Telemetry): () => unknown {
  let runs = 0
  const run = once(ready)
  return () => {
    const value = run()
    return ++runs % HANDED_OVER === 0 ? telemetry.flush().then(() => value) : value
  }
}

const nowhere: typeof fetch = Object.assign(async () => new Response("{}"), { preconnect: () => {} })
const to = { url: "http://collector.invalid/v1/traces" }

async function contest(size: number): Promise<ReadonlyMap<string, Sample>> {
  const bytes = planOf(size)
  const off = await engineWith(bytes)
  const figures = openTelemetry({ figures: true })
  const unsampled = openTelemetry({ traces: to, fetch: nowhere, sampler: { ratio: 0, parent: true } })
  const effects = openTelemetry({ traces: to, fetch: nowhere, nodes: false })
  const all = openTelemetry({ traces: to, fetch: nowhere })
  const contestants: readonly Contestant[] = [
    { name: OFF, run: once(off) },
    { name: FIGURES, run: once(await engineWith(bytes, figures)) },
    { name: UNSAMPLED, run: once(await engineWith(bytes, unsampled)) },
    { name: EFFECTS, run: traced(await engineWith(bytes, effects), effects) },
    { name: TRACED, run: traced(await engineWith(bytes, all), all) },
  ]
  const samples = await measure(once(off)(), contestants, BY_CPU)
  for (const telemetry of [figures, unsampled, effects, all]) await telemetry.close()
  return samples
}

async function alone(after: boolean): Promise<number> {
  const bytes = planOf(SIZES[0])
  if (after) {
    const telemetry = openTelemetry({ traces: to, fetch: nowhere })
    const run = traced(await engineWith(bytes, telemetry), telemetry)
    for (let i = 0; i < TRACED_BEFORE; i++) await run()
    await telemetry.close()
  }
  const run = once(await engineWith(bytes))
  return (await measure(run(), [{ name: OFF, run }], BY_CPU)).get(OFF)!.median
}

/** Nanoseconds of runs that nobody watches, never traced and after others were, in processes in turns. */
function inProcesses(): { readonly never: Sample; readonly after: Sample } {
  const told = (off: string): number => {
    const child = spawnSync(process.execPath, [import.meta.filename, "--off", off], { encoding: "utf8" })
    if (child.status !== 0) throw new RangeError(`a process of the bench ended with ${child.status}: ${child.stderr}`)
    return Number(child.stdout)
  }
  const pairs = Array.from({ length: Number(values.processes) }, () => [told("never"), told("after")] as const)
  return {
    never: summary(
      "never",
      pairs.map(([never]) => never),
    ),
    after: summary(
      "after",
      pairs.map(([, after]) => after),
    ),
  }
}

if (values.off !== undefined) {
  console.log(await alone(values.off === "after"))
  process.exit(0)
}

const report = new Report("Telemetry", "npm run bench:telemetry")
const { never, after } = inProcesses()
const us = (s: Sample): number => s.median / 1_000
const [few, many] = [await contest(SIZES[0]), await contest(SIZES[1])]
report.text(
  "Microseconds of a run of fused pure nodes, ledger in memory, processor time; medians with quartiles. Spans are written as OTLP and handed over every 10 runs, to nobody.",
)
const cell = (s: Sample): string => `${us(s).toFixed(2)} (${(s.low / 1_000).toFixed(2)}–${(s.high / 1_000).toFixed(2)})`
report.table(
  ["", ...SIZES.map((size) => `${size} nodes, µs`)],
  [...few].map(([name, s]) => [name, cell(s), cell(many.get(name)!)]),
)
const at = (of: ReadonlyMap<string, Sample>, name: string): number => us(of.get(name)!)
report.text(
  `A run of ${SIZES[0]} nodes that nobody watches, medians of ${values.processes} processes: ${cell(never)} µs where none was ever traced, ${cell(after)} µs where ${TRACED_BEFORE} others were before; \`telemetry.off_ratio\` is the second over the first.`,
)
report.figure("telemetry.off_ratio", after.median / never.median, "×", "1")
report.figure("telemetry.figures_us", at(few, FIGURES) - at(few, OFF), "µs a run")
report.figure("telemetry.unsampled_us", at(few, UNSAMPLED) - at(few, OFF), "µs a run")
report.figure("telemetry.on_us_per_run", at(few, EFFECTS) - at(few, OFF), "µs")
report.figure("telemetry.on_us_per_node", (at(many, TRACED) - at(many, EFFECTS)) / SIZES[1], "µs")
report.end()
process.exit(0)
