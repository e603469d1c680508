/**
 * Graphs that are no tools: prompts, which a person picks, and resources, which a client reads by address. Both are run to
 * show something, so a graph that writes is neither. What the client gives are texts; the types of the graph's input say
 * what is meant by them.
 */
import { isRecord, type Rec, readJson, type Type, type Value } from "../../graph/mod.ts"
import { type Block, blocksOf } from "./content.ts"
import type { McpProject } from "./roles_file.ts"
import { externsOf, type McpGraph, type McpRole } from "./serving.ts"

/** Why a graph cannot have its role; undefined where it can. */
export function roleProblem(
  { name, input }: Pick<McpGraph, "name" | "input">,
  role: McpRole,
  writes: boolean,
): string | undefined {
  if (role.as === "tool") return undefined
  if (writes) return `"${name}" writes, so it cannot be a ${role.as}: it would be run to be shown`
  if (role.as !== "resource") return undefined
  const fields = fieldsOf(input)
  const named = namesIn(role.uri)
  const stray = named.find((n) => fields[n] === undefined)
  if (stray !== undefined) return `the address "${role.uri}" names {${stray}}, which is no input of "${name}"`
  const lacking = Object.keys(fields).find((n) => isRequired(fields[n]!) && !named.includes(n))
  if (lacking !== undefined)
    return `the address "${role.uri}" does not give the input "${lacking}" of "${name}": write {${lacking}} into it`
  return URL.canParse(role.uri.replace(/\{\w+\}/g, "x")) ? undefined : `"${role.uri}" is no address: write scheme://…`
}

/** The parts that graphs play, from the files of their projects; and what is wrong with them. */
export function rolesOf(
  files: readonly (McpProject | undefined)[],
  graphs: readonly McpGraph[],
): {
  readonly roles: ReadonlyMap<string, McpRole>
  readonly instructions?: string
  readonly problems: readonly string[]
} {
  const roles = new Map<string, McpRole>()
  const problems: string[] = []
  const texts = new Set<string>()
  for (const file of new Set(files)) {
    if (file?.instructions !== undefined) texts.add(file.instructions)
    for (const [name, role] of file?.roles ?? []) {
      const graph = graphs.find((g) => g.name === name)
      // A part for a graph that is not served here, or was not admitted, is nobody's mistake.
      if (graph === undefined) continue
      roles.set(name, role)
      const writes = externsOf(graph)?.some((x) => x.effect === "write") === true
      const problem = roleProblem(graph, role, writes)
      if (problem !== undefined) problems.push(`Cannot serve a graph as its project says ("mcp"): ${problem}`)
    }
  }
  return { roles, ...(texts.size === 0 ? {} : { instructions: [...texts].join("\n\n") }), problems }
}

type Fields = Extract<Type, { kind: "record" }>["fields"]
const fieldsOf = (input: Type): Fields => (input.kind === "record" ? input.fields : {})
const isRequired = (f: Fields[string]): boolean => !f.optional && f.default === undefined
const namesIn = (uri: string): readonly string[] => [...uri.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)

export const isTemplate = (uri: string): boolean => namesIn(uri).length > 0

/** What a prompt takes: one text for each input. */
export const promptArguments = ({ input }: McpGraph) =>
  Object.entries(fieldsOf(input)).map(([name, f]) => ({ name, description: describe(f.type), required: isRequired(f) }))

const describe = (type: Type): string =>
  type.kind === "enum" ? type.values.join(" | ") : type.kind === "string" ? "text" : `JSON, ${type.kind}`

/** The inputs of a graph from texts: a text port takes the text, any other the JSON in it. Fails with `Failure`. */
export function inputOfTexts({ input }: McpGraph, texts: { readonly [name: string]: string }): Rec {
  const fields = fieldsOf(input)
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]): [string, Value] => {
      const kind = fields[name]?.type.kind
      return [name, kind === undefined || kind === "string" || kind === "enum" ? text : readJson(text)]
    }),
  )
}

/** The words with which a text that is begun may go on: those of an enumeration, or yes and no. */
export function completions({ input }: McpGraph, argument: string, begun: string): readonly string[] {
  const type = fieldsOf(input)[argument]?.type
  const words = type?.kind === "enum" ? type.values : type?.kind === "boolean" ? ["true", "false"] : []
  return words.filter((w) => w.startsWith(begun))
}

/** The texts in an address, where it is one of the template. A text has no slash, and is percent-decoded. */
export function matched(template: string, uri: string): { readonly [name: string]: string } | undefined {
  const names = namesIn(template)
  const parts = template.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
  const found = new RegExp(`^${parts.join("([^/?#]+)")}$`).exec(uri)
  if (found === null) return undefined
  try {
    return Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(found[i + 1]!)]))
  } catch {
    // A stray percent sign: no address of this form.
    return undefined
  }
}

export interface Message {
  readonly role: "user" | "assistant"
  readonly content: Block
}

/** The messages of a prompt: a text, a file, `{ role, content }`, or a list of such. Without a role they are the user's. */
export function messagesOf(value: Value, uri: string): readonly Message[] {
  const items = Array.isArray(value) ? (value as readonly Value[]) : [value]
  return items.flatMap((item) => {
    const spoken =
      isRecord(item) && (item["role"] === "user" || item["role"] === "assistant") && Object.hasOwn(item, "content")
    const role = spoken ? (item["role"] as Message["role"]) : "user"
    return blocksOf(spoken ? item["content"]! : item, uri).map((content) => ({ role, content }))
  })
}
