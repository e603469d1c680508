/**
 * A graph that was read from a file, as the builder's own: a call inside other graphs, and something to `run`. Its types
 * are known to whoever imports it through the declaration that `shadowgraph types` writes.
 */
import { acceptStrict } from "../accept.ts"
import type { CheckedGraph } from "../checked.ts"
import { RESERVED_NAMES } from "../ir.ts"
import { makeCall, withoutDefaults } from "./call.ts"
import type { Graph } from "./types.ts"

export function imported<I, A, E, R>(checked: CheckedGraph): Graph<I, A, E, R> {
  const { graph, input, output, touches } = checked
  const call = makeCall<I, A, E, R>(nodeName(graph.name), withoutDefaults(input), (args) => {
    return { kind: "graph", config: {}, args, scopes: {}, graph, type: output, touches }
  })
  return Object.assign(call, { ir: graph, code: new Map(), accept: acceptStrict(input) })
}

/** What a call of the graph is named where it says nothing else: names of graphs are wider than those of nodes. */
function nodeName(graph: string): string {
  const name = graph.toLowerCase().replaceAll("-", "_")
  return RESERVED_NAMES.has(name) ? `${name}_graph` : name
}
