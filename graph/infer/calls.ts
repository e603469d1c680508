/** Calls that no overload takes: which argument is wrong, and what to write instead. */
import { patternOf } from "../builtins/pattern.ts"
import { BUILTINS } from "../builtins.ts"
import { printCel } from "../cel/print.ts"
import type { Expr } from "../expr.ts"
import { Failure } from "../failure.ts"
import { printType, type Type } from "../type.ts"
import { named, type Report, short } from "./report.ts"

type Call = Extract<Expr, { op: "call" }>

export function wrongArguments(r: Report, e: Call, types: readonly Type[]): Type {
  const b = BUILTINS.get(e.fn)!
  const found = types.map((t) => short(printType(t)))
  const takes = [
    ...new Set(
      b.overloads.map((o) => `(${[...o.params.map((p) => short(printType(p))), ...(o.rest ? ["…"] : [])].join(", ")})`),
    ),
  ].join(" or ")
  if (types.some((t) => isInt64(t)) && types.some((t) => t.kind === "number")) {
    const i = types.findIndex((t) => isInt64(t))
    const n = types.findIndex((t) => t.kind === "number")
    return r.problem(
      "G101",
      e,
      `${named(e.fn)} does not mix int64 and number: ${short(printCel(e.args[i]!))} is an int64.`,
      `Write number(${short(printCel(e.args[i]!))}), or int64(${short(printCel(e.args[n]!))}).`,
    )
  }
  const fix =
    e.fn === "sum" && isInt64(types[0]!) && types.length === 1
      ? `Write ${short(printCel(e.args[0]!))}.sum(int64(0)).`
      : e.fn === "+" && types.some((t) => t.kind === "string" || t.kind === "enum")
        ? `Write string(${short(printCel(e.args[types.findIndex((t) => t.kind !== "string" && t.kind !== "enum")] ?? e.args[0]!))}).`
        : undefined
  const arity = !b.overloads.some((o) => o.params.length === types.length || (o.rest && types.length > o.params.length))
  return r.problem(
    arity ? "G104" : "G101",
    e,
    `${named(e.fn)} takes ${short(takes, 160)}, found (${found.join(", ")}).`,
    fix,
  )
}

/** The pattern of `matches` and `find`: written out and valid. */
export function pattern(r: Report, e: Call): void {
  const p = e.args[1]
  if (p === undefined) return
  if (p.op !== "const" || typeof p.value !== "string") {
    r.problem("G103", p, `The pattern of ${e.fn} is written out, so that it can be checked.`)
    return
  }
  try {
    patternOf(p.value)
  } catch (f) {
    if (!(f instanceof Failure)) throw f
    r.problem("G103", p, `${f.message}.`)
  }
}

const isInt64 = (t: Type): boolean => t.kind === "int64" || (t.kind === "list" && t.of.kind === "int64")
