/**
 * Comparisons that can never hold: an enumeration and a word it does not have, two types that no value is of. They are
 * almost always spelling mistakes, and they would fail silently.
 */
import { printCel } from "../cel/print.ts"
import type { Expr } from "../expr.ts"
import { nearest } from "../near.ts"
import { printType, type Type } from "../type.ts"
import { listed, type Report, short } from "./report.ts"

type Call = Extract<Expr, { op: "call" }>

/** `==` and `!=` between types that have no value in common. */
export function neverEqual(r: Report, e: Call, a: Type, b: Type): void {
  if (meets(a, b)) return
  const [left, right] = e.args as [Expr, Expr]
  const always = e.fn === "==" ? "false" : "true"
  const word = [left, right].find((x) => x.op === "const" && typeof x.value === "string")
  const [subject, type] = word === left ? [right, b] : [left, a]
  if (type.kind === "enum" && word?.op === "const") {
    const near = nearest(String(word.value), type.values)
    r.problem(
      "G105",
      e,
      `Always ${always}: ${short(printCel(subject))} is never ${JSON.stringify(word.value)}. It is one of: ${listed(type.values)}.`,
      near && `Write ${JSON.stringify(near)}.`,
    )
    return
  }
  if (isNull(left) || isNull(right)) {
    const tested = isNull(left) ? right : left
    r.problem(
      "G105",
      e,
      `Always ${always}: ${short(printCel(tested))} is never null.`,
      "Leave the test out.",
      "warning",
    )
    return
  }
  r.problem("G105", e, `Always ${always}: ${short(printType(a))} is never equal to ${short(printType(b))}.`)
}

/** `in` with an element that the list cannot hold. */
export function membership(r: Report, e: Call, types: readonly Type[]): void {
  const [a, b] = types
  if (a === undefined || b === undefined) return
  const [x, xs] = e.args as [Expr, Expr]
  if (b.kind === "list" && b.of.kind !== "never" && !meets(a, b.of)) {
    r.problem(
      "G105",
      e,
      `Always false: ${short(printCel(x))} is ${short(printType(a))}, and the list holds ${short(printType(b.of))}.`,
    )
  }
  if (xs.op === "list" && a.kind === "enum" && x.op !== "const") {
    for (const item of xs.items) {
      if (item.op !== "const" || typeof item.value !== "string" || a.values.includes(item.value)) continue
      const near = nearest(item.value, a.values)
      r.problem(
        "G105",
        item,
        `${short(printCel(x))} is never ${JSON.stringify(item.value)}. It is one of: ${listed(a.values)}.`,
        near && `Write ${JSON.stringify(near)}.`,
      )
    }
  }
  if (b.kind === "record" && a.kind === "enum" && !a.values.some((v) => Object.hasOwn(b.fields, v))) {
    r.problem("G105", e, `Always false: ${short(printCel(xs))} has none of these fields.`)
  }
}

export const isNull = (e: Expr): boolean => e.op === "const" && e.value === null

/** Can a value of one type equal a value of the other? */
function meets(a: Type, b: Type): boolean {
  if (a.kind === "union") return a.of.some((t) => meets(t, b))
  if (b.kind === "union") return b.of.some((t) => meets(a, t))
  if (a.kind === "unknown" || b.kind === "unknown" || a.kind === "never" || b.kind === "never") return true
  const pair = (x: Type["kind"], y: Type["kind"]) => (a.kind === x && b.kind === y) || (a.kind === y && b.kind === x)
  if (pair("number", "int64") || pair("string", "enum") || pair("record", "map")) return true
  if (a.kind !== b.kind) return false
  if (a.kind === "enum" && b.kind === "enum") return a.values.some((v) => b.values.includes(v))
  return true
}
