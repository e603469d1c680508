/**
 * Draws cases from a seed: the same seed gives the same cases on every host, and whoever does not know it knows nothing
 * of them. `value` draws from the whole of a type; a target whose domain is narrower draws its own with the parts.
 * Source: xoshiro128**, Blackman and Vigna, Scrambled linear pseudorandom number generators (2018).
 */
import { DTYPE_BYTES, Tensor, type Type, type Value } from "../graph/mod.ts"
import { gateError } from "./errors.ts"

const EDGES = [0, -0, 1, -1, 0.5, -0.5, 2 ** 31, 2 ** 32, 2 ** 53, 5e-324, Number.MAX_VALUE, Number.EPSILON].concat([
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
])
const LETTERS = [..." aAbzZ019_-./:,;+%&=\"'\\\n\t\0", "é", "ß", "漢", "🐘", "\u200b", "\u{e000}"]
/** Levels of a drawn value of unknown type, and items of a drawn list. */
const DEPTH = 3
const ITEMS_MAX = 8

export class Draw {
  readonly #state: Uint32Array

  /** `seed`: 16 bytes or more, of which the first 16 count. */
  constructor(seed: Uint8Array) {
    const view = new DataView(seed.buffer, seed.byteOffset, seed.byteLength)
    this.#state = Uint32Array.from([0, 4, 8, 12], (at) => view.getUint32(at))
    // All zeros is the one state that the generator never leaves.
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1
  }

  /** 32 random bits. */
  bits(): number {
    const s = this.#state as unknown as [number, number, number, number]
    const scrambled = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0
    const shifted = s[1] << 9
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= shifted
    s[3] = rotate(s[3], 11)
    return scrambled
  }

  /** A whole number from 0 to n − 1, n at most 2^32; every one as likely as any other. */
  below(n: number): number {
    const fair = 2 ** 32 - (2 ** 32 % n)
    for (;;) {
      const bits = this.bits()
      if (bits < fair) return bits % n
    }
  }
  /** A whole number from `least` to `most`, both within. */
  between(least: number, most: number): number {
    const span = most - least + 1
    if (span <= 2 ** 32) return least + this.below(span)
    return least + Math.floor(this.unit() * span)
  }
  /** From [0, 1), evenly, with 53 bits. */
  unit(): number {
    return ((this.bits() >>> 5) * 2 ** 26 + (this.bits() >>> 6)) / 2 ** 53
  }
  pick<A>(items: readonly A[]): A {
    return items[this.below(items.length)]!
  }
  bytes(n: number): Uint8Array {
    return Uint8Array.from({ length: n }, () => this.bits())
  }

  /** Any float64: whole numbers of every size, decimals, awkward ones, and any bits at all. */
  number(): number {
    switch (this.below(8)) {
      case 0:
        return this.pick(EDGES)
      case 1:
        return this.between(-100, 100)
      case 2:
        return this.between(-1_000_000, 1_000_000)
      case 3:
        return this.between(-(2 ** 53) + 1, 2 ** 53 - 1)
      case 4:
        return this.between(-100_000, 100_000) / 100
      case 5:
        return this.unit()
      case 6:
        return (this.unit() - 0.5) * this.pick([10, 1000, 1e6, 1e9])
      default:
        return new DataView(this.bytes(8).buffer).getFloat64(0)
    }
  }
  text(lengthMax = 24): string {
    const plain = this.below(2) === 0
    return Array.from({ length: this.below(lengthMax + 1) }, () =>
      plain ? String.fromCharCode(this.between(32, 126)) : this.pick(LETTERS),
    ).join("")
  }
  /** How many of something: mostly few, none too. */
  count(): number {
    return this.below(2) === 0 ? this.below(3) : this.below(ITEMS_MAX + 1)
  }

  /** A value that a port of the type holds. Fails with `GateError` `misuse` for a type that has none to draw (a stream, `never`). */
  value(type: Type, depth = DEPTH): Value {
    switch (type.kind) {
      case "null":
        return null
      case "boolean":
        return this.below(2) === 0
      case "number":
        return this.number()
      case "int64":
        return this.below(4) === 0 ? BigInt(this.between(-100, 100)) : this.int64()
      case "string":
        return this.text()
      case "bytes":
        return this.bytes(this.below(65))
      case "enum":
        return this.pick(type.values)
      case "union":
        return this.value(this.pick(type.of), depth)
      case "list":
        return Array.from({ length: this.count() }, () => this.value(type.of, depth - 1))
      case "map":
        return Object.fromEntries(
          Array.from({ length: this.count() }, () => [this.key(), this.value(type.of, depth - 1)]),
        )
      case "record":
        return this.#record(type, depth)
      case "tensor":
        return this.#tensor(type)
      case "unknown":
        return this.#anything(depth)
      default:
        throw gateError("misuse", `Cannot draw cases of type ${type.kind}: state a domain of values`)
    }
  }

  int64(): bigint {
    // A shift makes every size as likely as any other.
    return BigInt.asIntN(64, new DataView(this.bytes(8).buffer).getBigInt64(0) >> BigInt(this.below(64)))
  }
  key(): string {
    return this.text(8)
  }

  #record({ fields }: Extract<Type, { kind: "record" }>, depth: number): Value {
    const out: { [name: string]: Value } = {}
    for (const name of Object.keys(fields)) {
      const field = fields[name]!
      const absent = field.optional === true && this.below(2) === 0
      if (!absent) out[name] = this.value(field.type, depth - 1)
    }
    return out
  }
  #tensor({ dtype, shape }: Extract<Type, { kind: "tensor" }>): Value {
    const sizes = (shape ?? Array.from({ length: this.below(3) }, () => null)).map((n) => n ?? this.below(4))
    const data = this.bytes(sizes.reduce((n, d) => n * d, 1) * DTYPE_BYTES[dtype])
    return new Tensor(dtype, sizes, dtype === "bool" ? data.map((b) => b & 1) : data)
  }
  #anything(depth: number): Value {
    const kinds = ["null", "boolean", "number", "string", "bytes"] as const
    if (depth <= 0 || this.below(3) > 0) return this.value({ kind: this.pick(kinds) }, depth)
    return this.value({ kind: this.pick(["list", "map"] as const), of: { kind: "unknown" } }, depth)
  }
}

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by))
