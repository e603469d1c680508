/**
 * From the calls of one tool to a shadow that may be handed to the gate: which arithmetic the tool is, if any, else a small
 * network; then the region that the calls cover, and from which confidence on it may answer. Learning, tuning and
 * calibration each use calls of their own, chosen by hash. Nothing here says that the shadow is right: the gate does.
 */
import * as Effect from "effect/Effect"
import { casesFor } from "../gate/mod.ts"
import { sameValue, type Type, type Value } from "../graph/mod.ts"
import {
  cells,
  composedBytes,
  composedFor,
  covers,
  type Encoding,
  EncodingRefused,
  encodingOf,
  type Family,
  filled,
  formFor,
  type Guesser,
  guesserOf,
  ModelRefused,
  measured,
  type Notes,
  narrowed,
  outputOf,
  packShadow,
  Support,
  within,
  wrapperOf,
  writeModel,
} from "../shadow/mod.ts"
import {
  ALPHA_DEFAULT,
  type CalibrateOptions,
  type Calibration,
  calibrate,
  DELTA_DEFAULT,
  type Scored,
  SHARES,
  thresholdsOf,
} from "./calibrate.ts"
import { LearnError, learnError } from "./errors.ts"
import { isHeldOut, type ToolCase } from "./record/cases.ts"
import { examplesOf } from "./train/examples.ts"
import type { TrainSettings } from "./train/trainer.ts"
import { type Trained, type TrainHooks, train } from "./train.ts"

/** What is learned from: a tool in one version, what goes in and out of it, and its calls, each input once. */
export interface Lesson {
  readonly tool: string
  readonly version: string
  readonly input: Type
  readonly output: Type
  /** What schemas say beyond the types. */
  readonly notes?: { readonly input?: Notes; readonly output?: Notes }
  readonly cases: readonly ToolCase[]
}

export interface FitOptions extends Partial<Pick<CalibrateOptions, "alpha" | "delta">> {
  readonly training?: Partial<TrainSettings>
  readonly hooks?: TrainHooks
  /** Families that are tried, in this order. Default: composed, then fitted. */
  readonly families?: readonly Family[]
}

/** A shadow to be handed in. */
export interface Candidate {
  /** The file: what the gate's verdict is about. */
  readonly bytes: Uint8Array
  readonly family: Family
  /** The model alone: ONNX, or the description of the arithmetic. */
  readonly model: Uint8Array
  readonly guess: Guesser
  readonly encoding: Encoding
  readonly support: Support
  readonly calibration: Calibration
  /** What it says of the calibration cases, with their arguments: for the report. */
  readonly scored: readonly (Scored & { readonly args: Value })[]
  /** Cases that its encodings could not say. */
  readonly leftOut: number
  readonly parts: { readonly learned: number; readonly tuned: number; readonly calibrated: number }
  readonly training?: Pick<Trained, "best" | "steps" | "ended">
}

/** Shares of the inputs that are kept for tuning and for calibration. */
const TUNE = 0.1
const CALIBRATE = 0.3

/** Fails with `LearnError`: `unlearnable` (too few calls, nothing that can be encoded, too often wrong), and what training fails with. */
export const fit = (lesson: Lesson, options: FitOptions = {}): Effect.Effect<Candidate, LearnError> =>
  Effect.gen(function* () {
    const parts = partsOf(lesson)
    const encoding = yield* inputOf(lesson, parts.learn)
    const made = yield* modelOf(lesson, parts.learn, encoding, options)
    return yield* calibrated(lesson, parts, encoding, made, options)
  })

/**
 * A model from elsewhere, an ONNX file of ours (`adoptModel`), as a shadow to be handed in: the calls say its support and its
 * threshold. Fails as `fit` does.
 */
export const adopted = (
  lesson: Lesson,
  model: Uint8Array,
  options: Pick<FitOptions, "alpha" | "delta"> = {},
): Effect.Effect<Candidate, LearnError> =>
  Effect.gen(function* () {
    const parts = partsOf(lesson)
    const encoding = yield* inputOf(lesson, parts.learn)
    return yield* calibrated(lesson, parts, encoding, { family: "fitted", model }, options)
  })

const calibrated = (
  lesson: Lesson,
  parts: Parts,
  encoding: Encoding,
  made: Made,
  options: FitOptions,
): Effect.Effect<Candidate, LearnError> =>
  Effect.gen(function* () {
    const guess = guesserOf(made.family, made.model)
    if (guess instanceof ModelRefused) return yield* learnError("training", guess.message, guess)
    const { support, leftOut } = supportOf(encoding, parts.learn)
    const inside = covers(encoding, support)
    const tuned = scoresOf(guess, inside, parts.tune)
    const scored = scoresOf(guess, inside, parts.calibrate)
    const { alpha: risk = ALPHA_DEFAULT, delta: doubt = DELTA_DEFAULT } = options
    // The first threshold has to accept enough to show anything: how many that is depends on no answer.
    const least = (1.2 * casesFor(risk, doubt)) / scored.length
    const thresholds = thresholdsOf(
      tuned.map((s) => s.confidence),
      SHARES.filter((share) => share >= least || share === 1),
    )
    const calibration = calibrate(scored, { alpha: risk, delta: doubt, thresholds })
    if (calibration instanceof LearnError) return yield* calibration
    if ("reason" in calibration) return yield* learnError("unlearnable", `${lesson.tool}: ${calibration.message}`)
    const { alpha, delta, threshold, cases, accepted, wrong } = calibration
    const bytes = packShadow({
      tool: lesson.tool,
      version: lesson.version,
      family: made.family,
      model: made.model,
      input: encoding.spec,
      support: support.data,
      promised: { alpha, delta, threshold, cases, accepted, wrong },
    })
    return {
      bytes,
      ...made,
      guess,
      encoding,
      support,
      calibration,
      scored,
      leftOut: leftOut + (made.leftOut ?? 0),
      parts: { learned: parts.learn.length, tuned: parts.tune.length, calibrated: parts.calibrate.length },
    }
  })

interface Parts {
  readonly learn: readonly ToolCase[]
  readonly tune: readonly ToolCase[]
  readonly calibrate: readonly ToolCase[]
}
/** Which part an input is of depends on its bytes alone: however often one trains, calibration cases were never learned from. */
function partsOf({ tool, version, cases }: Lesson): Parts {
  const salt = `shadowgraph/learn ${tool} ${version}`
  const learn: ToolCase[] = []
  const tune: ToolCase[] = []
  const kept: ToolCase[] = []
  for (const one of cases) {
    if (isHeldOut(one.args, { share: CALIBRATE, salt })) kept.push(one)
    else if (isHeldOut(one.args, { share: TUNE / (1 - CALIBRATE), salt: `${salt} tune` })) tune.push(one)
    else learn.push(one)
  }
  return { learn, tune, calibrate: kept }
}

const refusedHere = (lesson: Lesson, what: string, why: EncodingRefused): LearnError =>
  learnError("unlearnable", `Cannot learn ${lesson.tool}: its ${what} has no encoding: ${why.message}`, why)

function inputOf(lesson: Lesson, cases: readonly ToolCase[]): Effect.Effect<Encoding, LearnError> {
  const values = cases.map((c) => c.args)
  const encoding = encodable(encodingOf, lesson.input, lesson.notes?.input, values)
  return encoding instanceof EncodingRefused
    ? Effect.fail(refusedHere(lesson, "input", encoding))
    : Effect.succeed(encoding)
}

/** By the type and all that is known of it; where that says too much to be encoded, by the part of it that the calls use. */
function encodable<A>(
  made: (type: Type, notes: Notes) => A | EncodingRefused,
  type: Type,
  notes: Notes = {},
  values: readonly Value[],
): A | EncodingRefused {
  const whole = made(type, filled(notes, measured(type, values)))
  if (!(whole instanceof EncodingRefused)) return whole
  const part = narrowed(type, values)
  const found = made(part, measured(part, values))
  return found instanceof EncodingRefused ? whole : found
}

interface Made {
  readonly family: Family
  readonly model: Uint8Array
  readonly leftOut?: number
  readonly training?: Candidate["training"] & {}
}

const modelOf = (
  lesson: Lesson,
  cases: readonly ToolCase[],
  encoding: Encoding,
  { families = ["composed", "fitted"], training, hooks }: FitOptions,
): Effect.Effect<Made, LearnError> =>
  Effect.gen(function* () {
    if (families.includes("composed")) {
      const own = cells()
      const field = wrapperOf(cases)
      const calls = field === undefined ? cases : cases.map((c) => ({ ...c, args: within(c.args, field)! }))
      const spec = own instanceof ModelRefused ? undefined : (composedFor(calls, own) ?? formFor(calls, own))
      if (spec !== undefined) return { family: "composed", model: composedBytes(spec, field) }
    }
    if (!families.includes("fitted")) {
      return yield* learnError("unlearnable", `Cannot learn ${lesson.tool}: its calls are no arithmetic that is known`)
    }
    return yield* fitted(lesson, cases, encoding, training, hooks)
  })

const fitted = (
  lesson: Lesson,
  cases: readonly ToolCase[],
  encoding: Encoding,
  training: Partial<TrainSettings> | undefined,
  hooks: TrainHooks | undefined,
): Effect.Effect<Made, LearnError> =>
  Effect.gen(function* () {
    const answers = cases.map((c) => c.value)
    const output = encodable(outputOf, lesson.output, lesson.notes?.output, answers)
    if (output instanceof EncodingRefused) return yield* refusedHere(lesson, "answer", output)
    const { examples, leftOut } = examplesOf(encoding, output, cases)
    const trained = yield* train(examples, training ?? {}, hooks ?? {})
    const file = writeModel(trained.mlp, {
      input: encoding.spec,
      output: output.spec,
      tool: lesson.tool,
      toolVersion: lesson.version,
      notes: { steps: String(trained.steps), calls: String(cases.length) },
    })
    if (file instanceof ModelRefused) return yield* learnError("training", file.message, file)
    const { best, steps, ended } = trained
    return { family: "fitted", model: file.bytes, leftOut: leftOut.length, training: { best, steps, ended } }
  })

function supportOf(
  encoding: Encoding,
  cases: readonly ToolCase[],
): { readonly support: Support; readonly leftOut: number } {
  const n = encoding.digits.length
  const rows = new Uint16Array(cases.length * n)
  let count = 0
  for (const { args } of cases) if (encoding.states(args, rows, count * n) === undefined) count++
  return { support: Support.of(encoding.digits, rows, count), leftOut: cases.length - count }
}

/** Outside of the support, and where the model has no answer, there is no confidence: such a call is never accepted. */
function scoresOf(
  guess: Guesser,
  inside: (args: Value) => boolean,
  cases: readonly ToolCase[],
): readonly (Scored & { readonly args: Value })[] {
  return cases.map(({ args, value }) => {
    const said = inside(args) ? guess(args) : undefined
    return said === undefined
      ? { args, confidence: Number.NaN, right: false }
      : { args, confidence: said.confidence, right: sameValue(said.value, value) }
  })
}
