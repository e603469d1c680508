/**
 * Values of a port from their JSON form: bytes and tensors come as base64, which no other part of reading JSON knows of. The
 * inverse of `jsonOf` for the types where that is not the identity; what does not fit is left for the port to refuse.
 */
import { isRecord, Tensor, type Type, type Value } from "../graph/mod.ts"

type Take = (given: Value) => Value

const KNOWN = new WeakMap<Type, Take | null>()

/** The value that a JSON value stands for at a port of this type. */
export function fromJsonForm(type: Type, given: Value): Value {
  let take = KNOWN.get(type)
  if (take === undefined) KNOWN.set(type, (take = takeOf(type) ?? null))
  return take === null ? given : take(given)
}

/** Undefined where nothing of the type is written in base64: nearly always. */
function takeOf(type: Type): Take | undefined {
  switch (type.kind) {
    case "bytes":
      return (v) => (typeof v === "string" ? (bytesOf(v) ?? v) : v)
    case "tensor":
      return tensorOf
    case "list":
    case "stream": {
      const each = takeOf(type.of)
      return each && ((v) => (Array.isArray(v) ? v.map(each) : v))
    }
    case "map": {
      const each = takeOf(type.of)
      return each && ((v) => (isRecord(v) ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, each(x)])) : v))
    }
    case "record": {
      const fields = Object.entries(type.fields).flatMap(([name, { type: of }]) => {
        const take = takeOf(of)
        return take === undefined ? [] : [[name, take] as const]
      })
      if (fields.length === 0) return undefined
      return (v) => {
        if (!isRecord(v)) return v
        const out: { [key: string]: Value } = { ...v }
        for (const [name, take] of fields) if (Object.hasOwn(v, name)) out[name] = take(v[name]!)
        return out
      }
    }
    case "union": {
      // A text beside bytes stays a text: nobody could tell them apart.
      if (type.of.some((t) => t.kind === "string" || t.kind === "enum")) return undefined
      const takes = type.of.flatMap((t) => takeOf(t) ?? [])
      return takes.length === 0 ? undefined : (v) => takes.reduce((x, take) => take(x), v)
    }
    default:
      return undefined
  }
}

function bytesOf(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  try {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
  } catch {
    return undefined
  }
}

function tensorOf(v: Value): Value {
  if (!isRecord(v)) return v
  const { dtype, shape, data } = v
  const bytes = typeof data === "string" ? bytesOf(data) : undefined
  if (typeof dtype !== "string" || !Array.isArray(shape) || bytes === undefined) return v
  try {
    return new Tensor(dtype as Tensor["dtype"], shape as number[], bytes)
  } catch {
    return v
  }
}
