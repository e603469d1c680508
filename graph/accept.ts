/**
 * Validators of port types, compiled once to closures: a value from outside goes in, the value as the port holds it
 * comes out. Whole numbers become int64 where the port says so, defaults are filled in, fields that the type does not
 * name are left out; a value that needs none of this comes back as the same object.
 */
import { type Failure, fail } from "./failure.ts"
import { isPlainName, show } from "./literal.ts"
import { nearest } from "./near.ts"
import { leavesIntegersOpen, plainIntegers } from "./open-integers.ts"
import { type Field, printType, type Type } from "./type.ts"
import { inCanonicalOrder } from "./type-order.ts"
import { compareKeys, DEPTH_MAX, sameValue, Tensor, type Value } from "./value.ts"

export type Accept = (v: unknown) => Value

/**
 * The validator of a type. Conversions: a safe integer or a decimal text to int64, an int64 to a number where that is
 * exact, `undefined` fields to absent ones, null to absent where an optional field (or one with a default) takes no null,
 * half surrogate pairs to U+FFFD, subclasses of Uint8Array to plain bytes. NaN and infinities are numbers.
 * @throws `Failure` `Mismatch`, data `{ path, want }`: the place inside the value and the type wanted there.
 */
export const accept = (type: Type): Accept => LOOSE.get(type) ?? kept(LOOSE, type, compiled(type, false))

/**
 * As `accept`, for what people type and programs hand in: a record field that the type does not name is refused, with the
 * nearest name, and a safe integer is a number where nothing says that it is an int64.
 */
export const acceptStrict = (type: Type): Accept => STRICT.get(type) ?? kept(STRICT, type, strictly(type))

function strictly(type: Type): Accept {
  const look = compiled(type, true)
  return leavesIntegersOpen(type) ? (v) => look(plainIntegers(v)) : look
}

/** Would `accept` take the value? */
export function accepts(type: Type): (v: unknown) => boolean {
  const take = takeOf(inCanonicalOrder(type), false)
  return (v) => take(v, 0) !== NO
}

const LOOSE = new WeakMap<Type, Accept>()
const STRICT = new WeakMap<Type, Accept>()

function kept(known: WeakMap<Type, Accept>, type: Type, made: Accept): Accept {
  known.set(type, made)
  return made
}

function compiled(type: Type, strict: boolean): Accept {
  const take = takeOf(inCanonicalOrder(type), strict)
  return (v) => {
    const taken = take(v, 0)
    if (taken === NO) throw mismatch()
    return taken
  }
}

/** What a closure answers instead of a value it does not take. No exception is made until all alternatives have failed. */
const NO = Symbol("not taken")
type Take = (v: unknown, depth: number) => Value | typeof NO

/** The last refusal: kept aside, so that the fast path returns plain values. Keys are pushed from the inside out. */
interface Miss {
  readonly path: (string | number)[]
  readonly want: Type | string
  readonly found: unknown
  readonly note?: string
}
let miss: Miss | undefined

function no(want: Type | string, found: unknown, note?: string): typeof NO {
  miss = { path: [], want, found, ...(note === undefined ? {} : { note }) }
  return NO
}

function mismatch(): Failure {
  const { path, want, found, note } = miss!
  miss = undefined
  const place = path
    .toReversed()
    .map((k, i) =>
      typeof k === "number" ? `[${k}]` : isPlainName(k) ? `${i > 0 ? "." : ""}${k}` : `[${JSON.stringify(k)}]`,
    )
    .join("")
  const wanted = typeof want === "string" ? want : printType(want)
  const what = place === "" ? "the value" : JSON.stringify(place)
  const seen = found === undefined ? "nothing" : show(found)
  return fail(
    "Mismatch",
    `Cannot take ${what}: want ${wanted}, found ${seen}${note === undefined ? "" : ` (${note})`}`,
    {
      data: { path: place, want: wanted },
    },
  )
}

const INT64_MIN = -0x8000000000000000n
const INT64_MAX = 0x7fffffffffffffffn
const inInt64 = (n: bigint): boolean => n >= INT64_MIN && n <= INT64_MAX

function takeOf(type: Type, strict: boolean): Take {
  switch (type.kind) {
    case "null":
      return (v) => (v === null ? null : no(type, v))
    case "boolean":
      return (v) => (typeof v === "boolean" ? v : no(type, v))
    case "number":
      return (v) => (typeof v === "number" ? v : numberOf(type, v))
    case "int64":
      return (v) => (typeof v === "bigint" && inInt64(v) ? v : int64Of(type, v))
    case "string":
      return (v) => (typeof v === "string" ? wellFormed(v) : no(type, v))
    case "bytes":
      return (v) => (v instanceof Uint8Array ? plainBytes(v) : no(type, v))
    case "enum": {
      const words = new Set<unknown>(type.values)
      return (v) => (words.has(v) ? (v as string) : no(type, v, wordNote(v, type.values)))
    }
    case "tensor":
      return (v) => (v instanceof Tensor && fits(v, type) ? v : no(type, v))
    case "list":
    case "stream":
      return listTake(type, takeOf(type.of, strict))
    case "map":
      return mapTake(type, takeOf(type.of, strict))
    case "record":
      return recordTake(type, strict)
    case "union":
      return unionTake(type, strict)
    case "unknown":
      return anyValue
    case "never":
      return (v) => no("nothing", v)
  }
}

const wellFormed = (s: string): string => (s.isWellFormed() ? s : s.toWellFormed())
const plainBytes = (b: Uint8Array): Uint8Array =>
  b.constructor === Uint8Array ? b : new Uint8Array(b.buffer, b.byteOffset, b.byteLength)

function numberOf(type: Type, v: unknown): Value | typeof NO {
  if (typeof v !== "bigint") return no(type, v)
  return BigInt(Number(v)) === v ? Number(v) : no(type, v, "a number would lose digits; the port may be an int64")
}

function int64Of(type: Type, v: unknown): Value | typeof NO {
  if (typeof v === "number" && Number.isSafeInteger(v)) return BigInt(v)
  if (typeof v === "string" && /^-?\d{1,19}$/.test(v)) {
    const n = BigInt(v)
    if (inInt64(n)) return n
  }
  return no(type, v, typeof v === "number" && Number.isInteger(v) ? "beyond 2^53, write it as text" : undefined)
}

function wordNote(v: unknown, words: readonly string[]): string | undefined {
  const near = typeof v === "string" ? nearest(v, words) : undefined
  return near && `near ${JSON.stringify(near)}`
}

const fits = (t: Tensor, type: Extract<Type, { kind: "tensor" }>): boolean =>
  t.dtype === type.dtype &&
  (type.shape === null ||
    (t.shape.length === type.shape.length && type.shape.every((n, i) => n === null || n === t.shape[i])))

/** An object without a class: what JSON, YAML and object literals make, of this realm or another. */
function isPlain(v: object): boolean {
  const proto: unknown = Object.getPrototypeOf(v)
  return proto === Object.prototype || proto === null || Object.getPrototypeOf(proto) === null
}

/** A NaN is not equal to itself, but it is the same value. */
const changed = (taken: unknown, x: unknown): boolean => taken !== x && !Number.isNaN(taken)

function listTake(type: Type, item: Take): Take {
  return (v, depth) => {
    if (!Array.isArray(v)) return no(type, v)
    if (depth >= DEPTH_MAX) return no(`a value at most ${DEPTH_MAX} levels deep`, v)
    let out: Value[] | undefined
    for (let i = 0; i < v.length; i++) {
      const x: unknown = v[i]
      const taken = item(x, depth + 1)
      if (taken === NO) {
        miss!.path.push(i)
        return NO
      }
      if (out === undefined && changed(taken, x)) out = v.slice(0, i) as Value[]
      out?.push(taken)
    }
    return out ?? (v as Value[])
  }
}

function mapTake(type: Type | string, item: Take): Take {
  const go = (v: unknown, depth: number, ordered: boolean): Value | typeof NO => {
    if (typeof v !== "object" || v === null || Array.isArray(v) || !isPlain(v)) return no(type, v)
    if (depth >= DEPTH_MAX) return no(`a value at most ${DEPTH_MAX} levels deep`, v)
    const from = v as { readonly [key: string]: unknown }
    const keys = ordered ? Object.keys(from).sort(compareKeys) : Object.keys(from)
    let out: { [key: string]: Value } | undefined
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!
      const x = from[key]
      const name = wellFormed(key)
      if (key === "__proto__") return no(`a value without the key "__proto__"`, v)
      const taken = x === undefined ? undefined : item(x, depth + 1)
      if (taken === NO) {
        // A map has no order: the refusal is that of the first key in canonical order, whichever was met first.
        if (!ordered) return go(v, depth, true)
        miss!.path.push(key)
        return NO
      }
      if (out === undefined && (taken === undefined || name !== key || changed(taken, x))) {
        out = {}
        for (let j = 0; j < i; j++) out[keys[j]!] = from[keys[j]!] as Value
      }
      if (out !== undefined && taken !== undefined) out[name] = taken
    }
    return out ?? (from as { readonly [key: string]: Value })
  }
  return (v, depth) => go(v, depth, false)
}

/** A value of unknown type: anything that is a value at all, however deep, as it is. */
const anyValue: Take = (v, depth) => {
  switch (typeof v) {
    case "string":
      return wellFormed(v)
    case "number":
    case "boolean":
      return v
    case "bigint":
      return inInt64(v) ? v : no("an int64", v)
    case "object":
      if (v === null || v instanceof Tensor) return v
      if (v instanceof Uint8Array) return plainBytes(v)
      return Array.isArray(v) ? anyList(v, depth) : anyMap(v, depth)
    default:
      return no("a value", v)
  }
}
const anyList = listTake({ kind: "unknown" }, (v, depth) => anyValue(v, depth))
const anyMap = mapTake("a value", (v, depth) => anyValue(v, depth))

interface Slot {
  readonly name: string
  readonly take: Take
  readonly field: Field
  /** The default as the port holds it. */
  readonly filled: Value | undefined
  /** Object.prototype has a property of this name, so that reading it says nothing. */
  readonly inherited: boolean
  /** null means absent here. */
  readonly nullAbsent: boolean
}

function recordTake(type: Extract<Type, { kind: "record" }>, strict: boolean): Take {
  const slots = Object.entries(type.fields).map(([name, field]): Slot => {
    const take = takeOf(field.type, strict)
    const may = field.optional === true || field.default !== undefined
    // A default that came through bytes is a number where the port is an int64.
    const taken = field.default === undefined ? NO : take(field.default, 0)
    const filled = taken === NO ? field.default : taken
    return { name, take, field, filled, inherited: name in Object.prototype, nullAbsent: may && take(null, 0) === NO }
  })
  return (v, depth) => {
    if (
      typeof v !== "object" ||
      v === null ||
      Array.isArray(v) ||
      v instanceof Uint8Array ||
      v instanceof Tensor ||
      v instanceof Date
    )
      return no(type, v)
    if (depth >= DEPTH_MAX) return no(`a value at most ${DEPTH_MAX} levels deep`, v)
    const from = v as { readonly [name: string]: unknown }
    // An object of a class is a record of the fields that the type names; its methods are none of them.
    let out: { [name: string]: Value } | undefined = isPlain(v) ? undefined : {}
    let present = 0
    for (let i = 0; i < slots.length; i++) {
      const { name, take, field, filled, inherited, nullAbsent } = slots[i]!
      const x = inherited && !Object.hasOwn(from, name) ? undefined : from[name]
      if (x === undefined || (x === null && nullAbsent)) {
        if (x === null || filled !== undefined) out ??= begun(from, slots, i)
        if (filled !== undefined) out![name] = filled
        else if (field.optional !== true) {
          no(field.type, undefined)
          miss!.path.push(name)
          return NO
        }
        continue
      }
      const taken = take(x, depth + 1)
      if (taken === NO) {
        miss!.path.push(name)
        return NO
      }
      present++
      if (out === undefined && changed(taken, x)) out = begun(from, slots, i)
      if (out !== undefined) out[name] = taken
    }
    if (out === undefined || strict) {
      let found = 0
      for (const _ in from) found++
      if (found !== present) {
        if (strict && !onlyKnown(from, type)) return NO
        out ??= begun(from, slots, slots.length)
      }
    }
    return out ?? (from as { readonly [name: string]: Value })
  }
}

/** A copy of the fields before the i-th: they were taken as they are. */
function begun(
  from: { readonly [name: string]: unknown },
  slots: readonly Slot[],
  i: number,
): { [name: string]: Value } {
  const out: { [name: string]: Value } = {}
  for (let j = 0; j < i; j++) {
    const { name } = slots[j]!
    if (Object.hasOwn(from, name) && from[name] !== undefined) out[name] = from[name] as Value
  }
  return out
}

function onlyKnown(from: { readonly [name: string]: unknown }, type: Extract<Type, { kind: "record" }>): boolean {
  for (const key of Object.keys(from).sort(compareKeys)) {
    if (Object.hasOwn(type.fields, key) || from[key] === undefined) continue
    const near = nearest(key, Object.keys(type.fields))
    no(
      `no field ${JSON.stringify(key)}${near ? ` (near ${JSON.stringify(near)})` : ""} in ${printType(type)}`,
      from[key],
    )
    miss!.path.push(key)
    return false
  }
  return true
}

type Form = "null" | "boolean" | "number" | "bigint" | "string" | "bytes" | "tensor" | "list" | "record" | "other"

function formOf(v: unknown): Form {
  switch (typeof v) {
    case "number":
    case "string":
    case "boolean":
    case "bigint":
      return typeof v as Form
    case "object":
      if (v === null) return "null"
      if (Array.isArray(v)) return "list"
      if (v instanceof Uint8Array) return "bytes"
      return v instanceof Tensor ? "tensor" : "record"
    default:
      return "other"
  }
}

/** Which forms a member of a union takes as they are, and which it converts: exact members are asked first. */
const EXACT: Readonly<Record<Type["kind"], readonly Form[]>> = {
  null: ["null"],
  boolean: ["boolean"],
  number: ["number"],
  int64: ["bigint"],
  string: ["string"],
  enum: ["string"],
  bytes: ["bytes"],
  tensor: ["tensor"],
  list: ["list"],
  stream: ["list"],
  map: ["record"],
  record: ["record"],
  union: [],
  unknown: ["null", "boolean", "number", "bigint", "string", "bytes", "tensor", "list", "record"],
  never: [],
}
const CONVERTS: { readonly [kind in Type["kind"]]?: readonly Form[] } = {
  number: ["bigint"],
  int64: ["number", "string"],
}

function unionTake(type: Extract<Type, { kind: "union" }>, strict: boolean): Take {
  const members = type.of.flatMap((t) => (t.kind === "union" ? t.of : [t])).map((t) => ({ t, take: takeOf(t, strict) }))
  const byForm = new Map<Form, readonly { readonly t: Type; readonly take: Take }[]>()
  for (const form of EXACT.unknown) {
    const exact = members.filter(({ t }) => EXACT[t.kind].includes(form))
    const converting = members.filter(({ t }) => CONVERTS[t.kind]?.includes(form))
    byForm.set(form, [...exact, ...converting])
  }
  return (v, depth) => {
    const form = formOf(v)
    const able = byForm.get(form)
    if (able === undefined || able.length === 0) return no(type, v)
    if (able.length === 1) return able[0]!.take(v, depth)
    // The member that keeps the value as it is comes before one that holds it otherwise and means the same (bytes do not
    // tell an int64 from a number), and that before one that would leave a field out.
    let same: Value | undefined
    let converted: Value | undefined
    let nearestMiss: Miss | undefined
    for (const { t, take } of able) {
      const taken = take(v, depth)
      if (taken !== NO && !changed(taken, v)) return taken
      if (taken !== NO) {
        converted ??= taken
        if (same === undefined && means(taken, v)) same = taken
      } else if (t.kind === "record" || t.kind === "list") nearestMiss = deeper(nearestMiss, miss!)
    }
    if (converted !== undefined) return same ?? converted
    if (nearestMiss === undefined || nearestMiss.path.length === 0) return no(type, v)
    miss = nearestMiss
    return NO
  }
}

/** Is it the same value, held otherwise? What is no value at all is not. */
function means(taken: Value, v: unknown): boolean {
  try {
    return sameValue(taken, v as Value)
  } catch {
    // `v` came from anywhere: it may hold what no value can.
    return false
  }
}

/** The refusal that got further into the value; a wrong tag means another member, so it counts for less. */
function deeper(a: Miss | undefined, b: Miss): Miss {
  const depth = (m: Miss) => m.path.length - (typeof m.want === "object" && m.want.kind === "enum" ? 0.5 : 0)
  return a === undefined || depth(b) > depth(a) ? b : a
}
