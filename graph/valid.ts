/**
 * `valid:` on a node: what its author says holds of every answer, as an expression over the answer (`out`) and the
 * arguments (`args`). It makes a validator of level `property`. It is part of what the graph means, so it is part of the
 * graph's hash, on top of the hash of all else: whoever takes one away has another graph.
 */
import { printCel } from "./cel/print.ts"
import { exprForm } from "./check/canonical.ts"
import { evaluate } from "./evaluate.ts"
import { type Expr, freeNames, parts } from "./expr.ts"
import { infer } from "./infer.ts"
import type { Graph, Scope } from "./ir.ts"
import { subtype, T, type Type } from "./type.ts"
import type { Validator } from "./validator.ts"
import { compareKeys, hashValue, hex, type Value } from "./value.ts"

/** Steps that one look may take (`Fuel`): some tens of milliseconds. One that needs more refuses. */
export const VALID_FUEL = 250_000
/** Parts of such an expression, and levels of it: it is meant to be read, and it is looked at when a plan is admitted. */
export const VALID_PARTS_MAX = 1_000
export const VALID_LEVELS_MAX = 64

/** A `valid:` and the node that carries it: names of subgraphs and bodies, then of the node; no indexes. */
export interface Valid {
  readonly path: readonly string[]
  readonly valid: Expr
}

/** Every `valid:` of a graph, those of its subgraphs included, in the order of their paths. */
export function validsOf(graph: Graph): readonly Valid[] {
  const known = new Map<Graph, readonly Valid[]>()
  const ofGraph = (g: Graph): readonly Valid[] => {
    const before = known.get(g)
    if (before !== undefined) return before
    const found = ofScope(g.body)
    known.set(g, found)
    return found
  }
  const ofScope = (scope: Scope): Valid[] => {
    const found: Valid[] = []
    for (const node of scope.nodes) {
      const under = (inner: readonly Valid[], ...words: string[]) => {
        for (const x of inner) found.push({ path: [node.name, ...words, ...x.path], valid: x.valid })
      }
      if (node.settings.valid !== undefined) found.push({ path: [node.name], valid: node.settings.valid })
      for (const body of Object.values(node.scopes))
        under(ofScope(body), ...(body.name === undefined ? [] : [body.name]))
      if (node.graph !== undefined) under(ofGraph(node.graph))
    }
    return found
  }
  return [...ofGraph(graph)].sort((a, b) => compareKeys(keyOf(a.path), keyOf(b.path)))
}

const keyOf = (path: readonly string[]): string => path.join(".")

/** What tells two of them apart, in hexadecimal. */
export const validHash = (valid: Expr): string => hex(hashValue(exprForm(valid)))

/**
 * The hash of a graph, from that of all of it but its `valid:`s, both in hexadecimal. Without one it is the same. With some
 * it has 66 digits, `01` first: a plan says the other one, of 64, so that it cannot claim the hash and leave them out.
 */
export const hashWith = (core: string, valids: readonly Valid[]): string =>
  valids.length === 0
    ? core
    : `01${hex(hashValue(["valid", core, valids.map(({ path, valid }): Value => [path, exprForm(valid)])]))}`

/** The names that it may use. */
export const validNames = (out: Type, args: Type): ReadonlyMap<string, Type> =>
  new Map([
    ["out", out],
    ["args", args],
  ])

/** What is wrong with a `valid:` for an answer and arguments of these types, in words; undefined where nothing is. */
export function validProblem(valid: Expr, out: Type, args: Type): string | undefined {
  const bound = boundProblem(valid)
  if (bound !== undefined) return bound
  const { type, problems } = infer(valid, validNames(out, args))
  const wrong = problems.find((p) => p.severity !== "warning")
  if (wrong !== undefined) return wrong.message
  return subtype(type, T.boolean) === "no" ? "it is neither true nor false" : undefined
}

/** Too large, too deep, or with a constant that bytes do not tell apart; in words. */
export function boundProblem(valid: Expr): string | undefined {
  let left = VALID_PARTS_MAX
  const visit = (e: Expr, levels: number): string | undefined => {
    if (left-- <= 0) return `it has more than ${VALID_PARTS_MAX} parts`
    if (levels > VALID_LEVELS_MAX) return `it is nested deeper than ${VALID_LEVELS_MAX} levels`
    if (e.op === "const" && !isSimple(e.value)) return "it holds a constant that is no text, number, boolean or null"
    for (const part of parts(e)) {
      const found = visit(part, levels + 1)
      if (found !== undefined) return found
    }
    return undefined
  }
  return visit(valid, 1)
}

const isSimple = (v: Value): boolean => v === null || ["string", "number", "boolean"].includes(typeof v)

/** The validator that it makes. The evaluator of expressions is the reference (`evaluate.ts`), bounded by fuel. */
export function validatorOf(valid: Expr): Validator {
  const about = printCel(valid)
  return {
    level: "property",
    ...(freeNames(valid).has("args") ? {} : { alone: true }),
    about: about.length > ABOUT_MAX ? `${about.slice(0, ABOUT_MAX)}…` : about,
    holds: (out, args) =>
      evaluate(valid, (name) => (name === "out" ? out : args), { left: VALID_FUEL }) as unknown as boolean,
  }
}

/** Characters of it that a failure repeats. */
const ABOUT_MAX = 200
