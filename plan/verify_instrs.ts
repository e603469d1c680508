/**
 * The type that each instruction gives, and the types it takes: one entry for every instruction that is no more than
 * that. Those that move through regions or carry knowledge along are in `verify_block.ts`.
 */
import { BUILTINS, compareKeys, T, type Type } from "../graph/mod.ts"
import type { Instr, InstrName } from "./ops.ts"
import { named, refuse } from "./rules.ts"
import type { BlockWalk } from "./verify_block.ts"

type Flow = "const" | "copy" | "not" | "is_none" | "if" | "else" | "end" | "attempt" | "each" | "raise"
type Plain = Exclude<InstrName, Flow>
type TypeRule<K extends Plain> = (walk: BlockWalk, instr: Instr<K>) => Type

const numbers = (walk: BlockWalk, [, , a, b]: readonly [string, number, number, number]): Type => {
  walk.want(a, T.number, "a")
  walk.want(b, T.number, "b")
  return T.number
}
const order = (walk: BlockWalk, instr: readonly [string, number, number, number]): Type => {
  numbers(walk, instr)
  return T.boolean
}
const SAME = [T.number, T.string, T.boolean]
const equality = (walk: BlockWalk, [, , a, b]: readonly [string, number, number, number]): Type => {
  const { types } = walk.scope
  const [x, y] = [walk.read(a), walk.read(b)]
  if (!SAME.some((t) => types.fits(x, t) === "yes" && types.fits(y, t) === "yes")) {
    const wanted = "two numbers, two strings or two booleans"
    refuse("P040", walk.at, `slots ${a} and ${b}`, wanted, `${named(x)} and ${named(y)}`)
  }
  return T.boolean
}

function index(walk: BlockWalk, from: number, at: number, or: boolean): Type {
  const text = walk.textIn(at)
  const type = walk.read(from)
  const key = text === undefined ? walk.read(at) : walk.scope.types.word(text)
  const found = walk.scope.types.index(type, key, or)
  if (found === undefined) {
    refuse("P040", walk.at, `slot ${from}`, `a type with entries for ${named(key)}`, named(type))
  }
  return found
}

/** A slot whose value can be part of another value. */
function part(walk: BlockWalk, slot: number): Type {
  const type = walk.read(slot)
  if (type.kind === "stream")
    refuse("P040", walk.at, `slot ${slot}`, "a value that can be part of another", named(type))
  return type
}

export const INSTR_TYPES: { readonly [K in Plain]: TypeRule<K> } = {
  accept: (walk, [, , a, type]) => {
    part(walk, a)
    return walk.scope.plan.types[type]!
  },
  widen: (walk, [, , a, type]) => {
    const wider = walk.scope.plan.types[type]!
    walk.scope.certain("P040", walk.at, `"a" (slot ${a})`, part(walk, a), wider)
    return wider
  },
  field: (walk, [, , a, name]) => {
    const type = walk.read(a)
    const word = walk.scope.text(name, walk.at)
    const found = walk.scope.types.field(type, word)
    if (found === undefined) refuse("P040", walk.at, `slot ${a}`, `a record that certainly has "${word}"`, named(type))
    return found
  },
  index: (walk, [, , a, b]) => index(walk, a, b, false),
  index_or_none: (walk, [, , a, b]) => index(walk, a, b, true),
  has: (walk, [, , a, name]) => {
    walk.scope.text(name, walk.at)
    const type = walk.read(a)
    const { types } = walk.scope
    if ([T.map(T.unknown), T.null].every((t) => types.fits(type, t) === "no")) {
      refuse("P040", walk.at, `slot ${a}`, "a record or a map", named(type))
    }
    return T.boolean
  },
  list: (walk, [, , items]) =>
    walk.scope.types.list(walk.scope.types.union([T.never, ...items.map((s) => part(walk, s))])),
  record: (walk, [, , names, values]) => {
    const words = walk.scope.words(names, walk.at)
    if (words.length !== values.length) {
      refuse("P012", walk.at, "a record", `${words.length} values for as many names`, `${values.length}`)
    }
    words.forEach((w, i) => {
      if (i > 0 && compareKeys(words[i - 1]!, w) >= 0) {
        refuse("P012", walk.at, "names of a record", "in canonical order", `"${w}" after "${words[i - 1]}"`)
      }
      if (w === "__proto__") refuse("P012", walk.at, "a name of a record", "one that a record can have", `"${w}"`)
    })
    return walk.scope.types.record(
      names,
      words,
      values.map((s) => part(walk, s)),
    )
  },
  map_of: (walk, [, , entries]) => {
    if (entries.length % 2 !== 0) refuse("P040", walk.at, "entries", "keys and values by turns", `${entries.length}`)
    const values: Type[] = []
    entries.forEach((slot, i) => {
      if (i % 2 === 0) walk.want(slot, T.string, "entries")
      else values.push(part(walk, slot))
    })
    return walk.scope.types.map(walk.scope.types.union([T.never, ...values]))
  },
  text: (walk, [, , parts]) => {
    for (const slot of parts) {
      const type = part(walk, slot)
      if (type.kind === "bytes" || type.kind === "tensor") refuse("P040", walk.at, `slot ${slot}`, "text", named(type))
    }
    return T.string
  },
  call: (walk, [, , fn, args]) => {
    const name = walk.scope.text(fn, walk.at)
    if (!BUILTINS.has(name)) refuse("P043", walk.at, "a function", "one of the builtin table", `"${name}"`)
    const types = args.map((s) => part(walk, s))
    const result = walk.scope.types.call(name, types)
    if (result === undefined) {
      refuse("P043", walk.at, `arguments of "${name}"`, "of types that it takes", types.map(named).join(", ") || "none")
    }
    return result
  },
  add: numbers,
  sub: numbers,
  mul: numbers,
  div: numbers,
  neg: (walk, [, , a]) => {
    walk.want(a, T.number, "a")
    return T.number
  },
  lt: order,
  le: order,
  gt: order,
  ge: order,
  eq: equality,
  ne: equality,
}
