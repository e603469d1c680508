/**
 * Labels: where a value came from. A label is two sets of origins: those whose *text* may stand in the value, and those
 * that had *any* say in it (its numbers, its choices, whether it is there). A label follows the value's shape, so that one
 * field of a record does not answer for another. The checker and the verifier of plans compute with these same operations.
 */
import type { Type } from "../type.ts"

/** Whose words: who runs the graph (its inputs, a person who is asked), a tool that answered, a model that wrote. */
export interface Origin {
  readonly who: "user" | "tool" | "model"
  /** The resource: `server:files`, `host:rates.example.com`, `model:main`. Empty for the user. */
  readonly of: string
}

/** `user`, `tool server:files`, `model main`. */
export const printOrigin = ({ who, of }: Origin): string => (of === "" ? who : `${who} ${of.replace(/^model:/, "")}`)

/** A set of origins: bit i stands for the i-th origin that an `Origins` was asked for. */
export type OriginSet = bigint

export class Origins {
  readonly list: Origin[] = []
  readonly #bits = new Map<string, OriginSet>()

  bit(origin: Origin): OriginSet {
    const key = `${origin.who} ${origin.of}`
    let bit = this.#bits.get(key)
    if (bit === undefined) {
      bit = 1n << BigInt(this.list.length)
      this.#bits.set(key, bit)
      this.list.push(origin)
    }
    return bit
  }

  of(set: OriginSet): readonly Origin[] {
    return this.list.filter((_, i) => (set >> BigInt(i)) & 1n)
  }

  get all(): OriginSet {
    return (1n << BigInt(this.list.length)) - 1n
  }
}

/** Any item of a list or stream; the value under any key of a map. Fields of records stand under their names. */
export const ITEM = Symbol("item")
export const UNDER = Symbol("under")
export type Part = string | typeof ITEM | typeof UNDER

export interface Label {
  /** A subset of `any`. Both cover all parts. */
  readonly text: OriginSet
  readonly any: OriginSet
  /** What is known of parts; a part that is not listed has the label of the whole. */
  readonly parts?: ReadonlyMap<Part, Label>
  /** It has no other fields than those among `parts`. */
  readonly exact?: true
  /** Parts within parts, counted; 0 where nothing is known of them. */
  readonly size: number
  /** The value itself, where it is a text that the author wrote: it may name a part. */
  readonly word?: string
}

/** Labels that know of more parts than this forget them. */
const SIZE_MAX = 512

const plain = (text: OriginSet, any: OriginSet): Label => ({ text, any, size: 0 })

/** What the author wrote, and nobody else had a say in. */
export const CLEAN: Label = Object.freeze(plain(0n, 0n))

export const written = (value: unknown): Label => (typeof value === "string" ? { ...CLEAN, word: value } : CLEAN)

/** All of it from these origins, text included. */
export const from = (origins: OriginSet): Label => (origins === 0n ? CLEAN : plain(origins, origins))

/** The label of the whole, for what is made of it without keeping its shape. */
export const whole = (l: Label): Label => (l.size === 0 && l.word === undefined ? l : plain(l.text, l.any))

/** For what holds no text: a number, a boolean, one of the author's words. */
export const textless = (l: Label): Label => (l.any === 0n ? CLEAN : plain(0n, l.any))

/** A label of its parts. `own`: who had a say in the whole beside them. */
export function ofParts(parts: ReadonlyMap<Part, Label>, own: OriginSet = 0n): Label {
  let text = 0n
  let any = own
  let size = 0
  for (const part of parts.values()) {
    text |= part.text
    any |= part.any
    size += 1 + part.size
  }
  if (any === 0n) return CLEAN
  return size > SIZE_MAX ? plain(text, any) : { text, any, parts, size, exact: true }
}

export const listOf = (item: Label, own: OriginSet = 0n): Label => ofParts(new Map([[ITEM, item]]), own)
/** Of a map: its keys are text as well. */
export function mapOf(keys: Label, values: Label): Label {
  const text = keys.text | values.text
  const any = keys.any | values.any
  if (any === 0n) return CLEAN
  return { text, any, parts: new Map([[UNDER, values]]), size: 1 + values.size }
}

/** The same value, in which these origins had a say, though none of its text is theirs. */
export function influenced(l: Label, by: OriginSet): Label {
  if (by === 0n || (l.size === 0 && (l.any | by) === l.any)) return l
  const any = l.any | by
  if (l.parts === undefined) return { ...l, any }
  return { ...l, any, parts: new Map([...l.parts].map(([name, part]) => [name, influenced(part, by)])) }
}

/** One value or the other, or something made of both that keeps their shape. */
export function join(a: Label, b: Label): Label {
  if (a === b) return a
  const text = a.text | b.text
  const any = a.any | b.any
  const word = a.word !== undefined && a.word === b.word ? { word: a.word } : {}
  if (a.parts === undefined && b.parts === undefined) return { text, any, size: 0, ...word }
  // Nobody's value adds nothing to any part of the other.
  if (a.any === 0n) return b
  if (b.any === 0n) return a
  const parts = new Map<Part, Label>()
  let size = 0
  for (const name of new Set([...(a.parts?.keys() ?? []), ...(b.parts?.keys() ?? [])])) {
    const part = join(partOf(a, name), partOf(b, name))
    parts.set(name, part)
    size += 1 + part.size
  }
  if (size > SIZE_MAX) return plain(text, any)
  return { text, any, parts, size, ...(a.exact && b.exact ? { exact: true } : {}) }
}

export const joinAll = (labels: Iterable<Label>): Label => {
  let all = CLEAN
  for (const l of labels) all = join(all, l)
  return all
}

const partOf = (l: Label, name: Part): Label => l.parts?.get(name) ?? whole(l)

/** A field of a record, or the value under a key that is known. */
export const fieldOf = (l: Label, name: string): Label => l.parts?.get(name) ?? l.parts?.get(UNDER) ?? whole(l)

/** A field that may be there; undefined where it certainly is not. */
export const fieldIn = (l: Label, name: string): Label | undefined =>
  l.exact && !l.parts?.has(name) && !l.parts?.has(UNDER) ? undefined : fieldOf(l, name)

/** An item of a list, whichever. */
export const itemOf = (l: Label): Label => partOf(l, ITEM)

/** What stands under a key or position that the run decides. */
export function under(l: Label, at: Label): Label {
  const named = at.word === undefined ? undefined : l.parts?.get(at.word)
  const found = named ?? l.parts?.get(ITEM) ?? l.parts?.get(UNDER) ?? whole(l)
  return influenced(found, at.any)
}

/** What a macro's variable goes over: the items of a list, or the keys of a map, which are text. */
export const overOf = (l: Label): Label => l.parts?.get(ITEM) ?? whole(l)
/** Its second variable: a position where it is a list, of which nothing else is known otherwise. */
export const positionOf = (l: Label): Label => (l.parts?.has(ITEM) ? textless(l) : whole(l))

/**
 * A value that was looked at and found to be of a type. Where the type holds no text, none is left: numbers, booleans
 * and words that the author listed can say yes or no, how much, and which; they cannot say anything else.
 */
export function narrow(l: Label, type: Type): Label {
  if (l.any === 0n) return l
  switch (type.kind) {
    case "null":
    case "boolean":
    case "number":
    case "int64":
    case "enum":
    case "never":
      return textless(l)
    case "list":
    case "stream":
      return listOf(narrow(itemOf(l), type.of), l.any)
    case "map":
      return mapOf(whole(l), narrow(under(l, CLEAN), type.of))
    case "record": {
      const parts = new Map<Part, Label>()
      for (const [name, field] of Object.entries(type.fields))
        parts.set(name, narrow(fieldIn(l, name) ?? CLEAN, field.type))
      return ofParts(parts, l.any)
    }
    case "union":
      return influenced(joinAll(type.of.map((t) => narrow(l, t))), l.any)
    case "string":
    case "bytes":
    case "tensor":
    case "unknown":
      return l
  }
}

export function sameLabel(a: Label, b: Label): boolean {
  if (a === b) return true
  if (a.text !== b.text || a.any !== b.any || a.size !== b.size || a.word !== b.word || a.exact !== b.exact)
    return false
  if (a.parts === undefined || b.parts === undefined) return a.parts === b.parts
  for (const [name, part] of a.parts) {
    const other = b.parts.get(name)
    if (other === undefined || !sameLabel(part, other)) return false
  }
  return a.parts.size === b.parts.size
}
