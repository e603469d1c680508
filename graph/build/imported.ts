/**
 * A graph that was read from a file, as the builder's own: a call inside other graphs, and something to `run`. Its types
 * are known to whoever imports it through the declaration that `shadowgraph types` writes.
 */
import { acceptStrict } from "../accept.ts"
import type { CheckedGraph } from "../checked.ts"
import { makeCall, withoutDefaults } from "./call.ts"
import type { Graph } from "./types.ts"

export function imported<I, A, E, R>(checked: CheckedGraph): Graph<I, A, E, R> {
  const { graph, input, output, touches } = checked
  const call = makeCall<I, A, E, R>(graph.name, withoutDefaults(input), (args) => {
    return { kind: "graph", config: {}, args, scopes: {}, graph, type: output, touches }
  })
  return Object.assign(call, { ir: graph, code: new Map(), accept: acceptStrict(input) })
}
