/**
 * The reverse of `printLiteral`, for those who read what was printed and need no parser of expressions for it: a host that
 * runs plans reads the types of functions so, with their defaults.
 */
import { DTYPE_BYTES, Tensor, type Value } from "./value.ts"

/** The value that a literal stands for, or undefined where the text is none in the printed form. Never throws. */
export function readLiteral(text: string): Value | undefined {
  const reader = new LiteralReader(text)
  const value = reader.value(0)
  return value !== undefined && reader.done() ? value : undefined
}

const DEPTH_MAX = 64
const NUMBER = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/y
const INT64 = /int64\((-?\d{1,19})\)/y
const STRING = /"(?:[^"\\]|\\.)*"/y
const BYTES = /b"((?:[^"\\]|\\x[0-9a-f]{2})*)"/y
const TENSOR = /tensor\("(\w+)", /y
const WORDS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ["true", true],
  ["false", false],
  ["null", null],
])
const WORD = /true|false|null/y

class LiteralReader {
  #at = 0
  readonly #text: string
  constructor(text: string) {
    this.#text = text.trim()
  }

  done(): boolean {
    return this.#at === this.#text.length
  }

  value(depth: number): Value | undefined {
    if (depth > DEPTH_MAX) return undefined
    const word = this.#take(WORD)
    if (word !== undefined) return WORDS.get(word[0])
    const int64 = this.#take(INT64)
    if (int64 !== undefined) return BigInt.asIntN(64, BigInt(int64[1]!))
    const number = this.#take(NUMBER)
    if (number !== undefined) return Number(number[0])
    const bytes = this.#take(BYTES)
    if (bytes !== undefined) return bytesOf(bytes[1]!)
    const tensor = this.#take(TENSOR)
    if (tensor !== undefined) return this.#tensor(tensor[1]!, depth)
    if (this.#sign("[")) return this.#list(depth)
    if (this.#sign("{")) return this.#record(depth)
    return this.#string()
  }

  #take(form: RegExp): RegExpExecArray | undefined {
    this.#space()
    form.lastIndex = this.#at
    const found = form.exec(this.#text) ?? undefined
    if (found !== undefined) this.#at = form.lastIndex
    return found
  }

  #space(): void {
    while (this.#text[this.#at] === " ") this.#at++
  }

  #sign(sign: string): boolean {
    this.#space()
    if (this.#text[this.#at] !== sign) return false
    this.#at++
    return true
  }

  #string(): string | undefined {
    const quoted = this.#take(STRING)?.[0]
    if (quoted === undefined) return undefined
    try {
      return (JSON.parse(quoted) as string).toWellFormed()
    } catch {
      // An escape that JSON does not have: not what was printed.
      return undefined
    }
  }

  #list(depth: number): Value[] | undefined {
    const out: Value[] = []
    if (this.#sign("]")) return out
    do {
      const item = this.value(depth + 1)
      if (item === undefined) return undefined
      out.push(item)
    } while (this.#sign(","))
    return this.#sign("]") ? out : undefined
  }

  #record(depth: number): Value | undefined {
    const out: Record<string, Value> = {}
    if (this.#sign("}")) return out
    do {
      const key = this.#string()
      if (key === undefined || key === "__proto__" || Object.hasOwn(out, key) || !this.#sign(":")) return undefined
      const value = this.value(depth + 1)
      if (value === undefined) return undefined
      out[key] = value
    } while (this.#sign(","))
    return this.#sign("}") ? out : undefined
  }

  #tensor(dtype: string, depth: number): Value | undefined {
    if (!Object.hasOwn(DTYPE_BYTES, dtype) || !this.#sign("[")) return undefined
    const shape = this.#list(depth + 1)
    const data = shape !== undefined && this.#sign(",") ? this.value(depth + 1) : undefined
    if (!(data instanceof Uint8Array) || !this.#sign(")")) return undefined
    try {
      return new Tensor(dtype as Tensor["dtype"], shape as number[], data)
    } catch {
      // A shape that does not fit its bytes: no tensor.
      return undefined
    }
  }
}

function bytesOf(text: string): Uint8Array {
  const plain = text.replace(/\\x(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
  return Uint8Array.from(plain, (c) => c.charCodeAt(0))
}
