/**
 * Admission: the only way from bytes to something that runs. The bytes are decoded and verified afresh, each tool that the
 * plan calls is held against its registration, and what the run needs against what it was granted. Nothing that the plan
 * says about itself is believed; everything is refused that is not allowed.
 */
import {
  coverage,
  type Digest,
  decode,
  type Effect,
  type Expr,
  encode,
  type GrantedHow,
  hashValue,
  hex,
  type NodeKind,
  type NodeView,
  type Path,
  printType,
  type Rec,
  type Registry,
  ref,
  type Signature,
  type SignatureProblem,
  sha256,
  subtype,
  type Type,
} from "../graph/mod.ts"
import { decodePlan, type Extern, type Plan, type PlanFacts, planHash, verify } from "../plan/mod.ts"
import { externIdentity } from "./cache.ts"
import { callsOf } from "./calls.ts"
import { AdmissionError, type Refusal } from "./errors.ts"
import { type Judge, judgeOf } from "./judge.ts"

export interface AdmitOptions {
  readonly registry: Registry
  /** Capabilities that the run is granted. Nothing else is. */
  readonly grants: readonly string[]
  /** What the lock pins, by key (`NodeView.pin`). */
  readonly pins?: (key: string) => Rec | undefined
  readonly digest?: Digest
}

/** A tool of an admitted plan: what the registration, not the plan, says of it. */
export interface AdmittedExtern {
  readonly claim: Extern
  readonly kind: NodeKind
  readonly signature: Signature
  readonly judge: Judge
  /** Where outcomes may be used again (`cache:`): two externs with one identity do the same for the same input. */
  readonly identity: string | undefined
}

/** A plan that may run with these grants. Only `admit` makes one; `isAdmitted` tells it from a look-alike. */
export interface Admitted {
  readonly plan: Plan
  readonly facts: PlanFacts
  /** SHA-256 of the plan's bytes, lower-case hex. */
  readonly hash: string
  /** The plan's bytes: what a run that is to go on elsewhere or later needs. */
  readonly bytes: () => Uint8Array
  /** What its tools were pinned to, `[[key, pin], …]` in canonical bytes, and their hash; null where nothing was asked for. */
  readonly pins: { readonly hash: string; readonly bytes: Uint8Array } | null
  readonly externs: readonly AdmittedExtern[]
  readonly grants: readonly string[]
  /** What `Services.granted` asks. */
  readonly granted: (capability: string, how?: GrantedHow) => boolean
}

const admitted = new WeakSet<object>()
export const isAdmitted = (x: unknown): x is Admitted => typeof x === "object" && x !== null && admitted.has(x)

/**
 * Admits a plan. Fails with `AdmissionError`: `unreadable` or `unsound` with the plan's own error as cause, otherwise every
 * refusal at once, each with the node that it is about.
 */
export function admit(bytes: Uint8Array, options: AdmitOptions): Admitted {
  const digest = options.digest ?? sha256
  // The caller keeps the array; what is hashed, read and run must be one and the same.
  const own = bytes.slice()
  const pinned = new Map<string, Rec>()
  const pins = (key: string): Rec | undefined => {
    const pin = options.pins?.(key)
    if (pin !== undefined) pinned.set(key, pin)
    return pin
  }
  const plan = attempt("unreadable", () => decodePlan(own))
  const facts = attempt("unsound", () => verify(plan))
  const refusals: Refusal[] = []
  const externs: AdmittedExtern[] = []
  const grants = Object.freeze([...options.grants])
  const covered = coverage(grants)
  const roles = rolesOf(plan)
  const resources = hashValue(plan.resources, digest)
  let paths: readonly Path[] | undefined
  plan.externs.forEach((claim, index) => {
    const found = register(plan, claim, roles.get(index) ?? [], { ...options, pins })
    const refuse = (r: Omit<Refusal, "path">) => {
      paths ??= pathsOf(plan)
      refusals.push({ path: paths[index] ?? [], ...r })
    }
    if (!found.ok) {
      for (const r of found.refusals) refuse(r)
      return
    }
    for (const capability of ungranted([...claim.needs, ...found.signature.needs], covered)) {
      refuse({ reason: "not-granted", capability, message: `needs ${capability}, which is not granted` })
    }
    const judge = judgeOf(plan.types[claim.output]!)
    const identity =
      claim.settings.cacheMs === undefined
        ? undefined
        : externIdentity([claim.kind, claim.config, resources, plan.types[claim.output]! as unknown as Rec], digest)
    externs.push(Object.freeze({ claim, kind: found.kind, signature: frozenCopy(found.signature), judge, identity }))
  })
  if (refusals.length > 0) throw AdmissionError.of(plan.name, refusals)
  const minted: Admitted = Object.freeze({
    plan: freezePlan(plan),
    facts,
    hash: planHash(own, digest),
    bytes: () => own.slice(),
    pins: pinsOf(pinned, digest),
    externs: Object.freeze(externs),
    grants,
    granted: (capability: string, how: GrantedHow = "by any grant") =>
      how === "exactly" ? grants.includes(capability) : covered(capability),
  })
  admitted.add(minted)
  return minted
}

function pinsOf(pinned: ReadonlyMap<string, Rec>, digest: Digest): Admitted["pins"] {
  if (pinned.size === 0) return null
  const sorted = [...pinned].sort(([a], [b]) => (a < b ? -1 : 1))
  const bytes = encode(sorted)
  return Object.freeze({ hash: hex(digest(bytes)), bytes })
}

/** What a run's tools were pinned to when it began, from the bytes in `Admitted.pins`: to be admitted with again. */
export function openPins(bytes: Uint8Array): (key: string) => Rec | undefined {
  const pins = new Map(decode(bytes) as unknown as readonly (readonly [string, Rec])[])
  return (key) => pins.get(key)
}

function attempt<A>(reason: "unreadable" | "unsound", make: () => A): A {
  try {
    return make()
  } catch (cause) {
    throw new AdmissionError({
      reason,
      message: `Cannot admit the plan: ${(cause as Error).message}`,
      refusals: [],
      cause,
    })
  }
}

const ungranted = (needs: readonly string[], covered: (need: string) => boolean): readonly string[] =>
  [...new Set(needs)].sort().filter((need) => !covered(need))

// ---- the plan's claims against the registrations

type Registered =
  | { readonly ok: true; readonly kind: NodeKind; readonly signature: Signature }
  | { readonly ok: false; readonly refusals: readonly Omit<Refusal, "path">[] }

function register(plan: Plan, claim: Extern, roles: readonly string[], options: AdmitOptions): Registered {
  const kind = options.registry.get(claim.kind)
  if (kind === undefined) {
    const known = [...options.registry.keys()].sort().join(", ")
    const message = `no kind "${claim.kind}" is registered; registered: ${known === "" ? "none" : known}`
    return { ok: false, refusals: [{ reason: "not-registered", message }] }
  }
  let signature: Signature | readonly SignatureProblem[]
  try {
    signature = kind.sign(viewOf(plan, claim, options.pins))
  } catch (cause) {
    const message = `kind "${claim.kind}" cannot tell what the call may do: ${(cause as Error).message}`
    return { ok: false, refusals: [{ reason: "refused-by-kind", message }] }
  }
  if (isProblems(signature)) {
    // Also where all it has are warnings: without a signature there is nothing to hold the call to.
    const found = signature.map((p) => `${p.key}: ${p.message}${p.fix ? ` ${p.fix}` : ""}`)
    const message = found.length > 0 ? found.join(" ") : `kind "${claim.kind}" gives no signature`
    return { ok: false, refusals: [{ reason: "refused-by-kind", message }] }
  }
  const refusals = [...claims(plan, claim, signature), ...bodies(kind, roles)]
  return refusals.length > 0 ? { ok: false, refusals } : { ok: true, kind, signature }
}

const isProblems = (s: Signature | readonly SignatureProblem[]): s is readonly SignatureProblem[] => Array.isArray(s)

/**
 * The node as `sign` sees it. What its arguments will be is not known here, so each is a name that stands for nothing;
 * which there are is read off the claimed type of the arguments, and that is held against the signature afterwards.
 */
function viewOf(plan: Plan, claim: Extern, pins: AdmitOptions["pins"]): NodeView {
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

const RANK: Readonly<Record<Effect, number>> = { pure: 0, read: 1, write: 2 }

/** Everything in which the plan says something else than the registration. */
function claims(plan: Plan, claim: Extern, signature: Signature): readonly Omit<Refusal, "path">[] {
  const out: Omit<Refusal, "path">[] = []
  const differs = (what: string, found: string, wanted: string, less = false) =>
    out.push({
      reason: less ? "claims-less" : "claims-other",
      message: `${what} must be ${wanted} as kind "${claim.kind}" is registered, found ${found}; compile the graph again`,
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
  if (subtype(signature.output, output) === "no") differs("output", printType(output), printType(signature.output))
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
function bodies(kind: NodeKind, roles: readonly string[]): readonly Omit<Refusal, "path">[] {
  const prefix = kind.scopes === undefined ? undefined : `${kind.scopes.role}:`
  const want = prefix === undefined ? "no bodies" : `bodies named ${prefix}<name>`
  return roles
    .filter((role) => prefix === undefined || !role.startsWith(prefix))
    .map((role) => ({ reason: "claims-other", message: `kind "${kind.kind}" takes ${want}, found "${role}"` }))
}

// ---- where a plan calls its externs

/** The roles of the bodies that each extern is handed, by its index; only those that are handed some. */
function rolesOf(plan: Plan): ReadonlyMap<number, readonly string[]> {
  const roles = new Map<number, readonly string[]>()
  for (const { steps } of plan.scopes) {
    for (const { op } of steps) {
      if (op[0] !== "invoke_with") continue
      const names = plan.constants[op[4]]!.value as readonly string[]
      roles.set(op[2], [...(roles.get(op[2]) ?? []), ...names])
    }
  }
  return roles
}

/** The path of the first node that calls each extern, by its index; items of a map or loop are left out of it. */
function pathsOf(plan: Plan): readonly Path[] {
  const paths: Path[] = []
  for (const { path, extern } of callsOf(plan)) paths[extern] ??= path
  return paths
}

// ---- frozen, so that what was admitted is what runs

/** Everything but the insides of constants: they are data that blocks read in loops, and frozen lists are slow to read. */
function freezePlan(plan: Plan): Plan {
  const { constants, ...rest } = plan
  freeze(rest)
  for (const c of constants) Object.freeze(c)
  Object.freeze(constants)
  return Object.freeze(plan)
}

/** A kind may hand out one signature to many; its own stays as it is. */
function frozenCopy<A>(x: A): A {
  if (typeof x !== "object" || x === null || ArrayBuffer.isView(x) || Object.isFrozen(x)) return x
  if (Array.isArray(x)) return Object.freeze(x.map(frozenCopy)) as A
  return Object.freeze(Object.fromEntries(Object.entries(x).map(([k, v]) => [k, frozenCopy(v)]))) as A
}

function freeze<A>(x: A): A {
  if (typeof x !== "object" || x === null || ArrayBuffer.isView(x) || Object.isFrozen(x)) return x
  Object.freeze(x)
  for (const v of Object.values(x)) freeze(v)
  return x
}
