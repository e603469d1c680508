// Random port types and random values of them: what graphs take in, what tools answer, what constants say.
import { acceptStrict, type Field, T, type Type, type Value } from "../../graph/mod.ts"
import type { Chance } from "./chance.ts"

const WORDS = ["EUR", "USD", "GBP", "red", "blue", "ok"]
export const FIELD_NAMES = ["a", "b", "kind", "total", "rate"]
const KEYS = ["a", "b", "EUR", "x y", "ä"]
const TEXTS = ["", "a", "b", "EUR", "red", "12", "-3.5", "true", "lorem ipsum", "ä€😀", "a,b,c", "[1,2]"]
const NUMBERS = [0, 1, 2, 3, -1, -2, 0.5, 1.25, 7, 10, 100, -0, 1e21, 9007199254740991, 0.1]
const STRANGE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
const INT64S = [0n, 1n, 2n, -1n, 7n, 100n, 9007199254740993n, 0x7fffffffffffffffn, -0x8000000000000000n]

/** A type of a value; `depth` levels of lists, records and unions at most. */
export function someType(c: Chance, depth: number): Type {
  const kind = c.weighted(depth <= 0 ? FLAT : DEEP)
  switch (kind) {
    case "enum":
      return T.enum(...c.shuffled(WORDS).slice(0, c.between(1, 3)))
    case "list":
      return T.list(someType(c, depth - 1))
    case "map":
      return T.map(someType(c, depth - 1))
    case "record":
      return someRecord(c, depth)
    case "maybe":
      return T.union(someType(c, depth - 1), T.null)
    case "union":
      return T.union(someType(c, depth - 1), someType(c, depth - 1))
    case "tagged":
      return T.union(
        T.record({ kind: T.enum("red"), a: someType(c, 0) }),
        T.record({ kind: T.enum("blue", "ok"), b: someType(c, depth - 1) }),
      )
    default:
      return T[kind]
  }
}
const DEEP = {
  number: 8,
  string: 6,
  boolean: 4,
  int64: 2,
  enum: 3,
  null: 1,
  bytes: 1,
  unknown: 1,
  list: 7,
  map: 2,
  record: 6,
  maybe: 3,
  union: 2,
  tagged: 1,
}
const FLAT: typeof DEEP = { ...DEEP, list: 0, map: 0, record: 0, maybe: 0, union: 0, tagged: 0 }

export function someRecord(c: Chance, depth: number): Extract<Type, { kind: "record" }> {
  const fields: Record<string, Type | Field> = {}
  for (const name of c.shuffled(FIELD_NAMES).slice(0, c.between(0, 3))) {
    const type = someType(c, depth - 1)
    if (c.percent(20)) fields[name] = T.optional(type)
    else fields[name] = type
  }
  return T.record(fields)
}

/** Fields that a graph or tool takes: some may be left out, some have a default. */
export function someInput(c: Chance, names: readonly string[]): Extract<Type, { kind: "record" }> {
  const fields: Record<string, Type | Field> = {}
  for (const name of names) {
    const type = someType(c, 2)
    const roll = c.below(10)
    if (roll === 0) fields[name] = T.optional(type)
    else if (roll === 1 && plain(type)) fields[name] = { type, default: constant(c, type) }
    else fields[name] = type
  }
  return T.record(fields)
}

/** Can its values be written as a literal that reads back? */
const plain = (t: Type): boolean =>
  t.kind === "list" || t.kind === "map"
    ? plain(t.of)
    : t.kind === "record"
      ? Object.values(t.fields).every((f) => plain(f.type))
      : t.kind === "union"
        ? t.of.every(plain)
        : t.kind !== "bytes" && t.kind !== "unknown" && t.kind !== "int64"

/** A value that a literal can say. */
export const constant = (c: Chance, type: Type): Value => someValue(c, type, false)

/** Any value of a type, as a port holds it. `strange`: also numbers that no literal says. */
export function someValue(c: Chance, type: Type, strange: boolean, depth = 0): Value {
  switch (type.kind) {
    case "null":
      return null
    case "boolean":
      return c.percent(50)
    case "number":
      return strange && c.percent(8) ? c.of(STRANGE) : c.percent(70) ? c.of(NUMBERS) : c.between(-20, 50) / 4
    case "int64":
      return c.of(INT64S)
    case "string":
      return c.of(TEXTS)
    case "bytes":
      return Uint8Array.from({ length: c.below(4) }, () => c.below(256))
    case "enum":
      return c.of(type.values)
    case "list":
    case "stream":
      return Array.from({ length: depth > 3 ? c.below(2) : c.below(5) }, () =>
        someValue(c, type.of, strange, depth + 1),
      )
    case "map":
      return Object.fromEntries(
        c
          .shuffled(KEYS)
          .slice(0, c.below(4))
          .map((k) => [k, someValue(c, type.of, strange, depth + 1)]),
      )
    case "record":
      return Object.fromEntries(
        Object.entries(type.fields)
          .filter(([, f]) => !(f.optional === true && c.percent(50)))
          .map(([name, f]) => [name, someValue(c, f.type, strange, depth + 1)]),
      )
    case "union":
      return someValue(c, c.of(type.of), strange, depth + 1)
    case "unknown":
      return someValue(c, someKnown(c), strange, depth + 1)
    case "tensor":
    case "never":
      return null
  }
}

/** A value that a run may begin with: as its port holds it, defaults filled in. */
export const someInputValue = (c: Chance, type: Extract<Type, { kind: "record" }>): Value =>
  acceptStrict(type)(someValue(c, type, true))

function someKnown(c: Chance): Type {
  const t = someType(c, 1)
  return t.kind === "unknown" ? T.number : t
}

/** What a broken tool may answer where `type` is wanted: often not of it, sometimes not a value at all. */
export function garbageFor(c: Chance, type: Type): unknown {
  switch (c.below(10)) {
    case 0:
      return undefined
    case 1:
      return () => 1
    case 2:
      return Symbol("garbage")
    case 3: {
      const base = someValue(c, type, true)
      return isObject(base) ? { ...base, extra: 1, hidden: undefined } : base
    }
    case 4:
      return new Answered(someValue(c, type, true))
    case 5:
      return type.kind === "record"
        ? Object.fromEntries(Object.keys(type.fields).map((k) => [k, null]))
        : [someValue(c, type, true)]
    case 6:
      return type.kind === "int64" ? c.of(["12", 7, 1.5, "x"]) : type.kind === "number" ? c.of([7n, 2n ** 70n, "7"]) : 7
    case 7:
      return "\ud800broken"
    default:
      return someValue(c, someKnown(c), true)
  }
}

/** An object of a class, as a library may hand one out. */
class Answered {
  readonly a: unknown
  constructor(a: unknown) {
    this.a = a
  }
  get total(): number {
    return 3
  }
}

const isObject = (v: unknown): v is { readonly [k: string]: unknown } =>
  typeof v === "object" && v !== null && !Array.isArray(v) && Object.getPrototypeOf(v) === Object.prototype
