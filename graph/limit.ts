/**
 * Bounds on calls of a resource, as a graph states them under `limits:` and a registration in its signature: how many
 * may be in flight, and how many may start in a second. The checker reads them, and so does the bus, from a plan.
 */
import type { Graph } from "./ir.ts"
import { show } from "./literal.ts"
import { isRecord, type Rec, type Value } from "./value.ts"

export interface Limit {
  /** Calls in flight at once, from 1. */
  readonly concurrent?: number
  /** Calls that start within any second, above 0. Below 1 it is one call in `1 / perSecond` seconds. */
  readonly perSecond?: number
}

export const PER_SECOND_MAX = 100_000
const WORDS = ["concurrent", "per_second"] as const
type Wrong = { readonly key: string; readonly wrong: string }

/**
 * Reads `{ concurrent: 4, per_second: 10 }`; what is wrong with it as a text, and the key that it is wrong at. `per`: the
 * word for calls in a second, which is another one in TypeScript.
 */
export function readLimit(stated: Value, per: "per_second" | "perSecond" = "per_second"): Limit | Wrong {
  if (!isRecord(stated) || Object.keys(stated).length === 0)
    return { key: "", wrong: `{ concurrent: 4, ${per}: 10 }, or one of the two, is wanted, found ${show(stated)}` }
  const stray = Object.keys(stated).find((key) => key !== "concurrent" && key !== per)
  if (stray !== undefined) return { key: stray, wrong: `it has concurrent and ${per}, found ${show(stray)}` }
  const { concurrent, [per]: starts } = stated
  if (concurrent !== undefined && !(typeof concurrent === "number" && Number.isInteger(concurrent) && concurrent >= 1))
    return { key: "concurrent", wrong: `concurrent is a whole number from 1, found ${show(concurrent)}` }
  if (starts !== undefined && !(typeof starts === "number" && starts > 0 && starts <= PER_SECOND_MAX))
    return { key: per, wrong: `${per} lies above 0, up to ${PER_SECOND_MAX}, found ${show(starts)}` }
  return {
    ...(concurrent === undefined ? {} : { concurrent: concurrent as number }),
    ...(starts === undefined ? {} : { perSecond: starts as number }),
  }
}

/** A limit as a graph states it. */
export const statedLimit = ({ concurrent, perSecond }: Limit): Rec => ({
  ...(concurrent === undefined ? {} : { concurrent }),
  ...(perSecond === undefined ? {} : { per_second: perSecond }),
})

/** What a graph states of a resource; undefined where nothing, or nothing that could be read, which `check` refuses. */
export function limitOf(resources: Graph["resources"], resource: string): Limit | undefined {
  const stated = resources["limits"]
  if (stated === undefined || !Object.hasOwn(stated, resource)) return undefined
  const read = readLimit(stated[resource]!)
  return "wrong" in read ? undefined : read
}

/** Two bounds of one resource as a graph states them: the tighter one of each counts. */
export function tightest(a: Value, b: Value): Value {
  if (!isRecord(a) || !isRecord(b)) return a
  const out: { [key: string]: Value } = { ...b, ...a }
  for (const word of WORDS) {
    const [x, y] = [(a as Rec)[word], (b as Rec)[word]]
    if (typeof x === "number" && typeof y === "number") out[word] = Math.min(x, y)
  }
  return out
}
