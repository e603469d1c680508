/**
 * The type of an expression, and everything that is wrong with it. All problems come back at once, each with its place;
 * after one, the broken part has the type `never`, which fits everywhere, so that one mistake is reported once.
 * Linear in the size of the expression.
 */

import { elementOf, hasNull, memberOf, withoutNull } from "./builtins/signature.ts"
import { BUILTINS, nonNull, nullArguments, resolve } from "./builtins.ts"
import type { ExprProblem } from "./cel/bounds.ts"
import { printCel } from "./cel/print.ts"
import type { Expr } from "./expr.ts"
import { fieldTypeOf, lookup, member } from "./infer/access.ts"
import { pattern, wrongArguments } from "./infer/calls.ts"
import { isNull, membership, neverEqual } from "./infer/equality.ts"
import { type Check, firstOf, hint, listed, named, Report, short } from "./infer/report.ts"
import { type Facts, narrowed, pathOf, tagFacts } from "./narrow.ts"
import { nearest } from "./near.ts"
import { type Field, printType, subtype, T, type Type, unionOf } from "./type.ts"
import { typeOfValue } from "./typeof.ts"

export { LIST_GUESS, staticCost } from "./infer/cost.ts"
export type { Check }

export interface Inferred {
  /** `never` where the expression is broken. */
  readonly type: Type
  readonly problems: readonly ExprProblem[]
  /** Can it end in a failure on values of the types given? */
  readonly mayFail: boolean
  readonly checks: readonly Check[]
}

/** Macros in macros, deeper than this, are refused: each level multiplies the work by the length of a list. */
export const MACRO_DEPTH_MAX = 4

/**
 * Type, problems and run-time checks of an expression whose names have the types of `env`. `note` is told the type of every
 * part, as the flow around it has narrowed it.
 */
export function infer(expr: Expr, env: ReadonlyMap<string, Type>, note?: (part: Expr, type: Type) => void): Inferred {
  const i = new Infer(env, note)
  const type = i.visit(expr, undefined)
  return { type, problems: i.problems, mayFail: i.mayFail, checks: i.checks }
}

interface Local {
  readonly name: string
  readonly type: Type
  readonly next: Local | undefined
}

class Infer extends Report {
  /** What is known where the expression just visited is true, and where it is false. */
  whenTrue: Facts | undefined
  whenFalse: Facts | undefined
  private locals: Local | undefined
  private macros = 0
  private readonly env: ReadonlyMap<string, Type>
  private readonly note: ((part: Expr, type: Type) => void) | undefined

  constructor(env: ReadonlyMap<string, Type>, note: ((part: Expr, type: Type) => void) | undefined) {
    super()
    this.env = env
    this.note = note
  }

  visit(e: Expr, facts: Facts | undefined): Type {
    const type = this.seen(e, facts)
    this.note?.(e, type)
    return type
  }

  private seen(e: Expr, facts: Facts | undefined): Type {
    if (e.op === "and" || e.op === "or") return this.logic(e, facts)
    if (e.op === "call" && e.fn === "!") {
      const type = this.call(e, facts)
      const swapped = this.whenTrue
      this.whenTrue = this.whenFalse
      this.whenFalse = swapped
      return type
    }
    const type = this.form(e, facts)
    // A form that teaches something leaves it in `whenTrue` and `whenFalse`; everything else teaches nothing.
    if (!(e.op === "has" || (e.op === "call" && TEACHES.has(e.fn)))) this.whenTrue = this.whenFalse = facts
    return type
  }

  form(e: Expr, facts: Facts | undefined): Type {
    switch (e.op) {
      case "and":
      case "or":
        return this.logic(e, facts)
      case "const":
        return typeOfValue(e.value)
      case "ref":
        return this.name(e, facts)
      case "field":
        return this.field(e, facts)
      case "index":
        return this.index(e, facts)
      case "has":
        return this.has(e, facts)
      case "call":
        return this.call(e, facts)
      case "if":
        return this.choice(e, facts)
      case "list":
        return T.list(unionOf(e.items.map((x) => this.visit(x, facts))))
      case "record":
        return this.record(e, facts)
      case "map":
        return this.mapping(e, facts)
      case "each":
        return this.each(e, facts)
      case "text":
        return this.text(e, facts)
    }
  }

  name(e: Extract<Expr, { op: "ref" }>, facts: Facts | undefined): Type {
    const type = this.lookUp(e.name)
    if (type !== undefined) return facts === undefined ? type : (narrowed(facts, e.name) ?? type)
    const names = [...this.localNames(), ...firstOf(this.env.keys(), 200)]
    const near = nearest(e.name, names)
    const known = names.length === 0 ? "No name is." : `In scope: ${listed(names)}.`
    return this.problem("G102", e, `"${e.name}" is no name in scope. ${known}`, near && `Write ${near}.`)
  }

  lookUp(name: string): Type | undefined {
    for (let l = this.locals; l !== undefined; l = l.next) if (l.name === name) return l.type
    return this.env.get(name)
  }
  *localNames(): Iterable<string> {
    for (let l = this.locals; l !== undefined; l = l.next) yield l.name
  }

  field(e: Extract<Expr, { op: "field" }>, facts: Facts | undefined): Type {
    const of = this.visit(e.of, facts)
    if (of.kind === "never") return of
    const path = facts === undefined ? undefined : pathOf(e)
    const known = path === undefined ? undefined : narrowed(facts!, path)
    return known ?? member(this, e, of, e.name, e.optional === true)
  }

  index(e: Extract<Expr, { op: "index" }>, facts: Facts | undefined): Type {
    const of = this.visit(e.of, facts)
    const at = this.visit(e.at, facts)
    if (of.kind === "never" || at.kind === "never") return T.never
    if (e.at.op === "const" && typeof e.at.value === "string")
      return member(this, e, of, e.at.value, e.optional === true)
    return lookup(this, e, of, at)
  }

  has(e: Extract<Expr, { op: "has" }>, facts: Facts | undefined): Type {
    this.whenTrue = this.whenFalse = facts
    const of = this.visit(e.of, facts)
    if (of.kind === "never") return T.boolean
    const kept = this.mayFail
    const type = member(this, e, of, e.name, true)
    if (of.kind !== "unknown") this.mayFail = kept
    this.whenTrue = this.whenFalse = facts
    const path = pathOf(e)
    if (path !== undefined)
      this.whenTrue = {
        path,
        type: fieldTypeOf(of, e.name) ?? withoutNull(type),
        next: nonNullOf(e.of, of, facts, (x) => this.quiet(x, facts)),
      }
    return T.boolean
  }

  record(e: Extract<Expr, { op: "record" }>, facts: Facts | undefined): Type {
    const fields: { [name: string]: Field } = {}
    for (const [name, value] of e.fields) {
      if (name === "__proto__") this.problem("G004", value, `"__proto__" is no field of any value.`)
      else if (Object.hasOwn(fields, name)) this.problem("G003", value, `The field "${name}" comes twice.`)
      else fields[name] = { type: this.visit(value, facts) }
    }
    return { kind: "record", fields }
  }

  mapping(e: Extract<Expr, { op: "map" }>, facts: Facts | undefined): Type {
    this.mayFail = true
    const values = e.entries.map(([k, v]) => {
      const key = this.visit(k, facts)
      const fits = subtype(key, T.string)
      if (fits === "no") this.problem("G101", k, `A key is text, found ${printType(key)}.`, "Write string(…).")
      if (fits === "check") this.check(k, `Only the run can tell whether the key ${short(printCel(k))} is text.`)
      return this.visit(v, facts)
    })
    return T.map(unionOf(values))
  }

  text(e: Extract<Expr, { op: "text" }>, facts: Facts | undefined): Type {
    for (const p of e.parts) {
      const type = this.visit(p, facts)
      if (hasNull(type))
        this.problem(
          "G101",
          p,
          `${short(printCel(p))} may be null, and null has no text.`,
          `Write ${short(printCel(p))}.orValue("").`,
        )
      else {
        const r = resolve(BUILTINS.get("string")!, [type])
        if (r === undefined)
          this.problem(
            "G101",
            p,
            `${printType(type)} has no text.`,
            type.kind === "bytes" ? "Write base64(…) or utf8(…)." : undefined,
          )
        else if (r.fits === "check") this.check(p, `Only the run can tell whether ${short(printCel(p))} has a text.`)
        else this.mayFail ||= r.fails
      }
    }
    return T.string
  }

  boolean(e: Expr, type: Type, where: string): void {
    const fits = subtype(type, T.boolean)
    if (fits === "no" || hasNull(type))
      this.problem("G101", e, `${where} is true or false, found ${short(printType(type))}.`, hint(e, type))
    else if (fits === "check") this.check(e, `Only the run can tell whether ${short(printCel(e))} is true or false.`)
  }

  choice(e: Extract<Expr, { op: "if" }>, facts: Facts | undefined): Type {
    this.boolean(e.test, this.visit(e.test, facts), "What stands before ?")
    const { whenTrue, whenFalse } = this
    return unionOf([this.visit(e.then, whenTrue), this.visit(e.else, whenFalse)])
  }

  logic(e: Extract<Expr, { op: "and" | "or" }>, facts: Facts | undefined): Type {
    const sign = e.op === "and" ? "&&" : "||"
    this.boolean(e.left, this.visit(e.left, facts), `The left side of ${sign}`)
    const left = e.op === "and" ? this.whenTrue : this.whenFalse
    this.boolean(e.right, this.visit(e.right, left), `The right side of ${sign}`)
    if (e.op === "and") this.whenFalse = facts
    else this.whenTrue = facts
    return T.boolean
  }

  each(e: Extract<Expr, { op: "each" }>, facts: Facts | undefined): Type {
    const over = this.visit(e.over, facts)
    const [item, index] = this.items(e, over)
    if (++this.macros > MACRO_DEPTH_MAX)
      this.problem(
        "G006",
        e,
        `Macros may stand in macros ${MACRO_DEPTH_MAX} deep: each multiplies the work.`,
        "Name the inner one in a node of its own.",
      )
    const outer = this.locals
    for (const name of e.index === undefined ? [e.item] : [e.index, e.item]) {
      if (this.lookUp(name) !== undefined)
        this.problem("G003", e, `The variable "${name}" hides a name in scope.`, "Give it another name.")
    }
    if (e.index !== undefined) this.locals = { name: e.index, type: index, next: this.locals }
    this.locals = { name: e.item, type: item, next: this.locals }
    const body = this.visit(e.body, facts)
    const kept = this.whenTrue === undefined ? undefined : narrowed(this.whenTrue, e.item)
    this.locals = outer
    this.macros--
    return this.macroResult(e, item, body, kept)
  }

  /** Types of item and index of what a macro goes over. */
  items(e: Extract<Expr, { op: "each" }>, over: Type): readonly [Type, Type] {
    if (over.kind === "list") return [over.of, T.number]
    if (over.kind === "map" || over.kind === "record")
      return [e.index === undefined ? T.string : memberOf(over), T.string]
    if (over.kind === "never") return [T.never, T.never]
    const subject = short(printCel(e.over))
    if (over.kind === "unknown") {
      this.check(e.over, `Only the run can tell whether ${subject} is a list.`)
      return [T.unknown, T.unknown]
    }
    if (hasNull(over)) this.problem("G101", e.over, `${subject} may be null.`, `Write ${subject}.orValue([]).`)
    else if (over.kind === "union" && over.of.every((t) => t.kind === "list")) return [elementOf(over), T.number]
    else this.problem("G101", e.over, `${METHOD[e.macro]} goes over a list or a map, found ${short(printType(over))}.`)
    return [T.never, T.never]
  }

  macroResult(e: Extract<Expr, { op: "each" }>, item: Type, body: Type, kept: Type | undefined): Type {
    switch (e.macro) {
      case "map":
        return T.list(body)
      case "filter":
        this.boolean(e.body, body, "The test of filter")
        return T.list(kept ?? item)
      case "sort_by":
        if (body.kind !== "never" && !SORTABLE.some((t) => subtype(body, t) === "yes")) {
          if (subtype(body, SORT_KEYS) === "no" || hasNull(body))
            this.problem(
              "G101",
              e.body,
              `sortBy sorts by numbers or texts, found ${short(printType(body))}.`,
              hint(e.body, body),
            )
          else this.check(e.body, `Only the run can tell whether ${short(printCel(e.body))} can be sorted by.`)
        }
        return T.list(item)
      case "sum_by":
        return this.sumBy(e, body)
      default:
        this.boolean(e.body, body, `The test of ${METHOD[e.macro]}`)
        return T.boolean
    }
  }

  sumBy(e: Extract<Expr, { op: "each" }>, body: Type): Type {
    const fits = subtype(body, T.number)
    const variables = e.index === undefined ? e.item : `${e.index}, ${e.item}`
    const map = `${short(printCel(e.over))}.${e.index === undefined ? "map" : "transformList"}`
    const fix = body.kind === "int64" ? `Write ${map}(${variables}, …).sum(int64(0)).` : hint(e.body, body)
    if (fits === "no" || hasNull(body)) {
      return this.problem("G101", e.body, `sumBy adds up numbers, found ${short(printType(body))}.`, fix)
    }
    if (fits === "check") this.check(e.body, `Only the run can tell whether ${short(printCel(e.body))} is a number.`)
    return T.number
  }

  call(e: Extract<Expr, { op: "call" }>, facts: Facts | undefined): Type {
    const types: Type[] = []
    for (const x of e.args) types.push(this.visit(x, facts))
    if (!TEACHES.has(e.fn)) this.whenTrue = this.whenFalse = facts
    const b = BUILTINS.get(e.fn)
    if (b === undefined) {
      const near = nearest(e.fn, BUILTINS.keys())
      return this.problem("G104", e, `There is no function ${e.fn}().`, near && `Write ${near}().`)
    }
    if (e.fn === "==" || e.fn === "!=") this.comparison(e, types, facts)
    else if (TEACHES.has(e.fn) && e.fn !== "!") this.presence(e, types, facts)
    if (types.some((t) => t.kind === "never")) return e.fn === "==" || e.fn === "!=" ? T.boolean : T.never
    if (e.fn === "matches" || e.fn === "find") pattern(this, e)
    if (e.fn === "in") membership(this, e, types)
    const nulls = nullArguments(b, types)
    if (nulls.length > 0) {
      const x = e.args[nulls[0]!]!
      this.problem(
        "G101",
        x,
        `${short(printCel(x))} may be null, and ${named(e.fn)} does not take null.`,
        `Write ${short(printCel(x))}.orValue(…).`,
      )
      return resolve(b, nonNull(types))?.type ?? T.never
    }
    const r = resolve(b, types)
    if (r === undefined) return wrongArguments(this, e, types)
    if (r.fits === "check")
      this.check(
        e,
        `Only the run can tell whether ${named(e.fn)} takes ${types.map((t) => short(printType(t))).join(" and ")}.`,
      )
    this.mayFail ||= r.fails
    return r.type
  }

  /** What `==` and `!=` say about their sides, and what they teach about them. */
  comparison(e: Extract<Expr, { op: "call" }>, types: readonly Type[], facts: Facts | undefined): void {
    this.whenTrue = this.whenFalse = facts
    const [left, right] = e.args
    const [a, b] = types
    if (left === undefined || right === undefined || a === undefined || b === undefined) return
    if (a.kind !== "never" && b.kind !== "never") neverEqual(this, e, a, b)
    const equal = e.fn === "=="
    const [same, other] = isNull(right)
      ? this.nulls(left, a, facts)
      : isNull(left)
        ? this.nulls(right, b, facts)
        : this.tag(left, right, facts)
    this.whenTrue = equal ? same : other
    this.whenFalse = equal ? other : same
  }

  /** `x == null`: where it is null, and where it is not. */
  nulls(e: Expr, type: Type, facts: Facts | undefined): readonly [Facts | undefined, Facts | undefined] {
    const path = pathOf(e)
    if (path === undefined || !hasNull(type)) return [facts, facts]
    return [{ path, type: T.null, next: facts }, nonNullOf(e, type, facts, (x) => this.quiet(x, facts))]
  }

  /** `x.kind == "word"`: which members of a union remain. */
  tag(left: Expr, right: Expr, facts: Facts | undefined): readonly [Facts | undefined, Facts | undefined] {
    const [subject, word] = right.op === "const" ? [left, right] : [right, left]
    if (word.op !== "const" || typeof word.value !== "string") return [facts, facts]
    return tagFacts(subject, word.value, facts, (x) => this.quiet(x, facts))
  }

  /** The type of a path again, without reporting anything twice. */
  quiet(e: Expr, facts: Facts | undefined): Type {
    const known = pathOf(e)
    const fact = known === undefined || facts === undefined ? undefined : narrowed(facts, known)
    if (fact !== undefined) return fact
    if (e.op === "ref") return this.lookUp(e.name) ?? T.never
    if (e.op !== "field") return T.never
    const of = this.quiet(e.of, facts)
    const type = fieldTypeOf(withoutNull(of), e.name) ?? T.never
    return hasNull(of) && e.optional ? unionOf([type, T.null]) : type
  }

  presence(e: Extract<Expr, { op: "call" }>, types: readonly Type[], facts: Facts | undefined): void {
    this.whenTrue = this.whenFalse = facts
    const [x] = e.args
    if (e.fn === "hasValue" && x !== undefined && types[0] !== undefined)
      this.whenTrue = nonNullOf(x, types[0], facts, (y) => this.quiet(y, facts))
  }
}

/** Calls after which more is known where they are true or false. */
const TEACHES: ReadonlySet<string> = new Set(["==", "!=", "hasValue", "!"])
const METHOD = {
  map: "map",
  filter: "filter",
  all: "all",
  exists: "exists",
  exists_one: "exists_one",
  sort_by: "sortBy",
  sum_by: "sumBy",
} as const
const SORTABLE = [T.number, T.int64, T.string, T.boolean]
const SORT_KEYS = T.union(...SORTABLE)

/** Facts where `e`, of type `type`, is not null: it is there, and so is what it is a field of. */
function nonNullOf(e: Expr, type: Type, facts: Facts | undefined, typeOf: (e: Expr) => Type): Facts | undefined {
  const path = pathOf(e)
  if (path === undefined || type.kind === "never") return facts
  const outer = e.op === "field" && e.optional ? nonNullOf(e.of, typeOf(e.of), facts, typeOf) : facts
  return { path, type: withoutNull(type), next: outer }
}
