/**
 * Arguments held against what a tool or subgraph takes, by name, so that each mistake stands at the argument that makes
 * it, however many levels of subgraphs the value has come through.
 */
import type { Expr } from "../expr.ts"
import { cuts } from "../looks.ts"
import { nearest } from "../near.ts"
import type { FieldSpec } from "../node.ts"
import { type Fits, T, type Type } from "../type.ts"
import type { Surroundings } from "./doings.ts"
import { fit } from "./expressions.ts"
import { shortType } from "./mismatch.ts"
import type { NodeAt } from "./report.ts"

type Fields = { readonly [name: string]: FieldSpec }

/**
 * Arguments by name: each that is given must be taken, each that is needed must be given, and fit. `fields` are those
 * that stand beside `with:`; where a file leaves out one of them that is required, the reader has said so.
 */
export function argumentsFit(
  s: Surroundings,
  at: NodeAt,
  args: Expr,
  have: Type,
  want: Type,
  who: string,
  fields: Fields = {},
): Fits {
  const { report } = s
  const spotOf = (name: string) => report.ofNode(at, Object.hasOwn(fields, name) ? name : `with.${name}`)
  if (have.kind !== "record" || want.kind !== "record")
    return fit(report, "The arguments", args, have, want, () => report.ofNode(at, "with"))
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
      const spot = report.ofExpr(expr ?? args, () => spotOf(name))
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
    } else {
      const one = fit(report, name, expr, field.type, wanted.type, () => spotOf(name))
      worse(one === "yes" && cuts(field.type, wanted.type) ? "check" : one)
    }
  }
  for (const [name, wanted] of Object.entries(want.fields)) {
    if (Object.hasOwn(have.fields, name) || wanted.optional || wanted.default !== undefined) continue
    if (fields[name]?.required === true && report.isFrom(at.node)) continue
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

/** A field of a record type; `never`, which fits everywhere, where there is none. */
export const fieldType = (type: Type, name: string): Type =>
  type.kind === "record" && Object.hasOwn(type.fields, name) ? type.fields[name]!.type : T.never
export const fieldExpr = (expr: Expr, name: string): Expr | undefined =>
  expr.op === "record" ? expr.fields.find(([key]) => key === name)?.[1] : undefined
