/**
 * Integers where the type does not say whether they are numbers or int64s. Bytes do not tell the two apart, so what comes
 * from outside is a number there where it can be: as that it comes back when a run goes on or is replayed.
 */
import type { Type } from "./type.ts"
import { DEPTH_MAX, isRecord } from "./value.ts"

/** Does the type hold integers without saying whether they are numbers or int64s? */
export function leavesIntegersOpen(type: Type): boolean {
  switch (type.kind) {
    case "unknown":
      return true
    case "list":
    case "map":
    case "stream":
      return leavesIntegersOpen(type.of)
    case "record":
      return Object.values(type.fields).some((f) => leavesIntegersOpen(f.type))
    case "union":
      return type.of.some((t) => t.kind === "int64" || leavesIntegersOpen(t))
    default:
      return false
  }
}

/** The value with its safe bigints as numbers; itself where there are none. What is no value is left to who looks at it. */
export function plainIntegers(v: unknown, depth = 0): unknown {
  if (typeof v === "bigint") return Number.isSafeInteger(Number(v)) ? Number(v) : v
  if (typeof v !== "object" || v === null || depth > DEPTH_MAX) return v
  if (Array.isArray(v)) {
    const out = v.map((x) => plainIntegers(x, depth + 1))
    return out.some((x, i) => x !== v[i]) ? out : v
  }
  if (!isRecord(v) || !isPlain(v)) return v
  const entries = Object.entries(v).map(([k, x]) => [k, plainIntegers(x, depth + 1)] as const)
  return entries.some(([k, x]) => x !== (v as { readonly [k: string]: unknown })[k]) ? Object.fromEntries(entries) : v
}

const isPlain = (v: object): boolean => {
  const proto: unknown = Object.getPrototypeOf(v)
  return proto === Object.prototype || proto === null
}
