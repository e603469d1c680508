/** The inputs that a request carries for a graph, as the graph takes them, or the problem with them. */
import { acceptStrict, Failure, isRecord, type Rec, type Value } from "../../graph/mod.ts"
import type { Served } from "./catalogue.ts"
import { fromJsonForm } from "./json_form.ts"
import { Answer, type BodyLimits, jsonBody, problemOf } from "./problems.ts"

/** What of a graph says which input it takes. */
type Takes = Pick<Served, "name" | "input">

/** Of `{ "input": { … } }`. */
export async function inputOf(request: Request, graph: Takes, limits: BodyLimits): Promise<Rec | Answer> {
  const given = await partOf(request, "input", '{ "input": { … } }', limits)
  return given instanceof Answer ? given : accepted(graph, given ?? {})
}

/** Of `{ "inputs": [{ … }, …] }`, as they came: each may have a problem of its own. */
export async function inputsOf(request: Request, limits: BodyLimits): Promise<readonly Value[] | Answer> {
  const wanted = '{ "inputs": [{ … }, …] }'
  const given = await partOf(request, "inputs", wanted, limits)
  if (given instanceof Answer || Array.isArray(given)) return given
  return problemOf("bad-body", `The body has no list "inputs"; wanted ${wanted}.`)
}

/** The one part that a body may have; undefined where it has none. */
async function partOf(
  request: Request,
  key: string,
  wanted: string,
  limits: BodyLimits,
): Promise<Value | Answer | undefined> {
  const body = await jsonBody(request, limits)
  if (body instanceof Answer) return body
  if (!isRecord(body)) return problemOf("bad-body", "The body is no JSON object.")
  const stray = Object.keys(body).find((each) => each !== key)
  return stray === undefined ? body[key] : problemOf("bad-body", `The body has no key "${stray}"; wanted ${wanted}.`)
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
