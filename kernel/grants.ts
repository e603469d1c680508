/**
 * What a run may do: the grants that it was given, and every narrowing on the way down. Each layer can only refuse, so a
 * right is had where all of them cover it; none can hand on what one above it does not have.
 */
import {
  CapabilityError,
  coverage,
  type GrantedHow,
  parseCapability,
  problemOf,
  type Registry,
  schemesOf,
} from "../graph/mod.ts"
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
