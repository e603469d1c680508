// Random expressions of a wanted type over the names in scope: every form of the IR, with parts that fail, that only the
// run can judge, and that are narrowed by a test before them. What comes out passes the checker.
import { call, type Expr, infer, lit, ref, subtype, T, type Type } from "../../graph/mod.ts"
import { Atoms } from "./atoms.ts"
import type { Chance } from "./chance.ts"
import { type Atom, teachings } from "./teachings.ts"
import { constant, FIELD_NAMES, someType } from "./values.ts"

/** Names of macro variables; the first that is free is taken, so that siblings share them. */
const VARIABLES = ["x", "y", "z", "w", "k", "i", "j", "t"]
const MACROS_MAX = 3
const TRIES = 4

export class Expressions {
  readonly #c: Chance
  readonly #names: ReadonlyMap<string, Type>
  readonly #atoms: Atoms
  readonly #locals: string[] = []
  #macros = 0
  readonly #risk: number

  /** `risk`: how many of a hundred parts that may fail are let in. */
  constructor(c: Chance, names: ReadonlyMap<string, Type>, risk: number) {
    this.#c = c
    this.#risk = risk
    this.#names = names
    this.#atoms = new Atoms(c, names)
  }

  /** An expression whose type is certainly a subtype of `wanted`; with `loose`, one that the run may have to look at. */
  make(wanted: Type, depth: number, loose = false): Expr {
    for (let i = 0; i < TRIES; i++) {
      const expr = this.#gen(wanted, i + 1 === TRIES ? 1 : depth)
      const { type, problems } = infer(expr, this.#names)
      if (problems.some((p) => p.severity !== "warning")) continue
      const fits = subtype(type, wanted)
      if (fits === "yes" || (loose && fits === "check")) return expr
    }
    return lit(constant(this.#c, wanted))
  }

  /** An expression of no type in particular, and its type. */
  any(depth: number): { readonly expr: Expr; readonly type: Type } {
    const expr = this.make(someType(this.#c, 2), depth)
    return { expr, type: infer(expr, this.#names).type }
  }

  /** An expression of unknown type, where there is one; its value is often of type `wanted`. */
  unknown(wanted: Type, depth: number): Expr {
    const json = call("json", call("toJson", this.make(wanted, depth)))
    const expr = this.#c.percent(50) ? (this.#atoms.find(T.unknown, "unknown")?.expr ?? json) : json
    return infer(expr, this.#names).problems.length === 0 ? expr : lit(null)
  }

  #leaf(t: Type): Expr {
    const atom = this.#c.percent(80) ? this.#atoms.find(t) : undefined
    return atom?.expr ?? lit(constant(this.#c, t))
  }

  #gen(t: Type, d: number): Expr {
    const c = this.#c
    if (d <= 0) return this.#leaf(t)
    switch (c.below(24)) {
      case 0:
      case 1:
      case 2:
        return this.#leaf(t)
      case 3:
      case 4:
        return { op: "if", test: this.#gen(T.boolean, d - 1), then: this.#gen(t, d - 1), else: this.#gen(t, d - 1) }
      case 5:
        if (!this.#dares()) return this.#byKind(t, d)
        return { op: "index", of: this.#gen(T.list(t), d - 1), at: this.#gen(T.number, d - 2) }
      case 6:
        return call("orValue", this.#optional(t, d - 1), this.#gen(t, d - 1))
      case 7:
      case 8:
        return this.#narrowing(t, d)
      case 9:
        if (!this.#dares()) return this.#leaf(t)
        return this.#c.percent(50)
          ? call("value", this.#optional(t, d - 1))
          : call(c.of(["first", "last"]), this.#gen(T.list(t), d - 1))
      case 10:
        if (!this.#dares()) return this.#byKind(t, d)
        return { op: "index", of: this.#gen(T.map(t), d - 1), at: this.#gen(T.string, d - 2) }
      default:
        return this.#byKind(t, d)
    }
  }

  /** May a part that can fail stand here? */
  #dares(): boolean {
    return this.#c.percent(this.#risk)
  }

  /** An access that may find nothing. */
  #optional(t: Type, d: number): Expr {
    const c = this.#c
    const atom = this.#atoms.find(T.union(t, T.null))
    if (atom !== undefined && c.percent(30)) return atom.expr
    switch (c.below(4)) {
      case 0:
        return { op: "index", of: this.#gen(T.map(t), d - 1), at: lit(c.of(["a", "b", "EUR"])), optional: true }
      case 1: {
        const field = this.#atoms.optionalField(t)
        if (field !== undefined) return field
        return { op: "field", of: this.#gen(T.map(t), d - 1), name: c.of(FIELD_NAMES), optional: true }
      }
      default:
        return { op: "index", of: this.#gen(T.list(t), d - 1), at: this.#gen(T.number, 0), optional: true }
    }
  }

  /** `x != null ? … x … : …`, `has(r.f) ? … r.f … : …`, `u.kind == "red" ? … u.a … : …`, also by `&&` and `||`. */
  #narrowing(t: Type, d: number): Expr {
    const c = this.#c
    const tests = teachings(this.#atoms.all)
    if (tests.length === 0) return this.#byKind(t, d)
    const { test, atoms } = c.of(tests)
    if (t.kind === "boolean" && c.percent(50)) {
      const right = this.#atoms.with(atoms, () => this.#gen(T.boolean, d - 1))
      return c.percent(50) ? { op: "and", left: test, right } : { op: "or", left: call("!", test), right }
    }
    const then = this.#atoms.with(atoms, () => this.#gen(t, d - 1))
    const other = this.#gen(t, d - 1)
    return c.percent(80)
      ? { op: "if", test, then, else: other }
      : { op: "if", test: call("!", test), then: other, else: then }
  }

  #byKind(t: Type, d: number): Expr {
    switch (t.kind) {
      case "number":
        return this.#number(d)
      case "boolean":
        return this.#boolean(d)
      case "string":
        return this.#string(d)
      case "int64":
        return this.#int64(d)
      case "list":
        return this.#list(t.of, d)
      case "map":
        return this.#map(t.of, d)
      case "record":
        return this.#record(t, d)
      case "union":
        return this.#gen(this.#c.of(t.of), d)
      case "bytes":
        return this.#c.percent(70) ? call("bytes", this.#gen(T.string, d - 1)) : call("unhex", lit("00ff7f"))
      case "unknown":
        return this.#unknown(d)
      default:
        return this.#leaf(t)
    }
  }

  #unknown(d: number): Expr {
    const c = this.#c
    const atom = this.#atoms.find(T.unknown, "unknown")
    switch (c.below(atom === undefined ? 3 : 6)) {
      case 0:
        return call("json", call("toJson", this.#gen(someType(c, 1), d - 1)))
      case 1:
        if (!this.#dares()) return this.#leaf(T.unknown)
        return call("json", lit(c.of(["[1,2,3]", '{"a":1,"b":"x"}', "7", "true", '"red"', "{", "null"])))
      case 2:
        return this.#gen(someType(c, 1), d - 1)
      case 3:
        if (!this.#dares()) return atom!.expr
        return { op: "field", of: atom!.expr, name: c.of(FIELD_NAMES), ...(c.percent(50) ? { optional: true } : {}) }
      case 4:
        if (!this.#dares()) return atom!.expr
        return { op: "index", of: atom!.expr, at: c.percent(50) ? lit(0) : lit("b") }
      default:
        return atom!.expr
    }
  }

  /** A part whose type only the run knows, where there is one of unknown type. */
  #guess(t: Type, d: number): Expr {
    const atom = this.#dares() && this.#c.percent(8) ? this.#atoms.find(T.unknown, "unknown") : undefined
    return atom?.expr ?? this.#gen(t, d)
  }

  #number(d: number): Expr {
    const c = this.#c
    const n = (by = 1) => this.#guess(T.number, d - by)
    switch (this.#dares() ? c.below(20) : c.of([0, 1, 2, 3, 4, 5, 10, 12, 12, 12, 12])) {
      case 0:
        return call("neg", n())
      case 1:
        return call("size", this.#gen(c.of([T.string, T.list(T.number), T.map(T.boolean), T.bytes]), d - 1))
      case 2:
        return call("sum", this.#gen(T.list(T.number), d - 1))
      case 3:
        return this.#each("sum_by", someType(c, 1), T.number, d)
      case 4:
        return call(c.of(["min", "max"]), n(), n())
      case 5:
        return call(c.of(["round", "abs", "floor", "ceil", "trunc", "sqrt", "sign"]), n())
      case 6:
        return call("number", this.#gen(c.of([T.string, T.int64]), d - 1))
      case 7:
        return call("div", n(), n())
      case 8:
        return call("avg", this.#gen(T.list(T.number), d - 1))
      case 9:
        return call("indexOf", this.#gen(T.list(T.string), d - 1), this.#gen(T.string, d - 1))
      case 10:
        return call("clamp", n(), n(2), n(2))
      case 11:
        return call("round", n(), lit(c.of([0, 1, 2, 16])))
      default:
        return call(c.of(["+", "-", "*", "/", "%", "+", "*"]), n(), n())
    }
  }

  #int64(d: number): Expr {
    const c = this.#c
    const n = () => this.#gen(T.int64, d - 1)
    if (!this.#dares()) return call("min", n(), n())
    switch (c.below(6)) {
      case 0:
        return call("int64", this.#gen(c.of([T.number, T.string]), d - 1))
      case 1:
        return call("neg", n())
      case 2:
        return call(c.of(["min", "max"]), n(), n())
      case 3:
        return call("+", n(), lit(c.between(0, 5)))
      default:
        return call(c.of(["+", "-", "*", "/", "%", "div"]), n(), n())
    }
  }

  #boolean(d: number): Expr {
    const c = this.#c
    const b = () => this.#guess(T.boolean, d - 1)
    switch (c.below(18)) {
      case 0:
      case 1:
        return { op: "and", left: b(), right: b() }
      case 2:
      case 3:
        return { op: "or", left: b(), right: b() }
      case 4:
        return call("!", b())
      case 5:
      case 6: {
        const t = c.of([T.number, T.string, T.int64, T.boolean])
        return call(c.of(["<", "<=", ">", ">="]), this.#guess(t, d - 1), this.#gen(t, d - 1))
      }
      case 7:
      case 8: {
        const t = someType(c, 1)
        return call(c.of(["==", "!="]), this.#guess(t, d - 1), this.#gen(t, d - 1))
      }
      case 9:
        return this.#each(c.of(["all", "exists", "exists_one"] as const), someType(c, 1), T.boolean, d)
      case 10:
        return this.#each(c.of(["all", "exists"] as const), T.number, T.boolean, d)
      case 11: {
        const atom = this.#atoms.find(T.map(T.unknown))
        return atom === undefined
          ? this.#leaf(T.boolean)
          : { op: "has", of: atom.expr, name: this.#fieldName(atom.type) }
      }
      case 12:
        return call("hasValue", this.#optional(someType(c, 0), d - 1))
      case 13:
        return call(
          c.of(["contains", "startsWith", "endsWith"]),
          this.#gen(T.string, d - 1),
          this.#gen(T.string, d - 1),
        )
      case 14:
        return call("in", this.#gen(T.string, d - 1), this.#gen(c.of([T.list(T.string), T.map(T.number)]), d - 1))
      case 15:
        return call("matches", this.#gen(T.string, d - 1), lit(c.of(["^[a-z]+$", "[0-9]", "R$"])))
      case 16:
        if (!this.#dares()) return this.#leaf(T.boolean)
        return call("bool", this.#gen(T.string, d - 1))
      default:
        return call(c.of(["isNaN", "isFinite"]), this.#gen(T.number, d - 1))
    }
  }

  #fieldName(t: Type): string {
    const names = t.kind === "record" ? Object.keys(t.fields) : []
    return names.length > 0 ? this.#c.of(names) : this.#c.of(FIELD_NAMES)
  }

  #string(d: number): Expr {
    const c = this.#c
    const s = () => this.#gen(T.string, d - 1)
    switch (c.below(12)) {
      case 0:
      case 1:
      case 2: {
        const parts = Array.from({ length: c.between(1, 3) }, () =>
          c.percent(40) ? lit(c.of(["a", " – ", "x="])) : this.#guess(c.of([T.string, T.number, T.boolean]), d - 1),
        )
        return { op: "text", parts }
      }
      case 3:
      case 4:
        return call("+", s(), s())
      case 5:
        return call(
          "string",
          this.#gen(c.of([T.number, T.int64, T.boolean, T.list(T.number), T.union(T.number, T.null)]), d - 1),
        )
      case 6:
        return call("join", this.#gen(T.list(T.string), d - 1), lit(","))
      case 7:
        return call(c.of(["upperAscii", "lowerAscii", "trim"]), s())
      case 8:
        return call("substring", s(), lit(c.of([0, 1, -2])), this.#gen(T.number, 0))
      case 9:
        return call("fixed", this.#gen(T.number, d - 1), lit(c.of([0, 2, 3])))
      case 10:
        if (!this.#dares()) return s()
        return call("toJson", this.#gen(someType(c, 1), d - 1))
      default:
        return call("replace", s(), lit("a"), s())
    }
  }

  #list(of: Type, d: number): Expr {
    const c = this.#c
    const t = T.list(of)
    switch (c.below(14)) {
      case 0:
      case 1:
      case 2:
        return this.#each("map", someType(c, 1), of, d)
      case 3:
      case 4:
        return this.#each("filter", of, T.boolean, d)
      case 5:
        return this.#each("sort_by", of, c.of([T.number, T.string, T.boolean]), d)
      case 6:
        return call("+", this.#gen(t, d - 1), this.#gen(t, d - 1))
      case 7:
        return call(c.of(["reverse", "distinct"]), this.#gen(t, d - 1))
      case 8:
        return call("slice", this.#gen(t, d - 1), lit(c.of([0, 1])), lit(c.of([2, 3, -1])))
      case 9:
        if (of.kind === "number") return call("range", lit(c.below(5)))
        if (of.kind === "string") return call("keys", this.#gen(T.map(T.number), d - 1))
        return call("values", this.#gen(T.map(of), d - 1))
      case 10:
        return call("flatten", this.#gen(T.list(t), d - 1))
      case 11:
        if (of.kind === "string") return call("split", this.#gen(T.string, d - 1), lit(","))
        return call("compact", this.#gen(T.list(T.union(of, T.null)), d - 1))
      default:
        return { op: "list", items: Array.from({ length: c.below(4) }, () => this.#gen(of, d - 1)) }
    }
  }

  #map(of: Type, d: number): Expr {
    const c = this.#c
    switch (c.below(4)) {
      case 0: {
        const keys = Array.from({ length: c.below(3) }, () =>
          c.percent(60) ? lit(c.of(["a", "b", "EUR", "z"])) : this.#gen(T.string, d - 1),
        ).slice(0, this.#dares() ? 3 : 1)
        return { op: "map", entries: keys.map((k) => [k, this.#gen(of, d - 1)] as const) }
      }
      case 1:
        return call("merge", this.#gen(T.map(of), d - 1), this.#gen(T.map(of), d - 1))
      case 2:
        if (!this.#dares()) return this.#leaf(T.map(of))
        return call("fromEntries", this.#gen(T.list(T.record({ key: T.string, value: of })), d - 1))
      default: {
        const names = c.shuffled(FIELD_NAMES).slice(0, c.below(3))
        return { op: "record", fields: names.map((n) => [n, this.#gen(of, d - 1)] as const) }
      }
    }
  }

  #record(t: Extract<Type, { kind: "record" }>, d: number): Expr {
    const fields = Object.entries(t.fields)
      .filter(([, f]) => !(f.optional === true || f.default !== undefined) || this.#c.percent(60))
      .map(([name, f]) => [name, this.#gen(f.type, d - 1)] as const)
    return { op: "record", fields: this.#c.shuffled(fields) }
  }

  /** A macro over a list, or over the keys of a map, in its form with one variable or two. */
  #each(macro: Extract<Expr, { op: "each" }>["macro"], of: Type, result: Type, d: number): Expr {
    const c = this.#c
    const free = VARIABLES.filter((v) => !this.#names.has(v) && !this.#locals.includes(v))
    if (this.#macros >= MACROS_MAX || free.length < 2) return this.#leaf(macroType(macro, of, result))
    const two = c.percent(35)
    const overMap = macro !== "filter" && macro !== "sort_by" && c.percent(25)
    const over = this.#gen(overMap ? T.map(of) : T.list(of), d - 1)
    const [item, index] = [free[0]!, free[1]!]
    const atoms: Atom[] = [{ expr: ref(item), type: overMap && !two ? T.string : of }]
    if (two) atoms.push({ expr: ref(index), type: overMap ? T.string : T.number })
    this.#macros++
    this.#locals.push(item, ...(two ? [index] : []))
    const body = this.#atoms.with(atoms, () => this.#gen(result, d - 1))
    this.#locals.splice(this.#locals.length - (two ? 2 : 1))
    this.#macros--
    return { op: "each", macro, over, item, ...(two ? { index } : {}), body }
  }
}

const macroType = (macro: string, of: Type, result: Type): Type =>
  macro === "map"
    ? T.list(result)
    : macro === "filter" || macro === "sort_by"
      ? T.list(of)
      : macro === "sum_by"
        ? T.number
        : T.boolean
