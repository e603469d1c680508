/** A checked graph as a picture: a box for each node, a link for each value that flows, bodies inside their nodes. */

import {
  type CheckedGraph,
  type Expr,
  freeNames,
  type Graph,
  isControl,
  type Node,
  printCel,
  printDuration,
  printType,
  type Scope,
} from "../../graph/mod.ts"
import { type Box, clip, type Link, type Picture, type Tone } from "./picture.ts"

const TEXT_MAX = 34
const INPUT = "input"
const OUTPUT = "output"

export function pictureOfGraph(checked: CheckedGraph): Picture {
  return wholeGraph(checked, checked.graph)
}

/** A graph with its input and output as boxes of their own. */
function wholeGraph(checked: CheckedGraph, graph: Graph): Picture {
  const { boxes, links } = pictureOfScope(checked, graph.body, [INPUT])
  const facts = checked.graphs.get(graph)
  const fields = Object.entries(graph.input.fields).map(([name, f]) => clip(`${name} ${printType(f.type)}`, TEXT_MAX))
  const shown = fields.length > 6 ? [...fields.slice(0, 5), `and ${fields.length - 5} more`] : fields
  const input: Box = { id: INPUT, title: "input", lines: shown, tone: "input", inner: [] }
  const output: Box = {
    id: OUTPUT,
    title: "output",
    lines: facts === undefined ? [] : [clip(printType(facts.output), TEXT_MAX)],
    tone: "output",
    inner: [],
  }
  const uses = freeNames(graph.body.output)
  const ends = [...uses].filter((name) => name === INPUT || boxes.some((b) => b.id === name))
  const used = links.some((l) => l.from === INPUT) || uses.has(INPUT)
  return {
    boxes: [...(used ? [input] : []), ...boxes, output],
    links: [...links, ...ends.map((from) => ({ from, to: OUTPUT, orderOnly: false }))],
  }
}

/** The nodes of a scope. `outside` are boxes around it that links may begin at. */
function pictureOfScope(checked: CheckedGraph, scope: Scope, outside: readonly string[]): Picture {
  const here = new Set([...outside, ...scope.nodes.map((n) => n.name)])
  const links: Link[] = []
  for (const node of scope.nodes) {
    const data = [...namesUsed(node)].filter((name) => here.has(name) && name !== node.name)
    for (const from of data) links.push({ from, to: node.name, orderOnly: false })
    for (const from of node.settings.after ?? []) {
      if (here.has(from) && !data.includes(from)) links.push({ from, to: node.name, orderOnly: true })
    }
  }
  return { boxes: scope.nodes.map((node) => boxOf(checked, node)), links }
}

function boxOf(checked: CheckedGraph, node: Node): Box {
  const facts = checked.nodes.get(node)!
  const tone: Tone = facts.effect
  const inner = Object.entries(node.scopes)
    // What only looks at its variables is said in the box's own words.
    .filter(([role, scope]) => role !== "while" && !isOneExpr(scope))
    .map(([role, scope]) => ({ label: labelOf(role), picture: pictureOfScope(checked, scope, []) }))
  if (node.graph !== undefined) inner.push({ label: node.graph.name, picture: wholeGraph(checked, node.graph) })
  return { id: node.name, title: node.name, lines: linesOf(checked, node), tone, inner }
}

const isOneExpr = (scope: Scope): boolean =>
  scope.nodes.length === 0 || (scope.nodes.length === 1 && scope.nodes[0]!.kind === "expr" && scope.name === undefined)

const labelOf = (role: string): string => role.replace(/^(case|tool):/, "")

function linesOf(checked: CheckedGraph, node: Node): readonly string[] {
  const { signature, outcome } = checked.nodes.get(node)!
  const settings = settingsWords(node)
  if (signature !== undefined) {
    const place = signature.resource === null ? "" : signature.resource.slice(signature.resource.indexOf(":") + 1)
    const tool = toolWord(node)
    return [
      clip(`${node.kind} ${tool || (place === node.kind ? "" : place)}`, TEXT_MAX),
      ...(settings === "" ? [] : [clip(settings, TEXT_MAX)]),
      clip(printType(outcome), TEXT_MAX),
    ]
  }
  const own = [clip(controlWords(node), TEXT_MAX), ...bodyWords(node)]
  return settings === "" ? own : [...own, clip(settings, TEXT_MAX)]
}

/** `read_text_file` of an MCP tool, the method of a request: what the resource alone does not say. */
function toolWord({ kind, config }: Node): string {
  if (kind === "mcp") return String(config["mcp"] ?? "")
  if (kind === "fn") return String(config["code"] ?? "").replace(/^inline:/, "")
  return ""
}

function controlWords(node: Node): string {
  switch (node.kind) {
    case "map": {
      const parallel = node.config["parallel"]
      return `map ${printExpr(node.args)}${typeof parallel === "number" ? ` ×${parallel}` : ""}`
    }
    case "fold":
      return `fold ${node.args.op === "record" ? printExpr(fieldOf(node.args, "over")) : ""}`
    case "loop":
      return `loop while ${node.scopes["while"] === undefined ? "" : printExpr(node.scopes["while"].output)}`
    case "graph":
      return `graph ${node.graph?.name ?? ""}`
    case "expr":
      return printExpr(node.args)
    default:
      return isControl(node.kind) ? `${node.kind} ${printExpr(node.args)}` : node.kind
  }
}

/** Bodies of one expression: `then 0`, `do line.weight * 2`. */
function bodyWords(node: Node): readonly string[] {
  return Object.entries(node.scopes)
    .filter(([role, scope]) => role !== "while" && isOneExpr(scope))
    .map(([role, scope]) => clip(`${labelOf(role)}: ${printExpr(scope.nodes[0]?.args ?? scope.output)}`, TEXT_MAX))
}

function settingsWords({ settings }: Node): string {
  const words: string[] = []
  if (settings.retry !== undefined) words.push(`retry ${settings.retry.times}`)
  if (settings.timeoutMs !== undefined) words.push(`timeout ${printDuration(settings.timeoutMs)}`)
  if (settings.cacheMs !== undefined) words.push(`cache ${printDuration(settings.cacheMs)}`)
  return words.join(", ")
}

const fieldOf = (e: Extract<Expr, { op: "record" }>, name: string): Expr =>
  e.fields.find(([field]) => field === name)?.[1] ?? e

/** As CEL; of a record only what is in it. */
function printExpr(e: Expr): string {
  if (e.op === "record" && e.fields.length > 0) return `{ ${e.fields.map(([name]) => name).join(", ")} }`
  try {
    return printCel(e)
  } catch {
    return "…"
  }
}

/** Names that a node and its bodies take from around it. */
function namesUsed(node: Node): ReadonlySet<string> {
  const names = freeNames(node.args)
  for (const scope of Object.values(node.scopes)) for (const name of namesUsedInside(scope)) names.add(name)
  return names
}

function namesUsedInside(scope: Scope): ReadonlySet<string> {
  const names = freeNames(scope.output)
  for (const node of scope.nodes) for (const name of namesUsed(node)) names.add(name)
  for (const name of [...scope.params, ...scope.nodes.map((n) => n.name)]) names.delete(name)
  return names
}
