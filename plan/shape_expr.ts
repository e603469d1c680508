/**
 * Expressions out of plain values: the only ones that a plan carries as such are its `valid:`s, which the kernel looks at
 * with the reference evaluator. Whatever arrives, the result has the shape of an `Expr`, within the bounds of a `valid:`,
 * or a `PlanError` names the place; whether it is right for its types is admission's question.
 */
import { BUILTINS, type Expr, type Rec, VALID_LEVELS_MAX, VALID_PARTS_MAX, type Valid } from "../graph/mod.ts"
import { type At, bool, keyed, list, malformed, rec, text, texts, tuple } from "./shape.ts"

/** For each operation its keys beside `op`, and whether they must be there. */
const KEYS: { readonly [Op in Expr["op"]]: { readonly [key: string]: boolean } } = {
  const: { value: true },
  ref: { name: true },
  field: { of: true, name: true, optional: false },
  index: { of: true, at: true, optional: false },
  call: { fn: true, args: true },
  if: { test: true, then: true, else: true },
  and: { left: true, right: true },
  or: { left: true, right: true },
  list: { items: true },
  record: { fields: true },
  map: { entries: true },
  each: { macro: true, over: true, item: true, index: false, body: true },
  has: { of: true, name: true },
  text: { parts: true },
}

/** The `valid:`s of a plan. One that says that there are none would be a second encoding of the same plan. */
export function readValids(v: unknown, at: At): readonly Valid[] {
  const valids = list(v, at).map((x, i) => {
    const [path, valid] = tuple(x, ["path", "valid"], `${at}[${i}]`)
    return { path: texts(path, `${at}[${i}][0]`), valid: readExpr(valid, `${at}[${i}][1]`) }
  })
  if (valids.length === 0) throw malformed(at, v, "left out where it is empty")
  return valids
}

type Macro = Extract<Expr, { op: "each" }>["macro"]
const MACROS: { readonly [M in Macro]: true } = {
  map: true,
  filter: true,
  all: true,
  exists: true,
  exists_one: true,
  sort_by: true,
  sum_by: true,
}

/** An expression out of a value of its own shape. */
export function readExpr(v: unknown, at: At): Expr {
  let left = VALID_PARTS_MAX
  const read = (v: unknown, at: At, levels: number): Expr => {
    if (left-- <= 0) throw malformed(at, v, `part of an expression of at most ${VALID_PARTS_MAX} parts`)
    if (levels > VALID_LEVELS_MAX) throw malformed(at, v, `in an expression of at most ${VALID_LEVELS_MAX} levels`)
    const op = text(rec(v, at)["op"], `${at}.op`)
    if (!Object.hasOwn(KEYS, op)) throw malformed(`${at}.op`, op, "an operation of expressions")
    const r = keyed(v, { op: true, ...KEYS[op as Expr["op"]] }, at)
    const part = (key: string): Expr => read(r[key], `${at}.${key}`, levels + 1)
    const all = (key: string): Expr[] =>
      list(r[key], `${at}.${key}`).map((x, i) => read(x, `${at}.${key}[${i}]`, levels + 1))
    const word = (key: string): string => text(r[key], `${at}.${key}`)
    const optional = Object.hasOwn(r, "optional") ? { optional: bool(r["optional"], `${at}.optional`) } : {}
    switch (op as Expr["op"]) {
      case "const":
        return { op: "const", value: simple(r, at) }
      case "ref":
        return { op: "ref", name: word("name") }
      case "field":
        return { op: "field", of: part("of"), name: word("name"), ...optional }
      case "index":
        return { op: "index", of: part("of"), at: part("at"), ...optional }
      case "has":
        return { op: "has", of: part("of"), name: word("name") }
      case "call": {
        const fn = word("fn")
        if (!BUILTINS.has(fn)) throw malformed(`${at}.fn`, fn, "a function of the builtin table")
        return { op: "call", fn, args: all("args") }
      }
      case "if":
        return { op: "if", test: part("test"), then: part("then"), else: part("else") }
      case "and":
      case "or":
        return { op: op as "and" | "or", left: part("left"), right: part("right") }
      case "list":
        return { op: "list", items: all("items") }
      case "text":
        return { op: "text", parts: all("parts") }
      case "record": {
        const fields = list(r["fields"], `${at}.fields`).map((x, i) => {
          const [name, value] = tuple(x, ["name", "value"], `${at}.fields[${i}]`)
          return [text(name, `${at}.fields[${i}][0]`), read(value, `${at}.fields[${i}][1]`, levels + 1)] as const
        })
        return { op: "record", fields }
      }
      case "map": {
        const entries = list(r["entries"], `${at}.entries`).map((x, i) => {
          const [key, value] = tuple(x, ["key", "value"], `${at}.entries[${i}]`)
          const in_ = (y: unknown, k: number) => read(y, `${at}.entries[${i}][${k}]`, levels + 1)
          return [in_(key, 0), in_(value, 1)] as const
        })
        return { op: "map", entries }
      }
      case "each": {
        const macro = word("macro")
        if (!Object.hasOwn(MACROS, macro)) throw malformed(`${at}.macro`, macro, "a macro")
        const index = Object.hasOwn(r, "index") ? { index: word("index") } : {}
        return {
          op: "each",
          macro: macro as Macro,
          over: part("over"),
          item: word("item"),
          ...index,
          body: part("body"),
        }
      }
    }
  }
  return read(v, at, 1)
}

function simple(r: Rec, at: At): null | boolean | number | string {
  const value = r["value"]
  if (value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string")
    return value
  throw malformed(`${at}.value`, value, "a text, a number, true, false or null")
}
