// `npm run shadow`: record 10,000 calculator calls, train, calibrate, gate, speculate, with the real command line in a copy of
// `examples/17-shadow`; then the shadow is held against calls that were recorded apart from it.
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Report } from "../../bench/report.ts"
import { openProject, openSession } from "../../deploy/project/project.ts"
import { bytesOf, findSource } from "../../deploy/project/source.ts"
import { callLogFile, FileCallLog } from "../../deploy/record/call_log.ts"
import { ShadowStore } from "../../deploy/shadows/store.ts"
import { sameValue } from "../../graph/mod.ts"
import { casesOf } from "../../learn/mod.ts"
import { decodePlan } from "../../plan/mod.ts"

const home = join(import.meta.dirname, "../..")
const CALLS = 10_000
const FRESH = 3_000
const CHAINS = 40
const began = performance.now()

const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), "shadowgraph-shadow-"))
  cpSync(join(home, "examples/17-shadow"), made, { recursive: true })
  symlinkSync(join(home, "node_modules"), join(made, "node_modules"))
  return made
}
async function did(at: string, ...words: string[]): Promise<string> {
  const ran = Bun.spawn([process.execPath, join(home, "deploy/cli/main.ts"), ...words], {
    cwd: at,
    stdout: "pipe",
    stderr: "inherit",
  })
  const text = await new Response(ran.stdout).text()
  if ((await ran.exited) === 0) return text
  throw new TypeError(`shadowgraph ${words.join(" ")} ended with ${ran.exitCode}: ${text}`)
}

const [at, apart] = [folder(), folder()]
try {
  const graph = "bill.graph.yaml"
  console.log(await did(at, "record", graph, "--calls", String(CALLS), "--parallel", "64", "--yes"))
  console.log(await did(at, "train", graph, "--yes"))
  await did(apart, "record", graph, "--calls", String(FRESH), "--parallel", "64", "--yes", "--seed", "apart")

  const { shadows } = await new ShadowStore(at).all()
  const [kept] = shadows
  if (kept === undefined) throw new TypeError("no shadow was kept")
  const { tool, version, fresh, verdict } = kept.card
  const log = new FileCallLog({ file: callLogFile(apart) })
  let [calls, accepted, right] = [0, 0, 0]
  for (const { args, value } of casesOf(log, { tool, version })) {
    calls++
    const said = kept.opened.shadow.predict(args)
    if (!said.ok) continue
    accepted++
    if (sameValue(said.value as never, value)) right++
  }
  log.close()

  await did(at, "compile", graph, "--out", "bill.plan")
  const project = await openProject(at)
  const plan = new Uint8Array(await bytesOf(await findSource("bill.plan", at)))
  const timed = async (speculate: object | false) => {
    const session = await openSession(project, { grants: decodePlan(plan).needs, ledger: "memory", env: {}, speculate })
    const ready = await session.prepare(plan)
    const outcomes: unknown[] = []
    const times: number[] = []
    for (let i = 0; i < CHAINS; i++) {
      const start = performance.now()
      outcomes.push((await ready.run({ price: 10 + i, count: 3, freight: 5 })).outcome)
      times.push(performance.now() - start)
    }
    await session.close()
    return { outcomes, p50: times.sort((a, b) => a - b)[CHAINS >> 1]! }
  }
  const [off, on] = [await timed(false), await timed({ costs: false })]
  if (JSON.stringify(on.outcomes) !== JSON.stringify(off.outcomes))
    throw new TypeError("speculation changed an outcome")

  const report = new Report("A shadow from a fresh clone", "npm run shadow")
  report.text(
    `${CALLS} calls of a calculator behind a delay of 2 ms, recorded, learned (${kept.card.family}), calibrated, gated (${verdict.wrong} wrong in ` +
      `${verdict.cases} fresh cases, ${((100 * fresh.answered) / fresh.drawn).toFixed(1)} % of fresh inputs answered) and used, in ` +
      `${((performance.now() - began) / 1000).toFixed(0)} s. Then ${calls} inputs that were recorded apart. A chain of three calls: ` +
      `${off.p50.toFixed(1)} ms at the median without looking ahead, ${on.p50.toFixed(1)} ms with, the outcomes the same.`,
  )
  report.figure("shadow.calculator_accuracy_pct", (100 * right) / Math.max(1, accepted), "%", "100 of what it answers")
  report.figure("shadow.coverage_pct", Number(((100 * accepted) / calls).toFixed(2)), "%")
  report.figure("shadow.fresh_clone_s", Number(((performance.now() - began) / 1000).toFixed(1)), "s", "≤ 120")
  report.end()
  process.exitCode = right === accepted && accepted > 0 ? 0 : 1
} finally {
  for (const made of [at, apart]) rmSync(made, { recursive: true, force: true })
}
