/**
 * What each node gives and does: control nodes by the language, all others by their registration. One function for each
 * kind; each returns the facts that the scope around it goes on from.
 */
import type { NodeFacts, Touch } from "../checked.ts"
import type { Expr } from "../expr.ts"
import { ERROR_TYPE } from "../failure.ts"
import { type Effect, type Graph, isControl, LOOP_MAX, type Scope } from "../ir.ts"
import { nearest } from "../near.ts"
import type { NodeView, Registry, Signature, SignatureProblem } from "../node.ts"
import { joinPath } from "../places.ts"
import { type Fits, subtype, T, type Type, unionOf } from "../type.ts"
import { TYPE_SIZE_MAX, typeSize } from "../type-size.ts"
import type { Rec } from "../value.ts"
import { fit, typeOfExpr } from "./expressions.ts"
import { mismatchText, shortType } from "./mismatch.ts"
import type { Names } from "./names.ts"
import type { NodeAt, Report } from "./report.ts"
import { secretsIn } from "./secrets.ts"

/** What a body does beside giving a value. */
export interface Doings {
  readonly effect: Effect
  readonly touches: readonly Touch[]
  readonly needs: readonly string[]
}
export interface BodyFacts extends Doings {
  readonly type: Type
}
export interface SubgraphFacts extends Doings {
  readonly output: Type
}

/** What the node checks need of the whole: bodies and subgraphs are checked by `check.ts`. */
export interface Surroundings {
  readonly report: Report
  readonly registry: Registry
  readonly pin: NodeView["pin"]
  readonly resources: Graph["resources"]
  readonly body: (scope: Scope, names: Names, at: NodeAt, role: string, params: readonly Type[]) => BodyFacts
  readonly graph: (graph: Graph, path: string) => SubgraphFacts
  /** Runs a check whose problems are not kept: a first look at a body whose variable has no type yet. */
  readonly trial: <A>(run: () => A) => A
  /** False when the checks of bodies within bodies have become too many to look twice. */
  readonly mayLookAgain: () => boolean
}

const PURE: Doings = { effect: "pure", touches: [], needs: [] }

interface Outcome extends Doings {
  readonly argType: Type
  readonly argFits: Fits
  /** What the node gives by itself, before `output:` and `catch:`. */
  readonly gives: Type
  readonly signature?: Signature
}

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
  const catcher = node.scopes["catch"]
  const caught = catcher === undefined ? undefined : s.body(catcher, names, at, "catch", [ERROR_TYPE])
  if (caught !== undefined && type.kind === "stream") {
    report.error(report.ofNode(at, "catch"), "G207", "A stream cannot be caught: its items are used before it fails.")
  }
  const doings = caught === undefined ? outcome : together([outcome, caught])
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
  if (typeSize(type).size <= TYPE_SIZE_MAX) return true
  report.error(report.ofNode(at, "output"), "G006", `The type unfolds to more than ${TYPE_SIZE_MAX} parts.`)
  return false
}

/** A tool's answer is looked at when it comes; what an expression gives is known here. */
function declaredOutput(report: Report, at: NodeAt, gives: Type, declared: Type, tool: boolean): Fits {
  const spot = report.ofNode(at, "output")
  const fits = subtype(gives, declared)
  if (fits === "no") report.error(spot, "G101", mismatchText(at.node.name, gives, declared))
  else if (fits === "check" && report.strict && !tool)
    report.warn(spot, "G108", mismatchText(at.node.name, gives, declared, "check"))
  return fits
}

function outcomeOf(s: Surroundings, at: NodeAt, names: Names): Outcome {
  const { node } = at
  if (s.report.isBroken(node)) {
    s.report.broken = true
    return { ...PURE, argType: T.never, argFits: "yes", gives: T.never }
  }
  if (!isControl(node.kind)) return tool(s, at, names)
  const spot = s.report.ofNode(at, node.kind)
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

/** A body that must be there; the reader has said so where a file lacks it. */
function bodyAt(s: Surroundings, at: NodeAt, names: Names, role: string, params: readonly Type[]): BodyFacts {
  const scope = at.node.scopes[role]
  if (scope !== undefined) return s.body(scope, names, at, role, params)
  s.report.error(s.report.ofNode(at), "G005", `The ${at.node.kind} node has no \`${role}\`.`)
  return { ...PURE, type: T.never }
}

function when(s: Surroundings, at: NodeAt, names: Names, argType: Type): Outcome {
  const spot = s.report.ofNode(at, "when")
  const argFits = fit(s.report, "The condition", at.node.args, argType, T.boolean, spot)
  const sides = [bodyAt(s, at, names, "then", []), bodyAt(s, at, names, "else", [])]
  return { ...together(sides), argType, argFits, gives: unionOf(sides.map((side) => side.type)) }
}

function choice(s: Surroundings, at: NodeAt, names: Names, argType: Type): Outcome {
  const { node } = at
  const { report } = s
  const spot = report.ofNode(at, "switch")
  const argFits = fit(report, "The word", node.args, argType, T.string, spot)
  const words = Object.keys(node.scopes)
    .filter((role) => role.startsWith("case:"))
    .map((role) => role.slice(5))
  if (words.length === 0) report.error(report.ofNode(at, "cases"), "G005", "A switch needs at least one case.")
  if (argType.kind === "enum") {
    for (const word of words) {
      if (argType.values.includes(word)) continue
      const near = nearest(word, argType.values)
      const message = `The case "${word}" never runs: the word is ${shortType(argType)}.`
      report.error(
        report.ofNode(at, `cases.${word}`),
        "G105",
        message,
        near === undefined ? undefined : `Write ${near}.`,
      )
    }
    const missing = argType.values.filter((word) => !words.includes(word))
    if (missing.length > 0 && node.scopes["else"] === undefined) {
      report.error(
        report.ofNode(at, "cases"),
        "G005",
        `No case for ${missing.join(", ")}.`,
        "Add the case, or `else:` for all others.",
      )
    }
  } else if (node.scopes["else"] === undefined && argType.kind !== "never") {
    const message = `The word is ${shortType(argType)}, so the cases cannot cover it.`
    report.error(report.ofNode(at, "cases"), "G005", message, "Add `else:` for all other words.")
  }
  const roles = Object.keys(node.scopes).filter((role) => role.startsWith("case:") || role === "else")
  const bodies = roles.map((role) => bodyAt(s, at, names, role, []))
  return { ...together(bodies), argType, argFits, gives: unionOf(bodies.map((body) => body.type)) }
}

/** The items of what a `map` or `fold` goes over. A stream's items come one by one; the result is a list all the same. */
function itemsOf(s: Surroundings, at: NodeAt, over: Expr | undefined, type: Type): { item: Type; fits: Fits } {
  const members = type.kind === "union" ? type.of : [type]
  const items = members.flatMap((t) => (t.kind === "list" || t.kind === "stream" ? [t.of] : []))
  if (type.kind === "never") return { item: T.never, fits: "yes" }
  if (type.kind === "unknown")
    return {
      item: T.unknown,
      fits: fit(s.report, at.node.kind, over, type, T.list(T.unknown), s.report.ofNode(at, at.node.kind)),
    }
  if (items.length === members.length) return { item: unionOf(items), fits: "yes" }
  const spot = s.report.ofExpr(over ?? at.node.args, s.report.ofNode(at, at.node.kind))
  if (items.length > 0) {
    if (s.report.strict) s.report.warn(spot, "G108", `${at.node.kind} takes a list; this may be ${shortType(type)}.`)
    return { item: unionOf(items), fits: "check" }
  }
  const fix = type.kind === "map" || type.kind === "record" ? "Go over its keys or values." : undefined
  s.report.error(spot, "G101", `${at.node.kind} takes a list, found ${shortType(type)}.`, fix)
  return { item: T.never, fits: "no" }
}

function map(s: Surroundings, at: NodeAt, names: Names, argType: Type): Outcome {
  const { item, fits } = itemsOf(s, at, undefined, argType)
  const parallel = at.node.config["parallel"]
  if (parallel !== undefined && !(Number.isInteger(parallel) && Number(parallel) >= 1)) {
    s.report.error(
      s.report.ofNode(at, "parallel"),
      "G207",
      `\`parallel\` is a whole number from 1, found ${String(parallel)}.`,
    )
  }
  const body = bodyAt(s, at, names, "do", [item, T.number])
  return { ...body, argType, argFits: fits, gives: T.list(body.type) }
}

const fieldType = (type: Type, name: string): Type =>
  type.kind === "record" && Object.hasOwn(type.fields, name) ? type.fields[name]!.type : T.never
const fieldExpr = (expr: Expr, name: string): Expr | undefined =>
  expr.op === "record" ? expr.fields.find(([key]) => key === name)?.[1] : undefined

function fold(s: Surroundings, at: NodeAt, names: Names, argType: Type): Outcome {
  const { item, fits } = itemsOf(s, at, fieldExpr(at.node.args, "over"), fieldType(argType, "over"))
  const from = fieldType(argType, "from")
  const state = stateType(s, at, from, (acc) => bodyAt(s, at, names, "do", [acc, item, T.number]))
  return { ...state.body, argType, argFits: "yes", gives: state.type }
}

function loop(s: Surroundings, at: NodeAt, names: Names, argType: Type): Outcome {
  const max = at.node.config["max"]
  const known = s.report.places !== undefined && max === undefined
  if (!known && !(Number.isInteger(max) && Number(max) >= 1 && Number(max) <= LOOP_MAX)) {
    s.report.error(
      s.report.ofNode(at, "max"),
      "G207",
      `A loop states its bound, \`max\`, from 1 to ${LOOP_MAX}; found ${String(max)}.`,
    )
  }
  const from = fieldType(argType, "from")
  const state = stateType(s, at, from, (type) => bodyAt(s, at, names, "do", [type, T.number]))
  const test = bodyAt(s, at, names, "while", [state.type, T.number])
  const output = at.node.scopes["while"]?.output
  fit(s.report, "The condition", output, test.type, T.boolean, s.report.ofNode(at, "while"))
  return { ...together([state.body, test]), argType, argFits: "yes", gives: state.type }
}

/**
 * The type of a value that goes round: what it starts from and what the body gives, together. The body is looked at with
 * the first, then with both, until nothing is added; `output:` on the node says it at once.
 */
function stateType(
  s: Surroundings,
  at: NodeAt,
  from: Type,
  look: (state: Type) => BodyFacts,
): { readonly type: Type; readonly body: BodyFacts } {
  const { node } = at
  const spot = s.report.ofNode(at, "do")
  if (node.output !== undefined) {
    fit(
      s.report,
      "The value to start from",
      fieldExpr(node.args, "from"),
      from,
      node.output,
      s.report.ofNode(at, "from"),
    )
    const body = look(node.output)
    fit(s.report, "The next value", undefined, body.type, node.output, spot)
    return { type: node.output, body }
  }
  let state = from
  for (let round = 0; round < STATE_ROUNDS && s.mayLookAgain(); round++) {
    const { type } = s.trial(() => look(state))
    if (subtype(type, state) === "yes") break
    const wider = unionOf([state, type])
    if (typeSize(wider).size > TYPE_SIZE_MAX) break
    state = wider
  }
  const body = look(state)
  if (subtype(body.type, state) === "no" || subtype(body.type, state) === "check") {
    s.report.error(
      spot,
      "G101",
      `${mismatchText("The next value", body.type, state, subtype(body.type, state) === "no" ? "no" : "check")}`,
      "Say what goes round: output: and a type.",
    )
  }
  return { type: state, body }
}
const STATE_ROUNDS = 4

function subgraph(s: Surroundings, at: NodeAt, argType: Type): Outcome {
  const { node, path } = at
  const { report } = s
  if (node.graph === undefined) {
    // A file that cannot be read has been reported where it is named.
    if (report.places?.of(node) === undefined) report.error(report.ofNode(at), "G206", "The node names no subgraph.")
    report.broken = true
    return { ...PURE, argType, argFits: "yes", gives: T.never }
  }
  const facts = s.graph(node.graph, joinPath(path, "graph"))
  const argFits = argumentsFit(s, at, node.args, argType, node.graph.input, `The graph ${node.graph.name}`)
  return { ...facts, argType, argFits, gives: facts.output }
}

/** Arguments by name: each that is given must be taken, each that is needed must be given, and fit. */
function argumentsFit(s: Surroundings, at: NodeAt, args: Expr, have: Type, want: Type, who: string): Fits {
  const { report } = s
  const spotOf = (name: string) =>
    report.places?.of(at.node, `with.${name}`)?.path === joinPath(joinPath(at.path, "with"), name)
      ? report.ofNode(at, `with.${name}`)
      : report.ofNode(at, report.places === undefined ? `with.${name}` : "with")
  if (have.kind !== "record" || want.kind !== "record")
    return fit(report, "The arguments", args, have, want, report.ofNode(at, "with"))
  let fits: Fits = "yes"
  const worse = (next: Fits) => {
    fits = fits === "no" || next === "no" ? "no" : fits === "check" || next === "check" ? "check" : "yes"
  }
  const takes = Object.keys(want.fields)
  for (const [name, field] of Object.entries(have.fields)) {
    const wanted = Object.hasOwn(want.fields, name) ? want.fields[name] : undefined
    const expr = fieldExpr(args, name)
    if (wanted === undefined) {
      const near = nearest(name, takes)
      const spot = report.ofExpr(expr ?? args, spotOf(name))
      const list =
        takes.length === 0
          ? "It takes no arguments."
          : `It takes: ${takes.map((key) => `${key} (${shortType(want.fields[key]!.type)})`).join(", ")}.`
      report.error(
        spot,
        "G002",
        `${who} takes no argument "${name}". ${list}`,
        near === undefined ? undefined : `Write ${near}.`,
      )
      worse("no")
    } else worse(fit(report, name, expr, field.type, wanted.type, spotOf(name)))
  }
  for (const [name, wanted] of Object.entries(want.fields)) {
    if (Object.hasOwn(have.fields, name) || wanted.optional || wanted.default !== undefined) continue
    report.error(
      report.ofNode(at, "with"),
      "G005",
      `${who} needs the argument "${name}" (${shortType(wanted.type)}).`,
      `Add ${name}: under \`with:\`.`,
    )
    worse("no")
  }
  return fits
}

function tool(s: Surroundings, at: NodeAt, names: Names): Outcome {
  const { node } = at
  const { report } = s
  const argType = typeOfExpr(report, node.args, names, report.ofNode(at, node.kind))
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
  for (const [name, spec] of Object.entries({ ...kind.fields, [kind.kind]: kind.main })) {
    const expr = Object.hasOwn(args, name) ? args[name] : undefined
    if (spec.type === undefined || expr === undefined || (spec.form !== "text" && spec.form !== "cel")) continue
    fit(report, `\`${name}\``, expr, fieldType(argType, name), spec.type, report.ofNode(at, name))
  }
  settingsFit(report, at, signed)
  const who = `The ${kind.kind} node ${node.name}`
  const argFits = signed.input === undefined ? "yes" : argumentsFit(s, at, node.args, argType, signed.input, who)
  const own: Doings = {
    effect: signed.effect,
    touches: signed.resource === null ? [] : [{ resource: signed.resource, write: signed.effect === "write" }],
    needs: [...new Set(signed.needs)].sort(),
  }
  return { ...together([own, ...bodies]), argType, argFits, gives: signed.output, signature: signed }
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
function settingsFit(report: Report, at: NodeAt, signature: Signature): void {
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
  if (settings.timeoutMs !== undefined && signature.async === false) {
    refuse(
      "timeout",
      "The node runs synchronously, so nothing can stop it when its time is over.",
      "Leave `timeout:` out.",
    )
  }
  if (signature.output.kind === "stream" && settings.cacheMs !== undefined)
    refuse("cache", "A stream cannot be cached.")
}

const RANK: Readonly<Record<Effect, number>> = { pure: 0, read: 1, write: 2 }

/** What several parts do, taken together. */
export function together(parts: readonly Doings[]): Doings {
  const doing = parts.filter((part) => part.effect !== "pure" || part.needs.length > 0)
  if (doing.length === 0) return PURE
  if (doing.length === 1) return { effect: doing[0]!.effect, touches: doing[0]!.touches, needs: doing[0]!.needs }
  let effect: Effect = "pure"
  const touches = new Map<string, boolean>()
  const needs = new Set<string>()
  for (const part of doing) {
    if (RANK[part.effect] > RANK[effect]) effect = part.effect
    for (const { resource, write } of part.touches) touches.set(resource, touches.get(resource) === true || write)
    for (const need of part.needs) needs.add(need)
  }
  return {
    effect,
    touches: [...touches]
      .map(([resource, write]) => ({ resource, write }))
      .sort((a, b) => (a.resource < b.resource ? -1 : 1)),
    needs: [...needs].sort(),
  }
}
