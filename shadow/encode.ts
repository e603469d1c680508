/**
 * Encodings: how a value becomes numbers that a small model can learn from, and back, exactly. A value is a row of
 * digits, each in one of a few states; as an input every digit is a span of features, as an output every digit is a
 * question with one right answer. What lies outside an encoding is refused, never clipped.
 */
import { show, type Type, type Value } from "../graph/mod.ts"
import { exp } from "./encode/exp.ts"
import type { Notes } from "./encode/notes.ts"
import { Miss, type Part } from "./encode/part.ts"
import { EncodingRefused, placeText, refused } from "./encode/refused.ts"
import { checkSpec, type Spec } from "./encode/spec.ts"
import { specOf } from "./encode/spec-of.ts"
import { partOf } from "./encode/whole.ts"

/** Features that one encoding may have, and logits that one output may have. */
export const WIDTH_MAX = 65_536

/**
 * One digit of an input: a span of features that depends on its state alone. `thermometer`: `width = states − 1` beads,
 * in state s the first s are 1 and the others 0. `one-hot`: `width = states`, in state s only feature s is 1. So what a
 * first layer adds for a digit is one row of a table with `states` rows.
 */
export interface Digit {
  /** First feature of the span. */
  readonly at: number
  readonly width: number
  readonly states: number
  readonly code: "thermometer" | "one-hot"
}

/** What goes into a model. */
export interface Encoding {
  /** Features; each is 0 or 1. */
  readonly width: number
  /** Spans in order, without gaps: together they are all features. */
  readonly digits: readonly Digit[]
  /** Writes the state of every digit to `into[at …]`, or says why not; then `into` is not defined. */
  readonly states: (value: Value, into: Uint16Array, at: number) => EncodingRefused | undefined
  /** Writes all features to `into[at …]`, or says why not; then `into` is not defined. */
  readonly write: (value: Value, into: Float32Array, at: number) => EncodingRefused | undefined
  /** The value that has these features: `read(write(v))` is v to the bit. */
  readonly read: (features: Float32Array, at: number) => Value | EncodingRefused
  /** The same from the states of the digits. */
  readonly fromStates: (states: Uint16Array, at: number) => Value | EncodingRefused
  /** Plain JSON from which `encodingFrom` builds the same encoding: it goes into the model's metadata. */
  readonly spec: Spec
}

/**
 * One digit of an output. `softmax`: `size` logits, one for each class. `binary`: one logit; class 1 where it is above 0.
 */
export interface Group {
  /** First logit of the group. */
  readonly at: number
  readonly size: number
  readonly kind: "softmax" | "binary"
}

/** What an output was read as. */
export interface Reading {
  readonly value: Value
  /** For every group the probability of the class that was read, by its own logits. 1 for groups that the value has no use for. */
  readonly confidence: Float64Array
  /** Their product: the probability of the value if the groups were independent. A score to be calibrated, not a promise. */
  readonly joint: number
}

/** What comes out of a model. Training minimises the cross-entropy of every group. */
export interface Output {
  /** Logits. */
  readonly width: number
  readonly groups: readonly Group[]
  /** Writes the right class of every group to `into[at …]` (0 or 1 for a binary one), or says why not. */
  readonly targets: (value: Value, into: Uint16Array, at: number) => EncodingRefused | undefined
  /**
   * The value that the logits say, by the highest logit of each group (the first of equal ones). Refused where the classes
   * name no value of the domain, or a logit is NaN. For every value that has targets, logits that say them read as that value.
   */
  readonly read: (logits: Float32Array, at: number) => Reading | EncodingRefused
  /** The value of these classes. */
  readonly fromTargets: (classes: Uint16Array, at: number) => Value | EncodingRefused
  readonly spec: Spec
}

/** The encoding of a type for a model's input. Notes say what the type does not: bounds, formats, vocabularies. */
export function encodingOf(type: Type, notes: Notes = {}): Encoding | EncodingRefused {
  const spec = specOf(type, notes, "input")
  return spec instanceof EncodingRefused ? spec : encodingFrom(spec)
}

/** The output for values of a type. */
export function outputOf(type: Type, notes: Notes = {}): Output | EncodingRefused {
  const spec = specOf(type, notes, "output")
  return spec instanceof EncodingRefused ? spec : outputFrom(spec)
}

/** The encoding that a spec describes; the spec may come from a file that nobody trusts. */
export function encodingFrom(spec: unknown): Encoding | EncodingRefused {
  const built = build(spec)
  if (built instanceof EncodingRefused) return built
  const { part, spec: own } = built
  const digits: Digit[] = []
  let width = 0
  for (const { states, code } of part.digits) {
    const span = code === "thermometer" ? states - 1 : states
    digits.push({ at: width, width: span, states, code })
    width += span
  }
  if (width > WIDTH_MAX) return tooWide(width, "features")
  const scratch = new Uint16Array(digits.length)
  const states: Encoding["states"] = (value, into, at) => refusalOf(part.write(value, into, at))
  const fromStates: Encoding["fromStates"] = (from, at) => valueOf(part, from, at)
  return Object.freeze({
    width,
    digits,
    states,
    write(value: Value, into: Float32Array, at: number) {
      const missed = part.write(value, scratch, 0)
      if (missed !== undefined) return refusalOf(missed)
      into.fill(0, at, at + width)
      for (let d = 0; d < digits.length; d++) {
        const digit = digits[d]!
        const state = scratch[d]!
        if (digit.code === "one-hot") into[at + digit.at + state] = 1
        else for (let s = 0; s < state; s++) into[at + digit.at + s] = 1
      }
      return undefined
    },
    read(features: Float32Array, at: number) {
      const found = new Uint16Array(digits.length)
      for (let d = 0; d < digits.length; d++) {
        const state = stateOf(digits[d]!, features, at)
        if (state < 0)
          return refused("outside", `digit ${d} of the features`, "a state of it", "a pattern that is none")
        found[d] = state
      }
      return valueOf(part, found, 0)
    },
    fromStates,
    spec: own,
  })
}

/** The state that a span of features shows, −1 for none. */
function stateOf(digit: Digit, features: Float32Array, at: number): number {
  const from = at + digit.at
  let ones = 0
  let last = -1
  for (let i = 0; i < digit.width; i++) {
    const x = features[from + i]
    if (x === 1) {
      ones++
      last = i
    } else if (x !== 0) return -1
  }
  if (digit.code === "one-hot") return ones === 1 ? last : -1
  return last === ones - 1 ? ones : -1
}

/** The output that a spec describes; the spec may come from a file that nobody trusts. */
export function outputFrom(spec: unknown): Output | EncodingRefused {
  const built = build(spec)
  if (built instanceof EncodingRefused) return built
  const { part, spec: own } = built
  const groups: Group[] = []
  let width = 0
  for (const { states } of part.digits) {
    const size = states === 2 ? 1 : states
    groups.push({ at: width, size, kind: size === 1 ? "binary" : "softmax" })
    width += size
  }
  if (width > WIDTH_MAX) return tooWide(width, "logits")
  const classes = new Uint16Array(groups.length)
  const used = new Uint8Array(groups.length)
  return Object.freeze({
    width,
    groups,
    targets: (value: Value, into: Uint16Array, at: number) => refusalOf(part.write(value, into, at)),
    fromTargets: (classes: Uint16Array, at: number) => valueOf(part, classes, at),
    read(logits: Float32Array, at: number) {
      for (let g = 0; g < groups.length; g++) {
        const best = classOf(groups[g]!, logits, at)
        if (best < 0) return refused("outside", `group ${g} of the logits`, "numbers", "NaN")
        classes[g] = best
      }
      used.fill(0)
      const value = part.read(classes, 0, used)
      if (value instanceof Miss) return refusalOf(value)!
      const confidence = new Float64Array(groups.length)
      let joint = 1
      for (let g = 0; g < groups.length; g++) {
        confidence[g] = used[g] === 1 ? probability(groups[g]!, classes[g]!, logits, at) : 1
        joint *= confidence[g]!
      }
      return { value, confidence, joint }
    },
    spec: own,
  })
}

/** The class with the highest logit, the first of equal ones; −1 where a logit is NaN. */
function classOf({ at: from, size, kind }: Group, logits: Float32Array, at: number): number {
  const first = logits[at + from]!
  if (Number.isNaN(first)) return -1
  if (kind === "binary") return first > 0 ? 1 : 0
  let best = 0
  for (let i = 1; i < size; i++) {
    const x = logits[at + from + i]!
    if (Number.isNaN(x)) return -1
    if (x > logits[at + from + best]!) best = i
  }
  return best
}

/** The probability that the logits of a group give a class: softmax, or the logistic function. From + − × ÷ alone. */
function probability({ at: from, size, kind }: Group, chosen: number, logits: Float32Array, at: number): number {
  if (kind === "binary") {
    const x = logits[at + from]!
    return 1 / (1 + exp(chosen === 1 ? -x : x))
  }
  const top = logits[at + from + chosen]!
  let sum = 0
  // An infinite logit leaves nothing to the others; equal infinities share.
  for (let i = 0; i < size; i++) sum += logits[at + from + i] === top ? 1 : exp(logits[at + from + i]! - top)
  return 1 / sum
}

function build(from: unknown): { part: Part; spec: Spec } | EncodingRefused {
  const spec = checkSpec(from)
  if (spec instanceof EncodingRefused) return spec
  try {
    return { part: partOf(spec.of), spec }
  } catch (thrown) {
    if (thrown instanceof EncodingRefused) return thrown
    throw thrown
  }
}

const refusalOf = (missed: Miss | undefined): EncodingRefused | undefined =>
  missed === undefined ? undefined : refused("outside", placeText(missed.path), missed.want, show(missed.found))

function valueOf(part: Part, states: Uint16Array, at: number): Value | EncodingRefused {
  const value = part.read(states, at, undefined)
  return value instanceof Miss ? refusalOf(value)! : value
}

const tooWide = (width: number, what: string): EncodingRefused =>
  refused(
    "too-wide",
    "the value",
    `at most ${WIDTH_MAX} ${what}`,
    `${width}; lower a bound on lengths, or name the words`,
  )
