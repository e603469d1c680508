/**
 * JSON as adapters meet it in bodies: integers beyond 2^53 stay exact in both directions, and what JSON cannot say (NaN,
 * bytes, a tensor) is refused instead of turning into null or a list of numbers.
 */
import { DEPTH_MAX, fail, type Value } from "../graph/mod.ts"

/** Reviver and raw JSON of ES2026 ("JSON.parse source text access"): in Bun, Deno, workerd and Node from 22. */
declare global {
  interface JSON {
    parse(
      text: string,
      revive: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown
    rawJSON(text: string): unknown
  }
}

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** Reads JSON; an integer that is not safe but fits an int64 comes as bigint. Throws `SyntaxError`, also for what is nested too deeply. */
export function readJson(text: string): Value {
  let value: unknown
  try {
    value = JSON.parse(text, (_key, v, context) => {
      if (typeof v !== "number" || Number.isSafeInteger(v) || context.source === undefined) return v
      if (!/^-?\d+$/.test(context.source)) return v
      const exact = BigInt(context.source)
      return exact >= INT64_MIN && exact <= INT64_MAX ? exact : v
    })
  } catch (cause) {
    if (cause instanceof SyntaxError) throw cause
    throw new SyntaxError("JSON nested too deeply", { cause })
  }
  if (depthOver(value, DEPTH_MAX)) throw new SyntaxError(`JSON nested deeper than ${DEPTH_MAX} levels`)
  return value as Value
}

function depthOver(v: unknown, left: number): boolean {
  if (typeof v !== "object" || v === null) return false
  if (left === 0) return true
  for (const x of Object.values(v)) if (depthOver(x, left - 1)) return true
  return false
}

/** Writes JSON. Fails with `Refused` (data `reason`: json) for a value that JSON does not have. */
export function writeJson(value: Value): string {
  const refuse = (what: string) => {
    throw fail("Refused", `Cannot write ${what} as JSON`, { data: { reason: "json" }, undelivered: true })
  }
  return JSON.stringify(value, (_key, v: unknown) => {
    if (typeof v === "bigint") return JSON.rawJSON(String(v))
    if (typeof v === "number" && !Number.isFinite(v)) return refuse(String(v))
    if (typeof v === "object" && v !== null && ArrayBuffer.isView(v)) return refuse("bytes")
    if (typeof v === "object" && v !== null && "dtype" in v && "data" in v && ArrayBuffer.isView(v.data))
      return refuse("a tensor")
    return v
  })
}
