/**
 * Control nodes: `when`, `switch`, `map`, `fold`, `loop`. Each looks at its bodies with the types of their variables and
 * says what comes out; part of the language, so no registration is asked.
 */
import type { Expr } from "../expr.ts"
import { LOOP_MAX } from "../ir.ts"
import { nearest } from "../near.ts"
import { type Fits, subtype, T, type Type, unionOf } from "../type.ts"
import { TYPE_SIZE_MAX, typeSize } from "../type-size.ts"
import { fieldExpr, fieldType } from "./arguments.ts"
import { type BodyFacts, type Outcome, PURE, type Surroundings, together } from "./doings.ts"
import { fit } from "./expressions.ts"
import { mismatchText, shortType } from "./mismatch.ts"
import type { Names } from "./names.ts"
import type { NodeAt } from "./report.ts"

/** A body that must be there; the reader has said so where a file lacks it. */
function bodyAt(s: Surroundings, at: NodeAt, names: Names, role: string, params: readonly Type[]): BodyFacts {
  const scope = at.node.scopes[role]
  if (scope !== undefined) return s.body(scope, names, at, role, params)
  if (s.report.isFrom(at.node)) s.report.broken = true
  else s.report.error(s.report.ofNode(at), "G005", `The ${at.node.kind} node has no \`${role}\`.`)
  return { ...PURE, type: T.never }
}

export function when(s: Surroundings, at: NodeAt, names: Names, argType: Type): Outcome {
  const spot = () => s.report.ofNode(at, "when")
  const argFits = fit(s.report, "The condition", at.node.args, argType, T.boolean, spot)
  const sides = [bodyAt(s, at, names, "then", []), bodyAt(s, at, names, "else", [])]
  return { ...together(sides), argType, argFits, gives: unionOf(sides.map((side) => side.type)) }
}

export function choice(s: Surroundings, at: NodeAt, names: Names, argType: Type): Outcome {
  const { node } = at
  const { report } = s
  const spot = () => report.ofNode(at, "switch")
  const argFits = fit(report, "The word", node.args, argType, T.string, spot)
  const words = Object.keys(node.scopes)
    .filter((role) => role.startsWith("case:"))
    .map((role) => role.slice(5))
  if (words.length === 0) report.error(report.ofNode(at, "cases"), "G005", "A switch needs at least one case.")
  for (const word of words) {
    if (CASE_WORD.test(word) && word.length <= CASE_LENGTH_MAX) continue
    const message = `A case is a word of 1 to ${CASE_LENGTH_MAX} characters without control characters, found ${JSON.stringify(word)}: it is part of paths.`
    report.error(
      report.ofNode(at, `cases.${word}`),
      "G004",
      message,
      "Write `else:` for it, or map it to a word first.",
    )
  }
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

const CASE_WORD = /^\P{Cc}+$/u
const CASE_LENGTH_MAX = 256

interface Items {
  readonly item: Type
  readonly fits: Fits
  /** They come one by one, once; what a `map` makes of them does too. */
  readonly streamed: boolean
}

/** The items of what a `map` or `fold` goes over. */
function itemsOf(s: Surroundings, at: NodeAt, over: Expr | undefined, type: Type): Items {
  const { report } = s
  const { kind } = at.node
  const items = (item: Type, fits: Fits): Items => ({ item, fits, streamed: type.kind === "stream" })
  const spot = () => report.ofExpr(over ?? at.node.args, () => report.ofNode(at, kind))
  if (type.kind === "never") return items(T.never, "yes")
  if (type.kind === "list" || type.kind === "stream") return items(type.of, "yes")
  if (type.kind === "unknown") return items(T.unknown, fit(report, kind, over, type, T.list(T.unknown), spot))
  const lists = type.kind === "union" ? type.of.flatMap((t) => (t.kind === "list" ? [t.of] : [])) : []
  if (lists.length > 0) {
    if (report.strict) report.warn(spot(), "G108", `${kind} takes a list; this may be ${shortType(type)}.`)
    return items(unionOf(lists), type.kind === "union" && lists.length === type.of.length ? "yes" : "check")
  }
  const fix = type.kind === "map" || type.kind === "record" ? "Go over its keys or values." : undefined
  report.error(spot(), "G101", `${kind} takes a list, found ${shortType(type)}.`, fix)
  return items(T.never, "no")
}

export function map(s: Surroundings, at: NodeAt, names: Names, argType: Type): Outcome {
  const { item, fits, streamed } = itemsOf(s, at, undefined, argType)
  const parallel = at.node.config["parallel"]
  if (parallel !== undefined && !(Number.isInteger(parallel) && Number(parallel) >= 1)) {
    s.report.error(
      s.report.ofNode(at, "parallel"),
      "G207",
      `\`parallel\` is a whole number from 1, found ${String(parallel)}.`,
    )
  }
  const body = bodyAt(s, at, names, "do", [item, T.number])
  return { ...body, argType, argFits: fits, gives: streamed ? T.stream(body.type) : T.list(body.type) }
}

/** `over` and `from` are there; the reader has said so where a file lacks them. */
function operands(s: Surroundings, at: NodeAt, argType: Type, wanted: readonly string[]): void {
  if (argType.kind === "never") return
  for (const name of wanted) {
    if (argType.kind === "record" && Object.hasOwn(argType.fields, name)) continue
    s.report.error(s.report.ofNode(at), "G005", `The ${at.node.kind} node has no \`${name}\`.`)
  }
}

export function fold(s: Surroundings, at: NodeAt, names: Names, argType: Type): Outcome {
  operands(s, at, argType, ["over", "from"])
  const { item, fits } = itemsOf(s, at, fieldExpr(at.node.args, "over"), fieldType(argType, "over"))
  const from = fieldType(argType, "from")
  const state = stateType(s, at, from, (acc) => bodyAt(s, at, names, "do", [acc, item, T.number]))
  return { ...state.body, argType, argFits: fits, gives: state.type }
}

export function loop(s: Surroundings, at: NodeAt, names: Names, argType: Type): Outcome {
  operands(s, at, argType, ["from"])
  const max = at.node.config["max"]
  const known = s.report.isFrom(at.node) && max === undefined
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
  fit(s.report, "The condition", output, test.type, T.boolean, () => s.report.ofNode(at, "while"))
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
  const spot = () => s.report.ofNode(at, "do")
  if (node.output !== undefined) {
    fit(s.report, "The value to start from", fieldExpr(node.args, "from"), from, node.output, () =>
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
      spot(),
      "G101",
      `${mismatchText("The next value", body.type, state, subtype(body.type, state) === "no" ? "no" : "check")}`,
      "Say what goes round: output: and a type.",
    )
  }
  return { type: state, body }
}
const STATE_ROUNDS = 4
