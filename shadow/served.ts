/**
 * A shadow as it serves: what its model says passes a door that calibration has set. The door is shut where the log does not
 * reach, where the model is not sure enough, and once the tool has been seen to answer otherwise more often than was
 * promised. What is said here is still only a proposal: the tool's validators and the tool itself come after it.
 */
import type { Prediction as Proposal, Shadow, Value } from "../graph/mod.ts"
import { sameValue } from "../graph/mod.ts"
import { EncodingRefused } from "./encode/refused.ts"
import type { Encoding } from "./encode.ts"
import type { Support } from "./support.ts"
import type { Watch } from "./watch.ts"

/** What a model says of some arguments, and how sure it is: from 0 to 1. */
export interface Guess {
  readonly value: Value
  readonly confidence: number
  /** Which inference computed it, and why that one: `wasm-single: one call`. */
  readonly ran?: string
}
/** A model as calibration and serving see it; undefined where it has no answer. Synchronous and pure. */
export type Guesser = (args: Value) => Guess | undefined

/** Whether a shadow may speak, and from which confidence on. It hears what comes of it. */
export interface Doorway {
  /** The tool answers otherwise than was promised: nothing is said. */
  readonly closed: boolean
  /** Answers from this confidence on are accepted. */
  readonly threshold: number
  /** An answer that was used was held against its tool. */
  readonly saw: (right: boolean) => void
  /**
   * Of a call that came while it was closed: how sure the model would have been (NaN where it has no answer), and whether the
   * tool said the same. Left out: nobody listens, and it stays closed.
   */
  readonly heard?: (confidence: number, right: boolean) => void
}

/** A door that closes and never opens again: for hosts that cannot calibrate. */
export const watchedDoor = (threshold: number, watch: Watch): Doorway => ({
  threshold,
  get closed() {
    return watch.closed
  },
  saw: (right) => watch.saw(right),
})

export interface Serving {
  /** How arguments become the digits that the support knows. */
  readonly encoding: Encoding
  readonly support: Support
  readonly alpha: number
  readonly door: Doorway
  /** Hash of the model's file. */
  readonly by: string
}

const shut = (why: "support" | "confidence" | "drift" | "unable"): Proposal => Object.freeze({ ok: false, why })
const SUPPORT = shut("support")
const CONFIDENCE = shut("confidence")
const DRIFT = shut("drift")
const UNABLE = shut("unable")

export function servedShadow(guess: Guesser, serving: Serving): Shadow {
  const { door } = serving
  const inside = covers(serving.encoding, serving.support)
  return {
    predict: (args) => passed(args, guess, inside, serving),
    observe(args, predicted, real) {
      if (predicted !== undefined) door.saw(real.ok && sameValue(predicted, real.value))
      else if (door.closed && door.heard !== undefined) {
        const said = inside(args) ? guess(args) : undefined
        if (said === undefined) door.heard(Number.NaN, false)
        else door.heard(said.confidence, real.ok && sameValue(said.value, real.value))
      }
    },
  }
}

/** What comes through the door of what a model says. */
export function passed(
  args: Value,
  guess: Guesser,
  inside: (args: Value) => boolean,
  { door, alpha, by }: Serving,
): Proposal {
  if (door.closed) return DRIFT
  if (!inside(args)) return SUPPORT
  const said = guess(args)
  if (said === undefined) return UNABLE
  const { value, confidence, ran } = said
  // Not `<`: NaN is no confidence.
  if (!(confidence >= door.threshold)) return CONFIDENCE
  return { ok: true, value, by, alpha, confidence, ...(ran === undefined ? {} : { ran }) }
}

/** Does the log reach these arguments? */
export function covers(encoding: Encoding, support: Support): (args: Value) => boolean {
  const states = new Uint16Array(encoding.digits.length)
  return (args) => !(encoding.states(args, states, 0) instanceof EncodingRefused) && support.covers(states)
}
