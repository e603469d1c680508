/**
 * Expressions to CEL text: one canonical text per tree, with no more parentheses than it needs, which parses back to the
 * same tree. Files are printed with it, and tests compare the text.
 */
import { BUILTINS } from "../builtins.ts"
import type { Expr } from "../expr.ts"
import { isPlainName, printLiteral, printString } from "../literal.ts"
import { isRecord, type Value } from "../value.ts"

/** How tightly a form binds; what binds less than its surroundings want is put in parentheses. */
const CHOICE = 1
const OR = 2
const AND = 3
const UNARY = 8
const POSTFIX = 9
const BINARY: { readonly [fn: string]: number } = {
  "==": 4,
  "!=": 4,
  "<": 5,
  "<=": 5,
  ">": 5,
  ">=": 5,
  in: 5,
  "+": 6,
  "-": 6,
  "*": 7,
  "/": 7,
  "%": 7,
}
const MACRO_NAMES = {
  map: "map",
  filter: "filter",
  all: "all",
  exists: "exists",
  exists_one: "exists_one",
  sort_by: "sortBy",
  sum_by: "sumBy",
} as const

/**
 * Canonical CEL text. `parseCel` gives back the same tree, apart from constants that CEL has no literal for (`spread`
 * says what they become) and a string index, which is a field.
 */
export const printCel = (e: Expr): string => print(e, CHOICE)

function print(e: Expr, want: number): string {
  const [text, binds] = form(e)
  return binds < want ? `(${text})` : text
}

function form(e: Expr): readonly [text: string, binds: number] {
  switch (e.op) {
    case "const":
      return [
        printLiteral(e.value),
        typeof e.value === "number" && (e.value < 0 || Object.is(e.value, -0)) ? UNARY : POSTFIX,
      ]
    case "ref":
      return [e.name, POSTFIX]
    case "field":
      return [`${receiver(e.of)}${step(e.name, e.optional === true)}`, POSTFIX]
    case "index":
      if (e.at.op === "const" && typeof e.at.value === "string")
        return [`${receiver(e.of)}${step(e.at.value, e.optional === true)}`, POSTFIX]
      return [`${receiver(e.of)}[${e.optional ? "?" : ""}${print(e.at, CHOICE)}]`, POSTFIX]
    case "has":
      return [`has(${receiver(e.of)}${step(e.name, false)})`, POSTFIX]
    case "if":
      return [`${print(e.test, OR)} ? ${print(e.then, CHOICE)} : ${print(e.else, CHOICE)}`, CHOICE]
    case "or":
      return [`${print(e.left, OR)} || ${print(e.right, AND)}`, OR]
    case "and":
      return [`${print(e.left, AND)} && ${print(e.right, AND + 1)}`, AND]
    case "list":
      return [`[${list(e.items)}]`, POSTFIX]
    case "record":
      return [`{${e.fields.map(([k, v]) => `${printString(k)}: ${print(v, CHOICE)}`).join(", ")}}`, POSTFIX]
    case "map":
      return [`{${e.entries.map(([k, v]) => `${computed(k)}: ${print(v, CHOICE)}`).join(", ")}}`, POSTFIX]
    case "text":
      return [`text(${list(e.parts)})`, POSTFIX]
    case "each":
      return [each(e), POSTFIX]
    case "call":
      return callForm(e)
  }
}

const list = (items: readonly Expr[]): string => items.map((x) => print(x, CHOICE)).join(", ")
/** A number before a dot would read as its fraction, so it gets parentheses. */
const receiver = (e: Expr): string =>
  e.op === "const" && typeof e.value === "number" && Number.isFinite(e.value)
    ? `(${print(e, CHOICE)})`
    : print(e, POSTFIX)
const step = (name: string, optional: boolean): string =>
  isPlainName(name) ? `.${optional ? "?" : ""}${name}` : `[${optional ? "?" : ""}${printString(name)}]`
/** A bare name as a key is refused as ambiguous, so every computed key stands in parentheses. */
const computed = (k: Expr): string =>
  k.op === "const" && typeof k.value === "string" ? printString(k.value) : `(${print(k, CHOICE)})`

function each(e: Extract<Expr, { op: "each" }>): string {
  const variables = e.index === undefined ? e.item : `${e.index}, ${e.item}`
  const name = e.macro === "map" && e.index !== undefined ? "transformList" : MACRO_NAMES[e.macro]
  return `${receiver(e.over)}.${name}(${variables}, ${print(e.body, CHOICE)})`
}

function callForm(e: Extract<Expr, { op: "call" }>): readonly [string, number] {
  const [a, b] = e.args
  const binds = Object.hasOwn(BINARY, e.fn) ? BINARY[e.fn] : undefined
  if (binds !== undefined && a !== undefined && b !== undefined && e.args.length === 2) {
    return [`${print(a, binds)} ${e.fn} ${print(b, binds + 1)}`, binds]
  }
  if (e.fn === "!" && a !== undefined && e.args.length === 1) return [`!${print(a, UNARY)}`, UNARY]
  if (e.fn === "neg" && a !== undefined && e.args.length === 1 && a.op !== "const")
    return [`-${print(a, UNARY)}`, UNARY]
  if (a !== undefined && BUILTINS.get(e.fn)?.method)
    return [`${receiver(a)}.${e.fn}(${list(e.args.slice(1))})`, POSTFIX]
  return [`${e.fn}(${list(e.args)})`, POSTFIX]
}

/** A constant as `parseCel` gives it: lists and records taken apart, an int64 below 2^53 as a call of `int64`. */
export function spread(v: Value): Expr {
  if (Array.isArray(v)) return { op: "list", items: v.map(spread) }
  if (isRecord(v)) return { op: "record", fields: Object.entries(v).map(([k, x]) => [k, spread(x)] as const) }
  if (typeof v === "bigint" && Number.isSafeInteger(Number(v)))
    return { op: "call", fn: "int64", args: [spread(Number(v))] }
  return { op: "const", value: v }
}
