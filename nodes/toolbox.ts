/**
 * The tools that a node offers to a model: bodies of the node itself, each with a typed input. A call by the model is
 * not trusted: its name and arguments are looked at first, and what is wrong is told to the model, which may try again.
 */
import {
  accept,
  type Call,
  Failure,
  fail,
  isRecord,
  jsonText,
  type Rec,
  readJson,
  type SignatureProblem,
  type Type,
  toJsonSchema,
  type Value,
} from "../graph/mod.ts"
import { beyondJson, forModels } from "./answer.ts"
import type { ToolCall } from "./chat.ts"

export interface Tool {
  readonly name: string
  readonly about: string | undefined
  readonly input: Extract<Type, { kind: "record" }>
}

/** The tools in a node's `config`, or what is wrong with them. */
export function readTools(tools: Value | undefined): readonly Tool[] | readonly SignatureProblem[] {
  if (tools === undefined) return []
  const problems: SignatureProblem[] = []
  const found: Tool[] = []
  const refuse = (key: string, message: string, fix?: string) =>
    problems.push({ code: "G207", key, message, ...(fix === undefined ? {} : { fix }) })
  if (!isRecord(tools)) return [{ code: "G207", key: "tools", message: "`tools` is a mapping from name to tool." }]
  for (const [name, tool] of Object.entries(tools)) {
    const input = isRecord(tool) ? (tool["input"] as unknown as Type | undefined) : undefined
    if (!isRecord(tool) || input?.kind !== "record") {
      refuse(`tools.${name}`, `The tool "${name}" has no record type as its \`input\`.`, "Write input: { name: type }.")
      continue
    }
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(name))
      refuse(`tools.${name}`, `"${name}" is no name for a tool: letters, digits, _ and -, at most 64.`)
    for (const [field, { type, optional }] of Object.entries(input.fields)) {
      const beyond = beyondJson(type)
      if (beyond !== undefined) refuse(`tools.${name}.input.${field}`, `A model writes JSON, and no ${beyond}.`)
      if (optional) {
        refuse(
          `tools.${name}.input`,
          `The field "${field}" may be absent, and a body's variable may not.`,
          `Give it a default: ${field}: T = value.`,
        )
      }
    }
    found.push({ name, about: typeof tool["about"] === "string" ? tool["about"] : undefined, input })
  }
  return problems.length > 0 ? problems : found
}

/** `tools` of a request. */
export const toolsOf = (tools: readonly Tool[]): Value =>
  tools.map((t) => ({
    type: "function",
    function: {
      name: t.name,
      ...(t.about === undefined ? {} : { description: t.about }),
      parameters: forModels(toJsonSchema(t.input, "given")) as Rec,
    },
  }))

/**
 * Runs one call and gives what the model is told: the JSON of the tool's value, or `{ error }`. A tool that fails is the
 * model's to deal with; a call that was cancelled is not.
 */
export async function runTool(tools: readonly Tool[], asked: ToolCall, call: Call): Promise<string> {
  const { invoke } = call
  if (invoke === undefined)
    throw fail("Unavailable", "Cannot run a tool: whoever runs this node does not run its bodies", {
      data: { service: "tools" },
    })
  const tool = tools.find((t) => t.name === asked.name)
  if (tool === undefined)
    return told(
      "UnknownTool",
      `There is no tool "${asked.name.slice(0, 64)}". There are: ${tools.map((t) => t.name).join(", ")}.`,
    )
  let args: Value
  try {
    args = accept(tool.input)(readJson(asked.arguments.trim() === "" ? "{}" : asked.arguments))
  } catch (cause) {
    if (cause instanceof Failure) return told("BadArguments", cause.message)
    throw cause
  }
  try {
    return jsonText(await invoke(`tool:${tool.name}`, args as Rec), { nonFinite: "text" })
  } catch (cause) {
    if (!(cause instanceof Failure) || call.signal.aborted) throw cause
    return told(cause.code, cause.message)
  }
}

const told = (code: string, message: string): string => jsonText({ error: { code, message } })
