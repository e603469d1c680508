// The reference evaluator's world: the same tools as the VM meets, asked for their answer at once. Time is part of what a
// tool comes to, so a call that hangs is the failure `Timeout` here.
import { fail, type Graph, type Node, type Rec, type Request, type Value, type World } from "../../graph/mod.ts"
import { validatorOf } from "../../graph/valid.ts"
import { verdictOf } from "../../graph/validator.ts"
import { located, resourcesOf } from "./declaring.ts"
import { fateOf, flowOf, isAgent, script, TIMEOUT_MS } from "./tools.ts"

/** The world of a graph. `met`: a tool went on from the failure of a body. */
export const worldOf = (graph: Graph, met: () => void = () => {}): World => ({
  call: (request) => answerOf(graph, request, met),
})

/** What the tool of a request answers, or throws. */
export function answerOf(graph: Graph, { node, args, attempt, invoke }: Request, met: () => void): unknown {
  const config = located(node.kind, node.config as Rec, resourcesOf(graph).get(node) ?? {})
  if (node.kind === "feed") return items(config, args, attempt)
  if (isAgent(node.kind)) return script(config, args, attempt, invoke, met)
  // A function that takes its input alone does not know its attempt.
  const known = node.kind === "calc" && config["mode"] === "now" ? 1 : attempt
  const fate = fateOf(node.kind, config, args, known, node.settings.timeoutMs)
  if (fate.kind === "throw") throw fate.thrown
  if (fate.kind === "value") return fate.value
  const ms = node.settings.timeoutMs ?? TIMEOUT_MS
  throw fail("Timeout", `No answer after ${ms} ms`, { data: { ms }, retryable: true })
}

function* items(config: Rec, args: Request["args"], attempt: number): Generator<unknown> {
  const { items, end } = flowOf(config, args, attempt)
  yield* items
  if (end?.kind === "throw") throw end.thrown
}

/** An answer past what its author says of every answer. */
export function valid(node: Node, answer: Value, args: Value): Value {
  if (node.settings.valid === undefined) return answer
  const refused = verdictOf(validatorOf(node.settings.valid), answer, args)
  if (refused !== undefined) throw refused
  return answer
}
