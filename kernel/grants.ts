/**
 * What a run may do: the grants that it was given, and every narrowing on the way down. Each layer can only refuse, so a
 * right is had where all of them cover it; none can hand on what one above it does not have.
 */
import {
  boundHash,
  CapabilityError,
  coverage,
  type Digest,
  type GrantedHow,
  type Narrowing,
  type Path,
  parseCapability,
  pathKey,
  problemOf,
  type Registry,
  schemesOf,
} from "../graph/mod.ts"
import type { Plan } from "../plan/mod.ts"
import { AdmissionError, type Refusal } from "./errors.ts"

/** Lists of capabilities, the widest first: what the run was granted, then what narrows it. */
export type Layers = readonly (readonly string[])[]

/** What `Services.granted` asks. */
export type Granted = (capability: string, how?: GrantedHow) => boolean

/** A right is had where every layer covers it; `exactly`, where the first one also names it by this very text. */
export function grantedBy(layers: Layers): Granted {
  const covered = layers.map(coverage)
  const named = new Set(layers[0])
  return (capability, how = "by any grant") =>
    (how !== "exactly" || named.has(capability)) && covered.every((covers) => covers(capability))
}

/** What is wrong with a text as a capability, or undefined. A need that is none could never be granted. */
export function capabilityFault(text: string, schemes: ReadonlySet<string>): CapabilityError | undefined {
  const read = parseCapability(text, schemes)
  return read instanceof CapabilityError ? read : undefined
}

export const notCapability = (fault: CapabilityError): Omit<Refusal, "path"> => ({
  gate: "granted",
  reason: "not-a-capability",
  message: problemOf(fault),
  fix: fault.fix === undefined ? "Write it as docs/capabilities.md says" : `Write ${fault.fix}`,
})

/** Layers as they will be asked, frozen. Fails with `AdmissionError` where one of their texts is no capability. */
export function readLayers(plan: string, layers: Layers, registry: Registry): Layers {
  const schemes = schemesOf(registry)
  const faults = layers.flat().flatMap((text) => capabilityFault(text, schemes) ?? [])
  if (faults.length > 0)
    throw AdmissionError.of(
      plan,
      faults.map((fault) => ({ path: ["grants"], ...notCapability(fault) })),
    )
  return Object.freeze(layers.map((layer) => Object.freeze([...layer])))
}

// ---- subgraphs that narrow

/** What narrows the calls of one extern, the outermost first; `undefined` where nobody calls it. */
export type InForce = readonly Narrowing[] | undefined

/**
 * For each extern what is in force where it is called, from the plan's own scopes and paths. Fails with `AdmissionError`
 * (`forged-grants`) where the plan narrows something else than the graph that it names, or one extern is called under two
 * different narrowings: it could be opened with the rights of either.
 */
export function narrowingsOf(plan: Plan, digest: Digest, expected: string | undefined): readonly InForce[] {
  const bound = boundHash(plan.base, plan.narrowed, digest)
  const forged = (path: Path, message: string) =>
    AdmissionError.of(plan.name, [
      { path, gate: "granted", reason: "forged-grants", message, fix: "Compile the graph again" },
    ])
  if (plan.graph !== bound) {
    const stated = plan.narrowed.length === 0 ? "nothing" : plan.narrowed.map((n) => n.at.join(".")).join(", ")
    throw forged(["graph"], `the graph ${short(plan.graph)} does not narrow what the plan says it does (${stated})`)
  }
  if (expected !== undefined && plan.graph !== expected)
    throw forged(["graph"], `graph must be ${short(expected)}, the one that was checked, found ${short(plan.graph)}`)
  const found: InForce[] = new Array(plan.externs.length).fill(undefined)
  if (plan.narrowed.length === 0) return found.fill([])
  const known = new Map(plan.narrowed.map((n) => [pathKey(n.at), n]))
  for (const { extern, path } of callsOf(plan)) {
    const inForce: Narrowing[] = []
    for (let end = 1; end <= path.length; end++) {
      const narrowing = known.get(pathKey(path.slice(0, end)))
      if (narrowing !== undefined) inForce.push(narrowing)
    }
    const before = found[extern]
    if (before !== undefined && (before.length !== inForce.length || before.some((n, i) => n !== inForce[i])))
      throw forged(path, "is one extern with a call under other `grants:`")
    found[extern] = inForce
  }
  return found
}

/** The run has the right, and a subgraph does not hand it on. */
export function narrowedAway(capability: string, narrowing: readonly Narrowing[]): Omit<Refusal, "path" | "gate"> {
  const by = narrowing.find((n) => !coverage(n.grants)(capability))!
  const at = by.at.join(".")
  return {
    reason: "narrowed",
    message: `needs ${capability}, which the \`grants:\` of ${at} leave out`,
    fix: `Name it in the \`grants:\` of ${at}, or leave the need out of the subgraph`,
  }
}

const short = (hash: string): string => `${hash.slice(0, 12)}…`

/** Every call of a plan and its path; items of a map or turns of a loop are left out of it. */
export function callsOf(plan: Plan): readonly { readonly extern: number; readonly path: readonly string[] }[] {
  const calls: { extern: number; path: readonly string[] }[] = []
  const visit = (scope: number, base: readonly string[]): void => {
    for (const { op } of plan.scopes[scope]!.steps) {
      if (op[0] === "block") continue
      const path = [...base, ...(plan.constants[op[op.length - 2] as number]!.value as readonly string[])]
      if (op[0] === "invoke" || op[0] === "invoke_with") calls.push({ extern: op[2], path })
      if (op[0] !== "invoke") for (const body of op[op.length - 4] as readonly number[]) visit(body, path)
    }
  }
  visit(0, [])
  return calls
}
