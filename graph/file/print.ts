/**
 * A graph as a file: the reverse of `read.ts`, by the same tables. What a file said comes back as the same graph, in one
 * canonical layout; comments and the author's quoting are not kept. A graph built in TypeScript prints too, as long as
 * its functions have a module to be named by.
 */
import { printCel, printText, spread } from "../cel.ts"
import type { Expr } from "../expr.ts"
import { type Graph, isControl, type Node, type Scope, type Settings } from "../ir.ts"
import { printDuration, printSize } from "../measure.ts"
import type { FieldSpec, NodeKind, RawNode, Registry } from "../node.ts"
import type { Type } from "../type.ts"
import { UNDO, undoOf } from "../undo.ts"
import { isRecord, type Rec, type Value } from "../value.ts"
import { fieldsData, namesOfTypes, type TypeNames, typeData } from "./print-type.ts"
import { Flow, type Printed, toJson, toYaml } from "./printed.ts"
import { CONTROL_WORDS, DEFAULT_NAMES, RETRY_DELAY_MS, RETRY_DELAY_MS_MAX, SECTIONS } from "./vocabulary.ts"

type Fields = { [key: string]: Printed }

/** The text of a graph file. A subgraph is named by its file, or by its own name where it has none. */
export function printGraph(graph: Graph, registry: Registry, form: "yaml" | "json" = "yaml"): string {
  const data = graphData(graph, registry)
  return form === "yaml" ? toYaml(data) : toJson(data)
}

/** The file that a `graph:` node names. */
export const subgraphFile = (node: Node): string =>
  typeof node.config["file"] === "string" ? node.config["file"] : `./${node.graph?.name ?? node.name}.graph.yaml`

function graphData(graph: Graph, registry: Registry): Fields {
  const names = namesOfTypes(graph.types)
  const p: Printing = { registry, names }
  const out: Fields = { graph: graph.name }
  if (graph.about !== undefined) out["about"] = graph.about
  if (Object.keys(graph.types).length > 0) {
    out["types"] = mapped(graph.types, (type) => typeData(type, names, true))
  }
  if (Object.keys(graph.input.fields).length > 0) out["input"] = fieldsData(graph.input.fields, names)
  if (graph.output !== undefined) out["returns"] = typeData(graph.output, names)
  if (graph.onFailure !== undefined) out["on_failure"] = graph.onFailure
  if (graph.needs !== undefined) out["needs"] = new Flow([...graph.needs])
  for (const section of SECTIONS) {
    const declared = graph.resources[section]
    if (declared !== undefined) out[section] = mapped(declared, (value) => flowing(plain(value)))
  }
  out["nodes"] = Object.fromEntries(graph.body.nodes.map((node) => [node.name, nodeData(p, node)]))
  out["output"] = celData(graph.body.output)
  return out
}

interface Printing {
  readonly registry: Registry
  readonly names: TypeNames
}

const mapped = <A>(record: { readonly [key: string]: A }, print: (value: A) => Printed): Fields =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, print(value)]))

function nodeData(p: Printing, node: Node): Fields {
  const kind = p.registry.get(node.kind)
  const own = isControl(node.kind) ? controlData(p, node) : kind === undefined ? {} : toolData(p, node, kind)
  const out: Fields = node.about === undefined ? { ...own } : { about: node.about, ...own }
  if (node.output !== undefined) out["output"] = typeData(node.output, p.names)
  Object.assign(out, settingsData(node.settings))
  const undo = undoOf(node)
  if (undo !== undefined) out[UNDO] = nodeData(p, undo)
  const caught = node.scopes["catch"]
  if (caught !== undefined)
    out["catch"] = caught.nodes.length === 0 && caught.name === undefined ? celText(caught.output) : bodyData(p, caught)
  // What is long comes last, so that a node's settings stand together.
  for (const word of BODIES) {
    const body = out[word]
    if (body === undefined) continue
    delete out[word]
    out[word] = body
  }
  return out
}

const BODIES = ["do", "then", "cases", "else", UNDO, "catch"] as const

function bodyData(p: Printing, scope: Scope): Printed {
  const [only] = scope.nodes
  if (scope.name === undefined && only !== undefined) return nodeData(p, only)
  return {
    nodes: Object.fromEntries(scope.nodes.map((node) => [node.name, nodeData(p, node)])),
    output: celData(scope.output),
  }
}

const isNothing = ({ name, nodes, output }: Scope): boolean =>
  name === undefined && nodes.length === 0 && output.op === "const" && output.value === null

function controlData(p: Printing, node: Node): Fields {
  const { scopes, config } = node
  const out: Fields = {}
  const field = (name: string): Printed =>
    celData(node.args.op === "record" ? (node.args.fields.find(([key]) => key === name)?.[1] ?? NULL) : NULL)
  const body = (role: string) => {
    const scope = scopes[role]
    if (scope !== undefined) out[role] = bodyData(p, scope)
  }
  const name = (word: string, i: number, otherwise?: string) => {
    const param = scopes["do"]?.params[i]
    if (param !== undefined && param !== otherwise) out[word] = param
  }
  switch (node.kind) {
    case "graph":
      out["graph"] = subgraphFile(node)
      if (node.grants !== undefined) out["grants"] = new Flow([...node.grants])
      Object.assign(out, argsData(node.args))
      break
    case "when":
      out["when"] = celData(node.args)
      body("then")
      if (scopes["else"] !== undefined && !isNothing(scopes["else"])) body("else")
      break
    case "switch": {
      out["switch"] = celData(node.args)
      const cases = Object.entries(scopes).filter(([role]) => role.startsWith("case:"))
      out["cases"] = Object.fromEntries(cases.map(([role, scope]) => [role.slice(5), bodyData(p, scope)]))
      body("else")
      break
    }
    case "map":
      out["map"] = celData(node.args)
      name("as", 0, DEFAULT_NAMES.as.map)
      name("index", 1)
      break
    case "fold":
      out["fold"] = field("over")
      out["from"] = field("from")
      name("as", 1, DEFAULT_NAMES.as.fold)
      name("into", 0, DEFAULT_NAMES.into)
      name("index", 2)
      break
    case "loop":
      out["loop"] = field("from")
      name("as", 0, DEFAULT_NAMES.as.loop)
      name("index", 1)
      if (scopes["while"] !== undefined) out["while"] = celData(scopes["while"].output)
      break
    default:
      out[node.kind] = celData(node.args)
  }
  for (const [word, { form }] of Object.entries(CONTROL_WORDS[node.kind]?.words ?? {})) {
    if (form === "count" && typeof config[word] === "number") out[word] = config[word]
  }
  body("do")
  return out
}

const NULL: Expr = { op: "const", value: null }

function toolData(p: Printing, node: Node, kind: NodeKind): Fields {
  const args = Object.fromEntries(node.args.op === "record" ? node.args.fields : [])
  const raw = kind.lower?.({ config: node.config, args }) ?? plainRaw(kind, node.config, args)
  const out: Fields = {}
  for (const [key, spec] of [[kind.kind, kind.main] as const, ...Object.entries(kind.fields)]) {
    const value = fieldData(spec, raw.config[key], raw.args[key])
    if (value !== undefined) out[key] = value
  }
  Object.assign(out, node.args.op === "record" ? withData(Object.entries(raw.with)) : argsData(node.args))
  if (kind.scopes !== undefined) Object.assign(out, ownBodies(p, node, kind.scopes))
  return out
}

/** Without a `lower`: arguments that no field carries stand under `with`. */
function plainRaw(kind: NodeKind, config: Rec, all: { readonly [name: string]: Expr }): RawNode {
  const isField = (name: string) => name === kind.kind || Object.hasOwn(kind.fields, name)
  const part = (field: boolean) => Object.fromEntries(Object.entries(all).filter(([name]) => isField(name) === field))
  return { config, args: part(true), with: part(false) }
}

function fieldData(spec: FieldSpec, value: Value | undefined, arg: Expr | undefined): Printed | undefined {
  if (spec.form === "text") return arg === undefined ? undefined : textData(arg)
  if (spec.form === "cel") return arg === undefined ? undefined : celData(arg)
  if (value === undefined) return undefined
  if (spec.form === "duration") return printDuration(Number(value))
  if (spec.form === "size") return printSize(Number(value))
  return flowing(plain(value))
}

function ownBodies(p: Printing, node: Node, { key, role }: NonNullable<NodeKind["scopes"]>): Fields {
  const declared = node.config[key]
  if (!isRecord(declared)) return {}
  const tools = Object.entries(declared).map(([name, tool]) => {
    const { about, input } = tool as { readonly about?: string; readonly input?: Type }
    const body = node.scopes[`${role}:${name}`]
    const fields = input?.kind === "record" ? fieldsData(input.fields, p.names) : {}
    return [
      name,
      {
        ...(about === undefined ? {} : { about }),
        ...(Object.keys(fields).length === 0 ? {} : { input: new Flow(fields) }),
        ...(body === undefined ? {} : { do: bodyData(p, body) }),
      },
    ] as const
  })
  return { [key]: Object.fromEntries(tools) }
}

/** Arguments by name, or one expression that gives them all. */
const argsData = (args: Expr): Fields =>
  args.op === "record"
    ? withData(args.fields)
    : { with: args.op === "const" ? `\${ ${printCel(args)} }` : printText(args) }

function withData(entries: readonly (readonly [string, Expr])[]): Fields {
  if (entries.length === 0) return {}
  return { with: Object.fromEntries(entries.map(([name, expr]) => [name, textData(expr)])) }
}

function settingsData(settings: Settings): Fields {
  const out: Fields = {}
  const { timeoutMs, retry, cacheMs, after, shadow, speculate, valid } = settings
  if (after !== undefined) out["after"] = after.length === 1 ? after[0]! : new Flow([...after])
  if (timeoutMs !== undefined) out["timeout"] = printDuration(timeoutMs)
  if (retry !== undefined) {
    const { times, delayMs, delayMsMax } = retry
    const usual = delayMs === RETRY_DELAY_MS && delayMsMax === RETRY_DELAY_MS_MAX
    out["retry"] = usual
      ? times
      : new Flow({ times, delay: printDuration(delayMs), delay_max: printDuration(delayMsMax) })
  }
  if (cacheMs !== undefined) out["cache"] = printDuration(cacheMs)
  if (shadow !== undefined) out["shadow"] = new Flow({ error: shareText(shadow.error) })
  if (speculate !== undefined) out["speculate"] = speculate
  if (valid !== undefined) out["valid"] = celText(valid)
  return out
}

/** In percent where that reads back as the same number. */
function shareText(share: number): string {
  const percent = Number((share * 100).toFixed(10))
  return percent / 100 === share ? `${percent}%` : String(share)
}

/** An expression where CEL stands: mappings and lists for records and lists, CEL for the rest. */
export function celData(expr: Expr): Printed {
  if (expr.op === "const") {
    const { value } = expr
    if (isPlainScalar(value)) return value
    if (isRecord(value) || Array.isArray(value)) return celData(spread(value))
    return printCel(expr)
  }
  if (expr.op === "list") return expr.items.map(celData)
  if (expr.op === "record" && isWritable(expr.fields))
    return Object.fromEntries(expr.fields.map(([key, part]) => [key, celData(part)]))
  return printCel(expr)
}

/** An expression where a mapping would mean a node: all of it in CEL. */
const celText = (expr: Expr): Printed => {
  const data = celData(expr)
  return typeof data === "object" && data !== null ? printCel(expr) : data
}

/** An expression where text stands: what is not text, a mapping or a list goes into `${ … }`. */
export function textData(expr: Expr): Printed {
  if (expr.op === "const") {
    const { value } = expr
    if (typeof value === "string") return LIKE_A_PATH.test(value) ? `\${ ${printCel(expr)} }` : printText(expr)
    if (isPlainScalar(value)) return value
    if (isRecord(value) || Array.isArray(value)) return textData(spread(value))
  }
  if (expr.op === "list") return expr.items.map(textData)
  if (expr.op === "record" && isWritable(expr.fields))
    return Object.fromEntries(expr.fields.map(([key, part]) => [key, textData(part)]))
  return printText(expr)
}

/** A text that might be taken for a forgotten insertion (G107) is inserted as a text. */
const LIKE_A_PATH = /^[a-z][a-z0-9_]*(?:\.[A-Za-z_]|\[[0-9])/

/** May the record stand as a mapping? Not where a key would be refused, or move: JavaScript puts whole numbers first. */
const isWritable = (fields: readonly (readonly [string, Expr])[]): boolean =>
  new Set(fields.map(([key]) => key)).size === fields.length &&
  !fields.some(([key]) => key === "__proto__" || /^(?:0|[1-9][0-9]*)$/.test(key))

/** Numbers that YAML and JSON hold exactly, and that no reader takes for a mistake. */
const isPlainScalar = (value: Value): value is null | boolean | number =>
  value === null || typeof value === "boolean" || (typeof value === "number" && isPlainNumber(value))
const isPlainNumber = (n: number): boolean =>
  Number.isFinite(n) && !Object.is(n, -0) && (!Number.isInteger(n) || Number.isSafeInteger(n))

/** Static settings are plain data already. */
const plain = (value: Value): Printed => value as Printed
const flowing = (data: Printed): Printed =>
  typeof data === "object" && data !== null && !(data instanceof Flow) ? new Flow(data as Flow["data"]) : data
