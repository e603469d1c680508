/** What runs are granted that are taken up again, whatever graph they turn out to be of, and what narrows it. */
import { CapabilityError, parseCapability, type Registry, schemesOf } from "../../graph/mod.ts"

/** The same to every graph, or to each its own, by its name. */
export type Grants = readonly string[] | ((graph: string) => readonly string[])

export interface Granting {
  readonly grants: Grants
  /** Lists that narrow the grants: those of a token. */
  readonly within?: readonly (readonly string[])[]
}

export const grantsFor = (grants: Grants, graph: string): readonly string[] =>
  typeof grants === "function" ? grants(graph) : grants

/** Lists that narrow, for a host of these kinds: one list serves many hosts, and what no kind here knows opens nothing here. */
export function narrowedHere(
  within: readonly (readonly string[])[],
  registry: Registry,
): readonly (readonly string[])[] {
  const schemes = schemesOf(registry)
  const strange = (right: string): boolean => {
    const read = parseCapability(right, schemes)
    return read instanceof CapabilityError && read.reason === "scheme"
  }
  return within.map((list) => list.filter((right) => !strange(right)))
}
