/**
 * What a tool answers, as its port holds it: looked at by its type, after what only a live value can tell has been taken
 * off, so that a replay from the record is handed the same value.
 */
import { type Accept, accept } from "./accept.ts"
import type { Type } from "./type.ts"
import { DEPTH_MAX, isRecord } from "./value.ts"

/**
 * As `accept`, for what comes from outside: a tool that returns nothing gives null, and a safe integer is a number where
 * nothing says that it is an int64, for as that it comes back from its bytes when a run is replayed.
 */
export const acceptAnswer = (type: Type): Accept => {
  const look = accept(type)
  return leavesIntegersOpen(type)
    ? (v) => look(v === undefined ? null : plainIntegers(v, 0))
    : (v) => look(v === undefined ? null : v)
}

/** Does the type hold integers without saying whether they are numbers or int64s? */
function leavesIntegersOpen(type: Type): boolean {
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
function plainIntegers(v: unknown, depth: number): unknown {
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
