/**
 * JSON for the bodies of requests: int64 stays exact as a JSON number, and what JSON cannot say (NaN, bytes, a tensor)
 * is refused instead of turning into something that the server reads as a value.
 */
import { fail, Tensor, type Value } from "../graph/mod.ts"

/** ES2026, "JSON.parse source text access": in Bun, Deno, workerd, browsers and Node from 22. */
declare global {
  interface JSON {
    rawJSON(text: string): unknown
  }
}

/** Writes JSON. Fails with `Refused` (data `reason`: json) for a value that JSON does not have. */
export function writeJson(value: Value): string {
  const refuse = (what: string) =>
    fail("Refused", `Cannot write ${what} as JSON`, { data: { reason: "json" }, undelivered: true })
  return JSON.stringify(value, (_key, v: unknown) => {
    if (typeof v === "bigint") return JSON.rawJSON(String(v))
    if (typeof v === "number" && !Number.isFinite(v)) throw refuse(String(v))
    if (v instanceof Uint8Array) throw refuse("bytes")
    if (v instanceof Tensor) throw refuse("a tensor")
    return v
  })
}
