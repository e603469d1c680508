/**
 * Functions on lists, maps and records. What iterates over a map does so in code-point order of the keys, because two
 * maps with the same entries are one value whatever order they were built in.
 */
import { fail } from "../failure.ts"
import { show } from "../literal.ts"
import { type Field, T, type Type, unionOf } from "../type.ts"
import { compareKeys, isRecord, type Rec, type Value } from "../value.ts"
import { comparable, equal, keyOf, order } from "./compare.ts"
import { int64 } from "./operators.ts"
import {
  type Entry,
  elementOf,
  failing,
  hasNull,
  INT64S,
  LIST,
  LIST_MAX,
  MAP,
  memberOf,
  mismatch,
  NUMBERS,
  over,
  tooLarge,
  withoutNull,
} from "./signature.ts"

/** A range may not be longer than this: it comes from a number, so nothing else bounds it. */
export const RANGE_MAX = 1_000_000

const same = ([list]: readonly Type[]): Type => T.list(elementOf(list!))
const element = ([list]: readonly Type[]): Type => elementOf(list!)
const list = (name: string, args: readonly Value[], most = 1): readonly Value[] => {
  if (!Array.isArray(args[0]) || args.length > most) throw mismatch(name, args)
  return args[0]
}
const record = (name: string, args: readonly Value[]): Rec => {
  if (args.length !== 1 || !isRecord(args[0])) throw mismatch(name, args)
  return args[0]
}
export const sortedKeys = (r: Rec): string[] => Object.keys(r).sort(compareKeys)
const empty = (name: string) =>
  fail("Missing", `Cannot compute ${name}([]): an empty list has none`, { data: { name } })

/** Adds up numbers from left to right from `start`, 0 or an int64: the sum of none has to have a type too. */
export function sumOf(name: string, xs: readonly Value[], start: Value = 0): Value {
  if (typeof start === "bigint") {
    let n = start
    for (const x of xs) {
      if (typeof x !== "bigint") throw mismatch(name, [xs as Value, start])
      n = int64(n + x, name)
    }
    return n
  }
  let n = start as number
  for (const x of xs) {
    if (typeof x !== "number") throw mismatch(name, [xs as Value])
    n += x
  }
  return n
}

/** A list sorted by keys that are all of one comparable kind; equal ones keep their order. */
export function sortBy<A>(name: string, xs: readonly A[], key: (x: A) => Value): A[] {
  const keyed = xs.map((x) => ({ x, k: key(x) }))
  for (const { k } of keyed) {
    if (!comparable(keyed[0]!.k, k)) throw mismatch(name, [keyed[0]!.k, k])
  }
  return keyed.sort((a, b) => order(a.k, b.k)).map(({ x }) => x)
}

function sizeOf(args: readonly Value[]): number {
  const [x] = args
  if (args.length === 1) {
    if (typeof x === "string") {
      let n = 0
      for (const _ of x) n++
      return n
    }
    if (Array.isArray(x) || x instanceof Uint8Array) return x.length
    if (isRecord(x)) return Object.keys(x).length
  }
  throw mismatch("size", args)
}

/** Puts an entry into a map that is being built; `__proto__` is no key of any value. */
export function put(out: { [key: string]: Value }, key: Value, value: Value): void {
  if (typeof key !== "string") throw fail("BadKey", `Cannot use ${show(key)} as a key: want text`)
  if (key === "__proto__") throw fail("BadKey", `Cannot use "__proto__" as a key`)
  if (Object.hasOwn(out, key))
    throw fail("DuplicateKey", `Cannot build a map: the key ${show(key)} comes twice`, { data: { key } })
  out[key] = value
}

/** The record type of `merge(a, b)`: the fields of `b` over those of `a`; a map where one side is no record. */
function merged([a, b]: readonly Type[]): Type {
  if (a?.kind !== "record" || b?.kind !== "record") return T.map(unionOf([memberOf(a!), memberOf(b!)]))
  const fields: { [name: string]: Field } = { ...a.fields }
  for (const [name, f] of Object.entries(b.fields)) {
    const under = Object.hasOwn(a.fields, name) ? a.fields[name] : undefined
    fields[name] =
      f.optional === true && under !== undefined
        ? { type: unionOf([under.type, f.type]), ...(under.optional ? { optional: true } : {}) }
        : f
  }
  return { kind: "record", fields }
}

/** The record type of `compact(a)`: fields that may be null become optional. */
function compacted([a]: readonly Type[]): Type {
  if (a?.kind === "map") return T.map(withoutNull(a.of))
  if (a?.kind !== "record") return T.map(T.unknown)
  const fields = Object.entries(a.fields).flatMap(([name, f]): [string, Field][] => {
    if (f.type.kind === "null") return []
    const maybe = f.optional === true || hasNull(f.type) || f.type.kind === "unknown"
    return [[name, maybe ? { type: withoutNull(f.type), optional: true } : f]]
  })
  return { kind: "record", fields: Object.fromEntries(fields) }
}

export const LISTS: { readonly [name: string]: Entry } = {
  size: {
    overloads: [over([T.union(T.string, LIST, MAP, T.bytes)], T.number)],
    method: true,
    linear: true,
    apply: sizeOf,
  },
  sum: {
    overloads: [over([NUMBERS], T.number), over([NUMBERS, T.number], T.number), failing([INT64S, T.int64], T.int64)],
    method: true,
    linear: true,
    apply: (args) => {
      const start = args.length === 1 ? 0 : args[1]
      if (typeof start !== "number" && typeof start !== "bigint") throw mismatch("sum", args)
      return sumOf("sum", list("sum", args, 2), start)
    },
  },
  avg: {
    overloads: [failing([NUMBERS], T.number)],
    method: true,
    linear: true,
    apply: (args) => {
      const xs = list("avg", args)
      if (xs.length === 0) throw empty("avg")
      return (sumOf("avg", xs) as number) / xs.length
    },
  },
  first: {
    overloads: [failing([LIST], element)],
    method: true,
    apply: (args) => {
      const xs = list("first", args)
      if (xs.length === 0) throw empty("first")
      return xs[0]!
    },
  },
  last: {
    overloads: [failing([LIST], element)],
    method: true,
    apply: (args) => {
      const xs = list("last", args)
      if (xs.length === 0) throw empty("last")
      return xs[xs.length - 1]!
    },
  },
  slice: {
    overloads: [over([LIST, T.number], same), over([LIST, T.number, T.number], same)],
    method: true,
    linear: true,
    apply: (args) => {
      const [xs, from, to] = args
      if (!Array.isArray(xs) || typeof from !== "number" || args.length > 3) throw mismatch("slice", args)
      if (to !== undefined && typeof to !== "number") throw mismatch("slice", args)
      return xs.slice(from, to)
    },
  },
  indexOf: {
    overloads: [over([T.string, T.string], T.number), over([LIST, T.unknown], T.number)],
    method: true,
    linear: true,
    apply: (args) => {
      const [xs, x] = args
      if (args.length !== 2) throw mismatch("indexOf", args)
      if (Array.isArray(xs)) return xs.findIndex((y) => equal(x!, y))
      if (typeof xs !== "string" || typeof x !== "string") throw mismatch("indexOf", args)
      const i = xs.indexOf(x)
      return i < 0 ? -1 : sizeOf([xs.slice(0, i)])
    },
  },
  reverse: {
    overloads: [over([LIST], same)],
    method: true,
    linear: true,
    apply: (args) => list("reverse", args).toReversed(),
  },
  distinct: {
    overloads: [over([LIST], same)],
    method: true,
    weight: 2,
    linear: true,
    apply: (args) => {
      const seen = new Set<string>()
      return list("distinct", args).filter((x) => {
        const key = keyOf(x)
        return !seen.has(key) && seen.add(key)
      })
    },
  },
  sort: {
    overloads: [T.list(T.number), T.list(T.int64), T.list(T.string), T.list(T.boolean)].map((t) => over([t], same)),
    method: true,
    weight: 4,
    linear: true,
    apply: (args) => sortBy("sort", list("sort", args), (x) => x),
  },
  flatten: {
    overloads: [over([T.list(LIST)], ([xs]) => T.list(elementOf(elementOf(xs!))))],
    method: true,
    linear: true,
    apply: (args) => {
      const xs = list("flatten", args)
      let n = 0
      for (const x of xs) {
        if (!Array.isArray(x)) throw mismatch("flatten", args)
        n += x.length
      }
      if (n > LIST_MAX) throw tooLarge("flatten", "a list", LIST_MAX, n)
      return xs.flat(1) as Value[]
    },
  },
  range: {
    overloads: [failing([T.number], NUMBERS), failing([T.number, T.number], NUMBERS)],
    weight: 2,
    linear: true,
    apply: (args) => {
      const [from, to] = args.length === 1 ? [0, args[0]] : args
      if (typeof from !== "number" || typeof to !== "number" || args.length > 2) throw mismatch("range", args)
      if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) {
        throw fail("OutOfRange", `Cannot compute range(${args.join(", ")}): want whole numbers`)
      }
      if (to - from > RANGE_MAX) throw tooLarge("range", "a range", RANGE_MAX, to - from)
      return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)
    },
  },
  zip: {
    overloads: [over([LIST, LIST], ([a, b]) => T.list(T.record({ left: elementOf(a!), right: elementOf(b!) })))],
    method: true,
    linear: true,
    apply: (args) => {
      const [a, b] = args
      if (!Array.isArray(a) || !Array.isArray(b) || args.length !== 2) throw mismatch("zip", args)
      return a.slice(0, b.length).map((left, i) => ({ left, right: b[i]! }))
    },
  },
  keys: {
    overloads: [over([MAP], T.list(T.string))],
    method: true,
    linear: true,
    apply: (args) => sortedKeys(record("keys", args)),
  },
  values: {
    overloads: [over([MAP], ([m]) => T.list(memberOf(m!)))],
    method: true,
    linear: true,
    apply: (args) => {
      const r = record("values", args)
      return sortedKeys(r).map((k) => r[k]!)
    },
  },
  entries: {
    overloads: [over([MAP], ([m]) => T.list(T.record({ key: T.string, value: memberOf(m!) })))],
    method: true,
    linear: true,
    apply: (args) => {
      const r = record("entries", args)
      return sortedKeys(r).map((key) => ({ key, value: r[key]! }))
    },
  },
  fromEntries: {
    overloads: [
      failing([T.list(T.record({ key: T.string, value: T.unknown }))], ([xs]) => {
        const e = elementOf(xs!)
        return T.map(e.kind === "record" ? (e.fields["value"]?.type ?? T.unknown) : T.unknown)
      }),
    ],
    method: true,
    linear: true,
    apply: (args) => {
      const out: { [key: string]: Value } = {}
      for (const x of list("fromEntries", args)) {
        if (!isRecord(x) || !Object.hasOwn(x, "key") || !Object.hasOwn(x, "value")) throw mismatch("fromEntries", args)
        put(out, x["key"]!, x["value"]!)
      }
      return out
    },
  },
  merge: {
    overloads: [over([MAP, MAP], merged)],
    method: true,
    linear: true,
    apply: (args) => {
      const [a, b] = args
      if (!isRecord(a) || !isRecord(b) || args.length !== 2) throw mismatch("merge", args)
      return { ...a, ...b }
    },
  },
  compact: {
    overloads: [over([LIST], ([xs]) => T.list(withoutNull(elementOf(xs!)))), over([MAP], compacted)],
    method: true,
    linear: true,
    apply: (args) => {
      const [x] = args
      if (args.length !== 1) throw mismatch("compact", args)
      if (Array.isArray(x)) return x.filter((v) => v !== null)
      if (!isRecord(x)) throw mismatch("compact", args)
      return Object.fromEntries(Object.entries(x).filter(([, v]) => v !== null))
    },
  },
  orValue: {
    overloads: [over([T.unknown, T.unknown], ([a, b]) => unionOf([withoutNull(a!), b!]))],
    method: true,
    apply: (args) => {
      if (args.length !== 2) throw mismatch("orValue", args)
      return args[0] === null ? args[1]! : args[0]!
    },
  },
  hasValue: {
    overloads: [over([T.unknown], T.boolean)],
    method: true,
    apply: (args) => {
      if (args.length !== 1) throw mismatch("hasValue", args)
      return args[0] !== null
    },
  },
  value: {
    overloads: [failing([T.unknown], ([a]) => withoutNull(a!))],
    method: true,
    apply: (args) => {
      if (args.length !== 1) throw mismatch("value", args)
      if (args[0] === null) throw fail("Missing", "Cannot take the value: there is none", { data: { name: "value" } })
      return args[0]!
    },
  },
}
