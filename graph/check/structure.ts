/**
 * What must hold before a graph may be walked at all: bounded nesting, bounded size, names that are names. A file cannot
 * break the first two (the reader stops earlier); a graph built by a program can, by circles of objects even.
 */
import { type Graph, isControl, NESTING_MAX, NODE_NAME, type Node, RESERVED_NAMES, type Scope } from "../ir.ts"
import type { Names } from "./names.ts"
import type { NodeAt, Report } from "./report.ts"

/** Nodes of a graph when every subgraph is counted where it is used. */
export const NODES_MAX = 1_000_000

/**
 * Nesting of scopes and subgraphs, from the deepest inward; undefined when it is too deep, or goes round in a circle.
 * Subgraphs are measured once.
 */
export function nestingOf(graph: Graph): number | undefined {
  const known = new Map<Graph, number | undefined>()
  const open = new Set<Graph>()
  const ofGraph = (graph: Graph, room: number): number | undefined => {
    if (open.has(graph) || room <= 0) return undefined
    if (known.has(graph)) return known.get(graph)
    open.add(graph)
    const depth = ofScope(graph.body, room - 1)
    open.delete(graph)
    known.set(graph, depth)
    return depth
  }
  const ofScope = (scope: Scope, room: number): number | undefined => {
    if (room < 0) return undefined
    let deepest = 0
    for (const node of scope.nodes) {
      for (const inner of Object.values(node.scopes)) {
        const depth = ofScope(inner, room - 1)
        if (depth === undefined) return undefined
        deepest = Math.max(deepest, depth)
      }
      if (node.graph !== undefined) {
        const depth = ofGraph(node.graph, room)
        if (depth === undefined) return undefined
        deepest = Math.max(deepest, depth)
      }
    }
    return deepest + 1
  }
  // A graph that is a subgraph elsewhere may be at any level: each is measured with the whole room, and the sum counts.
  const depth = ofGraph(graph, 2 * NESTING_MAX)
  return depth === undefined || depth > NESTING_MAX + 2 ? undefined : depth
}

/** The word of a role: `EUR` of `case:EUR`. A body that is one node calls it so. */
export const roleWord = (role: string): string => role.slice(role.indexOf(":") + 1)

/** Names that bodies give their only node; an author's node of that name would hide behind them. */
const ROLE_WORDS: ReadonlySet<string> = new Set(["do", "then", "else", "catch", "while", "cases"])

/** Does the scope hold one node under its role's word, and give what it gives? */
export const isSingle = (scope: Scope, role: string | undefined): boolean =>
  role !== undefined && scope.name === undefined && scope.nodes.length === 1

/** Checks the names that a scope adds: its own form, no second use, no hiding of a name around it. */
export function checkNames(
  report: Report,
  scope: Scope,
  names: Names,
  role: string | undefined,
  control: NodeAt | undefined,
  at: (node: Node) => NodeAt,
): void {
  const seen = new Set<string>()
  scope.params.forEach((param, i) => {
    if (control === undefined) return
    const spot = report.ofNode(control, paramKey(control.node.kind, role ?? "", i))
    const wrong = param === "error" && role === "catch" ? undefined : nameProblem(param)
    if (wrong !== undefined) report.error(spot, "G004", `The variable ${JSON.stringify(param)} ${wrong}`)
    else if (seen.has(param))
      report.error(spot, "G003", `Two variables of one body are called "${param}".`, "Give one of them another name.")
    else if (names.has(param))
      report.error(
        spot,
        "G003",
        `The variable "${param}" hides the name "${param}" around it.`,
        "Choose another name with `as:`, `into:` or `index:`.",
      )
    seen.add(param)
  })
  if (isSingle(scope, role)) {
    const node = scope.nodes[0]!
    const word = roleWord(role!)
    if (node.name !== word) {
      report.error(
        report.ofNode(at(node)),
        "G004",
        `The only node of a body is called by its role, "${word}", found ${JSON.stringify(node.name)}.`,
      )
    } else if (!ROLE_WORDS.has(word) && names.has(word)) {
      report.error(
        report.ofNode(at(node)),
        "G003",
        `The body "${word}" has the name of something around it.`,
        "Rename the other one.",
      )
    }
    return
  }
  for (const node of scope.nodes) {
    const spot = () => report.ofNode(at(node))
    const wrong = nameProblem(node.name)
    if (wrong !== undefined)
      report.error(spot(), "G004", `The node name ${JSON.stringify(node.name)} ${wrong}`, suggestion(node.name))
    else if (seen.has(node.name))
      report.error(spot(), "G003", `Two nodes are called "${node.name}".`, "Give one of them another name.")
    else if (names.has(node.name))
      report.error(
        spot(),
        "G003",
        `The node "${node.name}" hides the name "${node.name}" around it.`,
        "Give it another name.",
      )
    seen.add(node.name)
  }
}

function nameProblem(name: string): string | undefined {
  if (RESERVED_NAMES.has(name)) return "is reserved."
  if (ROLE_WORDS.has(name)) return "is reserved: bodies are called so."
  if (!NODE_NAME.test(name)) return "is not of the form [a-z][a-z0-9_]*."
  return name.length > NAME_LENGTH_MAX ? `has more than ${NAME_LENGTH_MAX} characters.` : undefined
}
const NAME_LENGTH_MAX = 128

/** A name near the one written that would do. */
function suggestion(name: string): string | undefined {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[_0-9]+|_+$/g, "")
  return words !== name && nameProblem(words) === undefined ? `Write ${words}.` : undefined
}

/** The key of a control node that names its body's variable. */
function paramKey(kind: string, role: string, i: number): string {
  if (role === "catch") return "catch"
  if (!isControl(kind)) return ""
  return (
    ({ map: ["as", "index"], fold: ["into", "as", "index"], loop: ["as", "index"] } as Record<string, string[]>)[
      kind
    ]?.[i] ?? role
  )
}
