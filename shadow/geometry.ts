/**
 * The geometry of an encoding, measured: how many features a smallest step flips, whether what is near stays near, and
 * how steep it is both ways. A figure of a sample from a seed, not a bound; the same on every host.
 */
import type { Value } from "../graph/mod.ts"
import { Miss } from "./encode/part.ts"
import type { PartSpec } from "./encode/spec.ts"
import { partOf } from "./encode/whole.ts"
import type { Encoding } from "./encode.ts"
import { type Draw, distance, drawFrom, stepped } from "./geometry/steps.ts"

/** How values become features; an `Encoding` is one. Features need not be 0 and 1. */
export interface Features {
  readonly width: number
  /** Anything but undefined says that the value has no features. */
  readonly write: (value: Value, into: Float32Array, at: number) => unknown
}

export interface Spread {
  readonly least: number
  readonly mean: number
  readonly most: number
}

export interface Geometry {
  readonly name: string
  readonly width: number
  /** Pairs that were looked at, near and far. */
  readonly pairs: number
  /** Features that differ between a value and its neighbour, one smallest step away. */
  readonly flips: Spread
  /** Euclidean distance between features of neighbours: what noise would have to bridge to be taken for the next value. */
  readonly flipDistance: Spread
  /**
   * Rank correlation (Spearman) between distance of values and of features, −1 to 1: `near` over pairs up to `reach` steps
   * apart, `far` over pairs drawn alone. 1: what is further away lies further away. NaN where all distances are equal.
   */
  readonly isometry: { readonly near: number; readonly far: number }
  /** Distance of features over distance of values: the greatest near and far, by the sample. */
  readonly lipschitz: number
  /** Distance of values over distance of features: how far a decoder may jump for a small change. */
  readonly lipschitzInverse: number
  /** Distance of features by steps, for a picture. Empty where values have no order (words). */
  readonly curve: readonly (Spread & { readonly steps: number })[]
}

export interface GeometryOptions {
  readonly name?: string
  /** Values that are drawn. Default 2,000. */
  readonly samples?: number
  /** Steps up to which pairs are near. Default 64. */
  readonly reach?: number
  readonly seed?: number
  /** Other features of the same values, to compare with. Default: those of the encoding. */
  readonly features?: Features
}

/** Measures an encoding, or other features of its values. */
export function geometryOf(encoding: Encoding, options: GeometryOptions = {}): Geometry {
  const { name = "encoding", samples = 2_000, reach = 64, seed = 1, features = encoding } = options
  const draw = drawFrom(seed)
  const spec = encoding.spec.of
  const values = drawn(spec, samples, draw)
  const space = new Space(spec, features)
  const beside = (v: Value, steps: number): Pair[] => {
    const other = stepped(spec, v, steps, draw)
    const pair = other === undefined ? undefined : space.pair(v, other)
    return pair !== undefined && pair.values > 0 ? [pair] : []
  }
  const first = values.flatMap((v) => beside(v, 1))
  const near = values.flatMap((v) => beside(v, 1 + draw(reach)))
  const far = values
    .flatMap((v, i) => space.pair(v, values[(i + 1) % values.length]!) ?? [])
    .filter((p) => p.values > 0)
  const apart = [...first, ...near, ...far]
  return {
    name,
    width: features.width,
    pairs: apart.length,
    flips: spreadOf(first.map((p) => p.flips)),
    flipDistance: spreadOf(first.map((p) => p.features)),
    isometry: { near: spearman(near), far: spearman(far) },
    lipschitz: apart.reduce((top, p) => Math.max(top, p.features / p.values), 0),
    lipschitzInverse: apart.reduce((top, p) => Math.max(top, p.values / p.features), 0),
    curve: curveOf(near),
  }
}

interface Pair {
  readonly values: number
  readonly features: number
  readonly flips: number
}

class Space {
  readonly #spec: PartSpec
  readonly #features: Features
  readonly #x: Float32Array
  readonly #y: Float32Array
  constructor(spec: PartSpec, features: Features) {
    this.#spec = spec
    this.#features = features
    this.#x = new Float32Array(features.width)
    this.#y = new Float32Array(features.width)
  }

  /** None where one of them is outside, as a step beyond the last year is. */
  pair(a: Value, b: Value): Pair | undefined {
    if (this.#features.write(a, this.#x, 0) !== undefined) return undefined
    if (this.#features.write(b, this.#y, 0) !== undefined) return undefined
    let [sum, flips] = [0, 0]
    for (let i = 0; i < this.#x.length; i++) {
      const d = this.#x[i]! - this.#y[i]!
      sum += d * d
      if (d !== 0) flips++
    }
    return { values: distance(this.#spec, a, b), features: Math.sqrt(sum), flips }
  }
}

/** Values of an encoding: digits drawn alike, those that name no value drawn again. */
function drawn(spec: PartSpec, count: number, draw: Draw): Value[] {
  const part = partOf(spec)
  const states = new Uint16Array(part.digits.length)
  const out: Value[] = []
  for (let tries = 0; out.length < count && tries < count * 50; tries++) {
    for (let d = 0; d < states.length; d++) states[d] = draw(part.digits[d]!.states)
    const value = part.read(states, 0, undefined)
    if (!(value instanceof Miss) && part.write(value, states, 0) === undefined) out.push(value)
  }
  return out
}

function spreadOf(all: readonly number[]): Spread {
  let [least, most, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]
  for (const x of all) {
    if (x < least) least = x
    if (x > most) most = x
    sum += x
  }
  return all.length === 0 ? { least: 0, mean: 0, most: 0 } : { least, mean: sum / all.length, most }
}

/** Ranks from 1; equal ones share the mean of theirs. */
function ranks(all: readonly number[]): number[] {
  const order = all.map((_, i) => i).sort((i, j) => all[i]! - all[j]!)
  const out = new Array<number>(all.length)
  for (let from = 0; from < order.length; ) {
    let to = from
    while (to + 1 < order.length && all[order[to + 1]!] === all[order[from]!]) to++
    for (let i = from; i <= to; i++) out[order[i]!] = (from + to) / 2 + 1
    from = to + 1
  }
  return out
}

function spearman(pairs: readonly Pair[]): number {
  const [x, y] = [ranks(pairs.map((p) => p.values)), ranks(pairs.map((p) => p.features))]
  const mean = (pairs.length + 1) / 2
  let [xy, xx, yy] = [0, 0, 0]
  for (let i = 0; i < pairs.length; i++) {
    const [a, b] = [x[i]! - mean, y[i]! - mean]
    xy += a * b
    xx += a * a
    yy += b * b
  }
  return xy / Math.sqrt(xx * yy)
}

function curveOf(pairs: readonly Pair[]): Geometry["curve"] {
  const by = new Map<number, number[]>()
  for (const p of pairs) {
    if (p.values > 0 && Number.isFinite(p.values)) by.set(p.values, [...(by.get(p.values) ?? []), p.features])
  }
  if (by.size < 2) return []
  return [...by].sort(([a], [b]) => a - b).map(([steps, all]) => ({ steps, ...spreadOf(all) }))
}
