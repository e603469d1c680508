/**
 * Controls for a hold-out test: answers that are wrong on purpose. A test that lets them pass could not have told a right
 * candidate from a wrong one, so its verdict is none.
 */
import { compareKeys, encode, isRecord, type Value } from "../graph/mod.ts"

/** A way to be almost right: what it answers where the right answer is `right`. The same answer means that it is right there. */
export interface Mutant {
  readonly name: string
  readonly wrong: (input: Value, right: Value) => Value
}

/** Near misses of any answer, each everywhere and on about one case in a hundred. */
const NEAR: readonly (readonly [name: string, wrong: (right: Value) => Value])[] = [
  ["one more", (v) => changed(v, (x) => (typeof x === "bigint" ? x + 1n : typeof x === "number" ? x + 1 : undefined))],
  ["the sign", (v) => changed(v, (x) => (typeof x === "number" || typeof x === "bigint" ? -x : undefined))],
  ["a hundredth", (v) => changed(v, (x) => (typeof x === "number" ? x * 1.01 : undefined))],
  ["the other way", (v) => changed(v, (x) => (typeof x === "boolean" ? !x : undefined))],
  ["the last letter", (v) => changed(v, (x) => (typeof x === "string" ? x.slice(0, -1) : undefined))],
  ["a space", (v) => changed(v, (x) => (typeof x === "string" ? `${x} ` : undefined))],
  ["one bit", (v) => changed(v, (x) => (x instanceof Uint8Array ? flipped(x) : undefined))],
  ["the last item", (v) => changed(v, (x) => (Array.isArray(x) ? x.slice(0, -1) : undefined))],
  ["nothing", () => null],
]
export const nearMisses: readonly Mutant[] = NEAR.flatMap(([name, wrong]) => [
  { name, wrong: (_, right) => wrong(right) },
  { name: `${name}, one case in a hundred`, wrong: (input, right) => (rare(input) ? wrong(right) : right) },
])

/** The value with the first thing in it changed that `change` has an answer for; itself where there is none. */
function changed(v: Value, change: (v: Value) => Value | undefined): Value {
  const here = change(v)
  if (here !== undefined) return here
  if (Array.isArray(v)) {
    for (const [i, item] of v.entries()) {
      const inside = changed(item, change)
      if (inside !== item) return v.with(i, inside)
    }
  } else if (isRecord(v)) {
    for (const key of Object.keys(v).sort(compareKeys)) {
      const inside = changed(v[key]!, change)
      if (inside !== v[key]) return { ...v, [key]: inside }
    }
  }
  return v
}

/** The last byte with its last bit turned. */
const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte))

/** About one input in a hundred, always the same ones: FNV-1a over the canonical bytes. */
function rare(input: Value): boolean {
  let hash = 0x811c9dc5
  for (const byte of encode(input)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % 100 === 0
}
