/**
 * A typed failure: what a node ends in when it does not end in a value. Failures are values of the graph (`catch:` binds
 * one as `error`, the trace hashes its code and data), so they carry a stable code and no host text in what is hashed.
 */
import * as Data from "effect/Data"
import type { Path } from "./ir.ts"
import { printPath } from "./ir.ts"
import { T, type Type } from "./type.ts"
import { encode, isRecord, type Rec, type Value } from "./value.ts"

export class Failure extends Data.TaggedError("Failure")<{
  /** Stable and short, in PascalCase: `Missing`, `Timeout`, `HttpStatus`, `ToolError`, `Mismatch`, or the tag of a typed error. */
  readonly code: string
  readonly message: string
  /** What a program may want to look at: hashed with the code. Nothing that differs from run to run (no times, no ports). */
  readonly data: Value
  /** Where it happened; filled in by whoever runs the node. */
  readonly path?: Path
  /** May another attempt end differently? Retries ask this; the default is no. */
  readonly retryable?: boolean
  /**
   * Was the request certainly not delivered? Only then may a write without a key be tried again. `false`: it may have been, and
   * nobody knows what came of it. Left out: the tool said no, unless the code is one of those that know nothing (`deliveryOf`).
   */
  readonly undelivered?: boolean
  readonly cause?: unknown
}> {}

export const fail = (
  code: string,
  message: string,
  more: Partial<Omit<Failure, "code" | "message">> & { data?: Value } = {},
): Failure =>
  new Failure({
    code,
    message,
    data: more.data ?? null,
    ...(more.path ? { path: more.path } : {}),
    ...(more.retryable !== undefined ? { retryable: more.retryable } : {}),
    ...(more.undelivered !== undefined ? { undelivered: more.undelivered } : {}),
    ...(more.cause !== undefined ? { cause: more.cause } : {}),
  })

/** The type of `error` inside `catch:`. */
export const ERROR_TYPE: Extract<Type, { kind: "record" }> = T.record({
  code: T.string,
  message: T.string,
  data: T.unknown,
})
export const errorValue = (f: Failure): Rec => ({ code: f.code, message: f.message, data: f.data })

/** The failure as the trace hashes it: code and data, never the message (messages may name hosts, files, times). */
export const failureIdentity = (f: Failure): Rec => ({ failure: f.code, data: f.data })

/**
 * Turns whatever a tool threw into a failure. A typed error (an Effect `TaggedError`, anything with `_tag` or `code`)
 * keeps its tag; everything else is `Threw`.
 */
export function toFailure(cause: unknown, path?: Path): Failure {
  if (cause instanceof Failure) {
    if (cause.path !== undefined || path === undefined) return cause
    // An error's cause is no enumerable field, so that a spread alone would lose it.
    return fail(cause.code, cause.message, { ...cause, data: valueOrNull(cause.data), path, cause: cause.cause })
  }
  const where = path ? { path } : {}
  if (typeof cause === "object" && cause !== null) {
    const e = cause as { _tag?: unknown; message?: unknown; name?: unknown }
    const message =
      typeof e.message === "string" && e.message !== "" ? e.message : String(e._tag ?? e.name ?? "no message")
    if (typeof e._tag === "string") return fail(e._tag, message, { ...where, data: plainFields(e), cause })
    return fail("Threw", message, { ...where, cause })
  }
  return fail("Threw", String(cause), { ...where, cause })
}

/** A tool may put anything into its failure; only a value can be hashed, recorded and met by `catch:`. */
function valueOrNull(data: Value): Value {
  try {
    encode(data)
    return data
  } catch {
    return null
  }
}

/** The own fields of a typed error that are values, without its tag, message and stack. */
function plainFields(e: object): Value {
  const out: Record<string, Value> = {}
  for (const [k, v] of Object.entries(e)) {
    if (k === "_tag" || k === "message" || k === "stack" || k === "cause" || k === "name") continue
    if (
      v === null ||
      typeof v === "string" ||
      typeof v === "number" ||
      typeof v === "boolean" ||
      Array.isArray(v) ||
      isRecord(v)
    )
      out[k] = v as Value
  }
  try {
    return JSON.parse(JSON.stringify(out)) as Value
  } catch {
    return null
  }
}

export const printFailure = (f: Failure): string => `${f.code}${f.path ? ` at ${printPath(f.path)}` : ""}: ${f.message}`
