/** What learning refuses: a log that cannot be read or used, an import, a training. One error, with a reason to branch on. */
import * as Data from "effect/Data"

export type LearnReason =
  /** A call log was written by another version of this program. */
  | "version"
  /** A call log is damaged, or cannot be opened or written. */
  | "log"
  /** A file that was to be imported has broken lines. */
  | "import"
  /** Inputs cannot be drawn from a schema: nothing fits it, or nothing that was drawn did. */
  | "schema"
  /** The calls on record cannot teach anybody: too few, contradictory, constant, of a tool that changed. */
  | "unlearnable"
  /** Settings or examples of a training that do not fit together, or are more than this host holds. */
  | "training"
  /** The loss of a training is no number any more. */
  | "diverged"
  /** A checkpoint is damaged, or of another training. */
  | "checkpoint"
  /** A shadow that the gate does not admit, or does not even test. */
  | "refused"

export class LearnError extends Data.TaggedError("LearnError")<{
  readonly reason: LearnReason
  /** What was found and what was wanted; more than one problem is a line each. */
  readonly message: string
  readonly cause?: unknown
}> {}

export const learnError = (reason: LearnReason, message: string, cause?: unknown): LearnError =>
  new LearnError({ reason, message, ...(cause === undefined ? {} : { cause }) })
