/**
 * Paths of subgraphs that lie in other folders. A path counts from the folder of the file that it stands in; a run has
 * one folder, that of the outermost file. So what a subgraph's file says is written from there when it is read.
 */
import type { Expr } from "../expr.ts"
import { lit } from "../expr.ts"
import type { Places } from "../places.ts"

/** The folder of a subgraph's file, from the folder of the outermost one: `""` is the same. `named`: as the node around it names the file. */
export function folderOf(around: string, named: string): string {
  const slash = named.lastIndexOf("/")
  const own = slash === -1 ? "" : slash === 0 ? "/" : named.slice(0, slash)
  return tidy(own.startsWith("/") ? own : `${around}/${own}`, own.startsWith("/") || around.startsWith("/"))
}

function tidy(path: string, absolute: boolean): string {
  const out: string[] = []
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue
    if (part === ".." && out.length > 0 && out.at(-1) !== "..") out.pop()
    else if (part !== ".." || !absolute) out.push(part)
  }
  return `${absolute ? "/" : ""}${out.join("/")}`
}

/** Says of itself where it is: `/full`, `https://…`. */
const isWhole = (path: string): boolean => path.startsWith("/") || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(path)

/**
 * The path of a subgraph's file as the outermost one would write it. What says of itself where it is stays.
 * What leads up and down again is left out: one file is one path, whichever folder names it.
 */
export function fromOutside(path: string, folder: string): string {
  if (folder === "" || isWhole(path)) return path
  const whole = tidy(`${folder}/${path}`, folder.startsWith("/"))
  if (whole === "") return "."
  return whole.startsWith("/") || whole === ".." || whole.startsWith("../") ? whole : `./${whole}`
}

/** The same of a text with insertions: what it begins with is the path's beginning. */
export function textFromOutside(text: Expr, folder: string, places: Places): Expr {
  if (folder === "" || places.isBroken(text)) return text
  const moved = beginning(text, folder)
  const mark = places.exprMark(text)
  if (mark !== undefined) places.markExpr(moved, mark)
  return moved
}

function beginning(text: Expr, folder: string): Expr {
  if (text.op === "const") return typeof text.value === "string" ? lit(headFromOutside(text.value, folder)) : text
  const parts = text.op === "text" ? text.parts : [text]
  const [first, ...rest] = parts
  return first?.op === "const" && typeof first.value === "string"
    ? { op: "text", parts: [lit(headFromOutside(first.value, folder)), ...rest] }
    : { op: "text", parts: [lit(headFromOutside("", folder)), ...parts] }
}

/** A text, or what of it stands before an insertion: the folders in it are whole, what follows the last slash may be half a name. */
function headFromOutside(head: string, folder: string): string {
  const name = head.lastIndexOf("/") + 1
  if (isWhole(head)) return head
  return `${fromOutside(head.slice(0, name) || "./", folder)}/${head.slice(name)}`
}

/** A capability of a folder, as the outermost file would write it. */
export function needFromOutside(need: string, folder: string): string {
  const [, mode, path] = /^(fs:(?:read|write):)(\..*)$/.exec(need) ?? []
  return mode === undefined || path === undefined ? need : mode + fromOutside(path, folder)
}
