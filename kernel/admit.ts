/**
 * Admission: the only way from bytes to something that runs. The bytes are decoded and verified afresh, and each tool that
 * the plan calls has to pass three gates: it is registered and is what the plan says of it, what it needs is granted, and a
 * validator is installed. All three are shut until something opens them; there is no other way in.
 */
import {
  compareKeys,
  DEFAULT_POLICY,
  type Digest,
  decode,
  encode,
  hashValue,
  hex,
  type NodeKind,
  type Origin,
  type Path,
  type Policy,
  type Rec,
  type Registry,
  type Signature,
  schemesOf,
  sha256,
  undoKey,
  type Validator,
} from "../graph/mod.ts"
import {
  callsOf,
  decodePlan,
  type Extern,
  graphOf,
  type Plan,
  type PlanFacts,
  type PlanUndo,
  planHash,
  verify,
} from "../plan/mod.ts"
import { externIdentity } from "./cache.ts"
import { AdmissionError, type Gate, type Refusal } from "./errors.ts"
import { refusedFlows } from "./flows.ts"
import {
  capabilityFault,
  type Granted,
  grantedBy,
  type Layers,
  narrowedAway,
  narrowingsOf,
  notCapability,
  readLayers,
} from "./grants.ts"
import type { Judge } from "./judge.ts"
import { registered } from "./registered.ts"
import { type Demands, listed, validated } from "./validated.ts"

export interface AdmitOptions {
  readonly registry: Registry
  /** Capabilities that the run is granted. Nothing else is. */
  readonly grants: readonly string[]
  /** Lists that narrow the grants, each to what it covers: those of a token. What they hold beyond the grants is not had. */
  readonly within?: Layers
  /** Hash of the checked graph that the plan must be of, where it is at hand (`CheckedGraph.hash`). */
  readonly graph?: string
  /** What the lock pins, by key (`NodeView.pin`). */
  readonly pins?: (key: string) => Rec | undefined
  /** The least that must validate answers, beyond what registrations demand. */
  readonly demands?: Demands
  /** Whose text may go where. Default: `DEFAULT_POLICY`. */
  readonly policy?: Policy
  /** Whose the run's input is, for the policy: what another server sends is not the user's. Default: the user's. */
  readonly input?: Origin
  readonly digest?: Digest
}

/** A tool of an admitted plan: what the registration, not the plan, says of it. */
export interface AdmittedExtern {
  readonly claim: Extern
  readonly kind: NodeKind
  readonly signature: Signature
  readonly judge: Judge
  /** What narrows it beyond the run's grants: the `grants:` of the subgraphs around its calls, the outermost first. */
  readonly narrowed: Layers
  readonly granted: Granted
  /** Where outcomes may be used again (`cache:`): two externs with one identity do the same for the same input. */
  readonly identity: string | undefined
}

/** A plan that may run with these grants. Only `admit` makes one; `isAdmitted` tells it from a look-alike. */
export interface Admitted {
  readonly plan: Plan
  /** Hash of the checked graph, lower-case hex: what the trace is headed by. Also of what the plan says its `valid:`s and undos are. */
  readonly graph: string
  readonly facts: PlanFacts
  /** SHA-256 of the plan's bytes, lower-case hex. */
  readonly hash: string
  /** The plan's bytes: what a run that is to go on elsewhere or later needs. */
  readonly bytes: () => Uint8Array
  /** What its tools were pinned to, `[[key, pin], …]` in canonical bytes, and their hash; null where nothing was asked for. */
  readonly pins: { readonly hash: string; readonly bytes: Uint8Array } | null
  readonly externs: readonly AdmittedExtern[]
  /** The undo of each write that has one, by the write's path without indexes (`undoKey`); undefined where none has. */
  readonly undos: ReadonlyMap<string, PlanUndo> | undefined
  readonly grants: readonly string[]
  /** What narrows the grants. */
  readonly within: Layers
  readonly granted: Granted
}

const admitted = new WeakSet<object>()
export const isAdmitted = (x: unknown): x is Admitted => admitted.has(x as object)

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
  const layers = readLayers(plan.name, [options.grants, ...(options.within ?? [])], options.registry)
  const granted = grantedBy(layers)
  // A demand on what is no capability would hold nobody to anything.
  readLayers(plan.name, [Object.keys(options.demands ?? {}).filter((word) => !isEffect(word))], options.registry)
  const schemes = schemesOf(options.registry)
  const roles = rolesOf(plan)
  const resources = hashValue(plan.resources, digest)
  const graph = graphOf(plan)
  const narrowings = narrowingsOf(plan, graph, options.graph)
  const asListed = listed(plan)
  let called: readonly (readonly Path[])[] | undefined
  const paths = (index: number): readonly Path[] => {
    called ??= pathsOf(plan)
    return called[index] ?? []
  }
  plan.externs.forEach((claim, index) => {
    const narrowing = narrowings[index] ?? []
    const narrowed =
      narrowing.length === 0
        ? NONE
        : readLayers(
            plan.name,
            narrowing.map((n) => n.grants),
            options.registry,
          )
    const inside = narrowed === NONE ? granted : grantedBy([...layers, ...narrowed])
    const refuse = (gate: Gate, r: Omit<Refusal, "path" | "gate">) => {
      refusals.push({ path: paths(index)[0] ?? [], gate, ...r })
    }
    const first = registered(plan, claim, roles.get(index) ?? [], options.registry, pins)
    if (!first.ok) for (const r of first.refusals) refuse("registered", r)
    const third = first.ok
      ? validated(plan, claim, first.kind, first.signature, first.view, options.demands ?? {})
      : undefined
    if (third?.ok === false) for (const r of third.refusals) refuse("validated", r)
    if (asListed !== undefined) for (const r of asListed(claim, paths(index))) refuse("validated", r)
    const needs = [...claim.needs, ...(first.ok ? first.signature.needs : [])]
    if (third?.ok === true) needs.push(...third.validators.flatMap(needsOf))
    for (const capability of [...new Set(needs)].sort()) {
      const fault = capabilityFault(capability, schemes)
      if (fault !== undefined) refuse("granted", notCapability(fault))
      if (fault !== undefined || inside(capability)) continue
      if (granted(capability)) {
        refuse("granted", narrowedAway(capability, narrowing))
        continue
      }
      const message = `needs ${capability}, which is not granted`
      refuse("granted", { reason: "not-granted", capability, message, fix: `Grant it: --grant ${capability}` })
    }
    if (!first.ok || third?.ok !== true) return
    const signature = frozenCopy(first.signature)
    const output = plan.types[claim.output]! as unknown as Rec
    const identity =
      claim.settings.cacheMs === undefined
        ? undefined
        : externIdentity([claim.kind, claim.config, resources, output, signature.pins ?? null], digest)
    externs.push(
      Object.freeze({ claim, kind: first.kind, signature, judge: third.judge, narrowed, granted: inside, identity }),
    )
  })
  if (refusals.length === 0)
    refusals.push(...refusedFlows(plan, externs, options.policy ?? DEFAULT_POLICY, options.input))
  if (refusals.length > 0) throw AdmissionError.of(plan.name, refusals)
  const minted: Admitted = Object.freeze({
    plan: freezePlan(plan),
    graph,
    facts,
    hash: planHash(own, digest),
    bytes: () => own.slice(),
    pins: pinsOf(pinned, digest),
    externs: Object.freeze(externs),
    undos: plan.undos === undefined ? undefined : new Map(plan.undos.map((undo) => [undoKey(undo.path), undo])),
    grants: layers[0]!,
    within: Object.freeze(layers.slice(1)),
    granted,
  })
  admitted.add(minted)
  return minted
}

function pinsOf(pinned: ReadonlyMap<string, Rec>, digest: Digest): Admitted["pins"] {
  if (pinned.size === 0) return null
  const sorted = [...pinned].sort(([a], [b]) => compareKeys(a, b))
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

const NONE: Layers = Object.freeze([])

const isEffect = (word: string): boolean => word === "pure" || word === "read" || word === "write"

/** What asking an oracle takes. */
const needsOf = (v: Validator): readonly string[] => (v.level === "oracle" ? (v.needs ?? []) : [])

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

/** The paths of the nodes that call each extern, by its index; items of a map or loop are left out of them. */
function pathsOf(plan: Plan): readonly (readonly Path[])[] {
  const paths: Path[][] = []
  for (const { path, extern } of callsOf(plan)) (paths[extern] ??= []).push(path)
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

/** A kind may hand out one signature to many; its own stays as it is. What is no object counts as frozen. */
function frozenCopy<A extends object>(x: A): A {
  if (ArrayBuffer.isView(x) || Object.isFrozen(x)) return x
  if (Array.isArray(x)) return Object.freeze(x.map(frozenCopy)) as A
  return Object.freeze(Object.fromEntries(Object.entries(x).map(([k, v]) => [k, frozenCopy(v)]))) as A
}

function freeze(x: object): void {
  if (ArrayBuffer.isView(x) || Object.isFrozen(x)) return
  Object.freeze(x)
  for (const v of Object.values(x)) freeze(v)
}
