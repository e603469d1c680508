/**
 * `npm run bench:telemetry`: what watching runs costs. Graphs of fused nodes, run by an engine that nobody watches; with figures
 * only; with traces of which this one is not kept; and traced, where each node is a span. Beside them the VM alone with and
 * without the question whether somebody listens, which is all that is left of telemetry in a run when it is off. In turns, in
 * one process, by the processor's clock; spans are written as a collector wants them and then thrown away.
 */
import { execute, load, type RunSettings } from "../bus/mod.ts"
import { Vm } from "../bus/vm.ts"
import { compile } from "../compile/mod.ts"
import {
  Engine,
  hostDigest,
  MemoryLedger,
  openTelemetry,
  type Ready,
  systemChance,
  systemClock,
  type Telemetry,
} from "../deploy/mod.ts"
import { checkFile } from "../graph/file/mod.ts"
import type { Outcome, Value } from "../graph/mod.ts"
import { openRun } from "../kernel/mod.ts"
import { type Contestant, measure, type Sample } from "./measure.ts"
import { kinds } from "./ours.ts"
import { Report } from "./report.ts"

const SIZES = [5, 100] as const
/** Traced runs between two times that what waits is handed over: fewer spans than the queue holds. */
const HANDED_OVER = 10
const INPUT = { x: 1 }
const services = { clock: systemClock, chance: systemChance }

const VM = "the VM alone"
const ASKED = "the VM, asked whether somebody listens"
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
  const program = load(off.admitted, [], { codegen: true })
  const store = new MemoryLedger()
  const settings = (): RunSettings => {
    const record = openRun(off.admitted, {
      store,
      digest: hostDigest,
      clock: systemClock,
      run: "r",
      space: "",
      input: INPUT,
    })
    return { services, record, limits: undefined }
  }
  // One record for all: of a pure chain nothing is written to it, and what it costs is not the question here.
  const same = settings()
  const contestants: readonly Contestant[] = [
    { name: VM, run: () => valueOf(new Vm(program, same).run(INPUT) as Outcome) },
    { name: ASKED, run: () => valueOf(execute(program, INPUT, same) as Outcome) },
    { name: OFF, run: once(off) },
    { name: FIGURES, run: once(await engineWith(bytes, figures)) },
    { name: UNSAMPLED, run: once(await engineWith(bytes, unsampled)) },
    { name: EFFECTS, run: traced(await engineWith(bytes, effects), effects) },
    { name: TRACED, run: traced(await engineWith(bytes, all), all) },
  ]
  const samples = await measure(once(off)(), contestants, { turns: 21, turnMs: 20, warmMs: 400, cpu: true })
  for (const telemetry of [figures, unsampled, effects, all]) await telemetry.close()
  return samples
}

const report = new Report("Telemetry", "npm run bench:telemetry")
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
report.figure("telemetry.off_ratio", at(few, ASKED) / at(few, VM), "×", "1")
report.figure("telemetry.figures_us", at(few, FIGURES) - at(few, OFF), "µs a run")
report.figure("telemetry.unsampled_us", at(few, UNSAMPLED) - at(few, OFF), "µs a run")
report.figure("telemetry.on_us_per_run", at(few, EFFECTS) - at(few, OFF), "µs")
report.figure("telemetry.on_us_per_node", (at(many, TRACED) - at(many, EFFECTS)) / SIZES[1], "µs")
report.end()
process.exit(0)
