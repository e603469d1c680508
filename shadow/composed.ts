/**
 * Composed shadows: arithmetic on all of int64 or float64, made of two learned cells of which every answer was checked.
 * Where such a shadow answers it is exact, so its bound is 0; that its tool is this arithmetic is for the gate to say.
 */
import { encode, hex, isRecord, type Shadow, sameValue, sha256, type Value } from "../graph/mod.ts"
import { Arithmetic } from "./cells/arithmetic.ts"
import { ADD_CELL, checkedCell, MULTIPLY_CELL } from "./cells/cell.ts"
import { Float64 } from "./cells/float64.ts"
import { Int64, type Operation } from "./cells/int64.ts"
import { ADD, MULTIPLY } from "./cells/weights.ts"
import type { NetOptions } from "./infer/net.ts"
import { ModelRefused } from "./model/refused.ts"

/** Arithmetic by cells: int64 without an answer where it overflows, float64 as IEEE 754 rounds it. */
export interface Cells {
  readonly int64: (operation: Operation, a: bigint, b: bigint) => bigint | undefined
  readonly float64: (operation: Operation, a: number, b: number) => number
  /** SHA-256 over the hashes of both cells' files, in hexadecimal. */
  readonly hash: string
  /** Cases that were checked when they were loaded: all that there are. */
  readonly checked: number
  /** The least probability that a network gave to one of its right answers. */
  readonly sureLeast: number
}

/** Arithmetic of two cells in model files; refused where one of them has a wrong answer. */
export function cellsFrom(
  files: { readonly add: Uint8Array; readonly multiply: Uint8Array },
  kernel: Pick<NetOptions, "module"> = {},
): Cells | ModelRefused {
  const add = checkedCell(ADD_CELL, files.add, kernel)
  if (add instanceof ModelRefused) return add
  const multiply = checkedCell(MULTIPLY_CELL, files.multiply, kernel)
  if (multiply instanceof ModelRefused) return multiply
  const arithmetic = new Arithmetic({ add: add.table, multiply: multiply.table })
  const [int64, float64] = [new Int64(arithmetic), new Float64(arithmetic)]
  return Object.freeze({
    int64: (operation: Operation, a: bigint, b: bigint) => int64.of(operation, a, b),
    float64: (operation: Operation, a: number, b: number) => float64.of(operation, a, b),
    hash: hex(sha256(encode([add.hash, multiply.hash]))),
    checked: ADD_CELL.cases.length + MULTIPLY_CELL.cases.length,
    sureLeast: Math.min(add.sureLeast, multiply.sureLeast),
  })
}

let own: Cells | ModelRefused | undefined

/**
 * Our own cells, trained by `npm run cells -- --train` and kept with the code. Checked at the first call, in milliseconds; `kernel` is
 * what that call runs them on.
 */
export function cells(kernel: Pick<NetOptions, "module"> = {}): Cells | ModelRefused {
  own ??= cellsFrom({ add: bytesOf(ADD), multiply: bytesOf(MULTIPLY) }, kernel)
  return own
}

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))

/** Which arithmetic a tool is: where its operands stand, and what says which operation. */
export interface ComposedSpec {
  readonly of: "number" | "int64"
  readonly left: string
  readonly right: string
  /** The operation, or the field whose words say which. */
  readonly by: Operation | { readonly field: string; readonly words: { readonly [word: string]: Operation } }
  /** The field of the answer that holds the result, where it is a record of that one field. */
  readonly result?: string
}

/**
 * The shadow of a tool that is such arithmetic. It answers for records of exactly these fields: on int64 wherever int64 has
 * a result, on numbers wherever operands and result are finite. Anything else is outside of its support.
 */
export function composedShadow(spec: ComposedSpec, by: Cells): Shadow {
  const hash = hex(sha256(encode([by.hash, JSON.stringify(spec)])))
  const compute = computes(spec, by)
  return {
    predict(args) {
      const value = compute(args)
      return value === undefined ? OUTSIDE : { ok: true, value, by: hash, alpha: 0, confidence: 1 }
    },
  }
}

const OUTSIDE = Object.freeze({ ok: false, why: "support" } as const)

function computes(spec: ComposedSpec, by: Cells): (args: Value) => Value | undefined {
  const { left, right, result } = spec
  const fields = typeof spec.by === "string" ? 2 : 3
  const operationOf = (args: { readonly [name: string]: Value }): Operation | undefined => {
    if (typeof spec.by === "string") return spec.by
    const word = args[spec.by.field]
    return typeof word === "string" && Object.hasOwn(spec.by.words, word) ? spec.by.words[word] : undefined
  }
  return (args) => {
    if (!isRecord(args) || Object.keys(args).length !== fields) return undefined
    const operation = operationOf(args)
    if (operation === undefined) return undefined
    const value = resultOf(spec.of, operation, args[left], args[right], by)
    return value === undefined || result === undefined ? value : { [result]: value }
  }
}

function resultOf(
  of: "number" | "int64",
  operation: Operation,
  a: Value | undefined,
  b: Value | undefined,
  by: Cells,
): Value | undefined {
  if (of === "int64") return typeof a === "bigint" && typeof b === "bigint" ? by.int64(operation, a, b) : undefined
  if (typeof a !== "number" || typeof b !== "number" || !Number.isFinite(a) || !Number.isFinite(b)) return undefined
  const value = by.float64(operation, a, b)
  return Number.isFinite(value) ? value : undefined
}

/** A call of a tool and its answer. */
export interface Answered {
  readonly args: Value
  readonly value: Value
}

const OPERATIONS: readonly Operation[] = ["add", "subtract", "multiply", "divide"]
/** Answered calls of one word that have to agree before it is taken for an operation. */
const CALLS_MIN = 8

/**
 * Finds out from its calls whether a tool is such arithmetic: two operands in either order, at most one field of words.
 * Undefined where it is not, where the calls are too few (8 of each word), or where they would fit two operations.
 */
export function composedFor(calls: readonly Answered[], by: Cells): ComposedSpec | undefined {
  const first = calls[0]
  if (first === undefined || !isRecord(first.args)) return undefined
  const shape = shapeOf(first.args, first.value)
  if (shape === undefined) return undefined
  const [x, y] = shape.operands
  for (const [left, right] of [
    [x, y],
    [y, x],
  ] as const) {
    const found = operationsOf(calls, { ...shape, left, right }, by)
    if (found === "several") return undefined
    if (found !== undefined) return found
  }
  return undefined
}

interface Shape {
  readonly of: "number" | "int64"
  readonly operands: readonly [string, string]
  readonly word: string | undefined
  readonly result: string | undefined
}

function shapeOf(args: { readonly [name: string]: Value }, value: Value): Shape | undefined {
  const names = Object.keys(args)
  const operands = names.filter((n) => typeof args[n] === "number" || typeof args[n] === "bigint")
  const words = names.filter((n) => typeof args[n] === "string")
  const [x, y] = operands
  if (x === undefined || y === undefined || operands.length > 2 || words.length > 1) return undefined
  if (names.length !== operands.length + words.length || typeof args[x] !== typeof args[y]) return undefined
  const keys = isRecord(value) ? Object.keys(value) : []
  if (isRecord(value) && keys.length !== 1) return undefined
  return { of: typeof args[x] === "bigint" ? "int64" : "number", operands: [x, y], word: words[0], result: keys[0] }
}

function operationsOf(
  calls: readonly Answered[],
  { of, left, right, word, result }: Shape & { readonly left: string; readonly right: string },
  by: Cells,
): ComposedSpec | "several" | undefined {
  const spec = (operation: ComposedSpec["by"]): ComposedSpec => ({
    of,
    left,
    right,
    by: operation,
    ...(result === undefined ? {} : { result }),
  })
  const groups = Map.groupBy(calls, ({ args }) => (word === undefined || !isRecord(args) ? "" : args[word]))
  const words: { [word: string]: Operation } = {}
  for (const [text, some] of groups) {
    if (typeof text !== "string" || some.length < CALLS_MIN) return undefined
    const fit = OPERATIONS.filter((operation) => {
      const compute = computes(spec(word === undefined ? operation : { field: word, words: { [text]: operation } }), by)
      let agreed = 0
      for (const { args, value } of some) {
        const own = compute(args)
        if (own === undefined) continue
        if (!sameValue(own, value)) return false
        agreed++
      }
      return agreed >= CALLS_MIN
    })
    if (fit.length !== 1) return fit.length === 0 ? undefined : "several"
    words[text] = fit[0]!
  }
  return spec(word === undefined ? words[""]! : { field: word, words })
}
