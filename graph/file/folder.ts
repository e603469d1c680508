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

/** The path of a subgraph's file as the outermost one would write it. What is no path below a folder stays: `/full`, `https://…`. */
export function fromOutside(path: string, folder: string): string {
  if (folder === "" || path.startsWith("/") || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(path)) return path
  const rest = path.replace(/^(\.\/+)+/, "")
  const below = folder.startsWith("/") || folder.startsWith("..") ? folder : `./${folder}`
  return rest === "" || rest === "." ? below : `${below}/${rest}`
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
  if (text.op === "const") return typeof text.value === "string" ? lit(fromOutside(text.value, folder)) : text
  if (text.op !== "text") return { op: "text", parts: [lit(fromOutside("./", folder) + "/"), text] }
  const [first, ...rest] = text.parts
  if (first?.op === "const" && typeof first.value === "string")
    return { op: "text", parts: [lit(headFromOutside(first.value, folder)), ...rest] }
  return { op: "text", parts: [lit(`${fromOutside("./", folder)}/`), ...text.parts] }
}

/** `./` before an insertion is the folder itself, and keeps its slash. */
const headFromOutside = (head: string, folder: string): string =>
  head.endsWith("/") ? `${fromOutside(head, folder).replace(/\/$/, "")}/` : fromOutside(head, folder)

/** A capability of a folder, as the outermost file would write it. */
export function needFromOutside(need: string, folder: string): string {
  const [, mode, path] = /^(fs:(?:read|write):)(\..*)$/.exec(need) ?? []
  return mode === undefined || path === undefined ? need : mode + fromOutside(path, folder)
}
