/**
 * `npm run bench:start`: `shadowgraph run` of a compiled plan as a cold process, against an empty process of the same
 * runtime, in turns.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { summary } from "./measure.ts"
import { Report } from "./report.ts"

const folder = mkdtempSync(join(tmpdir(), "shadowgraph-start-"))
const cli = join(import.meta.dirname, "..", "deploy", "cli", "main.ts")
const file = join(folder, "sum.graph.yaml")
const plan = join(folder, "sum.plan")
writeFileSync(join(folder, "empty.ts"), "export {}\n")
writeFileSync(
  file,
  "graph: sum\ninput:\n  a: number\n  b: number\nnodes:\n  total: { expr: input.a + input.b }\noutput: total\n",
)

const run = (args: readonly string[]): number => {
  const start = performance.now()
  const done = spawnSync(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] })
  const ms = performance.now() - start
  if (done.status !== 0) throw new RangeError(`${args.join(" ")}: ${done.stderr.toString()}`)
  return ms
}
try {
  run([cli, "compile", file, "-o", plan])
  const contestants: Record<string, readonly string[]> = {
    empty: ["empty.ts"],
    plan: [cli, "run", plan, "a=1", "b=2"],
    file: [cli, "run", file, "a=1", "b=2"],
  }
  const times: Record<string, number[]> = { empty: [], plan: [], file: [] }
  for (const args of Object.values(contestants)) run(args)
  for (let turn = 0; turn < 15; turn++)
    for (const [name, args] of Object.entries(contestants)) times[name]!.push(run(args))
  const of = (name: string) => summary(name, times[name]!)
  const report = new Report("Start", "npm run bench:start")
  report.text(
    "Cold processes, in turns: an empty one, `run` of a plan, and `run` of the graph file (read, checked, compiled).",
  )
  report.table(
    ["process", "ms", "quartiles"],
    Object.keys(times).map((name) => [
      name,
      of(name).median.toFixed(0),
      `${of(name).low.toFixed(0)}–${of(name).high.toFixed(0)}`,
    ]),
  )
  report.figure("start.over_empty", of("plan").median / of("empty").median)
  report.figure("start.file_over_empty", of("file").median / of("empty").median)
  report.end()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
