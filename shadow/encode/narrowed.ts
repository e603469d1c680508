/**
 * The part of a type that a log uses. A tool may be registered for far more than anybody asks of it (any parameters of a
 * request, any JSON), and a model of all of that there cannot be. What lies outside of the part has no encoding: there the
 * tool itself answers.
 */
import { accepts, isRecord, T, type Type, unionOf, type Value } from "../../graph/mod.ts"

/** A type for these values that says no more than `type`: members, entries and kinds that none of them has are left out. */
export function narrowed(type: Type, values: readonly Value[]): Type {
  if (values.length === 0) return type
  switch (type.kind) {
    case "unknown":
      return members(ANY, values)
    case "union":
      return members(type.of, values)
    case "list":
      return T.list(narrowed(type.of, (values as readonly (readonly Value[])[]).flat(1)))
    case "map": {
      const maps = values as readonly { readonly [key: string]: Value }[]
      const names = Object.keys(maps[0]!)
      const alike = maps.every((m) => Object.keys(m).length === names.length && names.every((n) => Object.hasOwn(m, n)))
      if (!alike)
        return T.map(
          narrowed(
            type.of,
            maps.flatMap((m) => Object.values(m)),
          ),
        )
      return T.record(Object.fromEntries(names.map((n) => [n, narrowed(type.of, at(maps, n))])))
    }
    case "record": {
      const records = values as readonly { readonly [key: string]: Value }[]
      const fields = Object.entries(type.fields).map(([n, f]) => [n, { ...f, type: narrowed(f.type, at(records, n)) }])
      return T.record(Object.fromEntries(fields))
    }
    default:
      return type
  }
}

const ANY = [T.null, T.boolean, T.number, T.int64, T.string, T.bytes, T.list(T.unknown), T.map(T.unknown)]

/** Each value counts for the first member that takes it. */
function members(all: readonly Type[], values: readonly Value[]): Type {
  const takes = all.map((t) => accepts(t))
  const of = Map.groupBy(values, (v) => takes.findIndex((take) => take(v)))
  return unionOf(all.flatMap((t, i) => (of.has(i) ? [narrowed(t, of.get(i)!)] : [])))
}

const at = (all: readonly Value[], name: string): Value[] =>
  all.flatMap((v) => (isRecord(v) && Object.hasOwn(v, name) ? [v[name]!] : []))
