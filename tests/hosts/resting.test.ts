// Deployments whose runs rest: begun over HTTP, asked about after the host was killed and started again, answered, and gone on with
// when their time comes by itself; with a script in the sandbox, tokens that grant and spend, a stream, a batch and the document of
// the interface; and runs that a schedule and another server start. On Bun, Node, Deno, and workerd with a Durable Object (also by wrangler's own check); in a page while it is open.

import { Database } from "bun:sqlite"
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { createHash, createHmac } from "node:crypto"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { environmentWith, findBun, findDeno } from "../../bin/runtimes.mjs"
import { shadowgraphHere } from "../cli/here.ts"
import { overHttp } from "../mcp/clients.ts"
import { root } from "../repository.ts"
import { answering, findChromium, findWorkerd, freePort, openChromium } from "./launch.ts"
import { recentNode } from "./node.ts"

setDefaultTimeout(120_000)

const GRAPHS = {
  "refund.graph.yaml": `graph: refund
about: Pays back, after a person said how much.
input: { euros: number }
nodes:
  how: { ask: "Pay \${ input.euros } EUR?", choices: [all, half] }
  part:
    script: "export default ({ how, euros }) => (how === 'all' ? euros : euros / 2)"
    with: { how: "\${ how }", euros: "\${ input.euros }" }
    output: number
output: part
`,
  "late.graph.yaml": `graph: late
nodes:
  paid: { event: paid, within: 2s, default: 7, output: number }
output: paid
`,
  "nap.graph.yaml": `graph: nap
nodes:
  rest: { sleep: 300ms }
output: { woke: rest == null }
`,
  "twice.graph.yaml": `graph: twice
input: { x: number }
nodes:
  y: { script: "export default ({ x }) => 2 * x", with: { x: "\${ input.x }" }, output: number }
output: y
`,
}
/** The hour that passed while nothing ran is made up for, once; a delivery that is made again starts nothing. */
const PROJECT = {
  schedules: { hourly: { graph: "twice", cron: "0 * * * *", missed: "once", input: { x: 500 } } },
  hooks: {
    counted: {
      graph: "twice",
      signature: "github",
      secret: "secret:HOOK_KEY",
      when: "headers['x-github-event'] != 'ping'",
      input: { x: "${ body.size }" },
    },
  },
}
const hash = (token: string) => createHash("sha256").update(token).digest("hex")
const entry = (name: string, more: object) => ({ name, sha256: hash(name), created: "2026-01-01T00:00:00Z", ...more })
const TOKENS = JSON.stringify({
  tokens: [
    entry("clerk", { grants: ["ask:person"] }),
    entry("guest", { grants: [], graphs: ["twice", "refund"] }),
    entry("gone", { grants: [], revoked: "2026-01-02T00:00:00Z" }),
  ],
})

const base = mkdtempSync(join(tmpdir(), "shadowgraph-resting-"))
const environment = {
  ...environmentWith(findBun()!),
  NO_COLOR: "1",
  SHADOWGRAPH_TOKENS: TOKENS,
  HOST: "127.0.0.1",
  HOOK_KEY: "hush",
}
const running = new Set<ChildProcess>()
const traces = new Map<string, string>()

beforeAll(() => {
  for (const [name, text] of Object.entries(GRAPHS)) writeFileSync(join(base, name), text)
  writeFileSync(join(base, "shadowgraph.project.json"), JSON.stringify(PROJECT))
  symlinkSync(join(root, "node_modules"), join(base, "node_modules"))
})
afterAll(() => {
  for (const child of running) child.kill("SIGKILL")
  rmSync(base, { recursive: true, force: true })
})

async function deployed(target: string, ...more: readonly string[]): Promise<string> {
  const { exit, err } = await shadowgraphHere(base, "deploy", target, ".", "--yes", "--name", "shop", ...more)
  expect({ exit, err: exit === 0 ? "" : err }).toEqual({ exit: 0, err: "" })
  return join(base, `deploy-${target}`)
}

interface Up {
  readonly url: string
  readonly end: (signal: NodeJS.Signals) => Promise<void>
}

async function up(cwd: string, command: (port: number) => readonly string[]): Promise<Up> {
  const port = await freePort()
  const [program = "", ...args] = command(port)
  const child = spawn(program, args, { cwd, env: { ...environment, PORT: String(port) } })
  running.add(child)
  let said = ""
  child.stderr.on("data", (d) => (said += String(d)))
  child.stdout.on("data", (d) => (said += String(d)))
  const url = `http://127.0.0.1:${port}`
  await answering(`${url}/health`, child, () => said)
  const end = async (signal: NodeJS.Signals) => {
    const ended = new Promise((ok) => child.once("exit", ok))
    child.kill(signal)
    await ended
    running.delete(child)
  }
  return { url, end }
}

const ask = (url: string, token: string | undefined, body?: unknown, headers: Record<string, string> = {}) =>
  fetch(url, {
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
  })
/** What a response says, and its status. */
const said = async (
  response: Promise<Response>,
): Promise<{ readonly status: number; readonly [key: string]: unknown }> => {
  const got = await response
  return { ...((await got.json()) as object), status: got.status }
}

/** A delivery of another server, signed with a key. */
const delivered = (url: string, body: string, key = "hush", event = "push") =>
  said(
    fetch(`${url}/hooks/counted`, {
      method: "POST",
      body,
      headers: {
        "content-type": "application/json",
        "x-hub-signature-256": `sha256=${createHmac("sha256", key).update(body).digest("hex")}`,
        "x-github-event": event,
        "x-github-delivery": "first",
      },
    }),
  )

/** Two hours go by, as far as the schedules of a ledger know. */
function twoHoursPassed(file: string): void {
  const database = new Database(file)
  expect(database.run("UPDATE ledger_mark SET seen = seen - 7200000").changes).toBe(1)
  database.close()
}

/** The run of a schedule, which is told by what it comes to. */
async function ticked(url: string): Promise<void> {
  for (;;) {
    const { runs } = (await said(ask(`${url}/runs?limit=500&graph=twice`, "clerk"))) as unknown as {
      readonly runs: readonly { readonly url: string }[]
    }
    const came = await Promise.all(runs.map(async (run) => (await endOf(url + run.url))["output"]))
    const mine = came.filter((output) => output === 1_000)
    if (mine.length > 0) return expect(mine.length).toBe(1)
    await Bun.sleep(100)
  }
}

/** What a run says once it has ended. */
async function endOf(url: string) {
  for (;;) {
    const now = await said(ask(url, "clerk"))
    if (now.status !== 200) throw new RangeError(`${url}: ${JSON.stringify(now)}`)
    if (now["trace"] !== undefined) return now
    await Bun.sleep(50)
  }
}

/** One host, from before its end to after it. `ledger`: the file of it. */
async function shown(
  name: string,
  folder: string,
  command: (port: number) => readonly string[],
  ledger = () => join(folder, "ledger.db"),
): Promise<void> {
  const first = await up(folder, command)
  const runs = (graph: string) => `${first.url}/graphs/${graph}/runs`
  // Who may do what.
  expect(await said(ask(runs("twice"), undefined, { input: { x: 1 } }))).toMatchObject({
    type: "/problems/token-missing",
  })
  expect(await said(ask(runs("twice"), "gone", { input: { x: 1 } }))).toMatchObject({ type: "/problems/token-revoked" })
  expect(await said(ask(runs("late"), "guest", {}))).toMatchObject({ type: "/problems/graph-not-allowed" })
  expect(await said(ask(runs("refund"), "guest", { input: { euros: 1 } }))).toMatchObject({
    type: "/problems/capability-not-granted",
    missing: ["ask:person"],
  })
  expect(await said(ask(runs("twice"), "guest", { input: { x: 21 } }))).toMatchObject({ status: 200, output: 42 })
  // Runs that rest, one of them told as it goes.
  const refund = await said(ask(runs("refund"), "clerk", { input: { euros: 100 } }))
  expect(refund).toMatchObject({ status: 202, parked: [{ path: "how", why: "ask" }] })
  const stream = await (await ask(runs("late"), "clerk", {}, { accept: "text/event-stream" })).text()
  const late = /"run":"([0-9A-Z]{26})"/.exec(stream)![1]!
  expect(stream.match(/^event: .*/gm)).toEqual(expect.arrayContaining(["event: run", "event: parked"]))
  const begun = await said(ask(runs("nap"), "clerk", {}, { prefer: "respond-async" }))
  expect(begun).toMatchObject({ status: 202 })
  expect(await endOf(`${first.url}/runs/${String(begun["run"])}`)).toMatchObject({ ok: true, output: { woke: true } })
  const batch = await said(
    ask(`${first.url}/graphs/twice/batch`, "clerk", { inputs: [{ x: 1 }, { x: "no" }, { x: 3 }] }),
  )
  expect(batch).toMatchObject({ ended: 2, failed: 1, results: [{ output: 2 }, { status: 422 }, { output: 6 }] })
  const document = await said(ask(`${first.url}/openapi.json`, "guest"))
  expect(Object.keys(document["paths"] as object).filter((path) => path.startsWith("/graphs/"))).toEqual(
    expect.arrayContaining(["/graphs/twice/runs", "/graphs/refund/runs"]),
  )
  expect(JSON.stringify(document)).not.toContain("/graphs/late")
  const { client } = await overHttp(first.url, { token: "guest" })
  expect((await client.listTools()).tools.map(({ name }) => name).sort()).toEqual(["refund", "twice"])
  expect((await client.callTool({ name: "twice", arguments: { x: 21 } })).structuredContent).toEqual({ result: 42 })
  await client.close()
  // What starts runs by itself.
  expect(await delivered(first.url, '{"size":4}', "guessed")).toMatchObject({ type: "/problems/signature-wrong" })
  expect(await delivered(first.url, '{"size":4}', "hush", "ping")).toMatchObject({ ignored: true })
  const pushed = await delivered(first.url, '{"size":4}')
  expect(pushed).toMatchObject({ status: 202, hook: "counted" })
  expect(await endOf(`${first.url}/runs/${String(pushed["run"])}`)).toMatchObject({ ok: true, output: 8 })
  await first.end("SIGKILL")
  twoHoursPassed(ledger())
  // Another life: what rested is answered, or goes on when its time has come.
  const second = await up(folder, command)
  const run = `${second.url}/runs/${String(refund["run"])}`
  expect(await said(ask(run, "clerk"))).toMatchObject({ status: 200, graph: "refund" })
  expect(await said(ask(`${run}/resume`, "clerk", { answers: { how: "most" } }))).toMatchObject({
    status: 422,
    type: "/problems/answer",
  })
  const ended = await said(ask(`${run}/resume`, "clerk", { answers: { how: "half" } }))
  expect(ended).toMatchObject({ status: 200, output: 50 })
  traces.set(name, String(ended["trace"]))
  expect(await endOf(`${second.url}/runs/${late}`)).toMatchObject({ ok: true, output: 7 })
  expect(await delivered(second.url, '{"size":4}')).toMatchObject({ status: 200, again: true, run: pushed["run"] })
  await ticked(second.url)
  await second.end("SIGTERM")
}

// At once: most of the time each of them waits for a host.
describe.concurrent("runs that rest", () => {
  test("on Bun", async () => {
    await shown("Bun", await deployed("bun", "--mcp"), () => [findBun()!, "app.mjs"])
  })
  test("on Node", async () => {
    await shown("Node", await deployed("node", "--mcp"), () => [recentNode(), "app.mjs"])
  })
  test.skipIf(findDeno() === undefined)("on Deno", async () => {
    const rights = ["--allow-net", "--allow-env", "--allow-read=.", "--allow-write=."]
    await shown("Deno", await deployed("deno", "--mcp", "--ledger", "file"), () => [
      findDeno()!,
      "run",
      "--no-prompt",
      ...rights,
      "app.mjs",
    ])
  })
  test.skipIf(findWorkerd() === undefined)("on workerd, in a Durable Object that its alarm wakes", async () => {
    const folder = await deployed("workerd", "--mcp", "--ledger", "durable")
    expect(existsSync(join(folder, "sandbox.wasm"))).toBe(true)
    mkdirSync(join(folder, "objects"), { recursive: true })
    const config = (port: number) => [
      "serve",
      "workerd.capnp",
      `--socket-addr=http=127.0.0.1:${port}`,
      "--experimental",
    ]
    const objects = join(folder, "objects")
    await shown(
      "workerd",
      folder,
      (port) => [findWorkerd()!, ...config(port)],
      () => {
        const [file] = readdirSync(objects, { recursive: true, encoding: "utf8" }).filter(
          (name) => name.endsWith(".sqlite") && !name.includes("metadata"),
        )
        return join(objects, file!)
      },
    )
    // The vendor's own check, without the network: the object, and the sandbox as a module.
    const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js")
    const args = [wrangler, "deploy", "--dry-run", "--outdir", "out", "--config", "wrangler.jsonc"]
    const home = { HOME: base, XDG_CONFIG_HOME: base, WRANGLER_SEND_METRICS: "false", CI: "true" }
    const dry = spawnSync(recentNode(), args, { cwd: folder, encoding: "utf8", env: { ...environment, ...home } })
    expect({ status: dry.status, said: dry.status === 0 ? "" : dry.stdout + dry.stderr }).toEqual({
      status: 0,
      said: "",
    })
    expect(dry.stdout).toContain("--dry-run: exiting now")
    expect(dry.stdout).toContain("GRAPHS")
    expect(readFileSync(join(folder, "wrangler.jsonc"), "utf8")).toContain('"*/5 * * * *"')
    expect(dry.stdout).toMatch(/sandbox\.wasm\s*│\s*compiled-wasm/)
  })

  const chromium = findChromium()
  if (chromium === undefined) console.log("Skipped: the page that asks, because there is no Chromium")
  test.skipIf(chromium === undefined)("in a page, which shows the question", async () => {
    const folder = await deployed("browser")
    const server = http.createServer((request, response) => {
      const name = request.url === "/" ? "index.html" : request.url!.slice(1)
      const type = name.endsWith(".js") ? "text/javascript" : "text/html"
      if (existsSync(join(folder, name)))
        response.writeHead(200, { "content-type": type }).end(readFileSync(join(folder, name)))
      else response.writeHead(404).end()
    })
    await new Promise<void>((ok) => server.listen(0, "127.0.0.1", ok))
    const browser = await openChromium(mkdtempSync(join(base, "browser-")))
    try {
      const page = await browser.newPage()
      const wrong: string[] = []
      page.on("pageerror", (error) => wrong.push(String(error)))
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      await page.waitForSelector("[data-ready]")
      const of = async (graph: string) => {
        const field = `textarea[aria-label="Input of ${graph}"]`
        return { field, run: `${field} ~ button`, shown: `${field} ~ output` }
      }
      const refund = await of("refund")
      await page.$eval(
        refund.field,
        (field, text) => void ((field as HTMLTextAreaElement).value = text),
        '{"euros":100}',
      )
      await page.click(refund.run)
      await page.waitForSelector(`${refund.shown} form`)
      expect(await page.$eval(`${refund.shown} label`, (label) => label.textContent)).toContain("Pay 100 EUR?")
      await page.select(`${refund.shown} select`, "half")
      await page.click(`${refund.shown} form button`)
      await page.waitForSelector(`${refund.shown} pre`)
      expect(await page.$eval(`${refund.shown} pre`, (pre) => pre.textContent)).toBe("50")
      traces.set("Chromium", (await page.$eval(`${refund.shown} small`, (small) => small.textContent))!.slice(6))
      const late = await of("late")
      await page.click(late.run)
      await page.waitForSelector(`${late.shown} pre`)
      expect(await page.$eval(`${late.shown} pre`, (pre) => pre.textContent)).toBe("7")
      expect(wrong).toEqual([])
    } finally {
      await browser.close()
      server.close()
    }
  })
})

test("runs that rest leave the same trace everywhere", () => {
  expect(traces.size).toBeGreaterThanOrEqual(2)
  expect(new Set(traces.values()).size).toBe(1)
})
