/**
 * The types of a plan while it is verified: comparing and joining them, and values against them. A plan may be hostile, so
 * sizes are counted before a type is walked, each question is answered once, and all answers together draw on one budget.
 */
import {
  BUILTINS,
  type Field,
  type Fits,
  isRecord,
  resolveCall,
  subtype,
  T,
  Tensor,
  type Type,
  unionOf,
  type Value,
} from "../graph/mod.ts"
import type { PlanPlace } from "./error.ts"
import { named, refuse } from "./rules.ts"
import { TYPE_DEPTH_MAX } from "./shape.ts"

/** Constructors, fields and words of one type. */
export const TYPE_SIZE_MAX = 1 << 17
/** Elementary steps of all comparisons of types, of values with types, and of the ways through blocks, in one plan. */
export const TYPE_WORK_MAX = 1 << 26
/** What each step and instruction of the plan adds to that. */
export const TYPE_WORK_EACH = 1 << 12

interface Measure {
  readonly id: number
  readonly size: number
  readonly depth: number
  /** Has unions or enumerations inside: comparing two such types may take the product of their sizes. */
  readonly wide: boolean
  /** Has fields with defaults inside. */
  readonly defaults: boolean
}

export class TypeWork {
  readonly #measures = new Map<Type, Measure>()
  readonly #fits = new Map<number, Fits>()
  readonly #derived = new Map<string, Type>()
  readonly #resolved = new Map<string, Type | undefined>()
  readonly #budget: number
  #left: number
  /** The place that is being verified, for messages. */
  at: PlanPlace | string = "plan"

  /** `operations`: the steps and instructions of the plan, which pay for the work. */
  constructor(operations: number) {
    this.#budget = TYPE_WORK_MAX + TYPE_WORK_EACH * operations
    this.#left = this.#budget
  }

  /** Size of a type, counted once. Refuses types that are too large or too deep. */
  measure(t: Type): Measure {
    const known = this.#measures.get(t)
    if (known !== undefined) return known
    let size = t.kind === "enum" ? 1 + t.values.length : 1
    let depth = 0
    let wide = t.kind === "enum" || t.kind === "union"
    let defaults = t.kind === "record" && Object.values(t.fields).some((f) => f.default !== undefined)
    for (const part of partsOf(t)) {
      const m = this.measure(part)
      if (part.kind === "stream")
        refuse("P004", this.at, "a type", "one in which no stream is part of another type", named(t))
      defaults ||= m.defaults
      size += m.size
      depth = Math.max(depth, m.depth)
      wide ||= m.wide
    }
    depth++
    if (size > TYPE_SIZE_MAX) refuse("P004", this.at, "a type", `of at most ${TYPE_SIZE_MAX} parts`, `${size}`)
    if (depth > TYPE_DEPTH_MAX) refuse("P004", this.at, "a type", `of at most ${TYPE_DEPTH_MAX} levels`, `${depth}`)
    const m = { id: this.#measures.size, size, depth, wide, defaults }
    this.#measures.set(t, m)
    return m
  }

  /** Takes steps from the budget of the whole plan. */
  pay(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) refuse("P009", this.at, "it", `verified in ${this.#budget} steps`, "more")
  }

  fits(a: Type, b: Type): Fits {
    if (a === b) return "yes"
    const x = this.measure(a)
    const y = this.measure(b)
    const key = x.id * 0x4000000 + y.id
    const known = this.#fits.get(key)
    if (known !== undefined) return known
    this.pay(x.wide && y.wide ? x.size * y.size : x.size + y.size)
    const fits = subtype(a, b)
    this.#fits.set(key, fits)
    return fits
  }

  /** The type of one text. */
  word(text: string): Type {
    this.pay(text.length)
    return this.#derive(`"${text}`, () => T.enum(text))
  }
  list(of: Type): Type {
    return this.#derive(`[${this.measure(of).id}`, () => T.list(of))
  }
  stream(of: Type): Type {
    return this.#derive(`~${this.measure(of).id}`, () => T.stream(of))
  }
  map(of: Type): Type {
    return this.#derive(`{${this.measure(of).id}`, () => T.map(of))
  }
  /** A record of these names, given as the index of their constant. */
  record(names: number, words: readonly string[], types: readonly Type[]): Type {
    const key = `r${names}:${types.map((t) => this.measure(t).id).join(",")}`
    return this.#derive(key, () => ({
      kind: "record",
      fields: Object.fromEntries(words.map((w, i) => [w, { type: types[i]! }])),
    }))
  }
  union(types: readonly Type[]): Type {
    const ids = new Map(types.map((t) => [this.measure(t).id, t]))
    if (ids.size === 1) return types[0]!
    const all = [...ids.values()]
    return this.#derive(`|${[...ids.keys()].join("|")}`, () => {
      const members = all.flatMap((t) => (t.kind === "union" ? t.of : [t])).length
      const size = all.reduce((n, t) => n + this.measure(t).size, 0)
      this.pay(all.some((t) => this.measure(t).wide) ? size * size : 2 * members * size)
      return unionOf(all)
    })
  }
  withoutNull(t: Type): Type {
    if (t.kind === "null") return T.never
    if (t.kind !== "union") return t
    return this.#derive(`0${this.measure(t).id}`, () => unionOf(t.of.filter((m) => m.kind !== "null")))
  }
  #derive(key: string, make: () => Type): Type {
    let t = this.#derived.get(key)
    if (t === undefined) {
      t = make()
      this.measure(t)
      this.#derived.set(key, t)
    }
    return t
  }

  /** What a builtin gives for arguments of these types; undefined when it takes none such. */
  call(fn: string, args: readonly Type[]): Type | undefined {
    // A value that cannot be there is no argument: the call is never made.
    if (args.some((t) => t.kind === "never")) return T.never
    const measures = args.map((t) => this.measure(t))
    const key = `${fn} ${measures.map((m) => m.id).join(",")}`
    if (!this.#resolved.has(key)) {
      const b = BUILTINS.get(fn)!
      const size = measures.reduce((n, m) => n + m.size, 0)
      this.pay((b.overloads.length + (measures.some((m) => m.wide) ? size : 2)) * size)
      const type = resolveCall(b, args)?.type
      if (type !== undefined) this.measure(type)
      this.#resolved.set(key, type)
    }
    return this.#resolved.get(key)
  }

  /** Is the value one of the type? Walks both together; types are at most TYPE_DEPTH_MAX deep. */
  holds(v: Value, t: Type): boolean {
    this.pay(1)
    switch (t.kind) {
      case "unknown":
        return true
      case "never":
      case "stream":
        return false
      case "null":
        return v === null
      case "int64":
        return typeof v === "bigint" || Number.isSafeInteger(v)
      case "bytes":
        return v instanceof Uint8Array
      case "list":
        return Array.isArray(v) && v.every((x) => this.holds(x, t.of))
      case "map":
        return isRecord(v) && Object.keys(v).every((k) => this.holds(v[k]!, t.of))
      case "record":
        return (
          isRecord(v) &&
          Object.entries(t.fields).every(([k, f]) => (Object.hasOwn(v, k) ? this.holds(v[k]!, f.type) : absent(f)))
        )
      case "enum":
        this.pay(t.values.length)
        return typeof v === "string" && t.values.includes(v)
      case "union":
        return t.of.some((m) => this.holds(v, m))
      case "tensor":
        return (
          v instanceof Tensor &&
          v.dtype === t.dtype &&
          (t.shape === null ||
            (t.shape.length === v.shape.length && t.shape.every((n, i) => n === null || n === v.shape[i])))
        )
      default:
        return typeof v === t.kind
    }
  }

  /** Refuses a default anywhere in the type that is no value of its field. */
  defaults(t: Type): void {
    if (t.kind === "record") {
      for (const [name, f] of Object.entries(t.fields)) {
        if (f.default === undefined || this.holds(f.default, f.type)) continue
        refuse("P004", this.at, `the default of "${name}"`, named(f.type), "another value")
      }
    }
    for (const part of partsOf(t)) this.defaults(part)
  }

  /** The type of a field that every value of the type has; undefined where one may lack it. */
  field(t: Type, name: string): Type | undefined {
    this.pay(1)
    if (t.kind === "union") {
      const types = t.of.map((m) => this.field(m, name))
      return types.every((f) => f !== undefined) ? this.union(types) : undefined
    }
    if (t.kind !== "record") return t.kind === "never" ? t : undefined
    const f = Object.hasOwn(t.fields, name) ? t.fields[name]! : undefined
    return f === undefined || absent(f) ? undefined : f.type
  }

  /** The type of `t[at]`, where it is there; undefined where it never is. `or`: it may be missing, and is null then. */
  index(t: Type, at: Type, or: boolean): Type | undefined {
    this.pay(1)
    if (at.kind === "never") return at
    const some = (x: Type) => (or ? this.union([x, T.null]) : x)
    switch (t.kind) {
      case "unknown":
      case "never":
        return t
      case "null":
        return or ? T.null : T.never
      case "list":
        return this.fits(at, NUMBERS) === "no" ? undefined : some(t.of)
      case "map":
        return this.fits(at, T.string) === "no" ? undefined : some(t.of)
      case "record":
        return this.fits(at, T.string) === "no" ? undefined : this.#entry(t, at, or)
      case "union":
        return this.#any(t.of.map((m) => this.index(m, at, or)))
      default:
        return undefined
    }
  }

  /** What a record gives for a key: the fields that the key may name. */
  #entry(t: Extract<Type, { kind: "record" }>, at: Type, or: boolean): Type {
    this.pay(this.measure(t).size + this.measure(at).size)
    const fields =
      at.kind === "enum"
        ? at.values.map((k) => (Object.hasOwn(t.fields, k) ? t.fields[k] : undefined))
        : Object.values(t.fields)
    const types = fields.map((f) => f?.type ?? T.never)
    const sure = at.kind === "enum" && fields.every((f) => f !== undefined && !absent(f))
    return this.union([T.never, ...types, ...(or && !sure ? [T.null] : [])])
  }

  #any(types: readonly (Type | undefined)[]): Type | undefined {
    const some = types.filter((t) => t !== undefined)
    return some.length === 0 ? undefined : this.union(some)
  }

  /** What `each` goes over: its item and its position or key; undefined where there is nothing to go over. */
  items(t: Type, two: boolean): readonly [item: Type, index: Type] | undefined {
    this.pay(1)
    switch (t.kind) {
      case "unknown":
      case "never":
        return [t, t]
      case "list":
        return [t.of, T.number]
      case "map":
        return [two ? t.of : T.string, T.string]
      case "record":
        this.pay(this.measure(t).size)
        return [two ? this.union([T.never, ...Object.values(t.fields).map((f) => f.type)]) : T.string, T.string]
      case "union": {
        const all = t.of.map((m) => this.items(m, two)).filter((m) => m !== undefined)
        return all.length === 0 ? undefined : [this.union(all.map((m) => m[0])), this.union(all.map((m) => m[1]))]
      }
      default:
        return undefined
    }
  }

  /**
   * May a value of type `a` stand where `b` is wanted, as it is? Subtyping also lets in a record that lacks a field with
   * a default; that default has to be put in first, by `accept`.
   */
  stands(a: Type, b: Type): boolean {
    return this.fits(a, b) === "yes" && (a === b || !this.measure(b).defaults || this.#filled(a, b))
  }

  #filled(a: Type, b: Type): boolean {
    this.pay(1)
    if (a === b || a.kind === "never" || !this.measure(b).defaults) return true
    if (a.kind === "union") return a.of.every((m) => this.#filled(m, b))
    if (b.kind === "union") return b.of.some((m) => this.stands(a, m))
    if (b.kind === "list" || b.kind === "stream") return a.kind === b.kind && this.#filled(a.of, b.of)
    if (b.kind === "map") {
      const parts = a.kind === "map" ? [a.of] : a.kind === "record" ? Object.values(a.fields).map((f) => f.type) : []
      return parts.every((p) => this.#filled(p, b.of))
    }
    if (b.kind !== "record" || a.kind !== "record") return false
    return Object.entries(b.fields).every(([name, want]) => {
      const have = Object.hasOwn(a.fields, name) ? a.fields[name]! : undefined
      if (have === undefined || absent(have)) return want.default === undefined
      return this.#filled(have.type, want.type)
    })
  }
}

const NUMBERS = T.union(T.number, T.int64)
/** May a value lack the field? Once defaults have been put in, a field that has one is there. */
const absent = (f: Field): boolean => f.optional === true && f.default === undefined

function partsOf(t: Type): readonly Type[] {
  switch (t.kind) {
    case "list":
    case "map":
    case "stream":
      return [t.of]
    case "union":
      return t.of
    case "record":
      return Object.values(t.fields).map((f) => f.type)
    default:
      return []
  }
}
