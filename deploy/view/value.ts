/** A result as people read it: JSON that stays on one line where it fits, and is broken where it does not. */
import { jsonOf, type Value } from "../../graph/mod.ts"

/** Text as it is, bytes as they are, anything else as JSON. */
export function resultText(value: Value, columns: number): string | Uint8Array {
  if (value instanceof Uint8Array) return value
  return typeof value === "string" ? value : prettyJson(jsonOf(value, { nonFinite: "text" }), columns)
}

/** JSON with spaces, broken only where a part does not fit into the columns. */
export function prettyJson(value: unknown, columns: number, indent = ""): string {
  const flat = flatJson(value, columns - indent.length)
  if (flat !== undefined) return flat
  const deeper = `${indent}  `
  if (Array.isArray(value)) {
    return `[\n${value.map((x) => deeper + prettyJson(x, columns, deeper)).join(",\n")}\n${indent}]`
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([k, x]) => {
      const key = `${JSON.stringify(k)}: `
      // The key takes room on the first line only; a value that is broken begins there with its bracket.
      const short = flatJson(x, columns - deeper.length - key.length - 1)
      return deeper + key + (short ?? prettyJson(x, typeof x === "object" ? columns : Number.POSITIVE_INFINITY, deeper))
    })
    return `{\n${entries.join(",\n")}\n${indent}}`
  }
  return JSON.stringify(value)
}

/** On one line, or undefined where that is longer than `room`. */
function flatJson(value: unknown, room: number): string | undefined {
  if (room <= 0) return undefined
  if (value === null || typeof value !== "object") {
    const text = JSON.stringify(value)
    return text.length <= room ? text : undefined
  }
  const list = Array.isArray(value)
  const parts: string[] = []
  let left = room - 4
  for (const [k, x] of Object.entries(value)) {
    const key = list ? "" : `${JSON.stringify(k)}: `
    const part = flatJson(x, left - key.length)
    if (part === undefined) return undefined
    parts.push(key + part)
    left -= key.length + part.length + 2
  }
  if (parts.length === 0) return list ? "[]" : "{}"
  return list ? `[${parts.join(", ")}]` : `{ ${parts.join(", ")} }`
}
