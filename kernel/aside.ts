/**
 * What stands on record beside a run and is no part of what it did: guesses, and reads that were called on them and did not
 * count. A guess is known here by the hashes of what was asked and answered, of the weights, and by the bound it came with.
 */
import { type Digest, type Outcome, outcomeHash, type Path, type Value } from "../graph/mod.ts"
import type { Charge } from "./budget.ts"
import type { EntryBody, Spent, Verified } from "./ledger.ts"

export type Aside =
  | {
      readonly kind: "guess"
      readonly verdict: Exclude<Verified, "off">
      /** As it was used. */
      readonly value: Value
      readonly by: string
      readonly alpha: number
      readonly confidence: number
      readonly charge?: undefined
      /** Which inference computed it, and why that one; null where its shadow does not say. */
      readonly ran?: string | null
    }
  /** None was made. */
  | { readonly kind: "no guess"; readonly why: string; readonly charge?: undefined }
  | {
      readonly kind: "discarded"
      readonly on: readonly Path[]
      readonly attempts: number
      readonly charge: Charge | undefined
    }

interface Call {
  readonly path: Path
  readonly resource: string | null
  readonly input: Uint8Array
  readonly digest: Digest
  readonly spent: (attempts: number, charge: Charge | undefined) => Spent
}

export function asideEntry(what: Aside, { path, resource, input, digest, spent }: Call): EntryBody {
  if (what.kind === "discarded") {
    const { on, attempts, charge } = what
    return { kind: "discarded", path, resource, input, on, attempts, spent: spent(attempts, charge) }
  }
  if (what.kind === "no guess") {
    const none = { by: null, alpha: null, confidence: null, outcome: null }
    return { kind: "guess", path, input, verdict: "off", why: what.why, ...none }
  }
  const { verdict, value, by, alpha, confidence, ran = null } = what
  const outcome: Outcome = { ok: true, value }
  return {
    kind: "guess",
    path,
    input,
    verdict,
    by,
    alpha,
    confidence,
    why: ran,
    outcome: outcomeHash(outcome, digest),
  }
}
