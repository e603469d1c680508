/**
 * `shadowgraph.lock`: what a graph depends on beside its files, pinned as data: schemas of tools, hashes of code. Check
 * and compile are functions of files and lock, so this is a plain JSON file in the repository, written in one canonical
 * form that makes small diffs. Which keys there are is the business of the node kinds (`NodeKind.sign` asks by key).
 */
import { parseJson } from "./file/json.ts"
import { plainValue } from "./file/plain.ts"
import { type FormProblem, Source } from "./file/source.ts"
import type { NodeView } from "./node.ts"
import type { Problem } from "./problem.ts"
import { compareKeys, isRecord, type Rec, type Value } from "./value.ts"

export const LOCK_FORMAT = 1

export interface Lock {
  readonly format: typeof LOCK_FORMAT
  /** By the key that a node kind asks for: `mcp:files/read_text_file`, `fn:./tax.ts#rate`. */
  readonly pins: { readonly [key: string]: Rec }
}

export const EMPTY_LOCK: Lock = Object.freeze({ format: LOCK_FORMAT, pins: Object.freeze({}) })

/** Looks pins up for `NodeView.pin`. */
export const pin =
  (lock: Lock): NodeView["pin"] =>
  (key) =>
    Object.hasOwn(lock.pins, key) ? lock.pins[key] : undefined

/** Reads a lock; every problem has its line and column. Never throws on any text. */
export function parseLock(file: {
  readonly file: string
  readonly text: string
}): { readonly lock: Lock } | { readonly problems: readonly Problem[] } {
  const source = new Source(file.file, file.text)
  const { root, problems } = parseJson(file.text)
  const refuse = (found: readonly FormProblem[], path = "") => ({
    problems: found.map(({ code, message, fix, start, end }): Problem => {
      return { code, severity: "error", path, place: source.place(start, end), message, ...(fix ? { fix } : {}) }
    }),
  })
  if (root === undefined || problems.length > 0) return refuse(problems)
  const { start, end } = root
  const wrong = (message: string, at = { start, end }, path = "") =>
    refuse(
      [{ code: "G008", message, fix: "Run `shadowgraph lock` to write it anew.", start: at.start, end: at.end }],
      path,
    )
  if (root.kind !== "map") return wrong("A lock is a mapping with `format` and `pins`.")
  const format = root.entries.get("format")?.cell
  if (format?.kind !== "scalar" || format.value !== LOCK_FORMAT) {
    const found = format?.kind === "scalar" ? JSON.stringify(format.value) : "none"
    return wrong(`The lock's format must be ${LOCK_FORMAT}, found ${found}.`, format, "format")
  }
  const pins = root.entries.get("pins")?.cell
  if (pins?.kind !== "map") return wrong("The lock has no mapping `pins`.", pins, "pins")
  const unknown = [...root.entries.values()].find(({ key }) => key !== "format" && key !== "pins")
  if (unknown !== undefined)
    return wrong(`A lock has no key ${JSON.stringify(unknown.key)}.`, unknown.cell, unknown.key)
  const out: { [key: string]: Rec } = {}
  for (const { key, cell } of pins.entries.values()) {
    const value = plainValue(cell)
    if (!isRecord(value)) return wrong(`The pin ${JSON.stringify(key)} must be a mapping.`, cell, `pins.${key}`)
    out[key] = value
  }
  return { lock: { format: LOCK_FORMAT, pins: out } }
}

/** The canonical text: keys in code-point order, two spaces, a line end at the end. Equal locks print alike. */
export function printLock(lock: Lock): string {
  return `${JSON.stringify({ format: lock.format, pins: sorted(lock.pins) }, null, 2)}\n`
}

function sorted(value: Value): Value {
  if (Array.isArray(value)) return (value as readonly Value[]).map(sorted)
  if (!isRecord(value)) return value
  const keys = Object.keys(value).sort(compareKeys)
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key]!)]))
}
