/**
 * Whose text goes where in a plan, held against the policy. Labels are found in the verified plan itself; whose words an
 * outcome is and which arguments are sinks is what registrations say. What a compiler or a checker found is not asked.
 */
import {
  allowingLine,
  DEFAULT_POLICY,
  flowText,
  type Origin,
  Origins,
  originOf,
  type Policy,
  refusedOrigins,
  refusingLines,
  type Signature,
} from "../graph/mod.ts"
import { flowsOf, type Plan } from "../plan/mod.ts"
import type { Refusal } from "./errors.ts"

/** Every flow that the policy refuses. `externs`: what the registrations say of the plan's, in order; `input`: whose the input is, the user's where nobody says. */
export function refusedFlows(
  plan: Plan,
  externs: readonly { readonly signature: Signature }[],
  policy: Policy,
  input?: Origin,
): readonly Refusal[] {
  if (policy.rules.length === 0) return []
  const origins = new Origins()
  const labels = externs.map(({ signature }) => ({
    begins: originOf(signature, origins),
    endorses: signature.endorses === true,
    sinks: signature.sinks ?? {},
  }))
  return flowsOf(plan, labels, origins, input).flatMap((flow): readonly Refusal[] => {
    const refused = refusedOrigins(policy, flow, origins)
    if (refused.length === 0) return []
    const message = `${flowText(refused, flow.sort)} (${flow.arg}). The policy says: ${refusingLines(refused)}`
    const fix = `To allow it: --policy "${allowingLine(flow, refused)}"`
    return [{ path: flow.path, gate: "policy", reason: "flow", message, fix }]
  })
}

/**
 * Calls that the policy would refuse if a model had written what these tools answer, which a shadow is: they are not made on
 * a guess. By the names of their paths, joined by points; `guessed`: by extern.
 */
export function refusedOnGuess(
  { plan, externs }: { readonly plan: Plan; readonly externs: readonly { readonly signature: Signature }[] },
  guessed: readonly boolean[],
  policy: Policy = DEFAULT_POLICY,
): ReadonlySet<string> {
  const models = externs.map(({ signature }, i): { readonly signature: Signature } =>
    guessed[i] === true ? { signature: { ...signature, origin: "model", endorses: false } } : { signature },
  )
  return new Set(
    refusedFlows(plan, models, policy).map(({ path }) => path.filter((part) => typeof part === "string").join(".")),
  )
}
