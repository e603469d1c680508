/**
 * The parts of a plan that are not instructions, read out of plain values: header, types, constants. Whatever
 * arrives, the result has the shape that its TypeScript type says or a `PlanError` names the place; what it means is
 * `verify.ts`'s business.
 */
import {
  DTYPE_BYTES,
  type Field,
  isRecord,
  type Narrowing,
  NESTING_MAX,
  type Rec,
  Tensor,
  type Type,
  type Value,
} from "../graph/mod.ts"
import { PlanError } from "./error.ts"
import { COUNT_MAX } from "./plan.ts"

/** Types nested deeper than this are refused. */
export const TYPE_DEPTH_MAX = 2 * NESTING_MAX

/** A place in a section, `types[3].of`, for messages. */
export type At = string

export function malformed(at: At, found: unknown, wanted: string): PlanError {
  const shown = show(found)
  return new PlanError({
    reason: "malformed",
    message: `Cannot decode a plan: ${at} must be ${wanted}, found ${shown}`,
    section: at.split(/[.[]/, 1)[0]!,
    found: shown,
    wanted,
  })
}

/** A value in a few words; never longer than a line. */
export function show(v: unknown): string {
  if (typeof v === "string") return JSON.stringify(v.length > 60 ? `${v.slice(0, 60)}…` : v)
  if (v === null || typeof v === "number" || typeof v === "boolean") return Object.is(v, -0) ? "-0" : String(v)
  if (typeof v === "bigint") return `int64 ${v}`
  if (Array.isArray(v)) return `a list of ${v.length}`
  if (v instanceof Uint8Array) return `${v.length} bytes`
  if (v instanceof Tensor) return "a tensor"
  if (!isRecord(v)) return typeof v
  const keys = Object.keys(v)
  return `a record of ${keys.length}${keys.length > 0 ? ` (${keys.slice(0, 4).join(", ")}${keys.length > 4 ? ", …" : ""})` : ""}`
}

export function text(v: unknown, at: At): string {
  if (typeof v !== "string") throw malformed(at, v, "text")
  return v
}
export function texts(v: unknown, at: At): readonly string[] {
  return list(v, at).map((x, i) => text(x, `${at}[${i}]`))
}
export function list(v: unknown, at: At): readonly Value[] {
  if (!Array.isArray(v)) throw malformed(at, v, "a list")
  return v
}
/** A list of exactly these parts. */
export function tuple(v: unknown, parts: readonly string[], at: At): readonly Value[] {
  if (!Array.isArray(v) || v.length !== parts.length) throw malformed(at, v, `a list of ${parts.join(", ")}`)
  return v
}
export function bytes(v: unknown, at: At): Uint8Array {
  if (!(v instanceof Uint8Array)) throw malformed(at, v, "bytes")
  return v
}
export function bool(v: unknown, at: At): boolean {
  if (typeof v !== "boolean") throw malformed(at, v, "true or false")
  return v
}
export function whole(v: unknown, at: At, least = 0): number {
  if (typeof v !== "number" || !Number.isInteger(v) || v < least || v > COUNT_MAX || Object.is(v, -0)) {
    throw malformed(at, v, `a whole number between ${least} and ${COUNT_MAX}`)
  }
  return v
}
export function positive(v: unknown, at: At): number {
  if (typeof v !== "number" || !(v >= 0) || v > Number.MAX_SAFE_INTEGER) throw malformed(at, v, "a number, 0 or more")
  return v
}
export function rec(v: unknown, at: At): Rec {
  if (!isRecord(v)) throw malformed(at, v, "a record")
  return v
}
/** A record of these keys: `keys[k]` says whether it must be there. */
export function keyed(v: unknown, keys: { readonly [key: string]: boolean }, at: At): Rec {
  const r = rec(v, at)
  for (const k of Object.keys(r)) if (!Object.hasOwn(keys, k)) throw malformed(`${at}.${k}`, r[k], "no such key")
  for (const [k, needed] of Object.entries(keys)) {
    if (needed && !Object.hasOwn(r, k)) throw malformed(`${at}.${k}`, undefined, "there")
  }
  return r
}

/** For each kind of type the keys beside `kind`, and whether they must be there. */
const TYPE_KEYS: { readonly [K in Type["kind"]]: { readonly [key: string]: boolean } } = {
  null: {},
  boolean: {},
  number: {},
  int64: {},
  string: {},
  bytes: {},
  unknown: {},
  never: {},
  list: { of: true },
  map: { of: true },
  stream: { of: true },
  union: { of: true },
  enum: { values: true },
  record: { fields: true },
  tensor: { dtype: true, shape: true },
}

/**
 * A type out of a value of its own shape. Throws `PlanError` for anything else, and beyond `TYPE_DEPTH_MAX`. With `known`
 * a part that is used in many places is read once: types in memory share parts, types out of bytes do not.
 */
export function readType(v: unknown, at: At, depth = 0, known?: Map<object, Type>): Type {
  const before = known?.get(v as object)
  if (before !== undefined) return before
  const type = readNewType(v, at, depth, known)
  known?.set(v as object, type)
  return type
}

function readNewType(v: unknown, at: At, depth: number, known: Map<object, Type> | undefined): Type {
  if (depth > TYPE_DEPTH_MAX) throw malformed(at, v, `a type of at most ${TYPE_DEPTH_MAX} levels`)
  const kind = text(rec(v, at)["kind"], `${at}.kind`)
  if (!Object.hasOwn(TYPE_KEYS, kind)) throw malformed(`${at}.kind`, kind, "a kind of type")
  const r = keyed(v, { kind: true, ...TYPE_KEYS[kind as Type["kind"]] }, at)
  switch (kind) {
    case "list":
    case "map":
    case "stream":
      return { kind, of: readType(r["of"], `${at}.of`, depth + 1, known) }
    case "union":
      return { kind, of: list(r["of"], `${at}.of`).map((t, i) => readType(t, `${at}.of[${i}]`, depth + 1, known)) }
    case "enum":
      return { kind, values: texts(r["values"], `${at}.values`) }
    case "record":
      return { kind, fields: readFields(r["fields"], `${at}.fields`, depth, known) }
    case "tensor": {
      const dtype = text(r["dtype"], `${at}.dtype`)
      if (!Object.hasOwn(DTYPE_BYTES, dtype)) throw malformed(`${at}.dtype`, dtype, "an element type of tensors")
      const shape =
        r["shape"] === null
          ? null
          : list(r["shape"], `${at}.shape`).map((n, i) => (n === null ? null : whole(n, `${at}.shape[${i}]`)))
      return { kind, dtype: dtype as keyof typeof DTYPE_BYTES, shape }
    }
    default:
      return { kind } as Type
  }
}

function readFields(
  v: unknown,
  at: At,
  depth: number,
  known: Map<object, Type> | undefined,
): { readonly [name: string]: Field } {
  const out: Record<string, Field> = {}
  for (const [name, f] of Object.entries(rec(v, at))) {
    const r = keyed(f, { type: true, optional: false, default: false }, `${at}.${name}`)
    out[name] = {
      type: readType(r["type"], `${at}.${name}.type`, depth + 1, known),
      ...(Object.hasOwn(r, "optional") ? { optional: bool(r["optional"], `${at}.${name}.optional`) } : {}),
      ...(Object.hasOwn(r, "default") ? { default: r["default"]! } : {}),
    }
  }
  return out
}

/** What narrows grants: lists of a path and its grants. One that is there is not empty, so that a plan has one form. */
export function readNarrowed(v: unknown, place: At): readonly Narrowing[] {
  const all = list(v, place)
  if (all.length === 0) throw malformed(place, v, "left out where nothing is narrowed")
  return all.map((n, i) => {
    const [at, grants] = tuple(n, ["at", "grants"], `${place}[${i}]`)
    return { at: texts(at, `${place}[${i}].at`), grants: texts(grants, `${place}[${i}].grants`) }
  })
}

export function readResources(v: unknown, at: At): { readonly [section: string]: Rec } {
  const r = rec(v, at)
  for (const [section, names] of Object.entries(r)) rec(names, `${at}.${section}`)
  return r as { readonly [section: string]: Rec }
}
