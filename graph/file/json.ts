/**
 * JSON as cells. Our own reading, because `JSON.parse` keeps the last of two equal keys in silence, rounds large whole
 * numbers, and tells no positions. One pass, no recursion; the tests hold it against `JSON.parse`.
 */
import {
  CELL_DEPTH_MAX,
  type Cell,
  type Entry,
  FORBIDDEN_KEY,
  type FormProblem,
  formProblem,
  isInexact,
  type Parsed,
  type Scalar,
} from "./source.ts"

/** A list or mapping that is still open. */
interface Open {
  readonly start: number
  readonly items: Cell[] | undefined
  readonly entries: Map<string, Entry> | undefined
  key: string
  keyStart: number
  keyEnd: number
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y
const WORDS: readonly (readonly [string, null | boolean])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
]

export function parseJson(text: string): Parsed {
  const problems: FormProblem[] = []
  const open: Open[] = []
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  let root: Cell | undefined

  const stop = (message: string, fix?: string): Parsed => {
    const start = Math.min(at, Math.max(0, text.length - 1))
    return { problems: [...problems, { code: "G001", start, end: start + 1, message, ...(fix ? { fix } : {}) }] }
  }
  const found = () =>
    at < text.length ? `found ${text[at] === '"' ? "a text" : JSON.stringify(text[at])}` : "found the end of the file"
  const space = () => {
    for (; at < text.length; at++) {
      const c = text.charCodeAt(at)
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return
    }
  }
  /** The text of a string that starts at `at`, or undefined when it is not one. */
  const string = (): string | undefined => {
    const start = at
    let plain = true
    for (let i = at + 1; i < text.length; i++) {
      const c = text.charCodeAt(i)
      if (c === 34) {
        at = i + 1
        if (plain) return text.slice(start + 1, i)
        try {
          return JSON.parse(text.slice(start, i + 1)) as string
        } catch {
          at = start
          return undefined
        }
      }
      if (c === 92) {
        plain = false
        i++
      } else if (c < 32) return undefined
    }
    return undefined
  }
  /** Puts a finished value where it belongs. */
  const put = (cell: Cell) => {
    const top = open.at(-1)
    if (top === undefined) root = cell
    else if (top.items !== undefined) top.items.push(cell)
    else {
      const { key, keyStart, keyEnd } = top
      if (key === FORBIDDEN_KEY) problems.push(formProblem.forbiddenKey(keyStart, keyEnd))
      else if (top.entries!.has(key)) problems.push(formProblem.duplicate(key, keyStart, keyEnd))
      else top.entries!.set(key, { key, keyStart, keyEnd, cell })
    }
  }
  const scalar = (): Scalar | undefined => {
    const start = at
    const c = text.charCodeAt(at)
    if (c === 34) {
      const value = string()
      return value === undefined ? undefined : { kind: "scalar", value, style: "json", start, end: at }
    }
    for (const [word, value] of WORDS) {
      if (text.startsWith(word, at)) {
        at += word.length
        return { kind: "scalar", value, style: "json", start, end: at }
      }
    }
    NUMBER.lastIndex = at
    const raw = NUMBER.exec(text)?.[0]
    if (raw === undefined) return undefined
    at += raw.length
    const value = Number(raw)
    if (isInexact(raw, value)) problems.push(formProblem.inexact(raw, start, at))
    return { kind: "scalar", value, style: "json", raw, start, end: at }
  }
  /** Reads `"key":` into the open mapping; says what is wrong otherwise. */
  const key = (into: Open): string | undefined => {
    space()
    const start = at
    const name = text.charCodeAt(at) === 34 ? string() : undefined
    if (name === undefined) return `Cannot read JSON: a key in double quotes is wanted, ${found()}.`
    into.key = name
    into.keyStart = start
    into.keyEnd = at
    space()
    if (text.charCodeAt(at) !== 58) return `Cannot read JSON: ":" is wanted after a key, ${found()}.`
    at++
    return undefined
  }

  while (true) {
    space()
    const c = text.charCodeAt(at)
    if (c === 123 || c === 91) {
      if (open.length >= CELL_DEPTH_MAX) return { problems: [...problems, formProblem.tooDeep(at)] }
      const list = c === 91
      const next: Open = {
        start: at,
        items: list ? [] : undefined,
        entries: list ? undefined : new Map(),
        key: "",
        keyStart: 0,
        keyEnd: 0,
      }
      open.push(next)
      at++
      space()
      if (text.charCodeAt(at) !== (list ? 93 : 125)) {
        const wrong = list ? undefined : key(next)
        if (wrong !== undefined) return stop(wrong)
        continue
      }
    } else {
      const cell = scalar()
      if (cell === undefined) return stop(`Cannot read JSON: a value is wanted, ${found()}.`)
      put(cell)
      space()
    }
    // A value has ended, or an empty list or mapping is about to: close what closes, until something is to follow.
    while (true) {
      const top = open.at(-1)
      if (top === undefined) {
        if (at < text.length) return stop(`Cannot read JSON: the end of the file is wanted, ${found()}.`)
        return root === undefined ? { problems } : { root, problems }
      }
      const close = text.charCodeAt(at)
      if (close === (top.items === undefined ? 125 : 93)) {
        at++
        open.pop()
        put(
          top.items === undefined
            ? { kind: "map", entries: top.entries!, start: top.start, end: at }
            : { kind: "list", items: top.items, start: top.start, end: at },
        )
        space()
        continue
      }
      if (close !== 44) {
        const end = top.items === undefined ? "}" : "]"
        return stop(`Cannot read JSON: "," or "${end}" is wanted, ${found()}.`)
      }
      at++
      space()
      if (top.items === undefined) {
        const wrong = key(top)
        if (wrong !== undefined) return stop(wrong)
      }
      break
    }
  }
}
