/** Random notes that make any random type bounded, for tests. */

import type { Type } from "../../graph/mod.ts"
import type { Random } from "../../graph/random.sample.ts"
import type { Notes } from "../../shadow/mod.ts"

const KEYS = ["a", "b", "c", "", "é"]

/** Notes that bound everything in a type that can be bounded. */
export function boundedNotes(r: Random, type: Type): Notes {
  switch (type.kind) {
    case "number":
      return r.pick<Notes>([
        {},
        {},
        { integer: true },
        { integer: true, min: -r.below(300), max: r.below(70_000) },
        { decimals: 1 + r.below(4), min: -1000, max: 1000 },
        { format: r.chance(0.5) ? "epoch-s" : "epoch-ms", by: r.chance(0.5) ? "count" : "fields" },
      ])
    case "int64":
      return r.chance(0.5) ? {} : { min: -(10n ** BigInt(r.below(18))), max: 10n ** BigInt(r.below(18)) }
    case "string":
      return r.pick<Notes>([
        { maxLength: r.below(12) },
        { maxLength: 6, alphabet: "abZ_0 é漢\u{e000}🐘" },
        { maxLength: 6, minLength: 1, below: 0x10000 },
        { words: ["a", "", "bb", "🐘"] },
      ])
    case "bytes":
      return { maxLength: r.below(8) }
    case "list":
      return { minLength: r.below(2), maxLength: 1 + r.below(4), of: boundedNotes(r, type.of) }
    case "map":
      return { keys: KEYS.slice(0, r.below(6)), of: boundedNotes(r, type.of) }
    case "record":
      return {
        fields: Object.fromEntries(Object.entries(type.fields).map(([k, f]) => [k, boundedNotes(r, f.type)])),
      }
    case "union":
      return { members: type.of.map((t) => boundedNotes(r, t)) }
    default:
      return {}
  }
}
