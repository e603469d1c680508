// The interface as a document, held against a validator that is not ours and against what the server says; the page made from
// it; and the client made from it, compiled by tsc and run against a real server.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Validator } from "@seriousme/openapi-schema-validator"
import { Ajv2020 } from "ajv/dist/2020.js"
import { describingWay } from "../../deploy/http/describing.ts"
import { folderWith, type Running, shadowgraph, start } from "../cli/command.ts"
import { root } from "../repository.ts"
import { ASKS, FAILS, SLOW, SUM, site } from "./world.ts"

setDefaultTimeout(60_000)

const KINDS = `
graph: kinds
about: Has every kind of port. */ <script>
input:
  count: int64 = 3
  word: a | b
  maybe?: string
  list: "[number]"
  map: { "*": { deep: number | null } }
  raw: bytes
  any: unknown
nodes:
  out:
    expr:
      count: input.count
      big: int64(9007199254740993)
      word: input.word
      list: input.list.map(x, x * 2)
      map: input.map
      raw: input.raw
output: out
`
const INPUT = { word: "a", list: [1, 2], map: { x: { deep: 1 }, y: { deep: null } }, raw: "AQID", any: { a: [1] } }
const GRAPHS = [SUM, SLOW, ASKS, FAILS, KINDS]
const ways = [describingWay({ version: "1.2.3", guarded: false })]

describe("the document", () => {
  test("is valid OpenAPI 3.1, with and without graphs and tokens", async () => {
    for (const [graphs, guarded] of [
      [GRAPHS, false],
      [[], true],
    ] as const) {
      const { get } = await site(graphs, { ways: [describingWay({ version: "1.2.3", guarded })] })
      const { json } = await get("/openapi.json")
      const result = await new Validator().validate(structuredClone(json))
      expect([result.valid, result.errors]).toEqual([true, undefined])
      expect(json.openapi).toBe("3.1.1")
    }
  })

  test("says what the server says: answers fit their schemas, and inputs are refused by both", async () => {
    const { get, post } = await site(GRAPHS, { ways })
    const { json: document } = await get("/openapi.json")
    const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { int64: true } })
    ajv.addSchema(document, "doc")
    const fits = (at: string, value: unknown) => {
      const check = ajv.getSchema(`doc#/${at}`)!
      return check(value) ? [] : check.errors!.map((e) => `${e.instancePath} ${e.message}`)
    }
    const of = (graph: string, status: string, type: string) =>
      `paths/~1graphs~1${graph}~1runs/post/responses/${status}/content/${type.replace("/", "~1")}/schema`
    const done = await post("/graphs/kinds/runs", { input: INPUT })
    expect(done.json.output).toEqual({
      big: "9007199254740993",
      count: 3,
      list: [2, 4],
      map: INPUT.map,
      raw: "AQID",
      word: "a",
    })
    expect(fits(of("kinds", "200", "application/json"), done.json)).toEqual([])
    const body = "paths/~1graphs~1kinds~1runs/post/requestBody/content/application~1json/schema"
    for (const [input, ok] of [
      [INPUT, true],
      [{ ...INPUT, count: "9007199254740993" }, true],
      [{ ...INPUT, maybe: "x" }, true],
      [{ ...INPUT, word: "c" }, false],
      [{ ...INPUT, stray: 1 }, false],
      [{ ...INPUT, list: ["x"] }, false],
      [{ word: "a" }, false],
    ] as const) {
      expect([input, fits(body, { input }).length === 0]).toEqual([input, ok])
      expect([input, (await post("/graphs/kinds/runs", { input })).status]).toEqual([input, ok ? 200 : 422])
    }
    // What a graph is described as says the same.
    const { input, output } = (await get("/graphs/kinds")).json
    const [takes, gives] = [ajv.compile(input), ajv.compile(output)]
    expect([takes({ ...INPUT, count: input.properties.count.default }), gives(done.json.output)]).toEqual([true, true])
    const failed = await post("/graphs/fails/runs", { input: { at: 7 } })
    expect(fits(of("fails", "default", "application/problem+json"), failed.json)).toEqual([])
    const rests = await post("/graphs/asks/runs", { input: { id: "A" } })
    expect(fits(of("asks", "202", "application/json"), rests.json)).toEqual([])
    const at = "components/schemas"
    expect(fits(`${at}/State`, (await get(`/runs/${rests.json.run}`)).json)).toEqual([])
    expect(fits(`${at}/State`, (await get(`/runs/${failed.json.run}`)).json)).toEqual([])
    expect(fits(`${at}/Runs`, (await get("/runs")).json)).toEqual([])
    expect(fits(`${at}/Batch`, (await post("/graphs/sum/batch", { inputs: [{ a: 1 }, {}] })).json)).toEqual([])
    expect(fits(`${at}/Problem`, (await get("/runs/none")).json)).toEqual([])
  })

  test("names every way there is, and no other", async () => {
    const { app, get } = await site([SUM], { ways })
    const { json } = await get("/openapi.json")
    const said = Object.entries<object>(json.paths).flatMap(([path, verbs]) =>
      Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`),
    )
    const there = app.routes
      .filter(
        ({ method, path }) =>
          method !== "ALL" && !(/\/(runs|batch)$/.test(path) && path !== "/runs" && method !== "POST"),
      )
      .flatMap(({ method, path }) => {
        const plain = path.replace(/\{[^}]*\}/g, "").replace(/:(\w+)/g, "{$1}")
        if (
          plain === "/openapi.json" ||
          plain === "/docs" ||
          plain.startsWith("/problems/") ||
          plain === "/graphs/{name}"
        )
          return []
        return [`${method} ${plain.startsWith("/graphs/") ? plain.replace("{name}", "sum") : plain}`]
      })
    expect(said.sort()).toEqual([...new Set(there)].sort())
  })

  test("holds only the graphs that the caller may run", async () => {
    const holderOf = async () => ({ name: "a", grants: [], graphs: ["sum"] })
    const { get } = await site([SUM, FAILS], { ways, holderOf })
    const { json } = await get("/openapi.json")
    expect(Object.keys(json.paths).filter((p) => p.startsWith("/graphs/"))).toEqual([
      "/graphs/sum/batch",
      "/graphs/sum/runs",
    ])
  })
})

test("the page runs no script, asks nobody, and shows what a graph says of itself as text", async () => {
  const { ask } = await site(GRAPHS, { ways })
  const response = await ask("/docs")
  const html = await response.text()
  const policy = response.headers.get("content-security-policy")!
  expect(policy).toContain("default-src 'none'")
  expect(policy).not.toContain("unsafe")
  expect(html).toContain("/graphs/kinds/runs")
  expect(html).not.toMatch(/<script|https?:\/\/|\son\w+=/)
  // The hash in the policy is that of the one style there is.
  const style = /<style>(.*)<\/style>/s.exec(html)![1]!
  const hash = Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style))).toString("base64")
  expect(policy).toContain(`'sha256-${hash}'`)
})

describe("the client", () => {
  let server: Running
  let url = ""
  let folder = ""
  beforeAll(async () => {
    folder = folderWith({
      "sum.graph.yaml": SUM,
      "fails.graph.yaml": FAILS,
      "asks.graph.yaml": ASKS,
      "kinds.graph.yaml": KINDS,
    })
    server = start(folder, ["serve", "--port", "0", "-g", "ask:person"])
    await server.said("/graphs/sum/runs")
    url = (await server.output()).match(/http:\/\/127\.0\.0\.1:\d+/)![0]
  })
  afterAll(() => server.signal("SIGKILL"))

  test("compiles, and runs against the server", async () => {
    const made = await shadowgraph(folder, "client", "--from", url, "-o", "client.ts")
    expect([made.exit, made.err]).toEqual([0, ""])
    const local = await shadowgraph(folder, "client")
    writeFileSync(join(folder, "local.ts"), local.out)
    writeFileSync(join(folder, "use.ts"), USE(url))
    writeFileSync(join(folder, "wrong.ts"), WRONG)
    const tsc = (...files: string[]) =>
      spawnSync(
        process.execPath,
        [
          join(root, "node_modules/typescript/lib/tsc.js"),
          "--noEmit",
          "--strict",
          "--exactOptionalPropertyTypes",
          "--target",
          "esnext",
          "--module",
          "nodenext",
          "--allowImportingTsExtensions",
          "--skipLibCheck",
          "--types",
          "",
          "--lib",
          "esnext,dom,dom.iterable,dom.asynciterable",
          ...files,
        ],
        { cwd: folder, encoding: "utf8" },
      )
    const right = tsc("use.ts", "local.ts")
    expect([right.status, right.stdout]).toEqual([0, ""])
    const wrong = tsc("wrong.ts")
    const lines = [...wrong.stdout.matchAll(/^wrong\.ts\((\d+)/gm)].map((m) => Number(m[1]))
    expect([...new Set(lines)]).toEqual([3, 4, 5])
    const { used } = await import(pathToFileURL(join(folder, "use.ts")).href)
    expect(await used).toEqual({
      sum: 3,
      doubled: [2, 4],
      raw: "AQID",
      batch: [200, 422],
      problem: "/problems/run-failed",
      parked: "sure",
      resumed: true,
      events: ["run", "result"],
      again: ["result"],
      state: "ended",
      pages: true,
      key: true,
      proof: "run",
    })
  })

  test("is refused for a server that is none", async () => {
    const none = await shadowgraph(folder, "client", "--from", "http://127.0.0.1:1")
    expect([none.exit, none.err]).toEqual([1, expect.stringContaining("Cannot reach 127.0.0.1:1")])
    const other = await shadowgraph(folder, "client", "--from", `${url}/health`)
    expect(other.exit).toBe(0)
    const bad = await shadowgraph(folder, "client", "--from", "nowhere")
    expect([bad.exit, bad.err]).toEqual([2, expect.stringContaining("wants the address of a server")])
  })

  test("`openapi` prints what the server serves", async () => {
    const { out, exit } = await shadowgraph(folder, "openapi")
    expect(exit).toBe(0)
    expect(JSON.parse(out)).toEqual(await (await fetch(`${url}/openapi.json`)).json())
  })
})

const USE = (url: string) => `import { Client, ProblemError } from "./client.ts"
const client = new Client({ url: ${JSON.stringify(url)} })
async function all() {
  const done = await client.run("sum", { a: 2 })
  if (done.state !== "ended") throw new Error("it rests")
  const sum: number = done.output.sum
  const kinds = await client.run("kinds", ${JSON.stringify(INPUT)})
  if (kinds.state !== "ended") throw new Error("it rests")
  const doubled: readonly number[] = kinds.output.list
  const batch = await client.batch("fails", [{ at: 0 }, { at: 1.5, ...({ more: 1 } as object) }])
  const problem = await client.run("fails", { at: 9 }).catch((e: unknown) => (e instanceof ProblemError ? e.problem.type : "none"))
  const rests = await client.begin("asks", { id: "A" }, { waitSeconds: 5 })
  if (rests.state !== "parked") throw new Error("it does not rest")
  const resumed = await client.resume(rests.run, { answers: { sure: true } })
  const events: string[] = []
  let run = ""
  let first = ""
  for await (const event of client.stream("sum", { a: 1 })) {
    events.push(event.event)
    if (event.event === "run") [run, first] = [event.data.run, event.id]
    if (event.event === "result" && event.data.output.sum !== 2) throw new Error("wrong")
  }
  const again: string[] = []
  for await (const event of client.events(run, { after: first })) again.push(event.event)
  const state = await client.look(run)
  const page = await client.runs({ limit: 2 })
  const rest = await client.runs({ limit: 2, before: page.before ?? "" })
  const [a, b] = await Promise.all([client.run("sum", { a: 5 }, { key: "k" }), client.run("sum", { a: 5 }, { key: "k" })])
  const proof = await client.proof(run)
  return {
    sum, doubled, raw: kinds.output.raw, batch: batch.results.map((r) => r.status), problem,
    parked: rests.parked[0]!.path, resumed: resumed.state === "ended" && resumed.output, events, again,
    state: state.status, pages: page.runs.length === 2 && rest.runs.length === 2, key: a.run === b.run, proof: proof["shadowgraph"],
  }
}
export const used = all()
`
const WRONG = `import { Client } from "./client.ts"
const client = new Client({ url: "http://localhost" })
client.run("none", {})
client.run("sum", { b: 1 })
client.run("kinds", { ...({} as { word: "c" }), list: [1], map: {}, raw: "", any: 1 })
export {}
`
