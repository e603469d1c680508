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
}
/** A model as calibration and serving see it; undefined where it has no answer. Synchronous and pure. */
export type Guesser = (args: Value) => Guess | undefined

export interface Door {
  /** How arguments become the digits that the support knows. */
  readonly encoding: Encoding
  readonly support: Support
  /** Answers from this confidence on are accepted. */
  readonly threshold: number
  readonly alpha: number
  readonly watch: Watch
  /** Hash of the model's file. */
  readonly by: string
}

const shut = (why: "support" | "confidence" | "drift" | "unable"): Proposal => Object.freeze({ ok: false, why })
const SUPPORT = shut("support")
const CONFIDENCE = shut("confidence")
const DRIFT = shut("drift")
const UNABLE = shut("unable")

export function servedShadow(guess: Guesser, { encoding, support, threshold, alpha, watch, by }: Door): Shadow {
  const inside = covers(encoding, support)
  return {
    predict(args) {
      if (watch.closed) return DRIFT
      if (!inside(args)) return SUPPORT
      const said = guess(args)
      if (said === undefined) return UNABLE
      // Not `<`: NaN is no confidence.
      if (!(said.confidence >= threshold)) return CONFIDENCE
      return { ok: true, value: said.value, by, alpha, confidence: said.confidence }
    },
    observe(_args, predicted, real) {
      watch.saw(real.ok && sameValue(predicted, real.value))
    },
  }
}

/** Does the log reach these arguments? */
export function covers(encoding: Encoding, support: Support): (args: Value) => boolean {
  const states = new Uint16Array(encoding.digits.length)
  return (args) => !(encoding.states(args, states, 0) instanceof EncodingRefused) && support.covers(states)
}
