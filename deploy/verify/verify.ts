/**
 * `verify`: every claim of the kernel, checked here and now, on this machine, from the installed package. What was drawn at
 * random comes with a bound on what could have been missed; what was tried out in full comes with its count.
 */
import { ALPHA, errorBound } from "../../gate/mod.ts"
import { ADMISSION } from "./admission.ts"
import type { Checked, Claim, Depth } from "./claim.ts"
import { HOSTS } from "./hosts.ts"
import { LEARNED } from "./learned.ts"
import { RECORD } from "./record.ts"
import { RUNNING } from "./running.ts"
import { SIGNED } from "./signed.ts"
import { STORES } from "./stores.ts"
import { UNDOING } from "./undoing.ts"
import { UNTRUSTED } from "./untrusted.ts"
import { VALIDATION } from "./validation.ts"

export const CLAIMS: readonly Claim[] = [
  ...ADMISSION,
  ...VALIDATION,
  ...RUNNING,
  ...UNDOING,
  ...RECORD,
  ...SIGNED,
  ...STORES,
  ...HOSTS,
  ...UNTRUSTED,
  ...LEARNED,
]

export interface Found {
  readonly claim: string
  readonly says: string
  readonly passed: boolean
  /** Why it was not checked: what that needs is not here. Such a claim has neither passed nor failed. */
  readonly skipped?: string
  readonly tried: number
  readonly what: string
  readonly wrong: readonly string[]
  /** What the count says of what was not tried: null where everything was, or where something was wrong. */
  readonly bound: number | null
  readonly ms: number
}

/** Checks one claim. A check that breaks has failed: it never counts as passed. */
export async function checkClaim(claim: Claim, depth: Depth): Promise<Found> {
  const began = performance.now()
  let checked: Checked
  try {
    checked = await claim.check(depth)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    checked = { tried: 0, what: "checks", how: "every", wrong: [`the check itself broke: ${message}`] }
  }
  const { tried, what, how, wrong, skipped } = checked
  const passed = wrong.length === 0 && tried > 0
  const bound = how === "sample" && passed ? errorBound(0, tried, ALPHA) : null
  const found = {
    claim: claim.name,
    says: claim.says,
    passed,
    tried,
    what,
    wrong,
    bound,
    ms: performance.now() - began,
  }
  return skipped === undefined ? found : { ...found, skipped }
}
