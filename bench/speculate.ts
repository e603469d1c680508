/**
 * `npm run bench:speculate`: a chain of five real tools (two MCP servers, two HTTP servers and Postgres, each a process of its
 * own) behind relays that add a network's delay. Shadows are recorded, trained, calibrated and gated by the command line; then
 * the chain runs with them and without, on plain `await` and on LangGraph.js, in turns, each run over the same delays.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { openProject, openSession, type Ready, type Session } from "../deploy/mod.ts"
import { printPath } from "../graph/mod.ts"
import { openRow } from "../kernel/mod.ts"
import { peers } from "./peers.ts"
import { Report, show } from "./report.ts"
import { byHand, onLangGraph, openTools } from "./speculate/contestants.ts"
import { MEDIAN_MS, type Network, SIGMA } from "./speculate/delays.ts"
import { sweepPicture } from "./speculate/picture.ts"
import { closedForm, simulated } from "./speculate/simulate.ts"
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
const LOOSE = ["--alpha", "20%", "--steps", "300"] as const

const began = performance.now()
const note = (text: string) => console.log(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}`)

// ---- one run

interface Told {
  readonly ms: number
  readonly answer: unknown
  readonly trace?: string
  /** Guesses of the run that were kept and wrong, by node; calls that were made in vain. */
  readonly kept: readonly string[]
  readonly wrong: readonly string[]
  readonly vain: number
}
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
    const start = performance.now()
    const result = await ready.run({ ...input }, { speculate })
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
    return { ms, answer: result.outcome.value, trace: result.trace!, kept, wrong, vain }
  }

// ---- many runs

interface Series {
  readonly told: Told[]
  /** Requests that the relays saw. */
  requests: number
}

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

const at = (q: number, xs: readonly number[]): number =>
  [...xs].sort((a, b) => a - b)[Math.min(xs.length - 1, Math.floor(q * xs.length))]!
const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length
const times = ({ told }: Series): readonly number[] => told.map((t) => t.ms)
const cutPct = (on: number, off: number): number => 100 * (1 - on / off)

interface Account {
  readonly guessed: number
  readonly wrong: number
  readonly vain: number
  /** Wrong guesses of a hundred that were used. */
  readonly rollbackPct: number
  /** Calls made in vain for a hundred of the chain's own. */
  readonly extraPct: number
  /** For each tool how often it was guessed, and rightly: p·c. */
  readonly right: readonly number[]
}
function account({ told }: Series): Account {
  const wrong = told.reduce((n, t) => n + t.wrong.length, 0)
  const guessed = wrong + told.reduce((n, t) => n + t.kept.length, 0)
  const vain = told.reduce((n, t) => n + t.vain, 0)
  return {
    guessed,
    wrong,
    vain,
    rollbackPct: guessed === 0 ? 0 : (100 * wrong) / guessed,
    extraPct: (100 * vain) / (told.length * TOOLS.length),
    right: TOOLS.map((name) => told.filter((t) => t.kept.includes(name)).length / told.length),
  }
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
  write(normal, constant, swept)
} catch (cause) {
  failed = true
  console.error(cause)
} finally {
  await stage.close()
}
process.exit(failed ? 1 : 0)

// ---- what it came to

type Names = "await" | "langgraph" | "off" | "on"
type All = { readonly [name in Names]: Series }

function write(normal: All, constant: All, swept: readonly Series[]): void {
  const report = new Report("Looking ahead", "npm run bench:speculate")
  report.text(
    `Five tools in a chain, each of which needs the answer of the one before: MCP (units), SQL (Postgres), HTTP (calculator), ` +
      `HTTP (customs), MCP (dates), servers in processes of their own behind relays that hold every request. Shadows recorded, ` +
      `trained (alpha 1 %), calibrated and gated by the command line from ${RECORDED} recorded runs. Delays of ${MEDIAN_MS} ms at the ` +
      `median, log-normal with σ = ${SIGMA} or constant, the same for every contestant; ${RUNS} and ${CONSTANT} runs of each, in turns. ` +
      "Answers of all are equal in every run, and so are the trace hashes with looking ahead and without.",
  )
  report.table(
    ["ms for the chain", "p50", "p95", "constant: p50", "mean"],
    (
      [
        ["plain await", "await"],
        ["LangGraph.js", "langgraph"],
        ["ours, not looking ahead", "off"],
        ["ours, looking ahead", "on"],
      ] as const
    ).map(([name, key]) => {
      const [n, c] = [times(normal[key]), times(constant[key])]
      return [name, show(at(0.5, n)), show(at(0.95, n)), show(at(0.5, c)), show(mean(c))]
    }),
  )
  const [ofNormal, ofConstant] = [account(normal.on), account(constant.on)]
  report.table(
    ["tool", ...TOOLS],
    [
      ["guessed, and rightly (p·c), log-normal", ...ofNormal.right.map((r) => r.toFixed(3))],
      ["constant", ...ofConstant.right.map((r) => r.toFixed(3))],
    ],
  )
  const p50Error = against(report, normal, constant, ofNormal, ofConstant)
  sweep(report, normal, swept)
  const cut = (q: number, all: All) => cutPct(at(q, times(all.on)), at(q, times(all.off)))
  const both = account({ told: [...normal.on.told, ...constant.on.told], requests: 0 })
  const figure = (name: string, value: number, aim: string) =>
    report.figure(`speculate.${name}`, Number(value.toFixed(3)), "%", aim)
  figure("p50_cut_pct", cut(0.5, normal), "≥ 66 (a perfect shadow: about 74)")
  figure("p50_cut_constant_pct", cut(0.5, constant), "≥ 72 (a perfect shadow: 80)")
  figure("p95_cut_pct", cut(0.95, normal), "")
  figure("rollback_pct", both.rollbackPct, "< 0.5 of guesses that were used")
  figure("extra_calls_pct", both.extraPct, "")
  figure("simulation_error_pct", p50Error, "≤ 5 (time left at the median)")
  report.end()
}

/** Holds what was measured against what was reckoned. Gives the error of the median over log-normal delays, in percent. */
function against(report: Report, normal: All, constant: All, ofNormal: Account, ofConstant: Account): number {
  // What a call takes beside its delay is known from the runs that do not look ahead.
  const own = (all: All, network: Network) => {
    const bare = simulated(
      network,
      all.off.told.length,
      0,
      TOOLS.map(() => 0),
      1,
    )
    return at(
      0.5,
      times(all.off).map((ms, i) => (ms - bare.off[i]!) / TOOLS.length),
    )
  }
  const [ownNormal, ownConstant] = [own(normal, "log-normal"), own(constant, "constant")]
  const model = simulated("log-normal", normal.on.told.length, ownNormal, ofNormal.right)
  const steady = simulated("constant", constant.on.told.length, ownConstant, ofConstant.right)
  const right = mean(ofConstant.right.slice(0, -1))
  const rows: (readonly [string, number, number, number])[] = [
    ["log-normal, p50", at(0.5, times(normal.on)), at(0.5, model.on), at(0.5, times(normal.off))],
    ["log-normal, p95", at(0.95, times(normal.on)), at(0.95, model.on), at(0.95, times(normal.off))],
    ["constant, mean", mean(times(constant.on)), mean(steady.on), mean(times(constant.off))],
    [
      `constant, mean, by [1+(n−1)(1−p·c)]/n with p·c = ${right.toFixed(3)}`,
      mean(times(constant.on)),
      closedForm(TOOLS.length, right) * mean(times(constant.off)),
      mean(times(constant.off)),
    ],
  ]
  report.table(
    ["looking ahead", "ms", "reckoned ms", "error of the time", "cut", "reckoned cut"],
    rows.map(([name, found, wanted, off]) => [
      name,
      show(found),
      show(wanted),
      `${(100 * (found / wanted - 1)).toFixed(1)} %`,
      `${cutPct(found, off).toFixed(1)} %`,
      `${cutPct(wanted, off).toFixed(1)} %`,
    ]),
  )
  report.text(
    `The simulation draws guesses that are right as often as measured, over the very delays that the relays drew, and adds what a ` +
      `call takes by itself: ${show(ownNormal)} ms, from the runs that do not look ahead.`,
  )
  return 100 * Math.abs(at(0.5, times(normal.on)) / at(0.5, model.on) - 1)
}

function sweep(report: Report, normal: All, swept: readonly Series[]): void {
  const off = times(normal.off).slice(0, SWEEP)
  const rows = swept.map((series) => {
    const { rollbackPct, extraPct, guessed, right } = account(series)
    const own = times(series)
    return {
      p50: cutPct(at(0.5, own), at(0.5, off)),
      p95: cutPct(at(0.95, own), at(0.95, off)),
      rollbackPct,
      extraPct,
      guessed,
      right: mean(right.slice(0, -1)),
    }
  })
  report.text(
    `Swept over the least confidence of a guess, with networks of less training and a looser promise (${LOOSE.join(" ")}), ${SWEEP} runs each over log-normal delays:`,
  )
  report.table(
    ["least confidence", "p50 cut", "p95 cut", "p·c", "guesses used", "rolled back", "calls in vain"],
    rows.map((r, i) => [
      String(THRESHOLDS[i]),
      `${r.p50.toFixed(1)} %`,
      `${r.p95.toFixed(1)} %`,
      r.right.toFixed(3),
      String(r.guessed),
      `${r.rollbackPct.toFixed(2)} %`,
      `${r.extraPct.toFixed(1)} %`,
    ]),
  )
  const line = (name: string, colour: string, values: readonly number[]) => ({ name, colour, values })
  const picture = sweepPicture("Looking ahead, swept over thresholds", THRESHOLDS.map(String), [
    {
      title: "time saved, %",
      lines: [
        line(
          "at p50",
          "#0369a1",
          rows.map((r) => r.p50),
        ),
        line(
          "at p95",
          "#7dd3fc",
          rows.map((r) => Math.max(0, r.p95)),
        ),
      ],
    },
    {
      title: "what it costs, %",
      lines: [
        line(
          "guesses rolled back",
          "#c2410c",
          rows.map((r) => r.rollbackPct),
        ),
        line(
          "calls in vain",
          "#fdba74",
          rows.map((r) => r.extraPct),
        ),
      ],
    },
  ])
  writeFileSync(join(import.meta.dirname, "speculate.svg"), `${picture}\n`)
  report.text("![Time saved and what it costs, over the threshold](speculate.svg)")
}
