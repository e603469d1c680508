/**
 * The operators: arithmetic on float64 and on checked int64, equality, order, membership, negation. A number and an
 * int64 compare, exactly, but do not mix: which arithmetic holds is written, `number(i) / 2` or `i / int64(2)`.
 */
import { fail } from "../failure.ts"
import { T, unionOf } from "../type.ts"
import { isRecord, type Value } from "../value.ts"
import { comparable, equal, less } from "./compare.ts"
import {
  type Entry,
  elementOf,
  failing,
  LIST,
  LIST_MAX,
  MAP,
  mismatch,
  type Overload,
  over,
  TEXT_MAX,
  tooLarge,
} from "./signature.ts"

const INT64_MIN = -0x8000000000000000n
const INT64_MAX = 0x7fffffffffffffffn

/** An int64 result, or the failure `Overflow`. */
export function int64(n: bigint, what: string): bigint {
  if (n < INT64_MIN || n > INT64_MAX) {
    throw fail("Overflow", `Cannot compute ${what}: ${n} does not fit an int64 (−2^63 to 2^63−1)`)
  }
  return n
}

export const divideByZero = (what: string) =>
  fail("DivideByZero", `Cannot compute ${what}: an int64 has no result here`)

function arithmetic(
  name: string,
  numbers: (a: number, b: number) => number,
  int64s: (a: bigint, b: bigint) => bigint,
): Entry["apply"] {
  return (args) => {
    const [a, b] = args
    if (args.length !== 2) throw mismatch(name, args)
    if (typeof a === "number" && typeof b === "number") return numbers(a, b)
    if (typeof a === "bigint" && typeof b === "bigint") return int64(int64s(a, b), `${a} ${name} ${b}`)
    throw mismatch(name, args)
  }
}

const NUMERIC: readonly Overload[] = [over([T.number, T.number], T.number), failing([T.int64, T.int64], T.int64)]

function add(a: Value, b: Value, args: readonly Value[]): Value {
  if (typeof a === "string" && typeof b === "string") {
    if (a.length + b.length > TEXT_MAX) throw tooLarge("+", "a text", TEXT_MAX, a.length + b.length)
    return a + b
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length + b.length > LIST_MAX) throw tooLarge("+", "a list", LIST_MAX, a.length + b.length)
    return [...a, ...b]
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    if (a.length + b.length > TEXT_MAX) throw tooLarge("+", "bytes", TEXT_MAX, a.length + b.length)
    const out = new Uint8Array(a.length + b.length)
    out.set(a)
    out.set(b, a.length)
    return out
  }
  return sum(args)
}
const sum = arithmetic(
  "+",
  (a, b) => a + b,
  (a, b) => a + b,
)

const ORDERED: readonly Overload[] = [
  over([T.union(T.number, T.int64), T.union(T.number, T.int64)], T.boolean),
  over([T.string, T.string], T.boolean),
  over([T.boolean, T.boolean], T.boolean),
  over([T.bytes, T.bytes], T.boolean),
]

function ordered(name: string, holds: (a: Value, b: Value) => boolean): Entry {
  return {
    overloads: ORDERED,
    apply: (args) => {
      const [a, b] = args
      if (a === undefined || b === undefined || args.length !== 2 || !comparable(a, b)) throw mismatch(name, args)
      return holds(a, b)
    },
  }
}

const two = (name: string, args: readonly Value[]): readonly [Value, Value] => {
  if (args.length !== 2) throw mismatch(name, args)
  return [args[0]!, args[1]!]
}

export const OPERATORS: { readonly [name: string]: Entry } = {
  "+": {
    overloads: [
      ...NUMERIC,
      over([T.string, T.string], T.string),
      over([LIST, LIST], ([a, b]) => T.list(unionOf([elementOf(a!), elementOf(b!)]))),
      over([T.bytes, T.bytes], T.bytes),
    ],
    linear: true,
    apply: (args) => add(...two("+", args), args),
  },
  "-": {
    overloads: NUMERIC,
    apply: arithmetic(
      "-",
      (a, b) => a - b,
      (a, b) => a - b,
    ),
  },
  "*": {
    overloads: NUMERIC,
    apply: arithmetic(
      "*",
      (a, b) => a * b,
      (a, b) => a * b,
    ),
  },
  "/": {
    overloads: NUMERIC,
    apply: arithmetic(
      "/",
      (a, b) => a / b,
      (a, b) => {
        if (b === 0n) throw divideByZero(`${a} / 0`)
        return a / b
      },
    ),
  },
  "%": {
    overloads: NUMERIC,
    apply: arithmetic(
      "%",
      (a, b) => a % b,
      (a, b) => {
        if (b === 0n) throw divideByZero(`${a} % 0`)
        return a % b
      },
    ),
  },
  "==": {
    overloads: [over([T.unknown, T.unknown], T.boolean)],
    linear: true,
    apply: (args) => equal(...two("==", args)),
  },
  "!=": {
    overloads: [over([T.unknown, T.unknown], T.boolean)],
    linear: true,
    apply: (args) => !equal(...two("!=", args)),
  },
  "<": ordered("<", less),
  "<=": ordered("<=", (a, b) => (typeof a === "number" || typeof a === "bigint" ? a <= (b as number) : !less(b, a))),
  ">": ordered(">", (a, b) => less(b, a)),
  ">=": ordered(">=", (a, b) => (typeof a === "number" || typeof a === "bigint" ? a >= (b as number) : !less(a, b))),
  "!": {
    overloads: [over([T.boolean], T.boolean)],
    apply: (args) => {
      if (typeof args[0] !== "boolean" || args.length !== 1) throw mismatch("!", args)
      return !args[0]
    },
  },
  neg: {
    overloads: [over([T.number], T.number), failing([T.int64], T.int64)],
    apply: (args) => {
      const [a] = args
      if (typeof a === "number" && args.length === 1) return -a
      if (typeof a === "bigint" && args.length === 1) return int64(-a, `-(${a})`)
      throw mismatch("neg", args)
    },
  },
  in: {
    overloads: [over([T.unknown, LIST], T.boolean), over([T.string, MAP], T.boolean)],
    linear: true,
    apply: (args) => {
      const [a, b] = two("in", args)
      if (Array.isArray(b)) return b.some((x) => equal(a, x))
      if (isRecord(b) && typeof a === "string") return Object.hasOwn(b, a)
      throw mismatch("in", args)
    },
  },
  div: {
    overloads: [failing([T.number, T.number], T.number), failing([T.int64, T.int64], T.int64)],
    apply: (args) => {
      const [a, b] = two("div", args)
      if (typeof a === "number" && typeof b === "number") {
        if (b === 0) throw fail("DivideByZero", `Cannot compute div(${a}, 0): there is no whole quotient by zero`)
        return Math.trunc((a - (a % b)) / b) + 0
      }
      if (typeof a !== "bigint" || typeof b !== "bigint") throw mismatch("div", args)
      if (b === 0n) throw divideByZero(`div(${a}, 0)`)
      return int64(a / b, `div(${a}, ${b})`)
    },
  },
}
