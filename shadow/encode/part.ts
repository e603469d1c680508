/**
 * A part of an encoding: a value, or a piece of one, as digits. Parts are composed (`compose.ts`), so each knows only
 * how many digits it has; where they lie is given to it.
 */
import type { Value } from "../../graph/mod.ts"

/** A digit before it has a place. At least two states: what has one says nothing and has no digit. */
export interface Shape {
  readonly states: number
  readonly code: "thermometer" | "one-hot"
}

/** Why a value has no digits, or digits no value. Light, for a union tries its members one after another. */
export class Miss {
  /** Keys from the inside out. */
  readonly path: (string | number)[] = []
  readonly want: string
  readonly found: unknown
  constructor(want: string, found: unknown) {
    this.want = want
    this.found = found
  }
  under(key: string | number): this {
    this.path.push(key)
    return this
  }
}

export interface Part {
  readonly digits: readonly Shape[]
  /** Writes a state for every digit from `at` on; digits that the value has no use for are 0. */
  readonly write: (value: Value, states: Uint16Array, at: number) => Miss | undefined
  /** The value of the states; sets `used` to 1 for every digit that had a say in it. States are below their digit's number. */
  readonly read: (states: Uint16Array, at: number, used: Uint8Array | undefined) => Value | Miss
}

export const thermometer = (states: number): Shape => ({ states, code: "thermometer" })
export const oneHot = (states: number): Shape => ({ states, code: "one-hot" })
/** A digit that has something to say, or none. */
export const some = (shape: Shape): readonly Shape[] => (shape.states > 1 ? [shape] : [])

/** All digits of a part had a say. */
export function useAll(used: Uint8Array | undefined, at: number, n: number): void {
  used?.fill(1, at, at + n)
}
