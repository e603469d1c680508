/**
 * Functions on numbers. Only what every engine computes alike, bit for bit: + − × ÷ √ and the roundings; no exp, log,
 * pow or trigonometry, whose last digits differ between hosts and would change a trace hash.
 */
import { fail } from "../failure.ts"
import { T, type Type } from "../type.ts"
import type { Value } from "../value.ts"
import { less, order } from "./compare.ts"
import { int64 } from "./operators.ts"
import { type Entry, elementOf, failing, INT64S, mismatch, NUMBERS, over, STRINGS } from "./signature.ts"

const number = (name: string, run: (x: number) => Value): Entry["apply"] => {
  return (args) => {
    const [x] = args
    if (typeof x !== "number" || args.length !== 1) throw mismatch(name, args)
    return run(x)
  }
}
const onNumber = (name: string, run: (x: number) => number): Entry => ({
  overloads: [over([T.number], T.number)],
  method: true,
  apply: number(name, run),
})

/** Half away from zero, exact: the fraction of a float64 is a float64. */
function round(x: number): number {
  const whole = Math.trunc(x)
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole
}

/** The elements to choose the least or greatest from: one list, or the arguments themselves. */
function choices(name: string, args: readonly Value[]): readonly Value[] {
  const all = args.length === 1 && Array.isArray(args[0]) ? (args[0] as readonly Value[]) : args
  if (args.length === 0 || (args.length === 1 && all === args)) throw mismatch(name, args)
  if (all.length === 0) throw fail("Missing", `Cannot compute ${name}([]): an empty list has none`, { data: { name } })
  return all
}

function extreme(name: string, sign: 1 | -1): Entry["apply"] {
  return (args) => {
    const all = choices(name, args)
    let best = all[0]!
    for (const x of all) {
      if (typeof x !== typeof best || (typeof x !== "number" && typeof x !== "bigint" && typeof x !== "string"))
        throw mismatch(name, args)
      // A NaN in, a NaN out: it is a number nobody knows the size of.
      if (typeof x === "number" && Number.isNaN(x)) best = x
      else if (!(typeof best === "number" && Number.isNaN(best)) && order(x, best) * sign < 0) best = x
    }
    return best
  }
}
const one = ([list]: readonly Type[]): Type => elementOf(list!)
const EXTREME = [
  over([T.number, T.number], T.number),
  over([T.int64, T.int64], T.int64),
  over([T.string, T.string], T.string),
  failing([NUMBERS], T.number),
  failing([INT64S], T.int64),
  failing([STRINGS], one),
  { ...over([T.number, T.number], T.number), rest: T.number },
  { ...over([T.int64, T.int64], T.int64), rest: T.int64 },
  { ...over([T.string, T.string], T.string), rest: T.string },
]

export const NUMBER: { readonly [name: string]: Entry } = {
  abs: {
    overloads: [over([T.number], T.number), failing([T.int64], T.int64)],
    method: true,
    apply: (args) => {
      const [x] = args
      if (typeof x === "bigint" && args.length === 1) return int64(x < 0n ? -x : x, `abs(${x})`)
      return number("abs", Math.abs)(args)
    },
  },
  floor: onNumber("floor", Math.floor),
  ceil: onNumber("ceil", Math.ceil),
  trunc: onNumber("trunc", Math.trunc),
  sqrt: onNumber("sqrt", Math.sqrt),
  sign: onNumber("sign", Math.sign),
  round: {
    overloads: [over([T.number], T.number), failing([T.number, T.number], T.number)],
    method: true,
    apply: (args) => {
      const [x, digits] = args
      if (args.length === 1) return number("round", round)(args)
      if (typeof x !== "number" || typeof digits !== "number" || args.length !== 2) throw mismatch("round", args)
      if (!Number.isInteger(digits) || digits < 0 || digits > 15) {
        throw fail("OutOfRange", `Cannot compute round(${x}, ${digits}): digits are a whole number from 0 to 15`)
      }
      // toFixed is exact by its definition: it looks at the float64's own decimal expansion, not at a scaled copy.
      return Number.isFinite(x) && Math.abs(x) < 1e21 ? Number(x.toFixed(digits)) : x
    },
  },
  isNaN: {
    overloads: [over([T.number], T.boolean)],
    method: true,
    apply: number("isNaN", Number.isNaN),
  },
  isFinite: {
    overloads: [over([T.number], T.boolean)],
    method: true,
    apply: number("isFinite", Number.isFinite),
  },
  min: {
    overloads: EXTREME,
    linear: true,
    apply: extreme("min", 1),
  },
  max: {
    overloads: EXTREME,
    linear: true,
    apply: extreme("max", -1),
  },
  clamp: {
    overloads: [over([T.number, T.number, T.number], T.number), over([T.int64, T.int64, T.int64], T.int64)],
    method: true,
    apply: (args) => {
      const [x, low, high] = args
      if (args.length !== 3 || !args.every((a) => typeof a === "number" || typeof a === "bigint"))
        throw mismatch("clamp", args)
      if (new Set([typeof x, typeof low, typeof high]).size > 1) throw mismatch("clamp", args)
      if (less(x!, low!)) return low!
      return less(high!, x!) ? high! : x!
    },
  },
}
