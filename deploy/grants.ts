/** What runs are granted that are taken up again, whatever graph they turn out to be of. */

/** The same to every graph, or to each its own, by its name. */
export type Grants = readonly string[] | ((graph: string) => readonly string[])

export interface Granting {
  readonly grants: Grants
  /** Lists that narrow the grants: those of a token. */
  readonly within?: readonly (readonly string[])[]
}

export const grantsFor = (grants: Grants, graph: string): readonly string[] =>
  typeof grants === "function" ? grants(graph) : grants
