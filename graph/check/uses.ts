/**
 * Who uses what a node gives: a read that nobody uses is a warning, since it runs all the same; a stream is used once, by
 * a `map` or `fold` of its own scope; a text that is a path in disguise was meant to be inserted.
 */
import type { NodeFacts } from "../checked.ts"
import { type Expr, freeNames, parts } from "../expr.ts"
import { infer } from "../infer.ts"
import type { Node, Scope } from "../ir.ts"
import type { Names } from "./names.ts"
import type { FreeNames } from "./order.ts"
import type { NodeAt, Report } from "./report.ts"

export function checkUses(
  report: Report,
  scope: Scope,
  facts: ReadonlyMap<Node, NodeFacts>,
  free: FreeNames,
  at: (node: Node) => NodeAt,
  single: boolean,
  names: Names,
): void {
  for (const node of scope.nodes) pathsAsText(report, node.args, names, node.name)
  if (single) {
    const [node] = scope.nodes
    if (node !== undefined && facts.get(node)?.type.kind === "stream") {
      report.error(
        report.ofNode(at(node)),
        "G101",
        "A body cannot give a stream; only `map` and `fold` take one.",
        "Fold it into a value.",
      )
    }
    return
  }
  const used = new Set(freeNames(scope.output))
  for (const node of scope.nodes) {
    for (const name of free.ofNode(node)) used.add(name)
    for (const name of node.settings.after ?? []) used.add(name)
  }
  const streams = new Map<string, Node>()
  for (const node of scope.nodes) {
    const known = facts.get(node)
    if (known === undefined) continue
    if (known.type.kind === "stream") streams.set(node.name, node)
    if (known.effect !== "read" || used.has(node.name) || known.type.kind === "never") continue
    const fix = "Use it, or take the node out."
    report.warn(
      report.ofNode(at(node)),
      "G303",
      `Nothing uses what "${node.name}" reads, and it will run all the same.`,
      fix,
    )
  }
  if (streams.size > 0) streamUses(report, scope, streams, free, at)
}

/** A stream goes to one `map` or `fold` of its scope, whole, and nowhere else. */
function streamUses(
  report: Report,
  scope: Scope,
  streams: ReadonlyMap<string, Node>,
  free: FreeNames,
  at: (node: Node) => NodeAt,
): void {
  const taken = new Map<string, Node>()
  const refuse = (spot: ReturnType<Report["ofNode"]>, name: string) =>
    report.error(
      spot,
      "G101",
      `"${name}" is a stream: only \`map\` and \`fold\` of the same scope take it, whole.`,
      "Fold it into a value.",
    )
  for (const node of scope.nodes) {
    const over = overOf(node)
    for (const name of free.ofNode(node)) {
      if (!streams.has(name)) continue
      const before = taken.get(name)
      if (over?.op !== "ref" || over.name !== name || usesElsewhere(node, name, over, free)) {
        refuse(report.ofNode(at(node), node.kind), name)
      } else if (before !== undefined) {
        const message = `The stream "${name}" is taken twice: by "${before.name}" and by "${node.name}". Its items come once.`
        report.error(report.ofNode(at(node), node.kind), "G101", message, "Make both of it in one `map` or `fold`.")
      } else taken.set(name, node)
    }
  }
  for (const name of freeNames(scope.output))
    if (streams.has(name)) refuse(report.spot(scope, "output", "output"), name)
}

/** What a `map` or `fold` goes over. */
function overOf(node: Node): Expr | undefined {
  if (node.kind === "map") return node.args
  if (node.kind !== "fold" || node.args.op !== "record") return undefined
  return node.args.fields.find(([name]) => name === "over")?.[1]
}

function usesElsewhere(node: Node, name: string, over: Expr, free: FreeNames): boolean {
  for (const scope of Object.values(node.scopes)) if (free.ofScope(scope).has(name)) return true
  const rest = node.args === over ? [] : parts(node.args).filter((part) => part !== over)
  return rest.some((part) => freeNames(part).has(name))
}

const PATH = /^[a-z][a-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*|\[[0-9]+\])+$/

/**
 * Plain text under `with:` and the like that resolves as a path was almost certainly meant to be inserted. Not so where
 * it begins with the node's own name, which cannot stand there: `depots` reads `depots.json`.
 */
function pathsAsText(report: Report, expr: Expr, names: Names, own: string): void {
  const { places } = report
  if (places === undefined) return
  if (expr.op === "record" || expr.op === "list") {
    for (const part of parts(expr)) pathsAsText(report, part, names, own)
    return
  }
  if (expr.op !== "const" || typeof expr.value !== "string" || !PATH.test(expr.value)) return
  const mark = places.exprMark(expr)
  if (mark?.plainText !== true) return
  const path = pathExpr(expr.value)
  if (path === undefined || path.name === own || !names.has(path.name)) return
  const { problems, checks, type } = infer(path.expr, names)
  if (problems.length > 0 || checks.length > 0 || type.kind === "never") return
  const text = expr.value
  report.error(
    report.ofExpr(expr, () => ({ path: mark.path })),
    "G107",
    `This is the text "${text}", and ${text} is also a value here.`,
    `Write \${ ${text} } for the value, \${ "${text}" } for the text.`,
  )
}

function pathExpr(text: string): { readonly expr: Expr; readonly name: string } | undefined {
  const [name, ...steps] = text.split(/\.|\[([0-9]+)\]/).filter((step) => step !== undefined && step !== "")
  if (name === undefined) return undefined
  let expr: Expr = { op: "ref", name }
  for (const step of steps) {
    expr = /^[0-9]+$/.test(step)
      ? { op: "index", of: expr, at: { op: "const", value: Number(step) } }
      : { op: "field", of: expr, name: step }
  }
  return { expr, name }
}
