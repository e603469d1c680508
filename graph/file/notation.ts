/**
 * The type notation as files write it: a default is any constant expression, where the plain notation of
 * `graph/notation.ts` takes literals only and needs no parser of expressions.
 */
import "../patterns/mod.ts"
import { accept } from "../accept.ts"
import { parseCelAt } from "../cel.ts"
import { evaluate } from "../evaluate.ts"
import { freeNames } from "../expr.ts"
import { Failure } from "../failure.ts"
import { type Bad, type Named, problem, type ReadDefault, readField, readWhole } from "../notation.ts"
import type { Type } from "../type.ts"

/** Reads a type. `named` gives the types declared by name. All problems carry offsets in `source`; never throws. */
export const parseType = (source: string, named?: Named): { readonly type: Type } | Bad =>
  readWhole(source, constant, named)

/** Reads a type with an optional default, `number = 1.2`. The default is checked against the type and converted to it. */
export const parseField = (source: string, named?: Named): ReturnType<typeof readField> =>
  readField(source, constant, named)

/** Steps that a default may take. */
const FUEL = 10_000

/** A constant in CEL or JSON that a port of `type` takes. */
const constant: ReadDefault = (text, offset, type) => {
  const start = offset + (text.length - text.trimStart().length)
  const end = offset + text.trimEnd().length
  const parsed = parseCelAt(text, offset)
  if ("problems" in parsed) return parsed
  const names = [...freeNames(parsed.expr)]
  if (names.length > 0)
    return problem(
      "G008",
      `A default is a constant, found the name ${names[0]}.`,
      start,
      end,
      `Write "${names[0]}" for the text.`,
    )
  try {
    return { value: accept(type)(evaluate(parsed.expr, () => null, { left: FUEL })) }
  } catch (f) {
    if (!(f instanceof Failure)) throw f
    return problem("G101", `The default does not fit: ${f.message}.`, start, end)
  }
}
