/**
 * Random expressions over a fixed scope, for the properties that must hold of all of them: printing and parsing, typing
 * and evaluating. Most are ill-typed, which is as it should be; enough are not.
 */
import { BUILTINS } from "./builtins.ts"
import type { Expr } from "./expr.ts"
import { call, lit, ref } from "./expr.ts"
import type { Random } from "./random.sample.ts"
import { randomNumber, valueOfType, WORDS } from "./random.sample.ts"
import { T, type Type } from "./type.ts"
import type { Value } from "./value.ts"

const LINE = T.record({ weight_kg: T.number, distance_km: T.number, tags: T.list(T.string) })
const PAY = T.union(T.record({ kind: T.enum("card"), no: T.string }), T.record({ kind: T.enum("cash"), sum: T.number }))

/** Names in scope of the random expressions, with types of every kind. */
export const SCOPE: ReadonlyMap<string, Type> = new Map<string, Type>([
  ["n", T.number],
  ["m", T.number],
  ["i", T.int64],
  ["s", T.string],
  ["t", T.string],
  ["b", T.boolean],
  ["raw", T.bytes],
  ["money", T.enum("EUR", "USD")],
  ["line", LINE],
  ["lines", T.list(LINE)],
  ["numbers", T.list(T.number)],
  ["words", T.list(T.string)],
  ["ints", T.list(T.int64)],
  ["rates", T.map(T.number)],
  ["note", T.union(T.string, T.null)],
  ["who", T.union(T.record({ name: T.string, age: { type: T.number, optional: true } }), T.null)],
  ["pay", PAY],
  ["data", T.unknown],
  ["opt", T.record({ a: { type: T.number, optional: true }, b: { type: T.string, optional: true }, c: T.boolean })],
])

export function valuesOfScope(r: Random): ReadonlyMap<string, Value> {
  return new Map([...SCOPE].map(([name, type]) => [name, valueOfType(r, type)!]))
}

const FIELDS = [
  "weight_kg",
  "distance_km",
  "tags",
  "kind",
  "no",
  "sum",
  "name",
  "age",
  "a",
  "b",
  "c",
  "EUR",
  "x-y",
  "in",
]
const NAMES = [...SCOPE.keys()]
const FUNCTIONS = [...BUILTINS.keys()]
const MACROS = ["map", "filter", "all", "exists", "exists_one", "sort_by", "sum_by"] as const
const PATTERNS = ["^[a-z]+$", "a|b", "\\d{2,}", "[é漢]", ""]

/** Any tree of the forms that expressions have; `locals` are the variables of macros around it. */
export function randomExpr(r: Random, depth: number, locals: readonly string[] = []): Expr {
  const sub = () => randomExpr(r, depth - 1, locals)
  if (depth <= 0 || r.chance(0.12)) return leaf(r, locals)
  switch (r.below(20)) {
    case 0:
    case 1:
      return leaf(r, locals)
    case 2:
    case 3:
      return { op: "field", of: sub(), name: r.pick(FIELDS), ...(r.chance(0.3) ? { optional: true } : {}) }
    case 4:
      return { op: "index", of: sub(), at: computed(r, sub()), ...(r.chance(0.3) ? { optional: true } : {}) }
    case 5:
      return { op: "has", of: sub(), name: r.pick(FIELDS) }
    case 6:
      return { op: "if", test: sub(), then: sub(), else: sub() }
    case 7:
    case 8:
      return { op: r.pick(["and", "or"] as const), left: sub(), right: sub() }
    case 9:
      return { op: "list", items: r.times(3, sub) }
    case 10:
      return { op: "record", fields: [...new Set(r.times(3, () => r.pick(FIELDS)))].map((k) => [k, sub()] as const) }
    case 11:
      return r.chance(0.5)
        ? { op: "map", entries: [[computedKey(r, sub()), sub()]] }
        : { op: "text", parts: r.times(3, sub) }
    case 12:
    case 13:
      return each(r, depth, locals)
    case 14:
    case 15:
    case 16:
      return call(r.pick(["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in"]), sub(), sub())
    default:
      return anyCall(r, sub)
  }
}

function leaf(r: Random, locals: readonly string[]): Expr {
  if (locals.length > 0 && r.chance(0.4)) return ref(r.pick(locals))
  if (r.chance(0.6)) return ref(r.pick(NAMES))
  switch (r.below(7)) {
    case 0:
      return lit(r.pick([null, true, false]))
    case 1:
      return lit(r.pick([...WORDS, "EUR", "card"]))
    case 2:
      return lit(r.pick([2n ** 60n, -(2n ** 63n)]))
    case 3:
      return lit(r.bytes(2))
    default:
      return lit(r.chance(0.7) ? r.below(5) : randomNumber(r))
  }
}

/** A constant as a key is another form, or none at all: keys and positions here are computed. */
const computed = (r: Random, e: Expr): Expr =>
  e.op === "const" && typeof e.value !== "number" ? ref(r.pick(["s", "n", "money"])) : e
const computedKey = (r: Random, e: Expr): Expr => (e.op === "const" ? ref(r.pick(["s", "t", "money"])) : e)

function each(r: Random, depth: number, locals: readonly string[]): Expr {
  const item = `x${locals.length}`
  const index = r.chance(0.2) ? `k${locals.length}` : undefined
  const over = r.chance(0.6)
    ? ref(r.pick(["lines", "numbers", "words", "ints", "rates"]))
    : randomExpr(r, depth - 1, locals)
  const body = randomExpr(r, depth - 1, [...locals, item, ...(index ? [index] : [])])
  return { op: "each", macro: r.pick(MACROS), over, item, ...(index ? { index } : {}), body }
}

function anyCall(r: Random, sub: () => Expr): Expr {
  const fn = r.pick(FUNCTIONS)
  if (fn === "matches" || fn === "find") return call(fn, sub(), lit(r.pick(PATTERNS)))
  // A negative number is a constant.
  const negated = fn === "neg" ? [computed(r, sub())].map((e) => (e.op === "const" ? ref("n") : e)) : undefined
  const count = BUILTINS.get(fn)!.overloads[0]!.params.length
  return call(fn, ...(negated ?? Array.from({ length: r.chance(0.9) || !isName(fn) ? count : count + 1 }, sub)))
}
/** Operators have as many sides as they have; functions may be called wrongly. */
const isName = (fn: string): boolean => /^[a-z]/.test(fn) && fn !== "in" && fn !== "neg"
