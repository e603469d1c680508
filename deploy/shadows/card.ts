/**
 * What is known of a shadow, kept beside it: the gate's verdict, its calibration, how its training went. The card names the
 * shadow's file by hash and is signed with the project's key, so that neither can be changed without the other.
 */
import * as Data from "effect/Data"
import type { GateVerdict } from "../../gate/mod.ts"
import type { Bin, Calibration, Point } from "../../learn/mod.ts"
import type { Family } from "../../shadow/mod.ts"
import type { LedgerKey } from "../services/ledger_key.ts"
import { printSigned, readSigned, type SignedKind } from "./signed.ts"

export class ShadowStoreError extends Data.TaggedError("ShadowStoreError")<{
  /**
   * `missing`: no such shadow. `changed`: card or file are not as they were signed. `unreadable`: bytes that are none.
   * `refused`: the verdict does not admit it. `disk`: the host says no.
   */
  readonly reason: "missing" | "changed" | "unreadable" | "refused" | "disk"
  readonly message: string
  readonly cause?: unknown
}> {}

export interface ShadowCard {
  readonly format: 1
  readonly tool: string
  readonly version: string
  readonly family: Family
  /** SHA-256 of the shadow's file. */
  readonly hash: string
  /** SHA-256 of the model alone. */
  readonly model: string
  /** ISO 8601. */
  readonly made: string
  readonly calls: number
  readonly parts: { readonly learned: number; readonly tuned: number; readonly calibrated: number }
  readonly leftOut: number
  readonly calibration: Calibration
  readonly verdict: Pick<
    GateVerdict,
    "outcome" | "cases" | "wrong" | "bound" | "boundAlone" | "submission" | "seed" | "id" | "candidate" | "message"
  >
  /** Fresh inputs that were drawn for the gate, and those that it answers. */
  readonly fresh: { readonly drawn: number; readonly answered: number; readonly repeated: number }
  readonly losses: readonly (readonly [step: number, loss: number, look: number])[]
  readonly reliability: readonly Bin[]
  readonly coverageError: readonly Point[]
  readonly worst: readonly Worst[]
  /** A table in words, and a picture as SVG. */
  readonly geometry: { readonly table: string; readonly picture: string } | null
}

/** A part of the input where it is wrong most often, before its door is asked. */
export interface Worst {
  readonly place: string
  readonly where: string
  readonly cases: number
  readonly wrong: number
  readonly unsure: number
}

const KIND: SignedKind = { name: "card", head: "shadowgraph/shadow-card\n" }

/** The card's file: the card, and the signature of the project's key over it. */
export const printCard = (card: ShadowCard, key: LedgerKey): Promise<string> => printSigned(KIND, card, key)

/** Reads a card. Fails with `ShadowStoreError`: `unreadable`, `changed` (another card, another key), `refused`. */
export async function readCard(text: string, place: string, key: LedgerKey): Promise<ShadowCard> {
  let card: unknown
  try {
    card = await readSigned(KIND, text, key)
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw unreadable(place, cause.message, cause)
  }
  if (card === undefined) {
    throw new ShadowStoreError({
      reason: "changed",
      message: `Cannot use the shadow at ${place}: want a card that this project's key has signed, found another; train it again`,
    })
  }
  // What the key has signed was printed by `printCard`.
  const own = card as ShadowCard
  if (own.verdict.outcome === "admitted" && own.verdict.candidate === own.hash) return own
  throw new ShadowStoreError({
    reason: "refused",
    message: `Cannot use the shadow at ${place}: want a verdict that admits it, found ${own.verdict.message}`,
  })
}

const unreadable = (place: string, why: string, cause?: unknown) =>
  new ShadowStoreError({ reason: "unreadable", message: `Cannot read the card at ${place}: ${why}`, cause })
