// `bun:test` on Deno: deno.json maps the name to this file, so that one set of test files runs on both hosts. It
// registers each test with Deno under its full name and supplies the matchers of the `expect` package, to which the
// few that only Bun has are added.
import { expect } from "expect"

type Body = () => unknown
type Options = number | { timeout?: number }

/** A `describe` block: its hooks surround its own tests and those of the blocks inside it. */
interface Suite {
  readonly name: string
  readonly parent: Suite | undefined
  readonly beforeAll: Body[]
  readonly afterAll: Body[]
  readonly beforeEach: Body[]
  readonly afterEach: Body[]
  readonly skipped: boolean
  /** Tests of this block and of the blocks inside it that have not ended; at 0 `afterAll` runs. */
  waiting: number
  started: boolean
}

declare const Deno: {
  test(definition: {
    name: string
    ignore: boolean
    fn: Body
    sanitizeOps: boolean
    sanitizeResources: boolean
    sanitizeExit: boolean
  }): void
}

/** What `patience.ts` allows a test that names no limit of its own. */
const TEST_MS_MAX = 60_000

function suite(name: string, parent: Suite | undefined, skipped: boolean): Suite {
  const hooks = { beforeAll: [], afterAll: [], beforeEach: [], afterEach: [] }
  return { name, parent, ...hooks, skipped: skipped || (parent?.skipped ?? false), waiting: 0, started: false }
}

let current = suite("", undefined, false)

/** The blocks around a test, outermost first. */
function pathOf(inner: Suite): Suite[] {
  return inner.parent ? [...pathOf(inner.parent), inner] : [inner]
}

async function within(limitMs: number, body: Body): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TestTimedOut(limitMs)), limitMs)
  })
  try {
    await Promise.race([body(), late])
  } finally {
    clearTimeout(timer)
  }
}

class TestTimedOut extends Error {
  constructor(limitMs: number) {
    super(`Test must end within ${limitMs} ms, and was still running`)
  }
}

async function runTest(path: readonly Suite[], limitMs: number, body: Body): Promise<void> {
  for (const each of path.filter(({ started }) => !started)) {
    each.started = true
    for (const hook of each.beforeAll) await hook()
  }
  try {
    for (const each of path) for (const hook of each.beforeEach) await hook()
    await within(limitMs, body)
  } finally {
    for (const each of path.toReversed()) for (const hook of each.afterEach) await hook()
    for (const each of path.toReversed()) {
      each.waiting -= 1
      if (each.waiting === 0) for (const hook of each.afterAll) await hook()
    }
  }
}

function register(name: string, body: Body | undefined, options: Options | undefined, skipped: boolean): void {
  const path = pathOf(current)
  const ignore = skipped || current.skipped || body === undefined
  const limitMs = (typeof options === "number" ? options : options?.timeout) ?? TEST_MS_MAX
  if (!ignore) for (const each of path) each.waiting += 1
  Deno.test({
    name: [...path.map((each) => each.name), name].filter((part) => part !== "").join(" > "),
    ignore,
    fn: () => runTest(path, limitMs, body ?? (() => undefined)),
    sanitizeOps: false,
    sanitizeResources: false,
    sanitizeExit: true,
  })
}

/** One row of a table as arguments: an array is spread, anything else is the one argument. */
function argumentsOf(row: unknown): unknown[] {
  return Array.isArray(row) ? row : [row]
}

/** Fills `%s`, `%d`, `%i`, `%p`, `%j`, `%o`, `%#` and `$name` in the title of a table's row. */
function titleOf(template: string, row: unknown, index: number): string {
  const values = argumentsOf(row)
  let next = 0
  const filled = template.replace(/%([sdipjo#%])/g, (whole, letter: string) => {
    if (letter === "%") return "%"
    if (letter === "#") return String(index)
    if (next >= values.length) return whole
    const value = values[next++]
    return typeof value === "string" && letter !== "j" ? value : (JSON.stringify(value) ?? String(value))
  })
  if (typeof row !== "object" || row === null) return filled
  return filled.replace(/\$(\w+)/g, (whole, key: string) =>
    key in row ? String((row as Record<string, unknown>)[key]) : whole,
  )
}

type TestBody = (...values: never[]) => unknown

function testWith(skipped: boolean) {
  const declare = (name: string, body?: Body, options?: Options) => register(name, body, options, skipped)
  const each = (rows: readonly unknown[]) => (name: string, body: TestBody, options?: Options) => {
    for (const [index, row] of rows.entries()) {
      register(titleOf(name, row, index), () => body(...(argumentsOf(row) as never[])), options, skipped)
    }
  }
  return Object.assign(declare, { each })
}

function describeWith(skipped: boolean) {
  const declare = (name: string, body: Body) => {
    const outer = current
    current = suite(name, outer, skipped)
    try {
      body()
    } finally {
      current = outer
    }
  }
  const each = (rows: readonly unknown[]) => (name: string, body: TestBody) => {
    for (const [index, row] of rows.entries()) {
      declare(titleOf(name, row, index), () => body(...(argumentsOf(row) as never[])))
    }
  }
  return Object.assign(declare, { each })
}

/** Declares a test, as `bun:test` does; `.skip`, `.skipIf`, `.if`, `.todo` and `.each` as there. */
export const test = Object.assign(testWith(false), {
  skip: testWith(true),
  todo: testWith(true),
  skipIf: (condition: boolean) => testWith(condition),
  if: (condition: boolean) => testWith(!condition),
})
/** Declares a block of tests that share hooks. */
export const describe = Object.assign(describeWith(false), {
  skip: describeWith(true),
  skipIf: (condition: boolean) => describeWith(condition),
  if: (condition: boolean) => describeWith(!condition),
})

/** Runs once before the first test of the block, or of the file. */
export const beforeAll = (hook: Body) => void current.beforeAll.push(hook)
/** Runs once after the last test of the block, or of the file. */
export const afterAll = (hook: Body) => void current.afterAll.push(hook)
/** Runs before each test of the block, outer blocks first. */
export const beforeEach = (hook: Body) => void current.beforeEach.push(hook)
/** Runs after each test of the block, inner blocks first. */
export const afterEach = (hook: Body) => void current.afterEach.push(hook)

const matcher =
  (says: string, holds: (found: unknown, wanted: never) => boolean) => (found: unknown, wanted?: unknown) => {
    const pass = holds(found, wanted as never)
    return { pass, message: () => `Expected ${JSON.stringify(found)} ${pass ? "not " : ""}${says} ${wanted ?? ""}` }
  }

expect.extend({
  toBeTrue: matcher("to be true", (found) => found === true),
  toBeFalse: matcher("to be false", (found) => found === false),
  toBeNil: matcher("to be null or undefined", (found) => found === null || found === undefined),
  toBeArray: matcher("to be an array", (found) => Array.isArray(found)),
  toBeString: matcher("to be a string", (found) => typeof found === "string"),
  toBeNumber: matcher("to be a number", (found) => typeof found === "number"),
  toBeBoolean: matcher("to be a boolean", (found) => typeof found === "boolean"),
  toBeFunction: matcher("to be a function", (found) => typeof found === "function"),
  toBeInteger: matcher("to be an integer", (found) => Number.isInteger(found)),
  toBeFinite: matcher("to be finite", (found) => Number.isFinite(found)),
  toBeEmpty: matcher("to be empty", (found) => sizeOf(found) === 0),
  toBeOneOf: matcher("to be one of", (found, wanted: unknown[]) => wanted.includes(found)),
  toStartWith: matcher("to start with", (found, wanted: string) => String(found).startsWith(wanted)),
  toEndWith: matcher("to end with", (found, wanted: string) => String(found).endsWith(wanted)),
  toInclude: matcher("to include", (found, wanted: string) => String(found).includes(wanted)),
})

function sizeOf(value: unknown): number {
  if (typeof value === "string" || Array.isArray(value)) return value.length
  if (value instanceof Map || value instanceof Set) return value.size
  return typeof value === "object" && value !== null ? Object.keys(value).length : Number.NaN
}

export { expect }
