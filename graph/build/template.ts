/**
 * Expression templates: CEL with ports in its holes, num`${line.weight_kg} * 0.4`. The text is parsed once per template,
 * however often the code around it runs. `text` is not CEL but text with insertions, for prompts and messages.
 */
import { type ExprProblem, joined, parseCelWith } from "../cel.ts"
import type { Expr } from "../expr.ts"
import { freeNames, lit, ref } from "../expr.ts"
import { infer } from "../infer.ts"
import { withParts } from "../rebuild.ts"
import { printType, subtype, T, type Type } from "../type.ts"
import { refuse } from "./failure.ts"
import { deeper, type Home, portOf, stateOf } from "./port.ts"
import type { In, PortOf } from "./types.ts"

// biome-ignore lint/suspicious/noExplicitAny: a hole takes a port of any type; the checker knows what it must be
type Hole = In<any>
export type Template<A> = (strings: TemplateStringsArray, ...holes: readonly Hole[]) => PortOf<A>

/** An expression that gives a number. */
export const num: Template<number> = (strings, ...holes) => template(strings, holes, T.number) as PortOf<number>
/** An expression that gives text; for text with insertions see `text`. */
export const str: Template<string> = (strings, ...holes) => template(strings, holes, T.string) as PortOf<string>
/** An expression that gives a boolean. */
export const bool: Template<boolean> = (strings, ...holes) => template(strings, holes, T.boolean) as PortOf<boolean>
/** An expression of any type, which the author names: cel<readonly string[]>`${text}.split(",")`. */
export const cel = <A>(strings: TemplateStringsArray, ...holes: readonly Hole[]): PortOf<A> =>
  template(strings, holes, T.unknown) as PortOf<A>

/** Text with insertions: text`Dear ${name}`. Each hole is turned into text when the graph runs. */
export const text: Template<string> = (strings, ...holes) => {
  const states = holes.map((h) => stateOf(h))
  const parts = strings.flatMap((s, i) => [
    ...(s === "" ? [] : [lit(s)]),
    ...(i < states.length ? [states[i]!.expr] : []),
  ])
  return portOf(joined(parts), T.string, homeOf(states)) as PortOf<string>
}

const homeOf = (states: readonly { readonly home: Home | null }[]): Home | null =>
  states.reduce<Home | null>((h, s) => deeper(h, s.home), null)

function template(strings: TemplateStringsArray, holes: readonly unknown[], wanted: Type): PortOf<unknown> {
  const states = holes.map((h) => stateOf(h))
  const tree = parsed(strings)
  const { type, problems } = infer(tree, new Map(states.map((s, i) => [holeName(i), s.type])))
  if (problems.length > 0) return refuseProblems(strings, problems)
  if (subtype(type, wanted) === "no")
    return refuse(
      "expression",
      `Cannot use \`${source(strings)}\` as a ${printType(wanted)}: it gives a ${printType(type)}`,
    )
  const exprs = states.map((s) => s.expr)
  return portOf(fill(tree, exprs, [], strings), wanted.kind === "unknown" ? type : wanted, homeOf(states))
}

function refuseProblems(strings: TemplateStringsArray, problems: readonly ExprProblem[]): never {
  const said = problems.map((p) => [p.message, p.fix].filter(Boolean).join(" "))
  return refuse("expression", `Cannot read the expression \`${source(strings)}\`: ${said.join(" ")}`)
}

const known = new WeakMap<TemplateStringsArray, Expr>()
/** The tree of a template; its holes are references called "${1}", "${2}", …, which CEL cannot spell. */
function parsed(strings: TemplateStringsArray): Expr {
  const there = known.get(strings)
  if (there !== undefined) return there
  const result = parseCelWith(
    strings,
    strings.slice(1).map((_, i) => ref(holeName(i))),
  )
  if ("problems" in result) return refuseProblems(strings, result.problems)
  const loose = [...freeNames(result.expr)].filter((name) => !isHole(name))
  if (loose.length > 0)
    refuse(
      "expression",
      `Cannot read the expression \`${source(strings)}\`: the name ${loose[0]} is not known in it. Insert a port: \${${loose[0]}}`,
    )
  known.set(strings, result.expr)
  return result.expr
}
const holeName = (i: number): string => `\${${i + 1}}`
const isHole = (name: string): boolean => name.startsWith("${")
const source = (strings: readonly string[]): string =>
  strings
    .map((s, i) => (i === 0 ? s : `\${${i}}${s}`))
    .join("")
    .trim()

/** Puts expressions into the holes. A variable of a macro must not have the name of what is put inside it. */
function fill(e: Expr, exprs: readonly Expr[], bound: readonly string[], strings: TemplateStringsArray): Expr {
  if (e.op === "ref" && isHole(e.name)) {
    const expr = exprs[Number(e.name.slice(2, -1)) - 1]!
    const caught = bound.length === 0 ? undefined : [...freeNames(expr)].find((name) => bound.includes(name))
    if (caught !== undefined)
      refuse(
        "expression",
        `Cannot use "${caught}" as a variable in \`${source(strings)}\`: a port inserted there has that name. Call the variable something else`,
      )
    return expr
  }
  const inner = e.op === "each" ? [...bound, e.item, ...(e.index === undefined ? [] : [e.index])] : bound
  return withParts(e, (part) => fill(part, exprs, inner, strings))
}
