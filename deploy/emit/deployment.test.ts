/** What a host lacks for a graph, found without writing anything, and what a deployment carries. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Failure } from "../../graph/mod.ts"
import { loadGraph } from "../project/load.ts"
import { openProject } from "../project/project.ts"
import { sourceOf } from "../project/source.ts"
import { type Deployment, deploymentOf } from "./deployment.ts"
import { gather } from "./gather.ts"
import { type Lack, lacksOf, type Wanted } from "./lacks.ts"
import type { Target } from "./targets.ts"

const base = mkdtempSync(join(tmpdir(), "shadowgraph-emit-"))
beforeAll(() => symlinkSync(join(import.meta.dirname, "../../node_modules"), join(base, "node_modules")))
afterAll(() => rmSync(base, { recursive: true, force: true }))

/** A graph of a folder of its own. */
async function loaded(graph: string, files: Record<string, string>) {
  const folder = mkdtempSync(join(base, "graph-"))
  for (const [name, text] of Object.entries({ ...files, "g.graph.yaml": graph }))
    writeFileSync(join(folder, name), text)
  const project = await openProject(folder)
  const { checked, problems } = await loadGraph(sourceOf(join(folder, "g.graph.yaml"), folder), project, {
    cwd: folder,
  })
  if (checked === undefined) throw new RangeError(JSON.stringify(problems))
  return { checked, project, folder }
}

/** `granted`: all that the graph needs. */
async function deployed(
  target: Target,
  graph: string,
  granted: boolean,
  files: Record<string, string> = {},
): Promise<Deployment> {
  const { checked, project, folder } = await loaded(graph, files)
  const before = readdirSync(folder).length
  const grants = granted ? checked.needs : []
  const made = await deploymentOf({
    target,
    graphs: [checked],
    project,
    grants,
    ledger: "memory",
    open: false,
    name: "g",
  })
  expect(readdirSync(folder).length).toBe(before)
  return made
}
/** What is known before anything is bundled. */
async function lacks(target: Target, graph: string, granted: boolean, files: Record<string, string> = {}) {
  const { checked, project } = await loaded(graph, files)
  const grants = granted ? checked.needs : []
  const form = { interface: "full", ledger: "memory", speculates: false } as const
  return lacksOf(await gather(checked, project), { target, grants, ...form })
}
const harmfulOf = (found: readonly Lack[]) => found.flatMap(({ what, harmless }) => (harmless ? [] : [what]))
const harmful = async (...given: Parameters<typeof lacks>) => harmfulOf(await lacks(...given))

const node = (text: string) => `graph: g\nnodes:\n  it: ${text}\noutput: it\n`
const PUBLIC = node("{ http: GET https://rates.example.com/latest, output: number }")
const SECRET = node("{ http: GET https://rates.example.com/latest, auth: { bearer: secret:KEY }, output: number }")

describe("what is lacking", () => {
  test("a grant", async () => {
    expect(await harmful("workerd", PUBLIC, false)).toEqual(["not granted: net:rates.example.com"])
    expect(await harmful("workerd", PUBLIC, true)).toEqual([])
  })

  test("a kind of node", async () => {
    const script = node('{ script: "export default () => 1", output: number }')
    expect(await harmful("workerd", script, true)).toEqual([])
    const file = node("{ read_file: ./a.txt }")
    expect(await harmful("browser", file, true)).toEqual(['a page in a browser runs no nodes of the kind "read_file"'])
    expect(await harmful("node", file, true)).toEqual([])
  })

  test("a record that lasts, and somebody to answer, for runs that rest", async () => {
    for (const [graph, kind] of [
      [node("{ ask: Really?, choices: [yes, no] }"), "ask"],
      [node("{ event: paid, output: string }"), "event"],
    ] as const) {
      const { checked, project } = await loaded(graph, {})
      const gathered = await gather(checked, project)
      const found = (target: Target, more: Partial<Wanted>) =>
        lacksOf(gathered, {
          target,
          grants: checked.needs,
          ledger: "memory",
          interface: "full",
          ...more,
        })
      const gone = (title: string) =>
        `a run that rests at ${kind} is gone with the program: ${title} has its ledger in memory here`
      expect(harmfulOf(found("deno", {}))).toEqual([gone("Deno")])
      expect(harmfulOf(found("workerd", {}))).toEqual([gone("a Cloudflare worker")])
      expect(found("workerd", {}).map(({ fix }) => fix)).toContain("add --ledger durable")
      expect(harmfulOf(found("workerd", { ledger: "durable" }))).toEqual([])
      expect(harmfulOf(found("bun", { ledger: "file" }))).toEqual([])
      expect(harmfulOf(found("bun", { ledger: "file", interface: "small" }))).toEqual([
        `nobody could answer a run that rests at ${kind}: the small interface has no runs by their ids`,
      ])
      expect(found("browser", {})).toContainEqual({
        graph: "g",
        what: `a run that rests at ${kind} rests for as long as the page is open`,
        harmless: true,
      })
    }
  })

  test.each(["http://localhost:8080/", "http://10.0.0.7/", "http://169.254.169.254/"])(
    "a way to %s from a worker",
    async (url) => {
      const [lack, ...more] = await harmful("workerd", node(`{ http: GET ${url}, output: number }`), true)
      expect(lack).toStartWith("a Cloudflare worker does not reach")
      expect(more).toEqual([])
      expect(await harmful("bun", node(`{ http: GET ${url}, output: number }`), true)).toEqual([])
    },
  )

  test("a place for a secret", async () => {
    expect(await harmful("browser", SECRET, true)).toEqual([
      "there is no secret in a page in a browser: whoever opens it would read KEY",
    ])
    const { lacks: found, files } = await deployed("workerd", SECRET, true)
    expect(found).toContainEqual({
      graph: "g",
      what: "the secret KEY is not brought along",
      fix: "npx wrangler secret put KEY",
      harmless: true,
    })
    expect(files["workerd.capnp"]).toContain('(name = "KEY", fromEnvironment = "KEY")')
  })

  test("a login, which a program is not written with", async () => {
    const graph = (auth: string) =>
      `graph: g\nservers: { wiki: { url: https://wiki.example.com/mcp, auth: ${auth} } }\nnodes:\n  it: { mcp: wiki/read, parse: text }\noutput: it\n`
    const told = async (auth: string) =>
      (await lacks("bun", graph(auth), true)).map(({ what }) => what).filter((what) => what.includes("login"))
    expect(await told("oauth")).toEqual(["the login at wiki is not brought along"])
    const machine = "{ oauth: client_credentials, id: a, secret: secret:A, issuer: https://login.example.com }"
    expect(await told(machine)).toEqual([])
  })

  test("a module of the platform, code that the lock does not pin, code that cannot be read", async () => {
    const graph = node("{ fn: ./it.ts#it, effect: pure, output: string }")
    const code = { "it.ts": 'import { hostname } from "node:os"\nexport const it = () => hostname()\n' }
    expect(harmfulOf((await deployed("workerd", graph, true, code)).lacks)).toEqual([
      'a Cloudflare worker has no "node:os", which the code of a function imports',
    ])
    expect(harmfulOf((await deployed("bun", graph, true, code)).lacks)).toEqual([])
    const lock = JSON.stringify({ format: 1, pins: { "fn:./it.ts#it": { sha256: "00" } } })
    expect(await harmful("bun", graph, true, { ...code, "shadowgraph.lock": lock })).toEqual([
      "./it.ts is not what the lock pins",
    ])
    const broken = deployed("bun", graph, true, { "it.ts": "export const it = (" })
    expect(await broken.catch((cause: unknown) => cause)).toBeInstanceOf(Failure)
  })

  test("a part to play for clients of MCP that the graph cannot play", async () => {
    const { checked, project } = await loaded(PUBLIC, {})
    const more = { ledger: "memory", interface: "full", speculates: false } as const
    const role = { as: "resource", uri: "rates://{day}" } as const
    const gathered = await gather(checked, project)
    const found = lacksOf(gathered, { target: "bun", grants: checked.needs, ...more, roles: [["g", role]] })
    expect(harmfulOf(found)).toEqual(['the address "rates://{day}" names {day}, which is no input of "g"'])
  })

  test("a validator that the project demands", async () => {
    const project = JSON.stringify({ validate: { read: "oracle" } })
    const [lack] = await harmful("bun", PUBLIC, true, { "shadowgraph.project.json": project })
    expect(lack).toContain("what this run demands of read is oracle")
  })
})

test("a grant of a kind of the project's own is left at home", async () => {
  const KIND = `export const mail = { kind: "mail", about: "Sends.", main: { form: "static", type: { kind: "string" }, about: "Whom." },
  fields: {}, takesWith: false, schemes: ["smtp"], sign: () => ({ effect: "write", resource: "mail", needs: ["smtp:send"], output: { kind: "null" } }),
  open: () => ({ execute: () => null }) }
`
  const project = JSON.stringify({ kinds: ["./mail.ts"], grants: ["smtp:send"] })
  const { checked, project: opened } = await loaded(PUBLIC, { "mail.ts": KIND, "shadowgraph.project.json": project })
  const grants = [...opened.file.grants, ...checked.needs]
  const options = {
    target: "workerd",
    graphs: [checked],
    project: opened,
    ledger: "memory",
    open: false,
    name: "g",
  } as const
  const { files, lacks: found } = await deploymentOf({ ...options, grants })
  expect(harmfulOf(found)).toEqual([])
  expect(JSON.parse(String(files["deployment.json"])).graphs[0].grants).toEqual(["net:rates.example.com"])
})

describe("what starts runs by itself", () => {
  const SUM = "graph: g\ninput: { n: number }\nnodes:\n  it: { expr: input.n + 1 }\noutput: it\n"
  const hook = { graph: "g", signature: "github", secret: "secret:KEY", input: { n: "${ body.n }" } }
  const files = {
    "shadowgraph.project.json": JSON.stringify({
      schedules: {
        daily: { graph: "g", cron: "0 7 * * *", input: { n: 1 } },
        other: { graph: "elsewhere", cron: "0 7 * * *" },
      },
      hooks: { pushed: hook },
    }),
  }
  const told = async (target: Target) =>
    (await deployed(target, SUM, true, files)).lacks.flatMap(({ what, harmless }) =>
      /schedule|hook|secret/.test(what) ? [[what, harmless]] : [],
    )
  const LEFT = ["left out with their graphs, which are not deployed: the schedule other", true]
  const KEY = ["the secret KEY is not brought along", true]

  test("comes along where it can be kept, and is said where it cannot", async () => {
    const both = "the schedule daily, the hook pushed"
    expect(await told("node")).toEqual([
      LEFT,
      [`deliveries and ticks are remembered for as long as the program lives: ${both}`, true],
      KEY,
    ])
    expect(await told("workerd")).toEqual([
      LEFT,
      [`runs of ${both} could be lost on their way: a Cloudflare worker has its ledger in memory here`, false],
      KEY,
    ])
    expect(await told("browser")).toEqual([
      LEFT,
      [`not brought along: ${both}; a page in a browser is there while it is open`, true],
    ])
  })

  test("is listed for whoever reviews it, and only where there is some", async () => {
    const list = async (given: Record<string, string>) =>
      JSON.parse(String((await deployed("node", SUM, true, given)).files["deployment.json"]))
    expect(await list(files)).toMatchObject({
      interface: "full",
      schedules: [{ name: "daily", graph: "g", cron: "0 7 * * *", timezone: "UTC" }],
      hooks: [{ name: "pushed", path: "/hooks/pushed", signature: "github", secrets: ["KEY"] }],
    })
    expect(Object.keys(await list({}))).not.toContain("schedules")
  })

  test("brings the engine for patterns where an expression of it wants that", async () => {
    const project = (when: object) => ({
      "shadowgraph.project.json": JSON.stringify({ hooks: { pushed: { ...hook, ...when } } }),
    })
    const plain = await deployed("node", SUM, true, project({ when: "body.kind == 'a'" }))
    const reads = await deployed("node", SUM, true, project({ when: "headers['x'].matches('^a')" }))
    expect(reads.gzip - plain.gzip).toBeGreaterThan(30_000)
  })
})

test("whose pages may ask is in the program and in the list, with the whole interface", async () => {
  const { checked, project } = await loaded(PUBLIC, {})
  const options = {
    target: "node",
    graphs: [checked],
    project,
    grants: checked.needs,
    ledger: "memory",
    open: false,
    name: "g",
  } as const
  const { files } = await deploymentOf({ ...options, origins: ["https://app.example.com"] })
  expect(JSON.parse(String(files["deployment.json"]))).toMatchObject({
    interface: "full",
    cors: ["https://app.example.com"],
  })
  expect(String(files["app.mjs"])).toContain('origins:["https://app.example.com"]')
  expect(String((await deploymentOf(options)).files["deployment.json"])).not.toContain("cors")
})

describe("what comes along", () => {
  test("nothing that the graph does not want", async () => {
    const plain = await deployed("workerd", node('{ expr: "1 + 2" }'), true)
    const asks = await deployed("workerd", PUBLIC, true)
    expect(plain.gzip).toBeLessThan(125_000)
    expect(asks.bytes).toBeGreaterThan(plain.bytes + 10_000)
    const input = "graph: g\ninput: { s: string }\nnodes:\n  it: { expr: 'input.s.matches(\"^a\")' }\noutput: it\n"
    expect((await deployed("workerd", input, true)).gzip - plain.gzip).toBeGreaterThan(30_000)
  })

  test("grants and decisions, listed for whoever reviews it; the same files each time", async () => {
    const project = JSON.stringify({ policy: ["default"], budget: { calls: 5 } })
    const files = { "shadowgraph.project.json": project }
    const one = await deployed("node", PUBLIC, true, files)
    expect(JSON.parse(String(one.files["deployment.json"]))).toMatchObject({
      target: "node",
      graphs: [{ name: "g", needs: ["net:rates.example.com"], grants: ["net:rates.example.com"], code: {} }],
      policy: ["default"],
      budget: { calls: 5 },
      tokens: "SHADOWGRAPH_TOKENS",
    })
    expect((await deployed("node", PUBLIC, true, files)).files).toEqual(one.files)
  })
})
