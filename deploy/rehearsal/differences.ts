/** Where two values part: a line for each place, so that a large output is not printed whole to show one number. */
import { isRecord, show, Tensor, type Value } from "../../graph/mod.ts"

const LINES_MAX = 5
/** Sums of decimal fractions are off in the last digits; people write 18.4. */
const RELATIVE = 1e-9

/** `amount: expected 19, found 18.4`; empty where the values are the same, numbers but for their last digits. */
export function differences(wanted: Value, found: Value): readonly string[] {
  const lines: string[] = []
  walk(wanted, found, "", lines)
  return lines.length > LINES_MAX
    ? [...lines.slice(0, LINES_MAX), `and ${lines.length - LINES_MAX} more differences`]
    : lines
}

function walk(wanted: Value | undefined, found: Value | undefined, place: string, lines: string[]): void {
  if (wanted !== undefined && found !== undefined && equal(wanted, found)) return
  if (isRecord(wanted) && isRecord(found)) {
    for (const key of new Set([...Object.keys(wanted), ...Object.keys(found)])) {
      const at = /^[A-Za-z_]\w*$/.test(key)
        ? `${place === "" ? "" : `${place}.`}${key}`
        : `${place}[${JSON.stringify(key)}]`
      walk(own(wanted, key), own(found, key), at, lines)
    }
    return
  }
  if (Array.isArray(wanted) && Array.isArray(found)) {
    for (let i = 0; i < Math.max(wanted.length, found.length); i++) walk(wanted[i], found[i], `${place}[${i}]`, lines)
    return
  }
  const text = (x: Value | undefined) => (x === undefined ? "nothing" : show(x))
  lines.push(`${place === "" ? "" : `${place}: `}expected ${text(wanted)}, found ${text(found)}`)
}

const own = (r: { readonly [key: string]: Value }, key: string): Value | undefined =>
  Object.hasOwn(r, key) ? r[key] : undefined

function equal(a: Value, b: Value): boolean {
  if (typeof a === "number" && typeof b === "number") {
    return Object.is(a, b) || a === b || Math.abs(a - b) <= RELATIVE * Math.max(Math.abs(a), Math.abs(b))
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) return a.length === b.length && a.every((x, i) => x === b[i])
  if (a instanceof Tensor && b instanceof Tensor) {
    return a.dtype === b.dtype && equal([...a.shape], [...b.shape]) && equal(a.data, b.data)
  }
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((x, i) => equal(x, b[i]))
  if (isRecord(a) && isRecord(b)) {
    const keys = Object.keys(a)
    return keys.length === Object.keys(b).length && keys.every((k) => Object.hasOwn(b, k) && equal(a[k]!, b[k]!))
  }
  return a === b
}
