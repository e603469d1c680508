/**
 * `npm run bench:speculate`: a chain of five real tools (two MCP servers, two HTTP servers and Postgres, each a process of its
 * own) behind relays that add a network's delay. Shadows are recorded, trained, calibrated and gated by the command line; then
 * the chain runs with them and without, on plain `await` and on LangGraph.js, in turns, each run over the same delays.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import type { RunEvent } from "../bus/mod.ts"
import { openProject, openSession, type Ready, type Session } from "../deploy/mod.ts"
import { printPath } from "../graph/mod.ts"
import { openRow } from "../kernel/mod.ts"
import { peers } from "./peers.ts"
import { byHand, onLangGraph, openTools } from "./speculate/contestants.ts"
import type { Network } from "./speculate/delays.ts"
import { type Series, type Told, write } from "./speculate/results.ts"
import { GRAPH, type Input, openStage, parcels, type Stage, TOOLS } from "./speculate/stage.ts"

const { values } = parseArgs({
  options: {
    /** Runs of each contestant over the log-normal network, over the constant one, and at each threshold. */
    runs: { type: "string", default: "150" },
    constant: { type: "string", default: "60" },
    sweep: { type: "string", default: "50" },
    /** Runs that are recorded to learn from. */
    recorded: { type: "string", default: "10000" },
    /** A folder in which what was learned is kept, for the next time. */
    keep: { type: "string" },
  },
})
const [RUNS, CONSTANT, SWEEP, RECORDED] = [values.runs, values.constant, values.sweep, values.recorded].map(Number) as [
  number,
  number,
  number,
  number,
]
/** Runs before any is counted: connections stand, statements are prepared, code is translated. */
const WARM = 12
const THRESHOLDS = [0, 0.2, 0.35, 0.5, 0.7, 0.9, 0.99]
/**
 * For the sweep the two networks are trained less and promise next to nothing, so that there is something to choose from and
 * the threshold decides, not the calibration.
 */
const LOOSE = ["--alpha", "10%", "--steps", "300"] as const

const began = performance.now()
const note = (text: string) => console.log(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}`)

// ---- one run

type Contestant = (input: Input) => Promise<Told>

const plain =
  (run: (input: Input) => Promise<unknown>): Contestant =>
  async (input) => {
    const start = performance.now()
    const answer = await run(input)
    return { ms: performance.now() - start, answer, kept: [], wrong: [], vain: 0 }
  }

const ours =
  (ready: Ready, session: Session, speculate: object | false): Contestant =>
  async (input) => {
    const calls = new Map<string, number>()
    const onEvent = (event: RunEvent) => {
      if (event.type === "start") calls.set(printPath(event.path), event.at)
      if (event.type === "end") calls.set(printPath(event.path), event.at - calls.get(printPath(event.path))!)
    }
    const start = performance.now()
    const result = await ready.run({ ...input }, { speculate, onEvent })
    const ms = performance.now() - start
    if (!result.outcome.ok) throw result.outcome.failure
    const [kept, wrong]: [string[], string[]] = [[], []]
    let vain = 0
    for (const row of (await session.engine.store.entries("", result.run)).rows) {
      const { body } = openRow(row)
      if (body.kind === "discarded") vain++
      if (body.kind !== "guess") continue
      if (body.verdict === "kept") kept.push(printPath(body.path))
      if (body.verdict === "wrong") wrong.push(printPath(body.path))
    }
    return { ms, answer: result.outcome.value, trace: result.trace!, calls, kept, wrong, vain }
  }

// ---- many runs

/** Runs all contestants on every input, in turns, beginning with another one each time; all must answer alike. */
async function inTurns<K extends string>(
  stage: Stage,
  network: Network,
  inputs: readonly Input[],
  contestants: { readonly [name in K]: Contestant },
): Promise<{ readonly [name in K]: Series }> {
  const names = Object.keys(contestants) as K[]
  const all = Object.fromEntries(names.map((n) => [n, { told: [], requests: 0 }])) as unknown as {
    [name in K]: Series
  }
  for (const [run, input] of inputs.entries()) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(run + turn) % names.length]!
      await stage.next({ network, run })
      const told = await contestants[name](input)
      all[name].requests += (await stage.next({ network, run })).reduce((a, b) => a + b, 0)
      all[name].told.push(told)
    }
    const [first] = names
    const wanted = all[first!].told.at(-1)!
    for (const name of names) {
      const { answer, trace = wanted.trace } = all[name].told.at(-1)!
      if (answer !== wanted.answer || (wanted.trace !== undefined && trace !== wanted.trace))
        throw new RangeError(
          `${name} comes to ${String(answer)} ${trace}, wanted ${String(wanted.answer)} ${wanted.trace}`,
        )
    }
  }
  return all
}

// ---- shadows, by the command line

async function learn(stage: Stage): Promise<void> {
  if (stage.learned) return
  writeFileSync(
    join(stage.folder, "recorded.jsonl"),
    parcels("recorded", RECORDED)
      .map((parcel) => `${JSON.stringify(parcel)}\n`)
      .join(""),
  )
  const calls = String(RECORDED * TOOLS.length)
  note(`recording ${calls} calls …`)
  await stage.command(["lock", GRAPH])
  const record = ["record", GRAPH, "--inputs", "recorded.jsonl", "--calls", calls, "--parallel", "32", "--yes"]
  await stage.command(record)
  note("training, calibrating and gating …")
  const text = await stage.command(["train", GRAPH, "--yes"])
  console.log(text)
  stage.share()
  for (const tool of ["fn:./tariffs.ts#tariff", `http:GET ${stage.at.customs}/days`])
    await stage.command(["train", GRAPH, "--tool", tool, ...LOOSE, "--yes"], stage.loose)
  await stage.command(["compile", GRAPH, "--out", "parcel.plan"])
  note("trained")
}

async function opened(folder: string, plan: Uint8Array): Promise<{ readonly ready: Ready; readonly session: Session }> {
  const project = await openProject(folder)
  const grants = project.file.grants ?? []
  const session = await openSession(project, { grants, ledger: "memory", env: {}, speculate: {} })
  return { ready: await session.prepare(plan), session }
}

// ---- the bench

const stage = await openStage(values.keep)
let failed = false
try {
  await learn(stage)
  const plan = new Uint8Array(readFileSync(join(stage.folder, "parcel.plan")))
  const tools = await openTools(stage.at)
  const library = await peers()
  const { ready, session } = await opened(stage.folder, plan)
  const contestants = {
    await: plain((input) => byHand(tools, input)),
    langgraph: plain(onLangGraph(library, tools)),
    off: ours(ready, session, false),
    on: ours(ready, session, {}),
  }
  await inTurns(stage, "none", parcels("warm", WARM), contestants)
  note(`${RUNS} runs over log-normal delays …`)
  const inputs = parcels("runs", RUNS)
  const normal = await inTurns(stage, "log-normal", inputs, contestants)
  note(`${CONSTANT} runs over constant delays …`)
  const constant = await inTurns(stage, "constant", inputs.slice(0, CONSTANT), contestants)
  note(`${SWEEP} runs at each of ${THRESHOLDS.length} thresholds …`)
  const other = await opened(stage.loose, plan)
  const swept: Series[] = []
  await inTurns(stage, "none", parcels("warm", WARM), { on: ours(other.ready, other.session, { error: 1 }) })
  for (const confidence of THRESHOLDS) {
    const on = ours(other.ready, other.session, { error: 1, confidence })
    swept.push((await inTurns(stage, "log-normal", inputs.slice(0, SWEEP), { on })).on)
  }
  await session.close()
  await other.session.close()
  await tools.close()
  write(RECORDED, normal, constant, { thresholds: THRESHOLDS, series: swept, how: LOOSE.join(" ") })
} catch (cause) {
  failed = true
  console.error(cause)
} finally {
  await stage.close()
}
process.exit(failed ? 1 : 0)
