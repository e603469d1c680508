/**
 * One training: a small MLP learns examples by Adam on the cross-entropy of its groups. Deterministic: examples, settings
 * and seed give the same weights to the bit on every host, and so does a training that was cut and resumed, anywhere.
 */
import { checkWidths, type Mlp } from "../../shadow/mod.ts"
import { type LearnError, learnError } from "../errors.ts"
import { SeededChance } from "./chance.ts"
import { checkExamples, type Examples, spansOf } from "./examples.ts"
import { TRAINING_BYTES_MAX, TrainingMemory, trainingBytes } from "./memory.ts"
import { rateAt } from "./schedule.ts"

export interface TrainSettings {
  /** Widths of the hidden layers. */
  readonly hidden: readonly number[]
  readonly seed: number
  /** Rows of one step. */
  readonly batch: number
  /** At most so many steps. */
  readonly steps: number
  /** The highest learning rate. */
  readonly rate: number
  readonly schedule: "cosine" | "plain"
  /** Steps over which the rate rises. */
  readonly warmup: number
  /** Share of itself that a weight loses in a step, in units of the rate. */
  readonly decay: number
  /** Share of the examples that is kept for looking at. */
  readonly validation: number
  /** At most so many of those are looked at. */
  readonly validationMax: number
  /** Steps between two looks. */
  readonly every: number
  /** Looks without a better one, after which it ends; 0 for never. */
  readonly patience: number
  /** Looks in a row with every row right, after which it ends; 0 for never. */
  readonly perfect: number
}

export const TRAIN_SETTINGS: TrainSettings = {
  hidden: [128, 128],
  seed: 1,
  batch: 256,
  steps: 6000,
  rate: 3e-3,
  schedule: "cosine",
  warmup: 100,
  decay: 0,
  validation: 0.1,
  validationMax: 8192,
  every: 200,
  patience: 20,
  perfect: 3,
}

/** How the model does on rows that it does not learn from; without such rows, on those that it does. */
export interface Score {
  readonly step: number
  /** Nats for a row: the sum over its groups. */
  readonly loss: number
  readonly rows: number
  /** Rows of which every group is right. */
  readonly right: number
}

export interface Progress {
  readonly step: number
  readonly steps: number
  readonly rate: number
  /** Mean over the rows that were learned from since the last report; nats for a row. */
  readonly loss: number
  readonly look: Score
  /** The best look so far; the model is as it was then. */
  readonly best: Score
  /** Why it has ended, once it has. */
  readonly ended?: Ended
}
/** All steps made; no better look for long; every row right several times in a row. */
export type Ended = "steps" | "patience" | "perfect"

/** What a checkpoint keeps beside the numbers. */
export interface TrainState {
  readonly step: number
  /** The round through the examples, and how many rows of it are done. */
  readonly round: number
  readonly at: number
  /** Powers of Adam's betas. */
  readonly powers: readonly [number, number]
  /** Loss since the last report, and rows of it. */
  readonly sum: number
  readonly rows: number
  readonly best: Score | undefined
  /** Looks since the best one, and perfect ones in a row. */
  readonly stale: number
  readonly perfect: number
  readonly ended: Ended | undefined
}

const BETAS = [0.9, 0.999] as const
/** A training of more than that has no checkpoint that anybody keeps. */
const BATCH_MAX = 65_536

export class Trainer {
  readonly settings: TrainSettings
  readonly examples: Examples
  readonly #memory: TrainingMemory
  readonly #learn: Uint32Array
  readonly #look: Uint32Array
  readonly #order: Uint32Array
  readonly #kept: Float32Array
  readonly #batch: number
  #state: TrainState

  private constructor(examples: Examples, settings: TrainSettings, widths: readonly number[]) {
    const chance = SeededChance.of(settings.seed)
    const all = Uint32Array.from({ length: examples.count }, (_, i) => i)
    chance.shuffle(all)
    const kept = Math.min(Math.floor(examples.count * settings.validation), examples.count - 1, settings.validationMax)
    this.settings = settings
    this.examples = examples
    this.#look = all.slice(0, kept)
    this.#learn = all.slice(kept)
    this.#order = new Uint32Array(this.#learn.length)
    this.#begin(0)
    this.#batch = Math.min(settings.batch, this.#learn.length)
    this.#memory = new TrainingMemory(shapeOf(examples, widths, settings.batch))
    this.#memory.put(firstWeights(widths, chance))
    this.#kept = this.#memory.parameters.slice()
    this.#state = {
      step: 0,
      round: 0,
      at: 0,
      powers: [1, 1],
      sum: 0,
      rows: 0,
      best: undefined,
      stale: 0,
      perfect: 0,
      ended: undefined,
    }
  }

  /** A training that has not begun, or why there is none. */
  static of(examples: Examples, given: Partial<TrainSettings> = {}): Trainer | LearnError {
    const settings = { ...TRAIN_SETTINGS, ...given }
    const widths = [examples.inputs, ...settings.hidden, examples.outputs]
    const wrong = checkSettings(settings, widths) ?? checkExamples(examples)
    if (wrong !== undefined) return wrong
    const bytes = trainingBytes(shapeOf(examples, widths, settings.batch))
    const tooLarge = learnError(
      "training",
      `Cannot train layers of ${widths.join(", ")}: want memory of at most ${TRAINING_BYTES_MAX} bytes that this host has, ` +
        `found ${bytes} needed; make the layers narrower, or the batch smaller`,
    )
    if (bytes > TRAINING_BYTES_MAX) return tooLarge
    try {
      return new Trainer(examples, settings, widths)
    } catch (cause) {
      if (cause instanceof RangeError) return tooLarge
      throw cause
    }
  }

  get step(): number {
    return this.#state.step
  }
  get ended(): Ended | undefined {
    return this.#state.ended
  }

  /** Goes on until the next look or the end, and looks; a loss that is no number ends it for good. */
  next(): Progress | LearnError {
    const { steps, every } = this.settings
    while (this.#state.ended === undefined) {
      const wrong = this.advance(1)
      if (wrong !== undefined) return wrong
      if (this.#state.step % every === 0 || this.#state.step >= steps) break
    }
    return this.#report()
  }

  /** Makes so many steps, without a look. */
  advance(steps: number): LearnError | undefined {
    for (let i = 0; i < steps; i++) {
      const state = this.#state
      const chosen = this.#rowsOfNextStep()
      this.#fill(chosen)
      const loss = this.#memory.learn(chosen.length)
      if (!Number.isFinite(loss)) return this.#diverged(loss)
      const powers = [state.powers[0] * BETAS[0], state.powers[1] * BETAS[1]] as const
      const rate = this.#rate(state.step)
      this.#memory.adam(rate, BETAS, 1 / (1 - powers[0]), 1 / (1 - powers[1]), 1 - rate * this.settings.decay)
      const { sum, rows } = state
      this.#state = { ...this.#state, step: state.step + 1, powers, sum: sum + loss, rows: rows + chosen.length }
    }
    return undefined
  }

  /** How the parameters as they are now do on some rows of the examples. */
  lookAt(rows: Uint32Array): Score {
    const { batch } = this.settings
    let [loss, right] = [0, 0]
    for (let from = 0; from < rows.length; from += batch) {
      const some = rows.subarray(from, from + batch)
      this.#fill(some)
      loss += this.#memory.look(some.length)
      right += this.#memory.counts.right
    }
    return { step: this.#state.step, loss: loss / rows.length, rows: rows.length, right }
  }

  /** The model at its best look; before the first, as it is now. */
  model(): Mlp {
    return this.#memory.model(this.#state.best === undefined ? undefined : this.#kept)
  }

  /** The model as it is now. */
  current(): Mlp {
    return this.#memory.model()
  }

  /** Gradients of the mean loss of these rows at the current weights, which stay. */
  gradients(rows: Uint32Array): { readonly loss: number; readonly gradients: Mlp } {
    this.#fill(rows)
    return { loss: this.#memory.learn(rows.length) / rows.length, gradients: this.#memory.gradients() }
  }

  /** What {@link restore} wants back. The arrays are the training's own. */
  get parts(): { readonly state: TrainState; readonly numbers: readonly Float32Array[] } {
    const [m, v] = this.#memory.moments
    return { state: this.#state, numbers: [this.#memory.parameters, m, v, this.#kept] }
  }

  /** Takes the place of the training that had these parts. */
  restore(state: TrainState, numbers: readonly Float32Array[]): void {
    this.parts.numbers.forEach((own, i) => void own.set(numbers[i]!))
    this.#begin(state.round)
    this.#state = state
  }

  /** Puts the examples into the order of a round, which is the seed's and the round's alone. */
  #begin(round: number): void {
    this.#order.set(this.#learn)
    SeededChance.of(this.settings.seed ^ Math.imul(round + 1, 0x85ebca6b)).shuffle(this.#order)
  }

  #rowsOfNextStep(): Uint32Array {
    const { at, round } = this.#state
    const n = this.#batch
    if (at + n <= this.#learn.length) {
      this.#state = { ...this.#state, at: at + n }
      return this.#order.subarray(at, at + n)
    }
    // The few rows at the end of a round are left to the next, which has another order.
    this.#begin(round + 1)
    this.#state = { ...this.#state, round: round + 1, at: n }
    return this.#order.subarray(0, n)
  }

  #fill(rows: Uint32Array): void {
    const { states, features, targets, groups, inputs } = this.examples
    const [each, g] = [spansOf(this.examples).length, groups.length]
    for (let r = 0; r < rows.length; r++) {
      const row = rows[r]!
      for (let i = 0, to = r * g, from = row * g; i < g; i++) this.#memory.targets[to + i] = targets[from + i]!
      if (states !== undefined) {
        for (let i = 0, to = r * each, from = row * each; i < each; i++) this.#memory.states[to + i] = states[from + i]!
      } else this.#memory.features.set(features!.subarray(row * inputs, (row + 1) * inputs), r * inputs)
    }
  }

  #report(): Progress {
    const { settings } = this
    const before = this.#state
    const seen = this.#learn.subarray(0, Math.max(1, settings.validationMax))
    const look = this.lookAt(this.#look.length > 0 ? this.#look : seen)
    const better = before.best === undefined || isBetter(look, before.best)
    if (better && before.ended === undefined) this.#kept.set(this.#memory.parameters)
    const best = better ? look : before.best!
    const stale = better ? 0 : before.stale + 1
    const perfect = look.right === look.rows ? before.perfect + 1 : 0
    const ended =
      before.ended ??
      (settings.perfect > 0 && perfect >= settings.perfect
        ? "perfect"
        : settings.patience > 0 && stale >= settings.patience
          ? "patience"
          : before.step >= settings.steps
            ? "steps"
            : undefined)
    const loss = before.rows === 0 ? look.loss : before.sum / before.rows
    if (before.ended === undefined) this.#state = { ...before, best, stale, perfect, ended, sum: 0, rows: 0 }
    const rate = this.#rate(before.step)
    return {
      step: before.step,
      steps: settings.steps,
      rate,
      loss,
      look,
      best,
      ...(ended === undefined ? {} : { ended }),
    }
  }

  #rate(step: number): number {
    const { steps, rate, schedule, warmup } = this.settings
    return rateAt(step, { steps, rate, shape: schedule, warmup })
  }

  #diverged(loss: number): LearnError {
    const { step } = this.#state
    const text = `Cannot go on training at step ${step}: want a loss that is a number, found ${loss}; lower the rate (${this.settings.rate})`
    return learnError("diverged", text)
  }
}

/** More rows right; as many, with less loss. */
const isBetter = (a: Score, b: Score): boolean => a.right > b.right || (a.right === b.right && a.loss < b.loss)

const shapeOf = (e: Examples, widths: readonly number[], batch: number) => ({
  widths,
  digits: spansOf(e),
  groups: e.groups,
  ofStates: e.states !== undefined,
  batch,
})

/** Weights uniform up to √(6 ÷ inputs) either way (He and others, 2015), biases 0. */
function firstWeights(widths: readonly number[], chance: SeededChance): Pick<Mlp, "weights" | "biases"> {
  return {
    weights: widths.slice(1).map((n, l) => {
      const most = Math.sqrt(6 / widths[l]!)
      return Float32Array.from({ length: n * widths[l]! }, () => (2 * chance.uniform() - 1) * most)
    }),
    biases: widths.slice(1).map((n) => new Float32Array(n)),
  }
}

function checkSettings(s: TrainSettings, widths: readonly number[]): LearnError | undefined {
  const whole = (low: number, high: number) => (x: number) => Number.isSafeInteger(x) && x >= low && x <= high
  const part = (low: number, high: number) => (x: number) => x >= low && x <= high
  const rules: readonly [keyof TrainSettings, string, (x: number) => boolean][] = [
    ["seed", "a whole number below 2^32", whole(0, 2 ** 32 - 1)],
    ["batch", `a whole number from 1 to ${BATCH_MAX}`, whole(1, BATCH_MAX)],
    ["steps", "a whole number from 1 on", whole(1, Number.MAX_SAFE_INTEGER)],
    ["rate", "a number above 0, at most 1", part(1e-30, 1)],
    ["warmup", "a whole number from 0 on", whole(0, Number.MAX_SAFE_INTEGER)],
    ["decay", "a number from 0 to 1", part(0, 1)],
    ["validation", "a share from 0 to 0.9", part(0, 0.9)],
    ["validationMax", "a whole number from 0 on", whole(0, Number.MAX_SAFE_INTEGER)],
    ["every", "a whole number from 1 on", whole(1, Number.MAX_SAFE_INTEGER)],
    ["patience", "a whole number from 0 on", whole(0, Number.MAX_SAFE_INTEGER)],
    ["perfect", "a whole number from 0 on", whole(0, Number.MAX_SAFE_INTEGER)],
  ]
  for (const [name, want, holds] of rules) {
    const found = s[name]
    if (typeof found === "number" && holds(found)) continue
    return learnError("training", `Cannot train with ${name}: want ${want}, found ${String(found)}`)
  }
  if (s.schedule !== "cosine" && s.schedule !== "plain") {
    return learnError("training", `Cannot train with schedule: want "cosine" or "plain", found ${String(s.schedule)}`)
  }
  const wrong = checkWidths(widths)
  return wrong && learnError("training", wrong.message, wrong)
}
