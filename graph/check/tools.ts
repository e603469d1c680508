/**
 * Nodes of registered kinds: what the registration says of them, held against what the graph says. Effect, resource and
 * capabilities come from here, never from the graph.
 */
import { nearest } from "../near.ts"
import type { Signature, SignatureProblem } from "../node.ts"
import { T, type Type } from "../type.ts"
import type { Rec } from "../value.ts"
import { argumentsFit, fieldType } from "./arguments.ts"
import { checkSigned } from "./capabilities.ts"
import { type BodyFacts, type Doings, type Outcome, PURE, type Surroundings, together } from "./doings.ts"
import { fit, typeOfExpr } from "./expressions.ts"
import type { Names } from "./names.ts"
import type { NodeAt, Report } from "./report.ts"

export function tool(s: Surroundings, at: NodeAt, names: Names): Outcome {
  const { node } = at
  const { report } = s
  const argType = typeOfExpr(report, node.args, names, () => report.ofNode(at, node.kind))
  const kind = s.registry.get(node.kind)
  if (kind === undefined) {
    const known = [...s.registry.keys()]
    const near = nearest(node.kind, known)
    report.error(
      report.ofNode(at),
      "G201",
      `There is no node kind "${node.kind}".`,
      near === undefined ? undefined : `Write ${near}.`,
    )
    return { ...PURE, argType, argFits: "yes", gives: node.output ?? T.never }
  }
  const bodies = ownBodies(s, at, names, kind.scopes)
  if (report.places?.isHalf(node) === true) {
    report.broken = true
    return { ...together(bodies), argType, argFits: "yes", gives: node.output ?? T.never }
  }
  // Its arguments are not read where one of them is broken: whoever signs could only repeat that.
  const args = Object.fromEntries(node.args.op === "record" ? node.args.fields : [])
  const signed = kind.sign({
    name: node.name,
    config: node.config as Rec,
    args,
    ...(node.output === undefined ? {} : { output: node.output }),
    settings: node.settings,
    resources: s.resources,
    pin: s.pin,
  })
  if (isProblems(signed)) {
    reportSigned(report, at, signed)
    return { ...together(bodies), argType, argFits: "yes", gives: node.output ?? T.never }
  }
  const fields = { ...kind.fields, [kind.kind]: kind.main }
  for (const [name, spec] of Object.entries(fields)) {
    const expr = Object.hasOwn(args, name) ? args[name] : undefined
    if (signed.input?.kind === "record" && Object.hasOwn(signed.input.fields, name)) continue
    if (spec.type === undefined || expr === undefined || (spec.form !== "text" && spec.form !== "cel")) continue
    fit(report, `\`${name}\``, expr, fieldType(argType, name), spec.type, () => report.ofNode(at, name))
  }
  if (signed.effect !== "pure" && signed.resource === null) {
    const message = `The kind ${node.kind} says that it ${signed.effect}s, and not what: its signature has no resource.`
    report.error(report.ofNode(at), "G207", message, "Name the server, database, host or folder as `resource`.")
  }
  checkSigned(report, s.schemes, at, signed)
  const gives = signed.output as Type | undefined
  if (gives === undefined && (node.output ?? T.unknown).kind === "unknown") {
    const message = `Nothing says what the ${node.kind} node gives, so nothing could validate its answer.`
    report.error(report.ofNode(at), "G205", message, "Declare `output:`.")
  }
  settingsFit(report, at, signed, gives ?? T.unknown)
  const who = `The ${kind.kind} node ${node.name}`
  const argFits =
    signed.input === undefined ? "yes" : argumentsFit(s, at, node.args, argType, signed.input, who, fields)
  const own: Doings = {
    effect: signed.effect,
    touches: signed.resource === null ? [] : [{ resource: signed.resource, write: signed.effect === "write" }],
    needs: [...new Set(signed.needs)].sort(),
  }
  return { ...together([own, ...bodies]), argType, argFits, gives: gives ?? T.unknown, signature: signed }
}

const isProblems = (x: object): x is readonly SignatureProblem[] => Array.isArray(x)

function reportSigned(report: Report, at: NodeAt, problems: readonly SignatureProblem[]): void {
  // A kind that gives no signature has refused the node, whatever it calls its reasons.
  const refused = problems.some((p) => p.severity !== "warning")
  for (const { code, key, message, fix, severity } of problems) {
    const spot = report.ofNode(at, key)
    if (severity === "warning" && refused) report.warn(spot, code, message, fix)
    else report.error(spot, code, message, fix)
  }
  if (problems.length === 0)
    report.error(report.ofNode(at), "G207", `The ${at.node.kind} node was refused without a reason.`)
}

/** Bodies that the kind calls by name: their variables have the types that the declared input says. */
function ownBodies(
  s: Surroundings,
  at: NodeAt,
  names: Names,
  declared: { readonly key: string; readonly role: string } | undefined,
): readonly BodyFacts[] {
  if (declared === undefined) return []
  const { node } = at
  const tools = node.config[declared.key] as { readonly [name: string]: { readonly input?: Type } } | undefined
  const bodies: BodyFacts[] = []
  for (const [role, scope] of Object.entries(node.scopes)) {
    if (!role.startsWith(`${declared.role}:`)) continue
    const input = tools?.[role.slice(declared.role.length + 1)]?.input
    const types = scope.params.map((param) => (input === undefined ? T.unknown : fieldType(input, param)))
    bodies.push(s.body(scope, names, at, role, types))
  }
  return bodies
}

/** Settings that do not go with what the node does. */
function settingsFit(report: Report, at: NodeAt, signature: Signature, output: Type): void {
  const { settings } = at.node
  const refuse = (key: string, message: string, fix?: string) =>
    report.error(report.ofNode(at, key), "G207", message, fix)
  if (signature.effect === "write") {
    if (settings.cacheMs !== undefined)
      refuse("cache", "A write cannot be cached: it would not happen.", "Leave `cache:` out.")
    if (settings.speculate)
      refuse(
        "speculate",
        "A write cannot run on a guess: it waits until its arguments are certain.",
        "Leave `speculate:` out.",
      )
  }
  if (signature.waits === true && settings.speculate)
    refuse(
      "speculate",
      "A question or a wait cannot run on a guess: it is for when its arguments are certain.",
      "Leave `speculate:` out.",
    )
  if (settings.timeoutMs !== undefined && signature.async === false) {
    refuse(
      "timeout",
      "The node runs synchronously, so nothing can stop it when its time is over.",
      "Leave `timeout:` out.",
    )
  }
  if (output.kind === "stream" && settings.cacheMs !== undefined) refuse("cache", "A stream cannot be cached.")
}
