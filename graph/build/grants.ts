/**
 * Grants: what a run is allowed, as a layer. Each pattern has a context key of its own, so that layers add up however
 * they are merged; the runner reads the patterns back from the context it runs in.
 */
import { type Context, makeUnsafe } from "effect/Context"
import { type Layer, succeedContext } from "effect/Layer"
import { CapabilityError, parseCapability } from "../capability.ts"
import { callWith } from "./call.ts"
import { refuse } from "./failure.ts"
import type { Capability, Covers, Graph, HandsOn, Tool, WellFormedEach } from "./types.ts"

const KEY = "shadowgraph/grant/"

function checked(patterns: readonly string[], what: string): void {
  for (const pattern of patterns) {
    const read = parseCapability(pattern)
    if (read instanceof CapabilityError) refuse("grant", `Cannot ${what}: ${read.message}`)
  }
}

/**
 * Grants capabilities to the runs under it: by name, with everything below it (`sql:shop` covers `sql:shop:read`), or
 * with a `*` (`net:*.example.com`). Throws a `BuildError` for what is no capability; literal ones do not compile.
 */
export const grants = <const P extends readonly string[]>(
  ...patterns: WellFormedEach<P>
): Layer<Capability<Covers<P[number]>>> => {
  const texts = patterns as readonly string[]
  checked(texts, "grant it")
  return succeedContext(makeUnsafe<Capability<Covers<P[number]>>>(new Map(texts.map((p) => [KEY + p, p]))))
}

/**
 * A graph that is handed only these capabilities wherever it is called, of those that count around the call: what a file
 * says with `grants:` on a `graph:` node. A graph that needs more does not compile. Throws a `BuildError` for what is no
 * capability, and for what is no graph.
 */
export function within<I, A, E, R, const P extends readonly [string, ...string[]]>(
  graph: Graph<I, A, E, R> & HandsOn<R, P[number]>,
  ...patterns: WellFormedEach<P>
): Tool<I, A, E, R> {
  const texts = patterns as readonly string[]
  checked(texts, `narrow "${graph.id}"`)
  const call = "ir" in graph ? callWith(graph as Tool<I, A, E, R>, { grants: texts }) : undefined
  return call ?? refuse("grant", "Cannot narrow what is no graph: only a graph is handed capabilities")
}

/** The patterns granted in a context, sorted, each once. */
export const grantedIn = (context: Context<never>): readonly string[] =>
  [...context.mapUnsafe.keys()]
    .filter((k) => k.startsWith(KEY))
    .map((k) => k.slice(KEY.length))
    .sort()
