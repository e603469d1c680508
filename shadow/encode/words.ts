/**
 * Words, texts and bytes. A word of a vocabulary is one digit, whose row of the first layer is its embedding; a text is
 * its length and its characters one after another.
 */
import { show } from "../../graph/mod.ts"
import { count, nibbles, readNibbles, writeNibbles } from "./numbers.ts"
import { Miss, oneHot, type Part, type Shape, some, thermometer, useAll } from "./part.ts"
import type { PartSpec } from "./spec.ts"

export const nothing: Part = {
  digits: [],
  write: (value) => (value === null ? undefined : new Miss("null", value)),
  read: () => null,
}

export const boolean: Part = {
  digits: [thermometer(2)],
  write(value, states, at) {
    if (typeof value !== "boolean") return new Miss("true or false", value)
    states[at] = value ? 1 : 0
    return undefined
  },
  read(states, at, used) {
    useAll(used, at, 1)
    return states[at] === 1
  },
}

/** One of the words. */
export function word({ words }: Extract<PartSpec, { as: "word" }>): Part {
  const index = new Map(words.map((w, i) => [w, i]))
  const digits = some(oneHot(words.length))
  const want = `one of ${show(words)}`
  return {
    digits,
    write(value, states, at) {
      const i = typeof value === "string" ? index.get(value) : undefined
      if (i === undefined) return new Miss(want, value)
      if (digits.length > 0) states[at] = i
      return undefined
    },
    read(states, at, used) {
      useAll(used, at, digits.length)
      return words[digits.length === 0 ? 0 : states[at]!]!
    },
  }
}

/** One character: its digits, and how they are written and read. Code points that are none read as −1. */
interface Letter {
  readonly digits: readonly Shape[]
  readonly write: (codePoint: number, states: Uint16Array, at: number) => boolean
  readonly read: (states: Uint16Array, at: number) => number
  readonly want: string
}

function letterOf(spec: Extract<PartSpec, { as: "text" }>): Letter {
  if (spec.alphabet !== undefined) {
    const points = [...spec.alphabet].map((c) => c.codePointAt(0)!)
    const index = new Map(points.map((p, i) => [p, i]))
    const digits = some(oneHot(points.length))
    return {
      digits,
      write(point, states, at) {
        const i = index.get(point)
        if (i !== undefined && digits.length > 0) states[at] = i
        return i !== undefined
      },
      read: (states, at) => points[digits.length === 0 ? 0 : states[at]!]!,
      want: `of the letters ${show(spec.alphabet)}`,
    }
  }
  const below = spec.below ?? 0
  const digits = nibbles(below - 1)
  const isLetter = (p: number): boolean => p < below && (p < 0xd800 || p > 0xdfff)
  return {
    digits,
    write(point, states, at) {
      if (!isLetter(point)) return false
      writeNibbles(point, states, at, digits.length)
      return true
    },
    read(states, at) {
      const point = readNibbles(states, at, digits.length)
      return isLetter(point) ? point : -1
    },
    want: `of code points below ${below}`,
  }
}

/** Texts of a bounded number of code points. */
export function text(spec: Extract<PartSpec, { as: "text" }>): Part {
  const letter = letterOf(spec)
  const length = count(spec.min, spec.max)
  const first = length.digits.length
  const each = letter.digits.length
  const digits = [...length.digits, ...Array.from({ length: spec.max }, () => letter.digits).flat()]
  const want = `a text ${letter.want}, ${spec.min} to ${spec.max} of them`
  return {
    digits,
    write(value, states, at) {
      if (typeof value !== "string") return new Miss(want, value)
      let n = 0
      let to = at + first
      for (let i = 0; i < value.length; n++, to += each) {
        const point = value.codePointAt(i)!
        if (n === spec.max || !letter.write(point, states, to)) return new Miss(want, value)
        i += point > 0xffff ? 2 : 1
      }
      const missed = length.write(n, states, at)
      if (missed !== undefined) return new Miss(want, value)
      states.fill(0, to, at + digits.length)
      return undefined
    },
    read(states, at, used) {
      const n = length.get(states, at)
      useAll(used, at, first + n * each)
      let value = ""
      for (let i = 0; i < n; i++) {
        const point = letter.read(states, at + first + i * each)
        if (point < 0) return new Miss(want, "digits that are no letter")
        value += String.fromCodePoint(point)
      }
      return value
    },
  }
}

/** Bytes of a bounded number: the length, then two nibbles for each, the low one first. */
export function bytes(spec: Extract<PartSpec, { as: "bytes" }>): Part {
  const length = count(spec.min, spec.max)
  const first = length.digits.length
  const digits = [...length.digits, ...Array.from({ length: spec.max * 2 }, () => thermometer(16))]
  const want = `${spec.min} to ${spec.max} bytes`
  return {
    digits,
    write(value, states, at) {
      if (!(value instanceof Uint8Array) || length.write(value.length, states, at) !== undefined) {
        return new Miss(want, value)
      }
      let to = at + first
      for (let i = 0; i < value.length; i++) {
        states[to++] = value[i]! & 15
        states[to++] = value[i]! >> 4
      }
      states.fill(0, to, at + digits.length)
      return undefined
    },
    read(states, at, used) {
      const n = length.get(states, at)
      useAll(used, at, first + n * 2)
      const from = at + first
      return Uint8Array.from({ length: n }, (_, i) => states[from + 2 * i]! | (states[from + 2 * i + 1]! << 4))
    },
  }
}
