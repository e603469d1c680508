/**
 * The facts of one node: what it gives by itself, what `output:` states of that, and what `catch:` adds. Which file
 * knows a kind stands in `outcomeOf`.
 */
import type { NodeFacts } from "../checked.ts"
import { ERROR_TYPE } from "../failure.ts"
import { isControl } from "../ir.ts"
import { hasDefaults } from "../live.ts"
import { cuts } from "../looks.ts"
import { joinPath } from "../places.ts"
import { type Fits, subtype, T, type Type, unionOf } from "../type.ts"
import { TYPE_SIZE_MAX, typeSize } from "../type-size.ts"
import { argumentsFit } from "./arguments.ts"
import { checkGrants } from "./capabilities.ts"
import { choice, fold, loop, map, when } from "./control.ts"
import { type Outcome, PURE, type Surroundings, together } from "./doings.ts"
import { typeOfExpr } from "./expressions.ts"
import { mismatchText } from "./mismatch.ts"
import type { Names } from "./names.ts"
import type { NodeAt, Report } from "./report.ts"
import { secretsIn } from "./secrets.ts"
import { tool } from "./tools.ts"
import { undoFits } from "./undo.ts"
import { validFits } from "./valid.ts"

/** Facts of a node. A node that is broken gives `never`, which fits everywhere, so that it is reported once. */
export function factsOf(s: Surroundings, at: NodeAt, names: Names): NodeFacts {
  const { node } = at
  const { report } = s
  secretsIn(report, at)
  const outcome = outcomeOf(s, at, names)
  const declared = node.output
  const declaredFits =
    declared === undefined || !sized(report, at, declared)
      ? "yes"
      : declaredOutput(report, at, outcome.gives, declared, outcome.signature !== undefined)
  const type = declared ?? outcome.gives
  if (node.settings.valid !== undefined) validFits(report, at, node.settings.valid, type, outcome)
  const catcher = node.scopes["catch"]
  const caught = catcher === undefined ? undefined : s.body(catcher, names, at, "catch", [ERROR_TYPE])
  if (caught !== undefined && type.kind === "stream") {
    report.error(report.ofNode(at, "catch"), "G207", "A stream cannot be caught: its items are used before it fails.")
  }
  const undone = undoFits(s, at, type, outcome)
  const doings = together([
    outcome,
    ...(caught === undefined ? [] : [caught]),
    ...(undone === undefined ? [] : [undone]),
  ])
  checkGrants(s, at, doings.needs)
  return {
    type: caught === undefined ? type : unionOf([type, caught.type]),
    outcome: type,
    argType: outcome.argType,
    argFits: outcome.argFits,
    outFits: declaredFits,
    ...(outcome.signature === undefined ? {} : { signature: outcome.signature }),
    effect: doings.effect,
    touches: doings.touches,
    needs: doings.needs,
  }
}

function sized(report: Report, at: NodeAt, type: Type): boolean {
  const inner = type.kind === "stream" ? type.of : type
  if (typeSize(inner).stream) {
    const message = "A stream stands by itself: no list, record or stream holds one."
    report.error(report.ofNode(at, "output"), "G101", message, "Write a list.")
  }
  if (typeSize(type).size <= TYPE_SIZE_MAX) return true
  report.error(report.ofNode(at, "output"), "G006", `The type unfolds to more than ${TYPE_SIZE_MAX} parts.`)
  return false
}

/** A tool's answer is looked at when it comes; what an expression gives is known here. */
function declaredOutput(report: Report, at: NodeAt, gives: Type, declared: Type, tool: boolean): Fits {
  const spot = report.ofNode(at, "output")
  const fits = subtype(gives, declared)
  if (gives.kind === "stream" && !tool && (fits !== "yes" || cuts(gives, declared) || hasDefaults(declared))) {
    const message = `The items of ${at.node.name} are looked at where they are made, one by one.`
    report.error(spot, "G101", message, "Declare `output:` on the body.")
    return "no"
  }
  if (fits === "no") report.error(spot, "G101", mismatchText(at.node.name, gives, declared))
  else if (fits === "check" && report.strict && !tool)
    report.warn(spot, "G108", mismatchText(at.node.name, gives, declared, "check"))
  return fits === "yes" && cuts(gives, declared) ? "check" : fits
}

function outcomeOf(s: Surroundings, at: NodeAt, names: Names): Outcome {
  const { node } = at
  if (s.report.isBroken(node)) {
    s.report.broken = true
    return { ...PURE, argType: T.never, argFits: "yes", gives: T.never }
  }
  if (!isControl(node.kind)) return tool(s, at, names)
  const spot = () => s.report.ofNode(at, node.kind)
  const argType = typeOfExpr(s.report, node.args, names, spot)
  switch (node.kind) {
    case "expr":
      return { ...PURE, argType, argFits: "yes", gives: argType }
    case "graph":
      return subgraph(s, at, argType)
    case "when":
      return when(s, at, names, argType)
    case "switch":
      return choice(s, at, names, argType)
    case "map":
      return map(s, at, names, argType)
    case "fold":
      return fold(s, at, names, argType)
    case "loop":
      return loop(s, at, names, argType)
  }
}

function subgraph(s: Surroundings, at: NodeAt, argType: Type): Outcome {
  const { node, path } = at
  const { report } = s
  if (node.graph === undefined) {
    // A file that cannot be read has been reported where it is named.
    if (!report.isFrom(node)) report.error(report.ofNode(at), "G206", "The node names no subgraph.")
    report.broken = true
    return { ...PURE, argType, argFits: "yes", gives: T.never }
  }
  const facts = s.graph(node.graph, joinPath(path, "graph"))
  if (node.graph.onFailure !== undefined && s.onFailure === undefined) {
    const message = `${node.graph.name} says \`on_failure\`, which is asked of the graph that is run, and not of one inside it.`
    report.warn(report.ofNode(at), "G207", message, "Say on_failure: undo here too, where it is to hold.")
  }
  s.declared.take(facts.resources, at)
  const argFits = argumentsFit(s, at, node.args, argType, node.graph.input, `The graph ${node.graph.name}`)
  return { ...facts, argType, argFits, gives: facts.output }
}
