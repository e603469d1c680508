/**
 * The type notation of graph files: `[Line]`, `EUR | USD`, `{ a: number, b?: string }`, `{ "*": number }`,
 * `tensor<f32>[2, ?]`, with `= value` for a default. The reverse of `printType`; problems carry their place in the text.
 */
import { accept } from "./accept.ts"
import type { ExprProblem } from "./cel/bounds.ts"
import { Failure } from "./failure.ts"
import { show } from "./literal.ts"
import { readLiteral } from "./literal-read.ts"
import { nearest } from "./near.ts"
import { type DType, type Field, type FOREIGN_TYPES, NAMED_TYPES, T, type Type, unionOf } from "./type.ts"
import { DTYPE_BYTES, type Value } from "./value.ts"

export type Named = (name: string) => Type | undefined
export type Bad = { readonly problems: readonly ExprProblem[] }
/** `before`: the type, where only the default behind it is wrong. */
export type BadField = Bad & { readonly before?: Type }

/** Longest notation, and its deepest nesting. */
const SOURCE_MAX = 16384
const DEPTH_MAX = 32

/** Types with a name of their own. */
const BUILT_IN: ReadonlyMap<string, Type> = new Map<string, Type>(NAMED_TYPES.map((name) => [name, T[name]]))
/** What people write for these in other languages. */
const ELSEWHERE: { readonly [W in (typeof FOREIGN_TYPES)[number]]: string } = {
  bool: "boolean",
  int: "number, or int64 for whole numbers beyond 2^53",
  integer: "number, or int64",
  float: "number",
  double: "number",
  text: "string",
  str: "string",
  any: "unknown",
  object: '{ … } with its fields, or { "*": … }',
  array: "[ … ]",
  list: "[ … ]",
  map: '{ "*": … }',
  date: "string",
  void: "null",
  undefined: "name?: for a field that may be absent",
}

/** Reads the constant behind `=`, which begins at `offset` of the whole text, as a value of the type; or says what is wrong. */
export type ReadDefault = (text: string, offset: number, type: Type) => { readonly value: Value } | Bad

/** Reads a type whose defaults, if any, are literals as `printType` writes them. Never throws. */
export const parsePlainType = (source: string): { readonly type: Type } | Bad => readWhole(source, literal)

/** Reads a type. `named` gives the types declared by name. All problems carry offsets in `source`; never throws. */
export function readWhole(
  source: string,
  constant: ReadDefault,
  named: Named = () => undefined,
): { readonly type: Type } | Bad {
  const r = readType(source, named, constant)
  if ("problems" in r) return r
  if (r.rest < source.length)
    return problem(
      "G008",
      `The type is complete, but ${found(source, r.rest)} follows.`,
      r.rest,
      source.length,
      source[r.rest] === "=" ? "A default belongs to a field." : undefined,
    )
  return { type: r.type }
}

/** Reads a type with an optional default, `number = 1.2`. The default is checked against the type and converted to it. */
export function readField(
  source: string,
  constant: ReadDefault,
  named: Named = () => undefined,
): { readonly type: Type; readonly default?: Value } | BadField {
  const r = readType(source, named, constant)
  if ("problems" in r) return r
  if (r.rest >= source.length) return { type: r.type }
  if (source[r.rest] !== "=")
    return problem(
      "G008",
      `The type is complete, but ${found(source, r.rest)} follows.`,
      r.rest,
      source.length,
      "A default is written after =.",
    )
  const value = constant(source.slice(r.rest + 1), r.rest + 1, r.type)
  return "problems" in value ? { ...value, before: r.type } : { type: r.type, default: value.value }
}

/** A literal, as it was printed, that a port of `type` takes. */
const literal: ReadDefault = (text, offset, type) => {
  const value = readLiteral(text)
  const end = offset + text.length
  if (value === undefined)
    return problem("G008", `A default is a literal here, found ${show(text.trim(), 40)}.`, offset, end)
  try {
    return { value: accept(type)(value) }
  } catch (f) {
    if (!(f instanceof Failure)) throw f
    return problem("G101", `The default does not fit: ${f.message}.`, offset, end)
  }
}

export const problem = (code: ExprProblem["code"], message: string, start: number, end: number, fix?: string): Bad => ({
  problems: [{ code, message, span: { start, end: Math.max(end, start + 1) }, ...(fix ? { fix } : {}) }],
})
const found = (source: string, at: number): string =>
  at >= source.length ? "the end" : JSON.stringify(/^(?:\w+|.)/su.exec(source.slice(at, at + 64))?.[0])

function readType(
  source: string,
  named: Named,
  constant: ReadDefault,
): { readonly type: Type; readonly rest: number } | Bad {
  if (source.length > SOURCE_MAX)
    return problem(
      "G006",
      `A type may have ${SOURCE_MAX} characters, found ${source.length}.`,
      0,
      source.length,
      "Name parts of it under `types:`.",
    )
  const reader = new Reader(source, named, constant)
  try {
    const type = reader.union(0)
    reader.skip()
    return reader.problems.length > 0 ? { problems: reader.problems } : { type, rest: reader.at }
  } catch (stop) {
    if (!(stop instanceof Stop)) throw stop
    return { problems: [...reader.problems, stop.problem] }
  }
}

/** Ends the reading at the first mistake of form; unknown names do not, so that all of them are reported. */
class Stop {
  readonly problem: ExprProblem
  constructor(problem: ExprProblem) {
    this.problem = problem
  }
}

interface Word {
  readonly text: string
  readonly quoted: boolean
  readonly start: number
  readonly end: number
}

class Reader {
  at = 0
  readonly problems: ExprProblem[] = []
  readonly source: string
  readonly named: Named
  readonly constant: ReadDefault
  constructor(source: string, named: Named, constant: ReadDefault) {
    this.source = source
    this.named = named
    this.constant = constant
  }

  skip(): void {
    while (/\s/.test(this.source[this.at] ?? "x")) this.at++
  }
  /** The place of the next thing that is not white space. */
  next(): number {
    this.skip()
    return this.at
  }
  peek(): string {
    this.skip()
    return this.source[this.at] ?? ""
  }
  take(sign: string): boolean {
    if (this.peek() !== sign) return false
    this.at++
    return true
  }
  stop(code: ExprProblem["code"], message: string, start = this.at, end = start + 1, fix?: string): never {
    throw new Stop(problem(code, message, start, end, fix).problems[0]!)
  }
  want(sign: string, after: string): void {
    if (!this.take(sign)) this.stop("G008", `Want "${sign}" after ${after}, found ${found(this.source, this.at)}.`)
  }

  /** `A | B`: a type each, or words of an enumeration. */
  union(depth: number): Type {
    if (depth > DEPTH_MAX)
      this.stop(
        "G006",
        `A type may be nested ${DEPTH_MAX} levels deep.`,
        this.at,
        this.at + 1,
        "Name parts of it under `types:`.",
      )
    const members: (Type | Word)[] = []
    do members.push(this.member(depth))
    while (this.take("|"))
    return unionOf(members.map((m) => ("kind" in m ? m : this.word(m, members))))
  }

  member(depth: number): Type | Word {
    const start = this.next()
    if (this.take("[")) {
      const of = this.union(depth + 1)
      this.want("]", "the type of the elements")
      return T.list(of)
    }
    if (this.take("{")) return this.braces(depth + 1)
    if (this.take("(")) {
      const inner = this.union(depth + 1)
      this.want(")", "a type in parentheses")
      return inner
    }
    const word = this.wordAt(start)
    if (word.quoted) return word
    if (word.text === "stream" && this.peek() === "<") {
      this.want("<", "stream")
      const of = this.union(depth + 1)
      this.want(">", "the type of the items")
      return T.stream(of)
    }
    if (word.text === "tensor" && this.peek() === "<") return this.tensor()
    return BUILT_IN.get(word.text) ?? this.named(word.text) ?? word
  }

  wordAt(start: number): Word {
    const c = this.source[start]
    if (c === '"' || c === "'") {
      const end = this.closing(start, c)
      return {
        text:
          unquoted(this.source.slice(start, end)) ??
          this.stop("G008", "The text in quotes has an unknown escape.", start, end),
        quoted: true,
        start,
        end,
      }
    }
    const m = /^[A-Za-z0-9_][A-Za-z0-9_.-]*/.exec(this.source.slice(start, start + 256))
    if (m === null)
      this.stop(
        "G008",
        start >= this.source.length ? "A type is missing here." : `Want a type, found ${found(this.source, start)}.`,
        start,
      )
    this.at = start + m[0].length
    return { text: m[0], quoted: false, start, end: this.at }
  }

  closing(start: number, quote: string): number {
    for (let i = start + 1; i < this.source.length; i++) {
      if (this.source[i] === "\\") i++
      else if (this.source[i] === quote) return (this.at = i + 1)
    }
    return this.stop("G008", "The quotes are never closed.", start, this.source.length)
  }

  /** A bare word is one of an enumeration where it stands among others; alone it must be a type, or be quoted. */
  word(w: Word, among: readonly (Type | Word)[]): Type {
    if (w.quoted) return T.enum(w.text)
    const advice = Object.hasOwn(ELSEWHERE, w.text)
      ? `Write ${(ELSEWHERE as { readonly [word: string]: string })[w.text]}.`
      : undefined
    const near = nearest(w.text, BUILT_IN.keys())
    const misspelt = advice !== undefined || (near !== undefined && among.some((m) => "kind" in m && m.kind !== "enum"))
    if (among.length > 1 && !misspelt) return T.enum(w.text)
    this.problems.push({
      code: "G106",
      message: `There is no type "${w.text}".`,
      fix:
        advice ??
        (near
          ? `Write ${near}, or "${w.text}" in quotes for the word.`
          : `Declare it under \`types:\`, or write "${w.text}" in quotes for the word.`),
      span: { start: w.start, end: w.end },
    })
    return T.never
  }

  /** `{ a: number, b?: string = "x" }` or `{ "*": number }`. */
  braces(depth: number): Type {
    const fields: { [name: string]: Field } = {}
    let values: Type | undefined
    while (!this.take("}")) {
      const key = this.wordAt(this.next())
      const optional = this.take("?")
      this.want(":", "the name of a field")
      const type = this.union(depth)
      // A field that is really called * is written with an escape.
      if (key.text === "*" && key.end - key.start === 3) {
        if (optional || Object.keys(fields).length > 0 || this.peek() !== "}")
          this.stop("G008", `A map is written { "*": type } and has no other fields.`, key.start, key.end)
        values = type
      } else if (key.text === "__proto__")
        this.stop("G004", `"__proto__" is no field of any value.`, key.start, key.end)
      else if (Object.hasOwn(fields, key.text))
        this.stop("G003", `The field "${key.text}" comes twice.`, key.start, key.end)
      else fields[key.text] = { type, ...(optional ? { optional } : {}), ...this.defaulted(type) }
      if (!this.take(",") && this.peek() !== "}")
        this.stop("G008", `Want "," or "}" after a field, found ${found(this.source, this.at)}.`)
    }
    return values === undefined ? { kind: "record", fields } : T.map(values)
  }

  defaulted(type: Type): { readonly default?: Value } {
    if (!this.take("=")) return {}
    const start = this.at
    const end = this.literalEnd()
    const value = this.constant(this.source.slice(start, end), start, type)
    this.at = end
    if ("problems" in value) {
      this.problems.push(...value.problems)
      return {}
    }
    return { default: value.value }
  }

  /** Where a default inside braces ends: at the next comma or closing brace that is not inside of it. */
  literalEnd(): number {
    let depth = 0
    for (let i = this.at; i < this.source.length; i++) {
      const c = this.source[i]!
      if (c === '"' || c === "'") i = this.closing(i, c) - 1
      else if ("[{(".includes(c)) depth++
      else if (depth === 0 && (c === "," || c === "}")) return i
      else if ("]})".includes(c)) depth--
    }
    return this.source.length
  }

  tensor(): Type {
    this.want("<", "tensor")
    const element = this.wordAt(this.next())
    if (!Object.hasOwn(DTYPE_BYTES, element.text)) {
      const near = nearest(element.text, Object.keys(DTYPE_BYTES))
      this.stop(
        "G106",
        `A tensor has elements of ${Object.keys(DTYPE_BYTES).join(", ")}, found "${element.text}".`,
        element.start,
        element.end,
        near && `Write ${near}.`,
      )
    }
    this.want(">", "the element type of a tensor")
    const dtype = element.text as DType
    if (!this.take("[")) return T.tensor(dtype, null)
    const shape: (number | null)[] = []
    while (!this.take("]")) {
      const dim = /^(\?|\d{1,9})/.exec(this.source.slice(this.next(), this.at + 10))
      if (dim === null) this.stop("G008", `A dimension is a whole number or ?, found ${found(this.source, this.at)}.`)
      this.at += dim[0].length
      shape.push(dim[0] === "?" ? null : Number(dim[0]))
      if (!this.take(",") && this.peek() !== "]")
        this.stop("G008", `Want "," or "]" after a dimension, found ${found(this.source, this.at)}.`)
    }
    return T.tensor(dtype, shape)
  }
}

/** The text that a quoted word stands for, by JSON's escapes; undefined where it has others. */
function unquoted(quoted: string): string | undefined {
  const body = quoted.startsWith("'")
    ? `"${quoted.slice(1, -1).replaceAll("\\'", "'").replaceAll('"', '\\"')}"`
    : quoted
  try {
    return (JSON.parse(body) as string).toWellFormed()
  } catch {
    return undefined
  }
}
