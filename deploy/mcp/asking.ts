/**
 * Questions of a run that rests, put to the person at the client (elicitation), and what came back as replies to the run.
 * A question has one field, `answer`, of the type that the graph wants; the kernel judges what is said like any answer.
 * Source: Model Context Protocol 2025-11-25 and 2026-07-28, "Elicitation".
 */
import { isRecord, jsonOf, jsonText, printPath, T, type Type, type Value } from "../../graph/mod.ts"
import type { Reply, Wait } from "../../kernel/mod.ts"
import { externAt, type Plan } from "../../plan/mod.ts"

/** A form as a client shows it: primitive fields and nothing else. */
export interface Form {
  readonly message: string
  readonly requestedSchema: {
    readonly type: "object"
    readonly properties: { readonly [field: string]: object }
    readonly required: readonly string[]
  }
}

/** The field of a question that wants one value. */
const ANSWER = "answer"

/** A run asks for so many things at once at most; the others come after. */
const ASKED_MAX = 8

/** A question to a person, and the type of what is to be answered. */
export interface Question {
  readonly wait: Wait
  readonly type: Type
}

/** Questions among what a run of this plan waits for. */
export const questionsOf = (plan: Plan, waits: readonly Wait[]): readonly Question[] =>
  waits
    .filter(({ why }) => why === "ask")
    .slice(0, ASKED_MAX)
    .map((wait) => {
      const index = externAt(plan, wait.path)
      return { wait, type: index === undefined ? T.string : plan.types[plan.externs[index]!.output]! }
    })

/** `problem`: why the last answer was none. */
export function formOf({ wait, type }: Question, problem?: string): Form {
  const { question, only } = wait.request
  const text = `${String(question ?? "")}${problem === undefined ? "" : ` (${problem})`}`
  if (only !== undefined) return form(text, { [ANSWER]: { type: "boolean", title: "Yes?" } }, [ANSWER])
  const fields = fieldsOf(type)
  return form(text, fields.properties, fields.required)
}

const form = (
  message: string,
  properties: Form["requestedSchema"]["properties"],
  required: readonly string[],
): Form => ({
  message,
  requestedSchema: { type: "object", properties, required },
})

function fieldsOf(type: Type): Pick<Form["requestedSchema"], "properties" | "required"> {
  if (type.kind !== "record") return { properties: { [ANSWER]: fieldOf(type) }, required: [ANSWER] }
  const fields = Object.entries(type.fields)
  return {
    properties: Object.fromEntries(
      fields.map(([name, f]) => [
        name,
        { ...fieldOf(f.type), ...(f.default === undefined ? {} : { default: jsonOf(f.default) }) },
      ]),
    ),
    required: fields.filter(([, f]) => !f.optional && f.default === undefined).map(([name]) => name),
  }
}

function fieldOf(type: Type): object {
  switch (type.kind) {
    case "boolean":
    case "number":
      return { type: type.kind }
    case "int64":
      return { type: "integer" }
    case "enum":
      return { type: "string", enum: type.values }
    default:
      return { type: "string" }
  }
}

/** What a client sent back. Nothing of it is believed before it is read. */
export type Answered =
  | { readonly reply: Reply }
  /** The person looked away: nothing is said, and the run rests. */
  | { readonly none: true }
  /** Not an answer of the form. */
  | { readonly problem: string }

export function answerOf({ wait, type }: Question, response: unknown): Answered {
  const { action, content } = isRecord(response as Value) ? (response as { action?: unknown; content?: unknown }) : {}
  const { path } = wait
  if (action === "decline") return { reply: { path, how: "refused", message: "The person at the client said no" } }
  if (action !== "accept") return { none: true }
  if (!isRecord(content as Value)) return { problem: "nothing was filled in" }
  const said = content as { readonly [field: string]: Value }
  if (wait.request["only"] !== undefined) {
    if (said[ANSWER] === true) return { reply: { path, how: "answered", value: true } }
    if (said[ANSWER] === false) return { reply: { path, how: "refused", message: "The person at the client said no" } }
    return { problem: "yes or no is wanted" }
  }
  const value = type.kind === "record" ? filled(type, said) : said[ANSWER]
  if (value === undefined) return { problem: `"${ANSWER}" was not filled in` }
  return { reply: { path, how: "answered", value } }
}

/** Fields that were left out have their defaults; a client may leave that to the server. */
function filled({ fields }: Extract<Type, { kind: "record" }>, said: { readonly [field: string]: Value }): Value {
  const left = Object.entries(fields).flatMap(([name, f]) => (f.default === undefined ? [] : [[name, f.default]]))
  return { ...Object.fromEntries(left), ...said }
}

/** How somebody else answers: for a client that cannot ask its person, or whose person did not say. */
export function howToAnswer(run: string, waits: readonly Wait[], overHttp: boolean): readonly string[] {
  const first = waits.find(({ why }) => why === "ask")
  if (first === undefined) return []
  const path = printPath(first.path)
  const body = jsonText({ answers: { [path]: "…" } })
  return [
    `A person answers on the server: shadowgraph runs resume ${run} --answer ${path}=…`,
    ...(overHttp ? [`or over HTTP, with a token for this graph: POST /runs/${run}/resume ${body}`] : []),
  ]
}
