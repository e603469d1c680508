/**
 * What goes wrong with a plan: it cannot be written, its bytes are not a plan, or the verifier refuses it. One error for
 * the whole room, with a reason, and the place where it went wrong.
 */
import * as Data from "effect/Data"

/** A place in a plan: a scope, one of its steps, and an instruction of a block. */
export interface PlanPlace {
  readonly scope: number
  readonly step?: number
  readonly instr?: number
}

export class PlanError extends Data.TaggedError("PlanError")<{
  /**
   * `unencodable`: a plan in memory that has no bytes. Of bytes: `not-a-plan` (no magic), `version` (another format),
   * `malformed` (something is not what its place wants), `not-canonical` (a plan, but written in another way than the
   * one way). `refused`: the verifier found a broken rule.
   */
  readonly reason: "unencodable" | "not-a-plan" | "version" | "malformed" | "not-canonical" | "refused"
  readonly message: string
  /** Of bytes: the section, and the offset of the byte in it (in the file where there is no section). */
  readonly section?: string
  readonly byte?: number
  /** Of the verifier: the rule, as `verify.ts` lists it. */
  readonly rule?: string
  readonly place?: PlanPlace
  readonly found?: string
  readonly wanted?: string
  readonly cause?: unknown
}> {}

export const printPlace = (p: PlanPlace): string =>
  `scope ${p.scope}` +
  (p.step === undefined ? "" : ` step ${p.step}`) +
  (p.instr === undefined ? "" : ` instruction ${p.instr}`)
