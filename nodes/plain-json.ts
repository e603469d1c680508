/**
 * Values as the plain objects that a JSON library takes, for tools whose client writes the text itself, and the places
 * where two such objects differ. What JSON cannot say is refused and never turned into something else in silence.
 */
import { fail, isRecord, type Rec, sameValue, Tensor, type Value } from "../graph/mod.ts"

/** Plain JSON of a value, for a request. Fails with `Refused` (data `reason`: json), certainly undelivered, naming the place. */
export function toJson(value: Value, place: string): unknown {
  const refuse = (what: string) =>
    fail("Refused", `Cannot write ${place} as JSON: ${what}`, { data: { reason: "json", place }, undelivered: true })
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw refuse(`${value} is not a JSON number`)
    return value
  }
  if (typeof value === "bigint") {
    const n = Number(value)
    if (!Number.isSafeInteger(n)) throw refuse(`${value} is beyond 2^53; send it as text`)
    return n
  }
  if (typeof value !== "object" || value === null) return value
  if (value instanceof Uint8Array) throw refuse("it is bytes; encode them as text first")
  if (value instanceof Tensor) throw refuse("it is a tensor")
  if (Array.isArray(value)) return value.map((v, i) => toJson(v, `${place}[${i}]`))
  const out: Record<string, unknown> = {}
  for (const [k, v] of Object.entries(value)) {
    Object.defineProperty(out, k, {
      value: toJson(v, `${place}.${k}`),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return out
}

/** Up to `max` places where two JSON values differ, as `place: was X, is Y`, for people. Order of keys is no difference. */
export function differences(was: Value | undefined, is: Value | undefined, place: string, max = 5): string[] {
  if (was !== undefined && is !== undefined && sameValue(was, is)) return []
  const steps = stepsInto(was, is)
  if (steps === undefined) return [`${place === "" ? "it" : place}: was ${shown(was)}, is ${shown(is)}`]
  const found: string[] = []
  for (const step of steps) {
    if (found.length >= max) break
    const inner = place === "" ? step : `${place}.${step}`
    found.push(...differences(part(was, step), part(is, step), inner, max - found.length))
  }
  return found
}

/** The keys or indices to look at, where both are records or both are lists of one length. */
function stepsInto(was: Value | undefined, is: Value | undefined): readonly string[] | undefined {
  if (Array.isArray(was) && Array.isArray(is) && was.length === is.length) return was.map((_, i) => String(i))
  if (was === undefined || is === undefined || !isRecord(was) || !isRecord(is)) return undefined
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
}
const part = (v: Value | undefined, step: string): Value | undefined =>
  Object.hasOwn(v as Rec, step) ? (v as Rec)[step] : undefined

const shown = (v: Value | undefined): string => {
  if (v === undefined) return "absent"
  const text = JSON.stringify(v, (_, x: unknown) => (typeof x === "bigint" ? String(x) : x))
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}
