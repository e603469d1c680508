/**
 * Confidence put to the test: a shadow that was really trained, and is not perfect, is calibrated again and again and held
 * against the exact truth of its whole domain; then six ways in which calls stop being like the log, through the door that
 * serves.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Draw } from "../../gate/mod.ts"
import { type Rec, T, type Value } from "../../graph/mod.ts"
import {
  ALPHA_DEFAULT,
  calibrate,
  DELTA_DEFAULT,
  drawOf,
  fit,
  LearnError,
  LivingDoor,
  type Scored,
  SHARES,
  thresholdsOf,
} from "../../learn/mod.ts"
import { covers, ModelRefused, type OpenedShadow, openShadow, type Promised } from "../../shadow/mod.ts"

const SIDE = 64
const KINDS = ["less", "more", "near"] as const
const INPUT = T.record({ kind: T.string, a: T.number, b: T.number })

/** Compares two numbers, in three ways that it was asked before and one that it was not. */
export function tool(args: Value): boolean {
  const { kind, a, b } = args as { kind: string; a: number; b: number }
  if (kind === "less") return a < b
  if (kind === "more") return a > b
  if (kind === "near") return Math.abs(a - b) < 8
  return a === b
}

export interface Subject {
  readonly bytes: Uint8Array
  readonly opened: OpenedShadow
  /** Every input that training did not see, with what it says of it. */
  readonly population: readonly Scored[]
}

export async function subject(): Promise<Subject> {
  const draw = drawOf("confidence")
  const seen = new Map<string, Rec>()
  while (seen.size < 4_500) {
    const args = ordinary(draw)
    seen.set(JSON.stringify(args), args)
  }
  const cases = [...seen.values()].map((args, seq) => ({ args, value: tool(args), seq }))
  const made = await Effect.runPromise(
    Effect.result(
      fit(
        { tool: "compare", version: "1", input: INPUT, output: T.boolean, cases },
        { families: ["fitted"], training: { hidden: [32], steps: 1_200, batch: 128 } },
      ),
    ),
  )
  if (Result.isFailure(made)) throw made.failure
  const { bytes } = made.success
  const opened = open(bytes)
  const inside = covers(opened.encoding, opened.support)
  const population: Scored[] = []
  for (const kind of KINDS)
    for (let a = 0; a < SIDE; a++)
      for (let b = 0; b < SIDE; b++) {
        const args = { kind, a, b }
        if (seen.has(JSON.stringify(args))) continue
        const said = inside(args) ? opened.guess(args) : undefined
        population.push(
          said === undefined
            ? { confidence: Number.NaN, right: false }
            : { confidence: said.confidence, right: said.value === tool(args) },
        )
      }
  return { bytes, opened, population }
}

function open(bytes: Uint8Array, door?: (promised: Promised) => LivingDoor): OpenedShadow {
  const opened = openShadow(bytes, door === undefined ? {} : { door: (_, promised) => door(promised) })
  if (opened instanceof ModelRefused) throw opened
  return opened
}

const ordinary = (draw: Draw): Rec => ({ kind: draw.pick(KINDS), a: draw.below(SIDE), b: draw.below(SIDE) })

export interface Recalibrated {
  readonly runs: number
  /** Calibrations whose threshold has an error above alpha over the whole population. */
  readonly breaks: number
  /** Those that came to no threshold: nothing was promised. */
  readonly without: number
  readonly errorMax: number
  readonly coverageMean: number
  /** Share of the whole population that is wrong without a door. */
  readonly errorAll: number
}

/** Each run draws its calibration cases anew, with replacement, and is held against every input of the population. */
export function recalibrations({ population }: Subject, runs: number, cases = 2_000): Recalibrated {
  const draw = drawOf("recalibrations")
  const take = (n: number): readonly Scored[] => Array.from({ length: n }, () => draw.pick(population))
  let [breaks, without, errorMax, coverage] = [0, 0, 0, 0]
  for (let i = 0; i < runs; i++) {
    const thresholds = thresholdsOf(
      take(500).map((s) => s.confidence),
      SHARES,
    )
    const found = calibrate(take(cases), { alpha: ALPHA_DEFAULT, delta: DELTA_DEFAULT, thresholds })
    if (found instanceof LearnError || "reason" in found) {
      without++
      continue
    }
    const accepted = population.filter((s) => s.confidence >= found.threshold)
    const error = accepted.filter((s) => !s.right).length / accepted.length
    if (error > ALPHA_DEFAULT) breaks++
    errorMax = Math.max(errorMax, error)
    coverage += accepted.length / population.length
  }
  const wrong = population.filter((s) => !s.right && !Number.isNaN(s.confidence)).length
  const coverageMean = coverage / Math.max(1, runs - without)
  return { runs, breaks, without, errorMax, coverageMean, errorAll: wrong / population.length }
}

export interface Reopened {
  readonly runs: number
  readonly opened: number
  /** Doors that were opened although more than alpha of the whole population is wrong behind them. */
  readonly breaks: number
  /** The same where the tool is a little worse than was promised at every threshold. */
  readonly breaksOfWorse: number
}

/** Doors that drift has shut, and that hear calls of the population from then on, drawn with replacement: does what they open to keep the promise? */
export function reopenings({ opened: { package: file }, population }: Subject, runs: number): Reopened {
  const draw = drawOf("reopenings")
  const worse = spoiled(population, draw)
  const count = (of: readonly Scored[]) => {
    let [opened, breaks] = [0, 0]
    for (let i = 0; i < runs; i++) {
      const door = new LivingDoor(file.promised, { now: () => 0 })
      while (!door.closed) door.saw(false)
      while (door.closed && door.state.attempts < BLOCKS) {
        for (let calls = 0; calls < 100 && door.closed; calls++) {
          const { confidence, right } = draw.pick(of)
          door.heard(confidence, right)
        }
      }
      if (door.closed) continue
      opened++
      const accepted = of.filter((s) => s.confidence >= door.threshold)
      if (accepted.filter((s) => !s.right).length > ALPHA_DEFAULT * accepted.length) breaks++
    }
    return { opened, breaks }
  }
  const { opened, breaks } = count(population)
  return { runs, opened, breaks, breaksOfWorse: count(worse).breaks }
}
const BLOCKS = 3
/** So many of the right answers become wrong ones, whatever the confidence, that a little more than alpha of them is. */
const spoiled = (population: readonly Scored[], draw: Draw): readonly Scored[] =>
  population.map((s) => (draw.unit() < 1.1 * ALPHA_DEFAULT ? { ...s, right: false } : s))

export interface Shifted {
  readonly family: string
  readonly calls: number
  readonly accepted: number
  readonly wrong: number
  /** Share of accepted answers in the last quarter of the stream. */
  readonly coverageEnd: number
  readonly closed: boolean
  /** How often the door was opened again. */
  readonly opened: number
}

type Family = readonly [name: string, draw: (draw: Draw) => Rec, tool?: (args: Value) => boolean]
const near = (draw: Draw, x: number, by: number): number => Math.max(0, Math.min(SIDE - 1, x + draw.between(-by, by)))
const FAMILIES: readonly Family[] = [
  ["range", (d) => ({ kind: d.pick(KINDS), a: d.between(SIDE, 4 * SIDE), b: d.between(0, 4 * SIDE) })],
  ["unseen category", (d) => ({ kind: "same", a: d.below(SIDE), b: d.below(SIDE) })],
  ["category mix", (d) => ({ kind: "near", a: d.below(SIDE), b: d.below(SIDE) })],
  ["density inside the range", (d) => ({ kind: d.pick(KINDS), a: 28 + d.below(8), b: 28 + d.below(8) })],
  [
    "correlated inputs",
    (d) => {
      const a = d.below(SIDE)
      return { kind: d.pick(KINDS), a, b: near(d, a, 2) }
    },
  ],
  ["the tool becomes another", ordinary, (args) => !tool(args)],
]

/** A tenth of a stream is like the log, then it shifts. Every call is heard, as speculation does, so a door may open again. */
export function shifts({ bytes }: Subject, calls: number): readonly Shifted[] {
  return FAMILIES.map(([family, shifted, other = tool]) => {
    let door: LivingDoor | undefined
    const { shadow } = open(bytes, (promised) => (door = new LivingDoor(promised, { now: () => 0 })))
    const draw = drawOf(`shift ${family}`)
    let [accepted, wrong, end] = [0, 0, 0]
    for (let i = 0; i < calls; i++) {
      const before = i < calls / 10
      const args = before ? ordinary(draw) : shifted(draw)
      const said = shadow.predict(args)
      const value = (before ? tool : other)(args)
      shadow.observe?.(args, said.ok ? (said.value as Value) : undefined, { ok: true, value })
      if (!said.ok) continue
      accepted++
      if (i >= 0.75 * calls) end++
      if (said.value !== value) wrong++
    }
    const { closed, state } = door!
    return { family, calls, accepted, wrong, coverageEnd: end / (0.25 * calls), closed, opened: state.opened }
  })
}

/** The share of wrong answers of the worst stream among those in which the shadow still answers at the end. */
export const errorMaxOf = (all: readonly Shifted[]): number =>
  Math.max(0, ...all.filter((s) => s.coverageEnd > 0).map((s) => s.wrong / s.accepted))
