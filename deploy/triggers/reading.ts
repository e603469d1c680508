/** Reads a part of the project's file and keeps where everything stands, so that a mistake is told with its line. */
import { type Document, isMap, isNode, LineCounter, parseDocument } from "yaml"
import { type Code, nearest, type Problem, type Span } from "../../graph/mod.ts"

export type At = readonly (string | number)[]
export type Data = { readonly [key: string]: unknown }
export const isData = (x: unknown): x is Data => typeof x === "object" && x !== null && !Array.isArray(x)

export class Reading {
  readonly problems: Problem[] = []
  readonly #file: string
  readonly #text: string
  readonly #document: Document
  readonly #lines = new LineCounter()

  /** `text`: JSON that has been read before; JSON is YAML, whose reader knows where things stand. */
  constructor(file: string, text: string) {
    this.#file = file
    this.#text = text
    this.#document = parseDocument(text, { lineCounter: this.#lines, uniqueKeys: false })
  }

  refuse(at: At, message: string, fix?: string, code: Code = "G008", span?: Span): undefined {
    const { start, length } = this.#extent(at, span)
    this.#note(at, start, length, code, message, fix)
    return undefined
  }

  /** Keys that mean nothing here. */
  known(data: Data, at: At, keys: readonly string[], what: string): void {
    for (const key of Object.keys(data)) {
      if (keys.includes(key)) continue
      const near = nearest(key, keys)
      const { start, length } = this.#keyExtent(at, key)
      const message = `${what} has no key "${key}". Known: ${keys.join(", ")}.`
      this.#note([...at, key], start, length, "G002", message, near && `Write "${near}".`)
    }
  }

  #note(at: At, offset: number, length: number, code: Code, message: string, fix: string | undefined): void {
    const { line, col } = this.#lines.linePos(offset)
    const place = { file: this.#file, line: Math.max(1, line), column: Math.max(1, col), length }
    this.problems.push({ code, severity: "error", path: printAt(at), place, message, ...(fix ? { fix } : {}) })
  }

  /** Of a value, or of a part of a text where that was written without escapes. */
  #extent(at: At, span?: Span): { readonly start: number; readonly length: number } {
    for (let n = at.length; n >= 0; n--) {
      const node = n === 0 ? this.#document.contents : this.#document.getIn(at.slice(0, n), true)
      if (!isNode(node) || !node.range) continue
      const [start, end] = node.range
      const plain = span !== undefined && !this.#text.slice(start, end).includes("\\")
      if (plain && n === at.length) return { start: start + 1 + span.start, length: Math.max(1, span.end - span.start) }
      const line = this.#text.slice(start, end).split("\n")[0]!
      return { start, length: Math.max(1, line.length) }
    }
    return { start: 0, length: 1 }
  }

  #keyExtent(at: At, key: string): { readonly start: number; readonly length: number } {
    const parent = at.length === 0 ? this.#document.contents : this.#document.getIn(at, true)
    const pair = isMap(parent) ? parent.items.find((p) => isNode(p.key) && String(p.key) === key) : undefined
    if (pair === undefined || !isNode(pair.key) || !pair.key.range) return this.#extent(at)
    const [start, end] = pair.key.range
    return { start, length: end - start }
  }
}

const printAt = (at: At): string =>
  at
    .map((p) => (typeof p === "number" ? `[${p}]` : `.${p}`))
    .join("")
    .replace(/^\./, "")
