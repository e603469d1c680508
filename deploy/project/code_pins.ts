/** What the code of a plan's functions is pinned to, beside the lock: the bundles that their modules make today. */
import type { Rec } from "../../graph/mod.ts"
import { codePinKey, splitCode } from "../../nodes/mod.ts"
import { decodePlan, type Extern, PlanError } from "../../plan/mod.ts"

/**
 * The pins of a plan's tools, with the hash of every module that its `fn` nodes call: a run goes on with the code that it
 * began with, so that is kept before it begins. What cannot be bundled stays as it is: the call itself says why.
 */
export async function withCode(
  bytes: Uint8Array,
  locked: (key: string) => Rec | undefined,
  keep: (module: string) => Promise<string>,
): Promise<(key: string) => Rec | undefined> {
  const own = new Map<string, Rec>()
  for (const { kind, config } of externsOf(bytes)) {
    const code = String(config["code"] ?? "")
    if (kind !== "fn" || code.startsWith("inline:")) continue
    const sha256 = await keep(splitCode(code).module).catch(() => undefined)
    const key = codePinKey(code)
    if (sha256 !== undefined && locked(key) === undefined) own.set(key, { sha256 })
  }
  return (key) => locked(key) ?? own.get(key)
}

/** Bytes that are no plan have none: admission says what is wrong with them. */
function externsOf(bytes: Uint8Array): readonly Extern[] {
  try {
    return decodePlan(bytes).externs
  } catch (cause) {
    if (cause instanceof PlanError) return []
    throw cause
  }
}
