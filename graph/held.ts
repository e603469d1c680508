/**
 * A value as a port holds it, made again from its canonical bytes: these do not tell an int64 from a number. Nothing is
 * judged, filled in or left out, since the value was at the port before; where the type says nothing of a part, the part
 * stays as it is.
 */
import { accepts } from "./accept.ts"
import type { Type } from "./type.ts"
import { isRecord, type Rec, sameValue, type Value } from "./value.ts"

export function held(type: Type, v: Value): Value {
  switch (type.kind) {
    case "int64":
      // Bytes of an int64 never say −0.
      return typeof v === "number" && Number.isSafeInteger(v) && !Object.is(v, -0) ? BigInt(v) : v
    case "list":
    case "stream":
      return Array.isArray(v) ? (v as readonly Value[]).map((x) => held(type.of, x)) : v
    case "map":
      return isRecord(v) ? mapped(v, () => type.of) : v
    case "record":
      return isRecord(v)
        ? mapped(v, (name) => (Object.hasOwn(type.fields, name) ? type.fields[name]!.type : undefined))
        : v
    case "union": {
      for (const member of type.of) {
        const taken = accepts(member)(v) ? held(member, v) : undefined
        if (taken !== undefined && sameValue(taken, v)) return taken
      }
      return v
    }
    default:
      return v
  }
}

const mapped = (v: Rec, typeOf: (name: string) => Type | undefined): Rec =>
  Object.fromEntries(
    Object.entries(v).map(([name, x]) => {
      const type = typeOf(name)
      return [name, type === undefined ? x : held(type, x)]
    }),
  )
