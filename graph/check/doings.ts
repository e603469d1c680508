/**
 * What nodes and bodies do to the world, taken together, and what the checks of single nodes need of the whole. Here,
 * below them all, so that the files on control nodes, tools and scopes do not import one another.
 */
import type { Touch } from "../checked.ts"
import type { Effect, Graph, Scope } from "../ir.ts"
import type { NodeView, Registry, Signature } from "../node.ts"
import type { Fits, Type } from "../type.ts"
import type { Declared } from "./declared.ts"
import type { Names } from "./names.ts"
import type { NodeAt, Report } from "./report.ts"

/** What a body does beside giving a value. */
export interface Doings {
  readonly effect: Effect
  readonly touches: readonly Touch[]
  readonly needs: readonly string[]
}
export interface BodyFacts extends Doings {
  readonly type: Type
}
export interface SubgraphFacts extends Doings {
  readonly output: Type
  readonly resources: Graph["resources"]
}

/** What the node checks need of the whole: bodies and subgraphs are checked by `check.ts`. */
export interface Surroundings {
  readonly report: Report
  readonly registry: Registry
  /** Schemes of capabilities that the kinds declare. */
  readonly schemes: ReadonlySet<string>
  readonly pin: NodeView["pin"]
  /** What this graph declares. */
  readonly resources: Graph["resources"]
  /** The same with what its subgraphs declare. */
  readonly declared: Declared
  readonly onFailure: Graph["onFailure"]
  readonly body: (scope: Scope, names: Names, at: NodeAt, role: string, params: readonly Type[]) => BodyFacts
  readonly graph: (graph: Graph, path: string) => SubgraphFacts
  /** Runs a check whose problems are not kept: a first look at a body whose variable has no type yet. */
  readonly trial: <A>(run: () => A) => A
  /** False when the checks of bodies within bodies have become too many to look twice. */
  readonly mayLookAgain: () => boolean
}

export const PURE: Doings = { effect: "pure", touches: [], needs: [] }

/** What a node is found to be before `output:` and `catch:`. */
export interface Outcome extends Doings {
  readonly argType: Type
  readonly argFits: Fits
  /** What the node gives by itself, before `output:` and `catch:`. */
  readonly gives: Type
  readonly signature?: Signature
}

const RANK: Readonly<Record<Effect, number>> = { pure: 0, read: 1, write: 2 }

/** What several parts do, taken together. */
export function together(parts: readonly Doings[]): Doings {
  const doing = parts.filter((part) => part.effect !== "pure" || part.needs.length > 0)
  if (doing.length === 0) return PURE
  if (doing.length === 1) return { effect: doing[0]!.effect, touches: doing[0]!.touches, needs: doing[0]!.needs }
  let effect: Effect = "pure"
  const touches = new Map<string, boolean>()
  const needs = new Set<string>()
  for (const part of doing) {
    if (RANK[part.effect] > RANK[effect]) effect = part.effect
    for (const { resource, write } of part.touches) touches.set(resource, touches.get(resource) === true || write)
    for (const need of part.needs) needs.add(need)
  }
  return {
    effect,
    touches: [...touches]
      .map(([resource, write]) => ({ resource, write }))
      .sort((a, b) => (a.resource < b.resource ? -1 : 1)),
    needs: [...needs].sort(),
  }
}
