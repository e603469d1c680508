/**
 * `bun:test` where there is no test runner: a bundle for a worker or a page maps the name to this file. It keeps what is declared
 * until `runAll` runs it, one after another, and has the matchers that suites for all hosts use.
 */

type Body = () => unknown
type TestBody = (...values: never[]) => unknown

interface Declared {
  readonly name: string
  readonly body: Body
  readonly skipped: boolean
}
const declared: Declared[] = []
let path: readonly string[] = []

const titleOf = (template: string, row: unknown): string => {
  const values = Array.isArray(row) ? [...row] : [row]
  const filled = template.replace(/%[sdipjo]/g, () => String(values.shift()))
  return typeof row === "object" && row !== null
    ? filled.replace(/\$(\w+)/g, (_, key: string) => String((row as Record<string, unknown>)[key]))
    : filled
}
const argumentsOf = (row: unknown): never[] => (Array.isArray(row) ? row : [row]) as never[]

const testWith = (skipped: boolean) => {
  const declare = (name: string, body: Body) => void declared.push({ name: [...path, name].join(" > "), body, skipped })
  const each = (rows: readonly unknown[]) => (name: string, body: TestBody) => {
    for (const row of rows) declare(titleOf(name, row), () => body(...argumentsOf(row)))
  }
  return Object.assign(declare, { each })
}
export const test = Object.assign(testWith(false), { skipIf: (condition: boolean) => testWith(condition) })

const block = (name: string, body: Body): void => {
  const outer = path
  path = [...path, name]
  try {
    body()
  } finally {
    path = outer
  }
}
export const describe = Object.assign(block, {
  each: (rows: readonly unknown[]) => (name: string, body: TestBody) => {
    for (const row of rows) block(titleOf(name, row), () => body(...argumentsOf(row)))
  },
})

export interface Result {
  readonly name: string
  /** Left out: it passed. */
  readonly wrong?: string
}

/** Runs what was declared, in order. Tests that are skipped by their own condition are left out. */
export async function runAll(): Promise<readonly Result[]> {
  const results: Result[] = []
  for (const { name, body, skipped } of declared) {
    if (skipped) continue
    try {
      await body()
      results.push({ name })
    } catch (cause) {
      results.push({ name, wrong: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) })
    }
  }
  return results
}

class Unexpected extends Error {}

/** Deep equality as `toEqual` has it: fields that are undefined do not count. `part`: further fields of the found do not either. */
function same(found: unknown, wanted: unknown, part: boolean): boolean {
  if (Object.is(found, wanted)) return true
  if (typeof found !== "object" || typeof wanted !== "object" || found === null || wanted === null) return false
  if (ArrayBuffer.isView(found) || ArrayBuffer.isView(wanted)) {
    const [a, b] = [found as Uint8Array, wanted as Uint8Array]
    return a.constructor === b.constructor && a.length === b.length && a.every((x, i) => x === b[i])
  }
  if (Array.isArray(found) !== Array.isArray(wanted)) return false
  if (Array.isArray(found) && found.length !== (wanted as unknown[]).length) return false
  const keys = new Set([...(part ? [] : Object.keys(found)), ...Object.keys(wanted)])
  const at = (x: object, key: string) => (x as Record<string, unknown>)[key]
  return [...keys].every((key) => same(at(found, key), at(wanted, key), part))
}

const shown = (x: unknown): string =>
  JSON.stringify(x, (_, v) =>
    typeof v === "bigint" ? `${v}n` : v instanceof Uint8Array ? `${v.length} bytes` : v,
  )?.slice(0, 2_000)

const MATCHERS: { readonly [name: string]: (found: unknown, wanted?: unknown) => boolean } = {
  toBe: (found, wanted) => Object.is(found, wanted),
  toEqual: (found, wanted) => same(found, wanted, false),
  toMatchObject: (found, wanted) => same(found, wanted, true),
  toHaveLength: (found, wanted) => (found as { length: number }).length === wanted,
  toContain: (found, wanted) => (found as { includes: (x: unknown) => boolean }).includes(wanted),
  toBeUndefined: (found) => found === undefined,
  toMatch: (found, wanted) => (wanted as RegExp).test(String(found)),
  toStartWith: (found, wanted) => String(found).startsWith(String(wanted)),
}

export function expect(found: unknown) {
  const matchers = (wrongWhen: boolean) =>
    Object.fromEntries(
      Object.entries(MATCHERS).map(([name, holds]) => [
        name,
        (wanted?: unknown) => {
          if (holds(found, wanted) === wrongWhen)
            throw new Unexpected(`${wrongWhen ? "not " : ""}${name}: wanted ${shown(wanted)}, found ${shown(found)}`)
        },
      ]),
    )
  return { ...matchers(false), not: matchers(true) }
}
