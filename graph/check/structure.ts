/**
 * The form of scopes: names that are names, used once, hiding nothing; bodies called by their roles. What identifies a
 * node in the trace is its path, so two nodes must never share one.
 */
import { isControl, NODE_NAME, type Node, RESERVED_NAMES, type Scope } from "../ir.ts"
import type { Names } from "./names.ts"
import type { NodeAt, Report } from "./report.ts"

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
  checkBody(report, scope, role, control)
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

/** A body is one node under its role's word, or has that word for a name. */
function checkBody(report: Report, scope: Scope, role: string | undefined, control: NodeAt | undefined): void {
  if (role === undefined || control === undefined) return
  const word = roleWord(role)
  const { name, nodes, output } = scope
  const refuse = (message: string) => report.error(report.ofNode(control, role), "G008", message)
  if (name !== undefined && name !== word) {
    refuse(`A body is called by its role, "${word}", found ${JSON.stringify(name)}.`)
  } else if (name === undefined && nodes.length > 1) {
    refuse(`A body of several nodes is called by its role, "${word}", and has no name.`)
  } else if (name === undefined && nodes.length === 1 && !(output.op === "ref" && output.name === word)) {
    refuse(`A body of one node gives what the node gives, "${word}".`)
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
