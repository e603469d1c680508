/**
 * How large a type is when it is written out. Types share parts, so a few lines can stand for a billion fields; whatever
 * walks a type (subtyping, printing, hashing) is bounded by refusing such types before they are walked.
 */
import type { Type } from "./type.ts"

/** Constructors of a type, written out in full. */
export const TYPE_SIZE_MAX = 10_000
export const TYPE_DEPTH_MAX = 64

export interface TypeSize {
  readonly size: number
  readonly depth: number
  /** Is it, or does it hold, a stream? */
  readonly stream: boolean
}

const known = new WeakMap<Type, TypeSize>()
const LEAF: TypeSize = { size: 1, depth: 1, stream: false }

/** Size and depth, each part of a shared type counted wherever it is used; linear in the parts in memory. */
export function typeSize(type: Type): TypeSize {
  const before = known.get(type)
  if (before !== undefined) return before
  const parts = partsOf(type)
  if (parts.length === 0) return LEAF
  let size = 1
  let depth = 0
  let stream = type.kind === "stream"
  for (const part of parts) {
    const inner = typeSize(part)
    size += inner.size
    depth = Math.max(depth, inner.depth)
    stream ||= inner.stream
  }
  const found = { size, depth: depth + 1, stream }
  known.set(type, found)
  return found
}

function partsOf(type: Type): readonly Type[] {
  switch (type.kind) {
    case "list":
    case "map":
    case "stream":
      return [type.of]
    case "union":
      return type.of
    case "record":
      return Object.values(type.fields).map((field) => field.type)
    default:
      return []
  }
}
