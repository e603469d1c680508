/** The compiler's own form as short stable text: one line an operation, bodies indented. What `explain` and tests show. */

import { printCel, printType } from "../graph/mod.ts"
import type { Body, Mid, Op } from "./mid.ts"

export const printMid = (mid: Mid): string => lines(mid.body, "").join("\n")

function lines(body: Body, indent: string): string[] {
  const out = body.ops.flatMap((op) => line(op, indent))
  out.push(`${indent}→ ${printCel(body.output)}`)
  return out
}

function line(op: Op, indent: string): string[] {
  const what = op.kind === "expr" ? "" : op.kind === "tool" ? `${op.tool!.kind} ` : `${op.kind} `
  const value = op.kind === "catch" || op.kind === "enter" ? "" : printCel(op.expr)
  const tail = [
    op.effect === "pure" ? "" : op.effect,
    op.accept === undefined ? "" : `as ${printType(op.accept)}`,
    op.after.length > 0 ? `after ${op.after.join(", ")}` : "",
  ].filter((x) => x !== "")
  const head = `${indent}${op.name} = ${what}${value}${tail.length > 0 ? `   [${tail.join("; ")}]` : ""}`
  return [
    head,
    ...op.bodies.flatMap(({ role, scope }) => [
      `${indent}  ${role}${scope.binders.length > 0 ? ` (${scope.binders.map((b) => b.name).join(", ")})` : ""}:`,
      ...lines(scope, `${indent}    `),
    ]),
  ]
}
