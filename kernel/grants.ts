/**
 * What a run may do: the grants that it was given, and every narrowing on the way down. Each layer can only refuse, so a
 * right is had where all of them cover it; none can hand on what one above it does not have.
 */
import {
  CapabilityError,
  coverage,
  type GrantedHow,
  type Narrowing,
  type Path,
  parseCapability,
  pathKey,
  problemOf,
  type Registry,
  schemesOf,
} from "../graph/mod.ts"
import { callsOf, type Plan } from "../plan/mod.ts"
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
 * (`forged-grants`) where the plan is of another graph than the one that was checked, and where one extern is called under
 * two different narrowings: it could be opened with the rights of either.
 */
export function narrowingsOf(plan: Plan, graph: string, expected: string | undefined): readonly InForce[] {
  const forged = (path: Path, message: string) =>
    AdmissionError.of(plan.name, [
      { path, gate: "granted", reason: "forged-grants", message, fix: "Compile the graph again" },
    ])
  const narrowed = plan.narrowed ?? []
  if (expected !== undefined && graph !== expected) {
    const stated = narrowed.length === 0 ? "nothing" : narrowed.map((n) => n.at.join(".")).join(", ")
    const what = `the plan must be of the graph that was checked, ${short(expected)}`
    throw forged(["graph"], `${what}, found ${short(graph)}, which narrows ${stated}`)
  }
  const found: InForce[] = new Array(plan.externs.length).fill(undefined)
  if (narrowed.length === 0) return found.fill([])
  const known = new Map(narrowed.map((n) => [pathKey(n.at), n]))
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
