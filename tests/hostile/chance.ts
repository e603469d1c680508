/**
 * Chance with a seed, so that a campaign that finds something can be run again; and values of a given type out of it.
 */
import { T, Tensor, type Type, type Value } from "../../graph/mod.ts"

/** Whole numbers from a 32-bit state (mulberry32). */
export class Chance {
  #state: number
  constructor(seed: number) {
    this.#state = seed >>> 0
  }
  /** 0 … 2^32 − 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  /** 0 … n − 1; 0 for none. */
  below(n: number): number {
    return n <= 0 ? 0 : this.next() % n
  }
  pick<A>(xs: readonly A[]): A | undefined {
    return xs[this.below(xs.length)]
  }
  once(n: number): boolean {
    return this.below(n) === 0
  }
}

/** A number from a text, for answers that depend on where they are asked. */
export function seedOf(text: string): number {
  let h = 2166136261
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619)
  return h >>> 0
}

/** Items that come one by one, as the machine of these tests sees them. */
export class Flow {
  readonly items: readonly Value[]
  constructor(items: readonly Value[]) {
    this.items = items
  }
}

/** No value is of the type. */
export class NoValue extends RangeError {}

const NUMBERS = [0, 1, 2, 3, -1, 0.5, 100, -0, Number.NaN, Number.POSITIVE_INFINITY]
const TEXTS = ["", "a", "b", "x", "EUR", "key", "12"]

/** Some value of the type; lists have at most three items. */
export function valueOf(t: Type, chance: Chance, depth = 0): Value | Flow {
  const inside = (x: Type) => valueOf(x, chance, depth + 1) as Value
  const some = () => Array.from({ length: depth > 3 ? 0 : chance.below(4) })
  switch (t.kind) {
    case "null":
      return null
    case "never":
      throw new NoValue()
    case "boolean":
      return chance.once(2)
    case "number":
      return chance.pick(NUMBERS)!
    case "int64":
      return BigInt(chance.below(5)) + (chance.once(3) ? 9007199254740993n : 0n)
    case "string":
      return chance.pick(TEXTS)!
    case "bytes":
      return Uint8Array.from([chance.below(256)])
    case "list":
      return some().map(() => inside(t.of))
    case "stream":
      return new Flow(some().map(() => inside(t.of)))
    case "map":
      return Object.fromEntries(some().map(() => [chance.pick(TEXTS)!, inside(t.of)]))
    case "record": {
      const there = Object.entries(t.fields).filter(([, f]) => !f.optional || f.default !== undefined || chance.once(2))
      return Object.fromEntries(there.map(([name, f]) => [name, inside(f.type)]))
    }
    case "enum":
      if (t.values.length === 0) throw new NoValue()
      return chance.pick(t.values)!
    case "union":
      if (t.of.length === 0) throw new NoValue()
      return inside(chance.pick(t.of)!)
    case "tensor": {
      const shape = (t.shape ?? [2]).map((n) => n ?? 1)
      return new Tensor("u8", shape, new Uint8Array(shape.reduce((a, b) => a * b, 1)))
    }
    case "unknown":
      return depth > 2 ? null : inside(chance.pick(UNKNOWNS)!)
  }
}
const UNKNOWNS: readonly Type[] = [
  T.null,
  T.number,
  T.string,
  T.boolean,
  T.list(T.unknown),
  T.record({ a: T.number, x: T.number }),
  T.record({ a: T.unknown, b: T.unknown, code: T.string }),
]
