/**
 * The first gate: a plan's tool is let through only where its kind is registered, signs the call, and says of it what the
 * plan says. Nothing that the plan claims about itself is believed; a tool that a server offers is registered by its pin.
 */
import {
  coverage,
  type Effect,
  type Expr,
  isRecord,
  type NodeKind,
  type NodeView,
  printType,
  type Rec,
  type Registry,
  ref,
  type Signature,
  type SignatureProblem,
  subtype,
  type Type,
} from "../graph/mod.ts"
import type { Extern, Plan } from "../plan/mod.ts"
import type { Refusal } from "./errors.ts"

/** A refusal before it is known where in the graph it belongs. */
export type Refused = Omit<Refusal, "path" | "gate">

export type Registered =
  | { readonly ok: true; readonly kind: NodeKind; readonly signature: Signature; readonly view: NodeView }
  | { readonly ok: false; readonly refusals: readonly Refused[] }

/** Holds what a plan claims of a tool against its registration. `roles`: the bodies that the plan hands to it. */
export function registered(
  plan: Plan,
  claim: Extern,
  roles: readonly string[],
  registry: Registry,
  pins: ((key: string) => Rec | undefined) | undefined,
): Registered {
  const kind = registry.get(claim.kind)
  if (kind === undefined) {
    const known = [...registry.keys()].sort().join(", ")
    return refused({
      reason: "not-registered",
      message: `no kind "${claim.kind}" is registered; registered: ${known === "" ? "none" : known}`,
      fix: `Register it: name its module under "kinds" in the project's file, or hand it to registry(…).`,
    })
  }
  const view = viewOf(plan, claim, pins)
  let signature: Signature | readonly SignatureProblem[]
  try {
    signature = kind.sign(view)
  } catch (cause) {
    const message = `kind "${claim.kind}" cannot tell what the call may do: ${(cause as Error).message}`
    return refused({ reason: "refused-by-kind", message, fix: `Correct the kind: sign must not throw.` })
  }
  if (isProblems(signature)) {
    // Also where all it has are warnings: without a signature there is nothing to hold the call to.
    const found = signature.map((p) => `${p.key}: ${p.message}`)
    const message = found.length > 0 ? found.join(" ") : `kind "${claim.kind}" gives no signature`
    const fixes = signature.flatMap((p) => (p.fix === undefined ? [] : [p.fix]))
    return refused({ reason: "refused-by-kind", message, fix: fixes.length > 0 ? fixes.join(" ") : COMPILE })
  }
  if (!isRecord(signature)) {
    const message = `kind "${claim.kind}" gives no signature`
    return refused({ reason: "refused-by-kind", message, fix: "Correct the kind: sign returns a signature." })
  }
  const refusals = [...unpinned(claim, signature), ...claims(plan, claim, signature), ...bodies(kind, roles)]
  return refusals.length > 0 ? { ok: false, refusals } : { ok: true, kind, signature, view }
}

const refused = (...refusals: Refused[]): Registered => ({ ok: false, refusals })
const isProblems = (s: Signature | readonly SignatureProblem[]): s is readonly SignatureProblem[] => Array.isArray(s)
const COMPILE = "Compile the graph again."

/**
 * The node as `sign` sees it. What its arguments will be is not known here, so each is a name that stands for nothing;
 * which there are is read off the claimed type of the arguments, and that is held against the signature afterwards.
 */
function viewOf(plan: Plan, claim: Extern, pins: ((key: string) => Rec | undefined) | undefined): NodeView {
  const input = plan.types[claim.input]
  const args: Record<string, Expr> = {}
  if (input?.kind === "record") for (const name of Object.keys(input.fields)) args[name] = ref(name)
  return {
    name: claim.kind,
    config: claim.config,
    args,
    output: plan.types[claim.output]!,
    settings: claim.settings,
    resources: plan.resources,
    pin: pins ?? (() => undefined),
  }
}

function unpinned(claim: Extern, { unpinned: key }: Signature): readonly Refused[] {
  if (key === undefined) return []
  const message = `the tool of kind "${claim.kind}" is registered by its pin, and ${key} is not in the lock`
  return [
    { reason: "not-registered", message, fix: "Run `shadowgraph lock`, look at what it adds, and compile again." },
  ]
}

const RANK: Readonly<Record<Effect, number>> = { pure: 0, read: 1, write: 2 }

/** Everything in which the plan says something else than the registration. */
function claims(plan: Plan, claim: Extern, signature: Signature): readonly Refused[] {
  const out: Refused[] = []
  const differs = (what: string, found: string, wanted: string, less = false) =>
    out.push({
      reason: less ? "claims-less" : "claims-other",
      message: `${what} must be ${wanted} as kind "${claim.kind}" is registered, found ${found}`,
      fix: COMPILE,
    })
  if (claim.effect !== signature.effect) {
    differs("effect", claim.effect, signature.effect, RANK[claim.effect] < RANK[signature.effect])
  }
  if (claim.resource !== signature.resource) differs("resource", quote(claim.resource), quote(signature.resource))
  const claimed = coverage(claim.needs)
  const unclaimed = signature.needs.filter((need) => !claimed(need))
  if (unclaimed.length > 0) differs("needs", `[${claim.needs.join(", ")}]`, `with ${unclaimed.join(", ")}`, true)
  if (!claim.async && signature.async !== false) differs("async", "false", "true", true)
  const output = plan.types[claim.output]!
  // A registration that says nothing of its output has nothing to differ from; that is the third gate's business.
  const gives = signature.output as Type | undefined
  if (gives !== undefined && subtype(gives, output) === "no") differs("output", printType(output), printType(gives))
  const input = plan.types[claim.input]
  if (signature.input !== undefined && !takes(input, signature.input)) {
    differs("input", input === undefined ? "anything" : printType(input), printType(signature.input))
  }
  return out
}

/** Arguments of type `given` always fit `wanted`: what the VM hands over is not looked at again. */
const takes = (given: Type | undefined, wanted: Type): boolean =>
  given === undefined ? wanted.kind === "unknown" : subtype(given, wanted) === "yes"

const quote = (resource: string | null): string => (resource === null ? "none" : `"${resource}"`)

/** Bodies are handed only to kinds that declare them, under the role that they declare. */
function bodies(kind: NodeKind, roles: readonly string[]): readonly Refused[] {
  const prefix = kind.scopes === undefined ? undefined : `${kind.scopes.role}:`
  const want = prefix === undefined ? "no bodies" : `bodies named ${prefix}<name>`
  return roles
    .filter((role) => prefix === undefined || !role.startsWith(prefix))
    .map((role) => ({
      reason: "claims-other",
      message: `kind "${kind.kind}" takes ${want}, found "${role}"`,
      fix: COMPILE,
    }))
}
