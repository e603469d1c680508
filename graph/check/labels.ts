/**
 * Flows that the policy refuses, as problems: which words reach which argument, by which way, by which line of the policy,
 * and what to do about it. Asked only of graphs in which some argument is a sink.
 */
import type { Expr } from "../expr.ts"
import { type GraphFlow, type GraphLabels, type Labelled, labelsOf } from "../labels/graph.ts"
import { allowingLine, flowText, type Policy, type Refused, refusedOrigins, refusingLines } from "../labels/policy.ts"
import type { Registry } from "../node.ts"
import type { Spot } from "../places.ts"
import type { Report } from "./report.ts"

export function checkFlows(report: Report, checked: Labelled, registry: Registry, policy: Policy): void {
  if (policy.rules.length === 0) return
  const sinks = [...checked.nodes.values()].some((facts) => Object.keys(facts.signature?.sinks ?? {}).length > 0)
  if (!sinks) return
  const labels = labelsOf(checked)
  for (const flow of labels.flows) {
    const refused = refusedOrigins(policy, flow, labels.origins)
    if (refused.length > 0) refuse(report, registry, labels, flow, refused)
  }
}

function refuse(
  report: Report,
  registry: Registry,
  labels: GraphLabels,
  flow: GraphFlow,
  refused: readonly Refused[],
): void {
  const inside = (port: string) => port.slice(port.indexOf(".") + 1)
  // The longest way tells most: it begins where the others only pass.
  const ways = refused.map(({ bit }) => labels.way(flow, bit)).sort((a, b) => b.length - a.length)
  const way = [...ways[0]!.map(inside), `${inside(flow.at)}.${flow.arg}`].join(" → ")
  const message = `${flowText(refused, flow.sort)}: ${way}. The policy says: ${refusingLines(refused)}.`
  const fix = `Let a person confirm it (\`ask:\` with \`confirm:\`), or use a number or words of your own. To allow it: --policy "${allowingLine(flow, refused)}".`
  report.error(spotOf(report, registry, flow, refused[0]!), "G305", message, fix)
}

/** The part of the argument that carries it, where that was written by itself. */
function spotOf(report: Report, registry: Registry, flow: GraphFlow, { bit, rule }: Refused): Spot {
  const { node, arg, at } = flow
  const carries = (e: Expr) => ((rule.text ? flow.labelOf(e).text : flow.labelOf(e).any) & bit) !== 0n
  const part = report.pieces(flow.expr).find(carries) ?? flow.expr
  const kind = registry.get(node.kind)
  const own = kind !== undefined && Object.hasOwn(kind.fields, arg)
  const key = own ? arg : kind?.takesWith ? `with.${arg}` : node.kind
  return report.ofExpr(part, () => report.spot(node, `nodes.${at.slice(at.indexOf(".") + 1)}`, key))
}
