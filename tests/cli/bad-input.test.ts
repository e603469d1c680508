/**
 * What a person can get wrong, and what the world can do to a run, each through the real command: the exit code and the
 * words that are shown. Whatever is said names the place, what was found there, and what to do.
 */
import { Database } from "bun:sqlite"
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { decodePlan, encodePlan } from "../../plan/mod.ts"
import { folderWith, shadowgraph, start } from "./command.ts"

const TOOLS = `export const throws = () => { throw new RangeError("no such order") }
export const hangs = () => new Promise(() => setTimeout(() => 0, 1e6))
export const lies = () => ({ n: "three", s: 4 })
export const late = () => new Promise((done) => setTimeout(() => done("too late"), 400))
`
const node = (line: string, output = "a") =>
  `graph: g\ninput: { n: number = 1 }\nnodes:\n  a: ${line}\noutput: ${output}\n`

let folder: string
let server: ReturnType<typeof Bun.serve>
const sg = (...words: string[]) => shadowgraph(folder, ...words)

/** Writes the graph `g` and runs the command on it. */
async function on(text: string, ...words: string[]) {
  writeFileSync(join(folder, "g.graph.yaml"), text)
  const { exit, out, err } = await sg(...words)
  return { exit, said: out + err }
}

beforeAll(() => {
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url }) => {
      const { pathname } = new URL(url)
      if (pathname === "/inside") return Response.redirect("http://169.254.169.254/latest/meta-data", 302)
      if (pathname === "/endless")
        return new Response(new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(65_536).fill(120)) }))
      if (pathname === "/garbage") return new Response("<html>", { headers: { "content-type": "application/json" } })
      return new Response("no", { status: Number(pathname.slice(1)) })
    },
  })
  folder = folderWith({
    "tools.ts": TOOLS,
    "sub.graph.yaml":
      "graph: sub\ninput: { n: number, m: string }\nnodes:\n  x: { expr: input.n }\noutput: { value: x }\n",
    "broken.db": "this is no database, though it is a text that is long enough to have a header of one hundred bytes",
  })
  const db = new Database(join(folder, "shop.db"))
  db.run("create table t (x)")
  db.close()
})
afterAll(() => server.stop(true))

describe("a file that check refuses, exit 1, all problems at once", () => {
  const row = (name: string, text: string, ...wanted: readonly string[]) =>
    test(name, async () => {
      const { exit, said } = await on(text, "check", "g")
      expect(exit).toBe(1)
      for (const words of wanted) expect(said).toContain(words)
    })

  row(
    "unknown node, port and kind",
    "graph: g\nnodes:\n  a: { graph: ./sub.graph.yaml, with: { n: 1, colour: red } }\n  b: { expr: a.valeu + 1 }\n  c: { mpa: '[1]' }\noutput: bb\n",
    'The graph sub needs the argument "m" (string).',
    'The graph sub takes no argument "colour". It takes: n (number), m (string).',
    'a has no field "valeu". It has: value (number).',
    "Write a.value.",
    'There is no node kind "mpa".',
    "Write map.",
    '"bb" is no name in scope. In scope: a, b, c, input.',
    "Write b.",
    "5 problems in 1 file",
  )
  row(
    "a cycle, by its path",
    "graph: g\nnodes:\n  a: { expr: b }\n  b: { expr: a }\noutput: a\n",
    "in a circle: a → b → a.",
  )
  row(
    "names that are twice, reserved or dangerous",
    "graph: g\nnodes:\n  a: { expr: 1 }\n  a: { expr: 2 }\n  for: { expr: 3 }\n  __proto__: { expr: 4 }\noutput: a\n",
    'The key "a" is written twice in one mapping.',
    'The node name "for" is reserved.',
    'No key may be called "__proto__".',
  )
  row(
    "an anchor bomb",
    `${Array.from({ length: 20 }, (_, i) => `a${i}: &a${i} [${i === 0 ? "x" : `*a${i - 1}, *a${i - 1}`}]\n`).join("")}`,
    'The YAML anchor "&a0" has no meaning in a graph file.',
  )
  row("a tab", "graph: g\nnodes:\n\ta: { expr: 1 }\noutput: a\n", "A tab indents this line", "Write two spaces.")
  row(
    "10,000 lists in lists",
    `graph: g\ninput:\n  a: ${"[".repeat(10_000)}number${"]".repeat(10_000)}\noutput: 1\n`,
    "nested deeper than 400 levels",
  )
  row(
    "50 MB",
    "x".repeat(50_000_000),
    "The file has 50 MB; a graph file may have 20 MB.",
    "Move parts of it into subgraphs",
  )
  row("expressions that are none", node('{ expr: "1 + " }'), "G103", "The expression ends where a value is wanted.")
  row(
    "a pattern that no linear matcher takes",
    node(`{ expr: "'x'.matches('(?=a)b')" }`),
    'Cannot use the pattern "(?=a)b"',
  )
  row("no file", "", "The file is empty")
})

describe("input", () => {
  test("missing, unknown and of another type: all of it, exit 2", async () => {
    const text = "graph: g\ninput: { n: number, i: int64 }\nnodes: { a: { expr: input.n } }\noutput: a\n"
    expect(await on(text, "run", "g", "n=abc", "i=1.5", "x=3")).toEqual({
      exit: 2,
      said: `error  The input has 3 problems
       "x" is no input of this graph
       n cannot be read: wanted number, found "abc"
       i cannot be read: wanted int64, found "1.5"
       It takes i=<int64> n=<number>
`,
    })
    expect((await on(text, "run", "g")).said).toContain("n is missing: wanted number")
  })

  test("NaN and big integers across JSON: whole numbers exact both ways, NaN said as a text and not taken for a number", async () => {
    const text =
      "graph: g\ninput: { n: number, i: int64 }\nnodes: { a: { expr: 0.0 / 0.0 * input.n }, b: { expr: input.i + int64(1) } }\noutput: { a: a, b: b }\n"
    const { exit, said } = await on(text, "run", "g", "n=2", "i=9007199254740993", "--json")
    expect({ exit, output: JSON.parse(said).output }).toEqual({ exit: 0, output: { a: "NaN", b: "9007199254740994" } })
    const refused = await on(text, "run", "g", "n=NaN", "i=9223372036854775808")
    expect(refused).toEqual({
      exit: 2,
      said: `error  The input has 2 problems
       n cannot be read: wanted number, found "NaN"
       i cannot be read: wanted int64, found "9223372036854775808"
       It takes i=<int64> n=<number>
`,
    })
  })
})

describe("work that would not end", () => {
  test("an expression ends by its fuel", async () => {
    const many = "size(range(10000).map(a, size(range(10000).map(b, a + b))))"
    const { exit, said } = await on(node(`{ expr: "${many} + input.n" }`), "run", "g", "--fuel", "100000")
    expect(exit).toBe(1)
    expect(said).toContain("failed  Fuel at a")
    expect(said).toContain("Cannot go on: the run has used up its fuel of 100000; give it more with --fuel")
  })

  test("a pattern that backtracks elsewhere is linear here", async () => {
    const text = "graph: g\ninput: { s: string }\nnodes: { a: { expr: \"input.s.matches('^(a+)+$')\" } }\noutput: a\n"
    expect(await on(text, "run", "g", `s=${"a".repeat(50_000)}!`)).toEqual({ exit: 0, said: "false\n" })
  })
})

describe("a tool", () => {
  const fails = async (line: string, ...wanted: readonly string[]) => {
    const { exit, said } = await on(node(line), "run", "g", "-y")
    for (const words of wanted) expect(said).toContain(words)
    expect([said, exit]).toEqual([said, 1])
  }
  const fn = (name: string, more = "") =>
    `{ fn: "./tools.ts#${name}", effect: read, resource: orders, output: string${more} }`

  test("that throws", () => fails(fn("throws"), "failed  Threw at a", "no such order"))
  test("that hangs", () => fails(fn("hangs", ", timeout: 100ms"), "failed  Timeout at a", "No answer after 100 ms"))
  test("that answers late is not heard", () => fails(fn("late", ", timeout: 100ms"), "failed  Timeout at a"))
  test("that answers garbage", () =>
    fails(
      '{ fn: "./tools.ts#lies", effect: read, resource: orders, output: { n: number, s: string } }',
      'Cannot take "n": want number, found "three"',
    ))
  test("that dies in the middle of a call", async () => {
    const faulty = join(import.meta.dirname, "../contract/samples/faulty-server.mjs")
    const servers = `servers:\n  faulty: { stdio: [${process.execPath}, ${faulty}], reads: [die] }\n`
    const text = `graph: g\n${servers}nodes:\n  a: { mcp: faulty/die, output: string }\noutput: a\n`
    expect(await on(text, "lock", "g")).toMatchObject({ exit: 0 })
    const { exit, said } = await on(text, "run", "g", "-y")
    expect([said, exit]).toEqual([expect.stringContaining("failed  ToolDied at a"), 1])
    expect(said).toContain("out of cheese")
  })

  const http = (path: string, ...wanted: readonly string[]) =>
    fails(`{ http: "GET http://127.0.0.1:${server.port}${path}", output: { n: number } }`, ...wanted)
  test("that answers 404", () => http("/404", "failed  HttpStatus at a", "404"))
  test("that answers 500", () => http("/500", "failed  HttpStatus at a", "500"))
  test("that leads to an address inside", () => http("/inside", "169.254.169.254"))
  test("that sends without end", () => http("/endless", "TooLarge"))
  test("that says it is JSON and is not", () =>
    http("/garbage", "failed  BadBody at a", 'is not JSON (it begins "<html>")'))

  const database = (file: string) =>
    `graph: g\ndatabases: { shop: "sqlite:./${file}" }\nnodes:\n  a: { sql: shop, query: "select x from t", output: [{ x: number }] }\noutput: a\n`
  test("whose database is locked", async () => {
    const other = new Database(join(folder, "shop.db"))
    other.run("begin exclusive")
    const { exit, said } = await on(database("shop.db"), "run", "g", "-y")
    other.run("rollback")
    other.close()
    expect(exit).toBe(1)
    expect(said).toContain("failed  Locked at a")
  })
  test("whose database is none", async () => {
    const { exit, said } = await on(database("broken.db"), "run", "g", "-y")
    expect(exit).toBe(1)
    expect(said).toContain("failed  Corrupt at a")
  })

  test("that was not granted: exit 3, what is missing and the line to add", async () => {
    expect(await on(database("shop.db"), "run", "g")).toEqual({
      exit: 3,
      said: `error  not granted: sql:shop:read
       shadowgraph run g --grant sql:shop:read
       or "grants": ["sql:shop:read"] in shadowgraph.project.json
`,
    })
  })

  test("of a plan that claims less than its registration", async () => {
    const text = database("shop.db")
      .replace("select x from t", "delete from t")
      .replace(", output: [{ x: number }]", "")
    expect(await on(text, "compile", "g", "--out", "g.plan")).toMatchObject({ exit: 0 })
    const plan = decodePlan(readFileSync(join(folder, "g.plan")))
    const less = { ...plan, externs: plan.externs.map((x) => ({ ...x, effect: "read" as const })) }
    writeFileSync(join(folder, "less.plan"), encodePlan(less))
    const { exit, err } = await sg("run", "less.plan", "-y")
    expect(exit).toBe(1)
    expect(err).toContain('effect must be write as kind "sql" is registered, found read. Compile the graph again.')
  })
})

test("Ctrl-C in the middle: the tool is stopped, the run is on record, exit 130", async () => {
  writeFileSync(
    join(folder, "g.graph.yaml"),
    node('{ fn: "./tools.ts#hangs", effect: read, resource: orders, output: string }'),
  )
  const running = start(folder, ["run", "g", "-y", "--timeline"])
  await new Promise((wake) => setTimeout(wake, 1_500))
  running.signal("SIGINT")
  const { exit, err } = await running.done
  expect([exit, err]).toEqual([130, expect.stringContaining("stopped  interrupted")])
  const [last] = JSON.parse((await sg("runs", "--json")).out)
  expect(last).toMatchObject({ outcome: "Cancelled" })
})
