/** What the runs of the bench came to, as tables, figures and a picture; and held against what should have come of them. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Report, show } from "../report.ts"
import { delayMs, MEDIAN_MS, type Network, SIGMA } from "./delays.ts"
import { sweepPicture } from "./picture.ts"
import { closedForm, simulated } from "./simulate.ts"
import { TOOLS } from "./stage.ts"

/** One run. */
export interface Told {
  readonly ms: number
  readonly answer: unknown
  readonly trace?: string
  /** Milliseconds that each call took, by node. */
  readonly calls?: ReadonlyMap<string, number>
  /** Guesses of the run that were kept and wrong, by node; calls that were made in vain. */
  readonly kept: readonly string[]
  readonly wrong: readonly string[]
  readonly vain: number
}

export interface Series {
  readonly told: Told[]
  /** Requests that the relays saw. */
  requests: number
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

export type Names = "await" | "langgraph" | "off" | "on"
/** What each contestant's runs came to. */
export type All = { readonly [name in Names]: Series }

/** What was swept: at each threshold the runs over the first of the log-normal inputs. */
export interface Sweep {
  readonly thresholds: readonly number[]
  readonly series: readonly Series[]
  /** How the networks were trained. */
  readonly how: string
}

export function write(recorded: number, normal: All, constant: All, swept: Sweep): void {
  const report = new Report("Looking ahead", "npm run bench:speculate")
  report.text(
    `Five tools in a chain, each of which needs the answer of the one before: MCP (units), SQL (Postgres), HTTP (calculator), ` +
      `HTTP (customs), MCP (dates), servers in processes of their own behind relays that hold every request. Shadows recorded, ` +
      `trained (alpha 1 %), calibrated and gated by the command line from ${recorded} recorded runs. Delays of ${MEDIAN_MS} ms at the ` +
      `median, log-normal with σ = ${SIGMA} or constant, the same for every contestant; ${normal.on.told.length} and ${constant.on.told.length} runs of each, in turns. ` +
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
  const [ownNormal, ownConstant] = [ownOf(normal.off, "log-normal"), ownOf(constant.off, "constant")]
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
    "The simulation draws guesses that are right as often as measured, over the very delays that the relays drew, and adds what a " +
      `call takes beside its delay, from the runs that do not look ahead: ${TOOLS.map((name, i) => `${name} ${show(ownNormal[i]!)}`).join(", ")} ms ` +
      `at the median. Of a run that does not look ahead ${show(loopMs(normal.off))} ms are in no call: the engine's own loop, ledger and hashing included.`,
  )
  return 100 * Math.abs(at(0.5, times(normal.on)) / at(0.5, model.on) - 1)
}

/** What calls take beside their delays, for each tool. */
const ownOf = ({ told }: Series, network: Network): readonly number[] =>
  TOOLS.map((name, tool) =>
    at(
      0.5,
      told.map(({ calls }, run) => calls!.get(name)! - delayMs(network, tool, run, 0)),
    ),
  )
/** What a run takes that is in no call of a tool. */
const loopMs = ({ told }: Series): number =>
  at(
    0.5,
    told.map(({ ms, calls }) => ms - [...calls!.values()].reduce((a, b) => a + b, 0)),
  )

function sweep(report: Report, normal: All, { thresholds, series: swept, how }: Sweep): void {
  const runs = swept[0]!.told.length
  const off = times(normal.off).slice(0, runs)
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
    `Swept over the least confidence of a guess, with networks of less training and a looser promise (${how}), ${runs} runs each over log-normal delays:`,
  )
  report.table(
    ["least confidence", "p50 cut", "p95 cut", "p·c", "guesses used", "rolled back", "calls in vain"],
    rows.map((r, i) => [
      String(thresholds[i]),
      `${r.p50.toFixed(1)} %`,
      `${r.p95.toFixed(1)} %`,
      r.right.toFixed(3),
      String(r.guessed),
      `${r.rollbackPct.toFixed(2)} %`,
      `${r.extraPct.toFixed(1)} %`,
    ]),
  )
  const line = (name: string, colour: string, values: readonly number[]) => ({ name, colour, values })
  const picture = sweepPicture("Looking ahead, swept over thresholds", thresholds.map(String), [
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
  writeFileSync(join(import.meta.dirname, "../speculate.svg"), `${picture}\n`)
  report.text("![Time saved and what it costs, over the threshold](speculate.svg)")
}
