/**
 * Constants and their bytes. An int64 has the bytes of the whole number that it is, so a constant comes back by its type:
 * what stands where an int64 is wanted is one.
 */
import { decode, encode, isRecord, type Type, type Value } from "../graph/mod.ts"

/** The value with its integers as its type says: an int64 where that is wanted, a number elsewhere. */
export function asTyped(v: Value, type: Type | undefined): Value {
  if (type === undefined || !holdsInt64(type)) return v
  switch (type.kind) {
    case "int64":
      return typeof v === "number" && Number.isSafeInteger(v) ? BigInt(v) : v
    case "list":
      return Array.isArray(v) ? v.map((x) => asTyped(x, type.of)) : v
    case "map":
      return isRecord(v) ? fields(v, () => type.of) : v
    case "record":
      return isRecord(v) ? fields(v, (k) => (Object.hasOwn(type.fields, k) ? type.fields[k]!.type : undefined)) : v
    case "union":
      return typeof v === "number" && type.of.some((t) => t.kind === "number") ? v : asTyped(v, memberFor(v, type.of))
    default:
      return v
  }
}

/** Does the constant come back from its bytes as it was? One that holds numbers and int64s at one place may not. */
export const comesBack = (v: Value, type: Type): boolean =>
  !holdsBigint(v) || alike(asTyped(decode(encode(v)), type), v)

const fields = (v: { readonly [k: string]: Value }, typeOf: (k: string) => Type | undefined): Value =>
  Object.fromEntries(Object.entries(v).map(([k, x]) => [k, asTyped(x, typeOf(k))]))

const memberFor = (v: Value, of: readonly Type[]): Type | undefined =>
  of.find((t) => {
    if (typeof v === "number") return t.kind === "int64"
    if (Array.isArray(v)) return t.kind === "list"
    if (!isRecord(v)) return false
    return t.kind === "map" || (t.kind === "record" && Object.keys(v).every((k) => Object.hasOwn(t.fields, k)))
  })

const known = new WeakMap<Type, boolean>()
function holdsInt64(t: Type): boolean {
  if (t.kind === "int64") return true
  const before = known.get(t)
  if (before !== undefined) return before
  const holds = partsOf(t).some(holdsInt64)
  known.set(t, holds)
  return holds
}

function partsOf(t: Type): readonly Type[] {
  switch (t.kind) {
    case "list":
    case "map":
      return [t.of]
    case "record":
      return Object.values(t.fields).map((f) => f.type)
    case "union":
      return t.of
    default:
      return []
  }
}

function holdsBigint(v: Value): boolean {
  if (typeof v === "bigint") return true
  if (Array.isArray(v)) return v.some(holdsBigint)
  return isRecord(v) && Object.values(v).some(holdsBigint)
}

/** Are two values of one shape alike in what is a number and what an int64? */
function alike(a: Value, b: Value): boolean {
  if (typeof a !== typeof b) return false
  if (Array.isArray(a)) return a.every((x, i) => alike(x, (b as readonly Value[])[i]!))
  if (!isRecord(a)) return true
  return Object.entries(a).every(([k, x]) => alike(x, (b as { readonly [k: string]: Value })[k]!))
}
