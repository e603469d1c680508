/**
 * The types of a plan while it is verified: comparing and joining them, and values against them. A plan may be hostile, so
 * sizes are counted before a type is walked, each question is answered once, and all answers together draw on one budget.
 */
import {
  BUILTINS,
  type Fits,
  isRecord,
  type Resolved,
  resolve,
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
/** Elementary steps of all comparisons of types, and of values with types, in one plan. */
export const TYPE_WORK_MAX = 1 << 28

interface Measure {
  readonly id: number
  readonly size: number
  readonly depth: number
  /** Has unions or enumerations inside: comparing two such types may take the product of their sizes. */
  readonly wide: boolean
}

export class TypeWork {
  readonly #measures = new Map<Type, Measure>()
  readonly #fits = new Map<number, Fits>()
  readonly #derived = new Map<string, Type>()
  readonly #resolved = new Map<string, Resolved | undefined>()
  #left = TYPE_WORK_MAX
  /** The place that is being verified, for messages. */
  at: PlanPlace | string = "plan"

  /** Size of a type, counted once. Refuses types that are too large or too deep. */
  measure(t: Type): Measure {
    const known = this.#measures.get(t)
    if (known !== undefined) return known
    let size = t.kind === "enum" ? 1 + t.values.length : 1
    let depth = 0
    let wide = t.kind === "enum" || t.kind === "union"
    for (const part of partsOf(t)) {
      const m = this.measure(part)
      size += m.size
      depth = Math.max(depth, m.depth)
      wide ||= m.wide
    }
    depth++
    if (size > TYPE_SIZE_MAX) refuse("P004", this.at, "a type", `of at most ${TYPE_SIZE_MAX} parts`, `${size}`)
    if (depth > TYPE_DEPTH_MAX) refuse("P004", this.at, "a type", `of at most ${TYPE_DEPTH_MAX} levels`, `${depth}`)
    const m = { id: this.#measures.size, size, depth, wide }
    this.#measures.set(t, m)
    return m
  }

  #pay(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) refuse("P009", this.at, "types", `compared in ${TYPE_WORK_MAX} steps`, "more")
  }

  fits(a: Type, b: Type): Fits {
    if (a === b) return "yes"
    const x = this.measure(a)
    const y = this.measure(b)
    const key = x.id * 0x4000000 + y.id
    const known = this.#fits.get(key)
    if (known !== undefined) return known
    this.#pay(x.wide && y.wide ? x.size * y.size : x.size + y.size)
    const fits = subtype(a, b)
    this.#fits.set(key, fits)
    return fits
  }

  list(of: Type): Type {
    return this.#derive(`[${this.measure(of).id}`, () => T.list(of))
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
      this.#pay(all.some((t) => this.measure(t).wide) ? size * size : 2 * members * size)
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
    const measures = args.map((t) => this.measure(t))
    const key = `${fn} ${measures.map((m) => m.id).join(",")}`
    if (!this.#resolved.has(key)) {
      const b = BUILTINS.get(fn)!
      const size = measures.reduce((n, m) => n + m.size, 0)
      this.#pay((b.overloads.length + (measures.some((m) => m.wide) ? size : 2)) * size)
      const resolved = resolve(b, args)
      if (resolved !== undefined) this.measure(resolved.type)
      this.#resolved.set(key, resolved)
    }
    return this.#resolved.get(key)?.type
  }

  /** Is the value one of the type? Walks both together; types are at most TYPE_DEPTH_MAX deep. */
  holds(v: Value, t: Type): boolean {
    this.#pay(1)
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
          Object.entries(t.fields).every(([k, f]) =>
            Object.hasOwn(v, k) ? this.holds(v[k]!, f.type) : f.optional === true || f.default !== undefined,
          )
        )
      case "enum":
        this.#pay(t.values.length)
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
        // biome-ignore lint/suspicious/useValidTypeof: the kinds that are left are names of JavaScript's own types
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

  /** The type that a field has, reached by name; undefined where it can never be there. `or`: nothing is null. */
  field(t: Type, name: string, or: boolean): Type | undefined {
    this.#pay(1)
    switch (t.kind) {
      case "unknown":
      case "never":
        return t
      case "map":
        return or ? this.union([t.of, T.null]) : t.of
      case "null":
        return or ? T.null : undefined
      case "record": {
        const f = Object.hasOwn(t.fields, name) ? t.fields[name] : undefined
        if (f === undefined) return or ? T.null : undefined
        return or && f.optional === true ? this.union([f.type, T.null]) : f.type
      }
      case "union":
        return this.#any(t.of.map((m) => this.field(m, name, or)))
      default:
        return undefined
    }
  }

  /** The type of a field that every value of the type has as its own; undefined where that is not certain. */
  certain(t: Type, name: string): Type | undefined {
    this.#pay(1)
    if (t.kind === "never") return t
    if (t.kind === "record") {
      const f = Object.hasOwn(t.fields, name) ? t.fields[name] : undefined
      return f === undefined || f.optional === true ? undefined : f.type
    }
    if (t.kind !== "union") return undefined
    const all = t.of.map((m) => this.certain(m, name))
    return all.includes(undefined) ? undefined : this.union(all as Type[])
  }

  /** The type of `t[at]`; undefined where there can never be one. */
  index(t: Type, at: Type, or: boolean): Type | undefined {
    this.#pay(1)
    const some = (x: Type) => (or ? this.union([x, T.null]) : x)
    switch (t.kind) {
      case "unknown":
      case "never":
        return t
      case "null":
        return or ? T.null : undefined
      case "list":
        return this.fits(at, NUMBERS) === "no" ? undefined : some(t.of)
      case "map":
        return this.fits(at, T.string) === "no" ? undefined : some(t.of)
      case "record": {
        if (this.fits(at, T.string) === "no") return undefined
        this.#pay(this.measure(t).size)
        if (at.kind === "enum") return this.#any(at.values.map((name) => this.field(t, name, or)))
        return some(this.union([T.never, ...Object.values(t.fields).map((f) => f.type)]))
      }
      case "union":
        return this.#any(t.of.map((m) => this.index(m, at, or)))
      default:
        return undefined
    }
  }

  #any(types: readonly (Type | undefined)[]): Type | undefined {
    const some = types.filter((t) => t !== undefined)
    return some.length === 0 ? undefined : this.union(some)
  }

  /** What `each` goes over: its item and its index; undefined where it is nothing to go over. `two`: of a map its values by key. */
  item(t: Type, two: boolean): { readonly item: Type; readonly index: Type } | undefined {
    this.#pay(1)
    switch (t.kind) {
      case "unknown":
      case "never":
        return { item: t, index: t }
      case "list":
        return { item: t.of, index: T.number }
      case "map":
        return { item: two ? t.of : T.string, index: T.string }
      case "record": {
        const values = () => this.union([T.never, ...Object.values(t.fields).map((f) => f.type)])
        return { item: two ? values() : T.string, index: T.string }
      }
      case "union": {
        const some = t.of.map((m) => this.item(m, two)).filter((m) => m !== undefined)
        if (some.length === 0) return undefined
        return { item: this.union(some.map((m) => m.item)), index: this.union(some.map((m) => m.index)) }
      }
      default:
        return undefined
    }
  }
}

const NUMBERS = T.union(T.number, T.int64)

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
