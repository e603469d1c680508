/** Why a candidate could not be tested at all: of one that was tested and failed, the verdict says so. */
import * as Data from "effect/Data"

export type GateReason =
  /** The target is none that could be tested for: it draws no inputs, or bears no such share of wrong answers. */
  | "misuse"
  /** The book of submissions says something that it cannot have counted. */
  | "corrupt"
  /** The book could not be read, or could not keep the submission; nothing was drawn. */
  | "storage"

export class GateError extends Data.TaggedError("GateError")<{
  readonly reason: GateReason
  readonly message: string
  readonly cause?: unknown
}> {}

export const gateError = (reason: GateReason, message: string, cause?: unknown): GateError =>
  new GateError({ reason, message, ...(cause === undefined ? {} : { cause }) })
