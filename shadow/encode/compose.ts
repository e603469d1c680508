/**
 * Lists, records, maps and unions of parts: their digits one after another, with digits that say how many there are,
 * which are there, or which member it is. What a value does not have is 0 in all of its digits.
 */
import { isRecord, type Rec, type Value } from "../../graph/mod.ts"
import { count } from "./numbers.ts"
import { Miss, oneHot, type Part, some, thermometer, useAll } from "./part.ts"
import { refused } from "./refused.ts"

/** Digits that a whole encoding may have: each has a feature at least. Held before they are listed, for bounds multiply. */
const DIGITS_MAX = 65_536

function room(digits: number): void {
  if (digits <= DIGITS_MAX) return
  throw refused("too-wide", "the value", `at most ${DIGITS_MAX} digits`, `${digits}; lower a bound on lengths`)
}

const clear = (part: Part, states: Uint16Array, at: number): void => {
  states.fill(0, at, at + part.digits.length)
}

export function list(min: number, max: number, item: Part): Part {
  const length = count(min, max)
  const first = length.digits.length
  const each = item.digits.length
  room(first + max * each)
  const digits = [...length.digits, ...Array.from({ length: max }, () => item.digits).flat()]
  const want = `a list of ${min} to ${max}`
  return {
    digits,
    write(value, states, at) {
      if (!Array.isArray(value)) return new Miss(want, value)
      if (length.write(value.length, states, at) !== undefined) return new Miss(want, value)
      for (let i = 0; i < value.length; i++) {
        const missed = item.write(value[i] as Value, states, at + first + i * each)
        if (missed !== undefined) return missed.under(i)
      }
      states.fill(0, at + first + value.length * each, at + digits.length)
      return undefined
    },
    read(states, at, used) {
      const n = length.get(states, at)
      useAll(used, at, first)
      const out: Value[] = []
      for (let i = 0; i < n; i++) {
        const x = item.read(states, at + first + i * each, used)
        if (x instanceof Miss) return x.under(i)
        out.push(x)
      }
      return out
    },
  }
}

/** A field of a record, or an entry of a map. */
export interface Entry {
  readonly name: string
  readonly part: Part
  /** It may be absent: a digit says whether it is. */
  readonly optional: boolean
}

/** A record with these fields and no others. */
export function record(fields: readonly Entry[]): Part {
  const places: number[] = []
  let width = 0
  for (const { part, optional } of fields) {
    places.push(width)
    width += part.digits.length + (optional ? 1 : 0)
  }
  room(width)
  const digits = fields.flatMap(({ part, optional }) => (optional ? [thermometer(2), ...part.digits] : part.digits))
  const names = new Set(fields.map((f) => f.name))
  return {
    digits,
    write(value, states, at) {
      if (!isRecord(value)) return new Miss("a record", value)
      let present = 0
      for (let i = 0; i < fields.length; i++) {
        const { name, part, optional } = fields[i]!
        let from = at + places[i]!
        const there = Object.hasOwn(value, name) && value[name] !== undefined
        if (!there && !optional) return new Miss("the field", undefined).under(name)
        if (optional) states[from++] = there ? 1 : 0
        if (!there) {
          clear(part, states, from)
          continue
        }
        present++
        const missed = part.write(value[name]!, states, from)
        if (missed !== undefined) return missed.under(name)
      }
      return unknownKey(value, names, present)
    },
    read(states, at, used) {
      const out: { [name: string]: Value } = {}
      for (let i = 0; i < fields.length; i++) {
        const { name, part, optional } = fields[i]!
        let from = at + places[i]!
        if (optional) {
          useAll(used, from, 1)
          if (states[from++] === 0) continue
        }
        const x = part.read(states, from, used)
        if (x instanceof Miss) return x.under(name)
        out[name] = x
      }
      return out
    },
  }
}

/** A field that the record should not have, so that it would be lost. */
function unknownKey(value: Rec, names: ReadonlySet<string>, present: number): Miss | undefined {
  let found = 0
  for (const key in value) if (value[key] !== undefined) found++
  if (found === present) return undefined
  const key = Object.keys(value).find((k) => !names.has(k))!
  return new Miss("no such field", value[key]).under(key)
}

/** A value of the first member that takes it. */
export function union(members: readonly Part[]): Part {
  const which = some(oneHot(members.length))
  const first = which.length
  const places: number[] = []
  let width = first
  for (const m of members) {
    places.push(width)
    width += m.digits.length
  }
  room(width)
  const digits = [...which, ...members.flatMap((m) => m.digits)]
  return {
    digits,
    write(value, states, at) {
      let nearest: Miss | undefined
      for (let i = 0; i < members.length; i++) {
        const missed = members[i]!.write(value, states, at + places[i]!)
        if (missed === undefined) {
          for (let j = 0; j < members.length; j++) if (j !== i) clear(members[j]!, states, at + places[j]!)
          if (first > 0) states[at] = i
          return undefined
        }
        // The member that got furthest into the value has most to say about it.
        if (nearest === undefined || missed.path.length > nearest.path.length) nearest = missed
      }
      return nearest
    },
    read(states, at, used) {
      const i = first > 0 ? states[at]! : 0
      useAll(used, at, first)
      return members[i]!.read(states, at + places[i]!, used)
    },
  }
}
