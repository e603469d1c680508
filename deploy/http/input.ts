/** The inputs that a request carries for a graph, as the graph takes them, or the problem with them. */
import { acceptStrict, Failure, isRecord, type Rec, type Value } from "../../graph/mod.ts"
import { fromJsonForm } from "../json_form.ts"
import { type BodyLimits, jsonBody } from "./body.ts"
import type { Served } from "./catalogue.ts"
import { Answer, problemOf } from "./problems.ts"

/** What of a graph says which input it takes. */
type Takes = Pick<Served, "name" | "input">

/** The input that a request carries, in `{ "input": { … } }`, or the problem with it. */
export const readInput = async (request: Request, graph: Takes, limits: BodyLimits): Promise<Rec | Answer> =>
  inputIn(await jsonBody(request, limits), graph)

/** The input in what a body says. */
export function inputIn(body: Value | Answer, graph: Takes): Rec | Answer {
  const given = body instanceof Answer ? body : partOf(body, "input", '{ "input": { … } }')
  return given instanceof Answer ? given : accepted(graph, given ?? {})
}

/** Of `{ "inputs": [{ … }, …] }`, as they came: each may have a problem of its own. */
export async function inputsOf(request: Request, limits: BodyLimits): Promise<readonly Value[] | Answer> {
  const body = await jsonBody(request, limits)
  const wanted = '{ "inputs": [{ … }, …] }'
  const given = body instanceof Answer ? body : partOf(body, "inputs", wanted)
  if (given instanceof Answer || Array.isArray(given)) return given
  return problemOf("bad-body", `The body has no list "inputs"; wanted ${wanted}.`)
}

/** The one part that a body may have; undefined where it has none. */
function partOf(body: Value, key: string, wanted: string): Value | Answer | undefined {
  if (!isRecord(body)) return problemOf("bad-body", "The body is no JSON object.")
  for (const each in body)
    if (each !== key) return problemOf("bad-body", `The body has no key "${each}"; wanted ${wanted}.`)
  return body[key]
}

/** The input as the graph takes it, or the problem with it. */
export function accepted(graph: Takes, given: Value): Rec | Answer {
  try {
    return acceptStrict(graph.input)(fromJsonForm(graph.input, given)) as Rec
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause
    return problemOf("wrong-input", cause.message, { graph: graph.name, data: cause.data })
  }
}
