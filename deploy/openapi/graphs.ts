/**
 * A graph file for each operation of an OpenAPI document: one `http` node with the document's types, and no more rights than
 * its host and its secret. What is written passes the check; an operation that does not is listed with what the check says.
 */
import { checkFile } from "../../graph/file/mod.ts"
import { printType, type Registry, type Type } from "../../graph/mod.ts"
import type { Api, Operation, Parameter, Unsaid } from "./document.ts"

export interface GraphFile {
  /** The graph's name; the file is `<name>.graph.yaml`. */
  readonly name: string
  readonly text: string
  readonly needs: readonly string[]
  readonly operation: Operation
}
export interface Written {
  readonly files: readonly GraphFile[]
  /** Operations that the check refuses as graphs. */
  readonly left: readonly Unsaid[]
}

export function graphsOf(api: Api, kinds: Registry): Written {
  const files: GraphFile[] = []
  const left: Unsaid[] = []
  const taken = new Set<string>()
  for (const operation of api.operations) {
    const name = freeName(operation.id, taken)
    const text = textOf(name, operation, api.title)
    const { checked, problems } = checkFile({ file: `${name}.graph.yaml`, text }, { registry: kinds })
    if (checked !== undefined) files.push({ name, text, needs: checked.needs, operation })
    else {
      const at = `/paths/${operation.path.replaceAll("~", "~0").replaceAll("/", "~1")}/${operation.method.toLowerCase()}`
      left.push({ at, what: problems.map((p) => p.message).join(" ") })
    }
  }
  return { files, left }
}

function freeName(id: string, taken: Set<string>): string {
  const word = id
    .replace(/[{}]/g, "")
    .replace(/\W+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 60)
  const name = /^[A-Za-z]/.test(word) ? word : `call_${word}`
  for (let n = 1; ; n++) {
    const free = n === 1 ? name : `${name}_${n}`
    if (taken.has(free.toLowerCase())) continue
    taken.add(free.toLowerCase())
    return free
  }
}

/** YAML in which every text is written as JSON writes it, which YAML reads as the same. */
const quoted = (s: string): string => JSON.stringify(s)
const typed = (t: Type): string => quoted(printType(t))

function textOf(name: string, operation: Operation, title: string): string {
  const { method, path, server, parameters, body, answer, statuses, auth, about } = operation
  const inputs = inputNames(operation)
  const value = (p: Parameter) => access(inputs.get(p)!, p.required)
  const at = (place: Parameter["in"]) => parameters.filter((p) => p.in === place)
  const filled = path.replace(/\{([^}]+)\}/g, (whole, key: string) => {
    const parameter = at("path").find((p) => p.name === key)
    return parameter === undefined ? whole : `\${ ${value(parameter)} }`
  })
  const table = (
    key: string,
    of: readonly Parameter[],
    said: readonly (readonly [name: string, value: string])[] = [],
  ) =>
    of.length + said.length === 0
      ? []
      : [
          `    ${key}:`,
          ...said.map(([name, text]) => `      ${name}: ${quoted(text)}`),
          ...of.map((p) => `      ${quoted(p.name)}: ${quoted(`\${ ${value(p)} }`)}`),
        ]
  const media = Object.entries({ accept: answer.media, "content-type": body?.media }).flatMap(([name, type]) =>
    type === undefined ? [] : [[name, type] as const],
  )
  const lines = [
    `# ${method} ${path}${title === "" ? "" : ` of ${oneLine(title)}`}. Made by \`shadowgraph import\`.`,
    `graph: ${name}`,
    ...(about === "" ? [] : [`about: ${quoted(oneLine(about))}`]),
    ...(inputs.size === 0 ? [] : ["input:"]),
    ...[...inputs].map(([of, key]) =>
      of === "body"
        ? `  ${quoted(key)}: ${typed(body!.type)}`
        : `  ${quoted(of.required ? key : `${key}?`)}: ${typed(of.type)}`,
    ),
    "nodes:",
    "  answer:",
    `    http: ${quoted(`${method} ${server}${filled}`)}`,
    ...table("query", at("query")),
    ...table("headers", at("header"), media),
    ...(body === undefined ? [] : [`    ${body.as}: ${quoted(`\${ ${access(inputs.get("body")!, true)} }`)}`]),
    ...(auth === undefined ? [] : [`    auth: ${JSON.stringify(auth)}`]),
    ...(answer.parse === undefined ? [] : [`    parse: ${answer.parse}`]),
    ...(statuses.length === 0 ? [] : [`    status: [${statuses.join(", ")}]`]),
    `    output: ${typed(answer.type)}`,
    "output: answer",
  ]
  return `${lines.join("\n")}\n`
}

const oneLine = (s: string): string => s.replace(/\s+/g, " ").trim().slice(0, 200)

/** An input for each parameter and for the body; where two have one name, the later is named after its place, too. */
function inputNames({ parameters, body }: Operation): ReadonlyMap<Parameter | "body", string> {
  const names = new Map<Parameter | "body", string>()
  const taken = new Set<string>()
  const take = (of: Parameter | "body", wanted: string, otherwise: string) => {
    let name = taken.has(wanted) ? otherwise : wanted
    while (taken.has(name)) name = `${name}_`
    taken.add(name)
    names.set(of, name)
  }
  for (const p of parameters) take(p, p.name, `${p.in}_${p.name}`)
  if (body !== undefined) take("body", "body", "request_body")
  return names
}

/** An input that may be absent is null then, which leaves a parameter out. */
function access(name: string, required: boolean): string {
  if (/^[A-Za-z_]\w*$/.test(name)) return required ? `input.${name}` : `input.?${name}`
  return `input[${required ? "" : "?"}${JSON.stringify(name)}]`
}
