/**
 * What every part of the reader shares: the file, the kinds, and the list of problems. A part of a file is a `Mark`
 * (`places.ts`): the cell with the path that leads to it, so that any problem about it knows its place.
 */
import type { Expr, Span } from "../expr.ts"
import type { Graph, Scope } from "../ir.ts"
import type { Code } from "../messages.ts"
import { nearest } from "../near.ts"
import type { Registry } from "../node.ts"
import { joinPath, type Mark, type Places, type Spot, spotInScalar } from "../places.ts"
import type { Problem } from "../problem.ts"
import type { Value } from "../value.ts"
import type { Cell, Source } from "./source.ts"
import type { NamedTypes } from "./types.ts"

/** A subgraph's text, under the name that identifies it (the same file has one name); or why there is none. */
export type Loaded = { readonly file: string; readonly text: string } | { readonly problem: string }
export type Load = (path: string, from: string) => Loaded

/** What is shared by a file and all its subgraphs. */
export interface Session {
  readonly registry: Registry
  readonly places: Places
  readonly problems: Problem[]
  readonly load: Load | undefined
  /** Subgraphs read so far, by file; undefined where one could not be read. */
  readonly graphs: Map<string, Graph | undefined>
}

/** One file being read. */
export interface Reading {
  readonly session: Session
  readonly source: Source
  /** The files that are being read around this one, outermost first. */
  readonly chain: readonly string[]
  readonly named: NamedTypes
  /** The file's folder, from that of the outermost file; `""` where it is the same. */
  readonly folder: string
}

/** What a node is made of beside its name and its settings. */
export interface NodeBody {
  readonly config: { readonly [key: string]: Value }
  readonly args: Expr
  readonly scopes: { readonly [role: string]: Scope }
  readonly graph?: Graph
  readonly grants?: readonly string[]
  /** What says which call it is could not be read. */
  readonly half?: boolean
}

/** Reads a body of the node at hand. `role` is its key in `Node.scopes`. */
export type ReadBody = (mark: Mark, role: string, params: readonly string[]) => Scope

const errorAt = (r: Reading, spot: Spot, code: Code, message: string, fix?: string): void => {
  r.session.problems.push({ code, severity: "error", ...spot, message, ...(fix ? { fix } : {}) })
}
/** A problem about a whole part: its scalar, or the key of its mapping or list. */
export const refuse = (r: Reading, mark: Mark, code: Code, message: string, fix?: string): void =>
  errorAt(r, spotInScalar(mark, undefined), code, message, fix)
/** A problem about a key itself, whatever stands under it. */
export function refuseKey(r: Reading, mark: Mark, code: Code, message: string, fix?: string): void {
  const place = r.source.place(mark.keyStart ?? mark.cell.start, mark.keyEnd ?? mark.cell.end)
  errorAt(r, { path: mark.path, place }, code, message, fix)
}

/** Problems of an expression or a type, whose spans count from `shift` in the scalar's value. */
export function refuseSpans(
  r: Reading,
  mark: Mark,
  shift: number,
  problems: readonly { code: Code; message: string; fix?: string; span: Span; severity?: "error" | "warning" }[],
): void {
  for (const { code, message, fix, span, severity } of problems) {
    const spot = spotInScalar(mark, span, shift)
    r.session.problems.push({ code, severity: severity ?? "error", ...spot, message, ...(fix ? { fix } : {}) })
  }
}

export function under(mark: Mark, key: string): Mark | undefined {
  if (mark.cell.kind !== "map") return undefined
  const entry = mark.cell.entries.get(key)
  if (entry === undefined) return undefined
  const { cell, keyStart, keyEnd } = entry
  return { source: mark.source, cell, path: joinPath(mark.path, key), keyStart, keyEnd }
}
export const itemOf = (mark: Mark, cell: Cell, index: number): Mark => ({
  source: mark.source,
  cell,
  path: joinPath(mark.path, index),
})

/** The entries of a mapping; a problem and none where it is something else. */
export function entriesOf(r: Reading, mark: Mark, what: string): readonly (readonly [string, Mark])[] {
  if (mark.cell.kind !== "map") {
    refuse(r, mark, "G008", `${what} must be a mapping, found ${describe(mark.cell)}.`)
    return []
  }
  return [...mark.cell.entries.keys()].map((key) => [key, under(mark, key)!] as const)
}

export function describe(cell: Cell): string {
  if (cell.kind === "map") return "a mapping"
  if (cell.kind === "list") return "a list"
  if (cell.value === null) return cell.raw === "" ? "nothing" : "null"
  if (typeof cell.value === "string") return `the text ${JSON.stringify(shorten(cell.value))}`
  return String(cell.raw ?? cell.value)
}
/** Words without a vowel are spelled out: an http node, an sql node. */
export const article = (word: string): string => `${/^([aeiou]|[fhlmnrsx][^aeiouy]*$)/.test(word) ? "An" : "A"} ${word}`
export const shorten = (text: string, max = 40): string => (text.length > max ? `${text.slice(0, max - 1)}…` : text)

/** Nothing stands after the key: `expr:` and the end of the line. */
export const isEmpty = (cell: Cell): boolean => cell.kind === "scalar" && cell.value === null && cell.raw === ""

/** `a, b and c`, for messages that list what there is; long lists are cut. */
export function listing(words: Iterable<string>, max = 12): string {
  const all = [...words]
  const shown = all.slice(0, max)
  return all.length > max ? `${shown.join(", ")}, and ${all.length - max} more` : shown.join(", ")
}

/** Refuses every key that is not a word of this place, with the nearest one that is. */
export function refuseUnknownKeys(r: Reading, mark: Mark, words: Iterable<string>, what: string): void {
  if (mark.cell.kind !== "map") return
  const known = new Set(words)
  for (const key of mark.cell.entries.keys()) {
    if (known.has(key)) continue
    const near = nearest(key, known)
    refuseKey(
      r,
      under(mark, key)!,
      "G002",
      `${what} has no key ${JSON.stringify(shorten(key))}. It takes: ${listing(known, 30)}.`,
      near === undefined ? undefined : `Write ${near}.`,
    )
  }
}

/** Stands where an expression could not be read: no name is empty, so nothing with it in it can pass for checked. */
export function brokenExpr(r: Reading): Expr {
  const expr: Expr = { op: "ref", name: "" }
  r.session.places.markBroken(expr)
  return expr
}
