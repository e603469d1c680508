// The first minutes of a user: a project is started, checked, played, run, drawn, compiled, explained; and what was run
// is found again. Then the mistakes that people make in project files.
import { describe, expect, setDefaultTimeout, test } from "bun:test"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { folderWith, shadowgraph, start } from "./command.ts"

setDefaultTimeout(60_000)

describe("init", () => {
  const folder = folderWith({})
  const sg = (...words: string[]) => shadowgraph(folder, ...words)

  test("starts a project that checks, passes its cases and runs", async () => {
    const init = await sg("init")
    expect(init.exit).toBe(0)
    expect(init.out.split("\n").slice(0, 4)).toEqual([
      "ok    deliveries.graph.yaml",
      "ok    deliveries.test.yaml",
      "ok    data/stops.json",
      "ok    package.json",
    ])
    // Started from a clone: what it depends on is that clone, whatever a registry has.
    const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
    const own = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")).dependencies
    expect(dependencies).toEqual({
      effect: own.effect,
      shadowgraph: `file:${join(import.meta.dirname, "../..")}`,
      valibot: own.valibot,
    })
    expect((await sg("check")).out).toBe("ok  deliveries.graph.yaml  7 nodes, needs fs:read:./data fs:write:./out\n")
    expect(await sg("test")).toEqual({
      exit: 0,
      out: `deliveries.test.yaml  deliveries
  ok    two stops  2 calls
  ok    in a rush it costs half as much again  2 calls
  ok    without the file nothing is written  1 call
3 cases, all pass
`,
      err: "",
    })
    expect(existsSync(join(folder, "out"))).toBe(false)
    const ran = await sg("run", "deliveries", "-y")
    const total = 1149 * 0.75 + 62.75 * 0.5
    expect(JSON.parse(ran.out)).toEqual({ bill: "./out/bill.json", stops: 4, total })
    expect(JSON.parse(readFileSync(join(folder, "out", "bill.json"), "utf8")).total).toBe(total)
  })

  test("keeps what is there", async () => {
    const before = readFileSync(join(folder, "deliveries.graph.yaml"), "utf8")
    const again = await sg("init", ".")
    expect(again.out).toContain("kept  deliveries.graph.yaml, which was there")
    expect(readFileSync(join(folder, "deliveries.graph.yaml"), "utf8")).toBe(before)
  })

  test("what ran is found again, entry by entry, and its chain is whole", async () => {
    const [run] = JSON.parse((await sg("runs", "--json")).out)
    expect(run).toMatchObject({ outcome: "ok", reads: 1, writes: 1 })
    const one = await sg("runs", run.run.slice(0, 12))
    expect(one.exit).toBe(0)
    expect(one.out).toMatch(/read {5}stops {2}fs:\.\/data/)
    expect(one.out).toMatch(/outcome {2}of \d, delivered/)
    expect(one.out).toContain("chain of 5 entries is whole")
    const none = await sg("runs", "nothing")
    expect(none.exit).toBe(1)
    expect(none.err).toContain('There is no run "nothing"')
  })

  test("a word that has no page gets the nearest one, or where failures of runs are explained", async () => {
    expect(await sg("help", "chek")).toMatchObject({ exit: 2, err: expect.stringContaining("Did you mean check?") })
    expect(await sg("explain", "shedule")).toMatchObject({ exit: 2, err: expect.stringContaining("mean schedule?") })
    expect(await sg("explain", "TimeOuts")).toMatchObject({ exit: 2, err: expect.stringContaining("mean Timeout?") })
    expect((await sg("explain", "nothing.graph.yaml")).exit).toBe(1)
  })

  test("a failure, a refusal and an exit code have a page, and a graph of that name comes first", async () => {
    expect((await sg("explain", "httpstatus")).out).toContain("HttpStatus  The server answered with an error\n")
    expect((await sg("explain", "not-granted")).out).toContain("--grant")
    expect(await sg("explain", "4")).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^exit code 4 {2}the run rests/),
    })
    expect(await sg("explain", "7")).toMatchObject({
      exit: 2,
      err: expect.stringContaining("Exit codes: 0 1 2 3 4 130"),
    })
    const list = (await sg("explain")).out
    for (const heading of ["what a run fails with", "why a plan is not admitted", "what an exit code says"])
      expect(list).toContain(heading)
    const own = folderWith({ "locked.graph.yaml": "graph: locked\nnodes:\n  x: { expr: '1' }\noutput: x\n" })
    expect((await shadowgraph(own, "explain", "locked")).out).toMatch(/^locked {2}\d+ bytes/)
  })

  test("compile, disasm, draw, explain, types agree about it", async () => {
    expect((await sg("compile")).exit).toBe(0)
    const listing = await sg("disasm", "deliveries.plan")
    expect(listing.out).toMatch(/^plan deliveries [0-9a-f]{12}… {3}format 1/)
    expect((await sg("disasm", "deliveries")).out.split("\n")[0]).toBe(listing.out.split("\n")[0]!)
    const svg = await sg("draw", "deliveries", "--svg", "-")
    expect(svg.out).toStartWith("<svg ")
    expect(svg.out).toContain(">prices</text>")
    expect((await sg("draw", "deliveries.plan", "--mermaid")).out).toContain("flowchart TD")
    const explained = await sg("explain", "deliveries")
    expect(explained.out).toContain("needs fs:read:./data  read files in ./data")
    expect(explained.out).toContain("fold  evaluate what depends on nothing")
    expect((await sg("explain", "deliveries", "-p", "both.svg")).exit).toBe(0)
    expect(readFileSync(join(folder, "both.svg"), "utf8")).toContain(">the plan</text>")
    expect((await sg("types")).out).toBe("ok  deliveries.graph.d.yaml.ts\n")
    expect((await sg("types", "--check")).exit).toBe(0)
    writeFileSync(join(folder, "deliveries.graph.d.yaml.ts"), "")
    expect(await sg("types", "--check")).toEqual({
      exit: 1,
      out: "",
      err: "error  deliveries.graph.d.yaml.ts is out of date; `shadowgraph types` writes it\n",
    })
  })
})

describe("test", () => {
  const graph = `graph: price
input: { id: string }
databases: { shop: "sqlite:./shop.db" }
nodes:
  row: { sql: shop, query: "select price from items where id = :id", with: { id: "\${ input.id }" }, one: true, output: { price: number } }
output: row.price * 2
`
  const cases = `# Kept.
cases:
  - name: cheap # kept too
    input: { id: a }
    tools: { row: { price: 1.5 } }
    output: 4
  - name: names
    input: { id: a }
    tools: { rwo: { price: 1 } }
`

  test("says what is wrong, with the line; --update writes what a case gave and keeps the rest", async () => {
    const folder = folderWith({ "price.graph.yaml": graph, "price.test.yaml": cases })
    const failed = await shadowgraph(folder, "test")
    expect(failed).toEqual({
      exit: 1,
      out: `price.test.yaml  price
  FAIL  cheap  price.test.yaml:3
        output  expected 4, found 3
  FAIL  names  price.test.yaml:7
        tools  nothing that this graph calls is named "rwo"; did you mean row?
        row  is called (read db:shop), and nothing says what it answers; write tools: { row: … }
        output  expected a value, found the failure NoAnswer at row: Nothing says what row answers
2 cases, 2 failed
`,
      err: "",
    })
    expect((await shadowgraph(folder, "test", "--update", "--only", "cheap")).out).toContain("set   cheap")
    expect(readFileSync(join(folder, "price.test.yaml"), "utf8")).toBe(cases.replace("output: 4", "output: 3"))
    expect((await shadowgraph(folder, "test", "price", "--only", "cheap")).exit).toBe(0)
    expect(JSON.parse((await shadowgraph(folder, "test", "--json")).out)).toMatchObject({
      ok: false,
      cases: 2,
      failed: 1,
    })
  })

  test("a test file with mistakes shows them at their places", async () => {
    const folder = folderWith({ "price.graph.yaml": graph, "price.test.yaml": "cases:\n  - nmae: x\n" })
    const { exit, err } = await shadowgraph(folder, "test")
    expect(exit).toBe(1)
    expect(err).toContain("error G002  price.test.yaml:2:5  cases[0].nmae")
    expect(err).toContain("Write name:")
  })
})

describe("a graph written in TypeScript", () => {
  const folder = folderWith({
    "quote.graph.ts": `import { graph, num } from "shadowgraph"
import * as v from "valibot"
export default graph("quote", { input: { kg: v.number() } }, (input) => num\`\${input.kg} * 2\`)
`,
  })

  test("is checked and run by its file; what cannot be found says so", async () => {
    expect((await shadowgraph(folder, "check", "quote.graph.ts")).out).toContain("ok  quote.graph.ts")
    expect((await shadowgraph(folder, "run", "quote", "kg=21")).out).toBe("42\n")
    const { exit, err } = await shadowgraph(folder, "run", "quote.graph.ts#other")
    expect(exit).toBe(1)
    expect(err).toContain("name one of its graphs: quote.graph.ts#default")
  })
})

describe("project files that say something else", () => {
  const graph = "graph: one\nnodes:\n  x: { expr: '1' }\noutput: x\n"
  const said = async (files: { readonly [path: string]: string }, ...words: string[]) => {
    const { exit, err } = await shadowgraph(
      folderWith({ "one.graph.yaml": graph, ...files }),
      ...(words.length > 0 ? words : ["run", "one"]),
    )
    return { exit, err }
  }

  test.each([
    ["{", 'Cannot read JSON at character 2: want a key in quotes, found "the end"'],
    ['{ "grants": ["net"], "grants": [] }', 'at character 22: the key "grants" is written twice'],
    ["[]", 'wanted { "grants": […] }'],
    ['{ "grant": [] }', 'it has no key "grant"; known: grants, kinds'],
    ['{ "grants": "all" }', '"grants" must be a list of texts'],
    ['{ "kinds": ["../evil.ts"] }', "the module must lie below the project's folder"],
    ['{ "kinds": ["./gone.ts"] }', "Cannot load node kinds"],
  ])("%s", async (text, message) => {
    const { exit, err } = await said({ "shadowgraph.project.json": text })
    expect(exit).toBe(1)
    expect(err).toContain(message)
    expect(err).not.toContain("    at ")
  })

  test("a lock that is none shows its problems", async () => {
    const { exit, err } = await said({ "shadowgraph.lock": '{ "format": 7, "pins": {} }' })
    expect(exit).toBe(1)
    expect(err).toContain("The lock's format must be 1, found 7.")
  })

  test("a node kind of the project's own is used", async () => {
    const kind = `import { T } from "shadowgraph/graph"
export const double = {
  kind: "double", about: "Doubles.", main: { form: "cel", type: T.number, required: true, about: "" }, fields: {}, takesWith: false,
  sign: () => ({ effect: "pure", resource: null, needs: [], input: T.record({ double: T.number }), output: T.number, async: false }),
  open: () => ({ execute: (args) => args.double * 2 }),
}
`
    const folder = folderWith({
      "shadowgraph.project.json": '{ "kinds": ["./double.ts"] }',
      "double.ts": kind,
      "one.graph.yaml": "graph: one\nnodes:\n  x: { double: '21' }\noutput: x\n",
    })
    expect(await shadowgraph(folder, "run", "one")).toEqual({ exit: 0, out: "42\n", err: "" })
  })

  test("validators of the project's own are asked, and levels that it demands are reached or refused", async () => {
    const files = (least: string, holds: string) => ({
      "shadowgraph.project.json": `{ "kinds": ["./checks.ts"], "validate": { "read": "${least}" } }`,
      "checks.ts": `export const sane = { validates: "now", validators: () => [
  { level: "property", about: "is after the year 2000", holds: (answer) => ${holds} },
] }
`,
      "one.graph.yaml": "graph: one\nnodes:\n  t: { now: ms }\noutput: t > 0\n",
    })
    const ok = await said(files("property", "answer > 946684800000"))
    expect(ok.exit).toBe(0)
    const wrong = await said(files("property", "answer < 0"))
    expect(wrong.exit).toBe(1)
    expect(wrong.err).toContain("refused by its property validator (is after the year 2000): it does not hold")
    const low = await said(files("exact", "true"))
    expect(low.exit).toBe(1)
    expect(low.err).toContain("its answer is validated at level property, and what this run demands of read is exact")
    const foreign = await said({
      ...files("schema", "true"),
      "checks.ts": 'export const x = { validates: "sing", validators: () => [] }',
    })
    expect(foreign.err).toContain('there is no kind "sing"')
    for (const level of ["none", "strict"]) {
      expect((await said(files(level, "true"))).err).toContain(
        '"validate" must map an effect or capability to one of syntax, schema, property, oracle, exact',
      )
    }
  })

  test("a plan that is none, or is cut off, is refused", async () => {
    const garbage = await said({ "bad.plan": "not a plan" }, "run", "bad.plan")
    expect(garbage.exit).toBe(1)
    expect(garbage.err).toContain("Cannot admit the plan")
    const folder = folderWith({ "one.graph.yaml": graph })
    await shadowgraph(folder, "compile")
    const bytes = readFileSync(join(folder, "one.plan"))
    writeFileSync(join(folder, "one.plan"), bytes.subarray(0, -3))
    const changed = await shadowgraph(folder, "run", "one.plan")
    expect({ exit: changed.exit, out: changed.out }).toEqual({ exit: 1, out: "" })
  })

  test("a pipe that closes early is no error", async () => {
    const folder = folderWith({
      "one.graph.yaml": `graph: many\nnodes:\n  x: { expr: "[1, 2, 3].map(a, [1, 2, 3, 4, 5, 6, 7, 8, 9])" }\noutput: x\n`,
    })
    const piped = start(folder, ["run", "one"])
    expect((await piped.done).exit).toBe(0)
  })
})
