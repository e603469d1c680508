/**
 * Shadows as a run sees them: stand-ins for tools that say at once what the tool will probably answer. A shadow proposes and
 * is never believed: what it says has to pass the tool's validators before anything is done with it, and counts for nothing
 * once the tool itself has answered. `deploy` supplies them, tests supply seeded ones.
 */

import type { Signature } from "./node.ts"
import type { Outcome } from "./trace.ts"
import type { Type } from "./type.ts"
import type { Rec, Value } from "./value.ts"

/** The tool that a shadow stands in for: a call of a plan, as its registration signs it. */
export interface Shadowed {
  readonly kind: string
  readonly config: Rec
  readonly signature: Signature
  /** What its outcomes are judged by: the registration's output, narrowed by what the graph says. */
  readonly output: Type
}

/** Why a shadow says nothing. */
export type WhyNot =
  /** The arguments lie outside of what it was calibrated on. */
  | "support"
  /** It is not sure enough. */
  | "confidence"
  /** Its tool no longer answers as it did when it was calibrated. */
  | "drift"
  /** It cannot say: arguments that it cannot read, weights that do not load. */
  | "unable"

export type Prediction =
  | {
      readonly ok: true
      readonly value: unknown
      /** SHA-256 of the weights, hexadecimal. */
      readonly by: string
      /** At most this share of its accepted answers is wrong, from 0 to 1, as far as its calibration promises. */
      readonly alpha: number
      /** How sure it is of this answer, from 0 to 1. */
      readonly confidence: number
      /** Which code computed it, and why that one, in one line for the record: `wasm-single: one call`. */
      readonly ran?: string
    }
  | { readonly ok: false; readonly why: WhyNot }

export interface Shadow {
  /** What the tool will probably answer. Synchronous, without effects. What it throws counts as `unable`. */
  readonly predict: (args: Value) => Prediction
  /**
   * Told of every call that a run came to: `predicted` as it was used, undefined where nothing was guessed; `real` as it is
   * on record. Of calls that were made on a guess and turned out not to be the run's it hears nothing: they are not drawn as
   * calls are.
   */
  readonly observe?: (args: Value, predicted: Value | undefined, real: Outcome) => void
}

export interface Shadows {
  /** The shadow of a tool, or undefined where it has none. Asked once for each call of a plan in each edition. */
  readonly of: (tool: Shadowed) => Shadow | undefined
  /** Another number once `of` may say something else. Left out: it never does. */
  readonly edition?: () => number
}
