// What `shadowgraph deploy` writes, started where it goes: on Bun (as a process, and as one executable file), Node, Deno, workerd and
// in Chromium, with the same answer and the same trace everywhere; and held against the vendors' own offline checks. The README
// says which. What a host lacks is said before anything is written.
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
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
import { root } from "../repository.ts"
import { answering, findChromium, findWorkerd, freePort, openChromium } from "./launch.ts"
import { recentNode } from "./node.ts"

const HOST_MS_MAX = 120_000
const TOKEN = "a-token-of-the-tests"
const SHADOWGRAPH_TOKENS = createHash("sha256").update(TOKEN).digest("hex")

const GRAPH = `graph: parcels
input: { weights: [number], zone: string }
nodes:
  each:
    map: input.weights
    as: weight
    do: { fn: ./prices.ts#price, with: { weight: "\${ weight }" } }
  known: { expr: 'input.zone.matches("^[A-Z][0-9]+$")' }
output:
  total: each.sum()
  known: known
`
/** A read, so that the trace tells what it took and gave. */
const PRICES = `import { fn } from "shadowgraph"
import * as v from "valibot"
export const price = fn(
  "price",
  { input: { weight: v.number() }, output: v.number(), effect: "read", resource: "prices", needs: ["app:prices"] },
  async ({ weight }) => 3 + weight * 0.5,
)
`
const INPUT = { weights: [1, 2, 3], zone: "A17" }
const OUTPUT = { total: 12, known: true }

const base = mkdtempSync(join(tmpdir(), "shadowgraph-deployed-"))
const running: ChildProcess[] = []
const traces = new Map<string, string>()
const environment = { ...environmentWith(findBun()!), NO_COLOR: "1" }

async function shadowgraph(words: readonly string[], cwd = base) {
  const { exit, out, err } = await shadowgraphHere(cwd, ...words)
  return { status: exit, stdout: out, stderr: err }
}

beforeAll(async () => {
  writeFileSync(join(base, "parcels.graph.yaml"), GRAPH)
  writeFileSync(join(base, "prices.ts"), PRICES)
  symlinkSync(join(root, "node_modules"), join(base, "node_modules"))
  // In an installed project the package is found by its name.
  writeFileSync(
    join(base, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { paths: { shadowgraph: [join(root, "mod.ts")] } } }),
  )
  expect(await shadowgraph(["lock"])).toMatchObject({ status: 0 })
})
afterAll(async () => {
  for (const child of running) child.kill("SIGKILL")
  rmSync(base, { recursive: true, force: true })
})

const deploy = async (target: string, ledger?: string) => {
  const out = ledger === undefined ? `deploy-${target}` : `deploy-${target}-${ledger}`
  const more = ledger === undefined ? [] : ["--ledger", ledger, "--out", out]
  const result = await shadowgraph(["deploy", target, "parcels.graph.yaml", "-g", "app:prices", ...more])
  expect({ ...result, stdout: "", stderr: result.status === 0 ? "" : result.stderr }).toMatchObject({
    status: 0,
    stderr: "",
  })
  return { folder: join(base, out), ...result }
}

/** Starts a server, and asks it what a client does: who it lets in, and what a run comes to. */
async function served(name: string, command: readonly string[], cwd: string, port: number): Promise<void> {
  const env = { ...environment, PORT: String(port), HOST: "127.0.0.1", SHADOWGRAPH_TOKENS }
  const child = spawn(command[0]!, command.slice(1), { cwd, env })
  running.push(child)
  let said = ""
  child.stderr.on("data", (d) => (said += String(d)))
  child.stdout.on("data", (d) => (said += String(d)))
  const url = `http://127.0.0.1:${port}`
  await answering(`${url}/health`, child, () => said)
  const post = (headers: Record<string, string>) =>
    fetch(`${url}/graphs/parcels/runs`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ input: INPUT }),
    })
  expect((await post({})).status).toBe(401)
  const response = await post({ authorization: `Bearer ${TOKEN}` })
  const body = (await response.json()) as { readonly output: unknown; readonly trace: string }
  expect({ status: response.status, output: body.output, said }).toMatchObject({ status: 200, output: OUTPUT })
  traces.set(name, body.trace)
  const ended = new Promise<number | null>((ok) => child.once("exit", ok))
  child.kill("SIGTERM")
  await ended
}

// At once: most of the time each of them waits for a host.
describe.concurrent("what is written, where it goes", () => {
  test(
    "Bun, as a process and as one executable file",
    async () => {
      const { folder, stdout } = await deploy("bun")
      expect(readdirSync(folder).sort()).toEqual(["Dockerfile", "README.md", "app.mjs", "deployment.json"])
      expect(stdout).toContain("To go live:  docker build -t parcels deploy-bun && docker run")
      await served("Bun", [findBun()!, "app.mjs"], folder, await freePort())
      expect(existsSync(join(folder, "ledger.db"))).toBe(true)
      const build = ["build", "--compile", "--minify", "app.mjs", "--outfile", "parcels"]
      const made = spawnSync(findBun()!, build, { cwd: folder, encoding: "utf8", env: environment })
      expect({ status: made.status, said: made.status === 0 ? "" : made.stderr }).toEqual({ status: 0, said: "" })
      await served("an executable file", [join(folder, "parcels")], folder, await freePort())
    },
    HOST_MS_MAX,
  )

  test(
    "Node, and the unit of systemd by its own check",
    async () => {
      const { folder } = await deploy("node")
      await served("Node", [recentNode(), "app.mjs"], folder, await freePort())
      const unit = spawnSync("systemd-analyze", ["verify", "--recursive-errors=no", join(folder, "parcels.service")])
      if (unit.error !== undefined)
        console.log("Skipped: the check of the systemd unit, because there is no systemd-analyze")
      else expect(unit.stderr.toString()).not.toContain("parcels.service:")
    },
    HOST_MS_MAX,
  )

  test.skipIf(findDeno() === undefined)(
    "Deno, with no more rights than its page says",
    async () => {
      const { folder } = await deploy("deno")
      const rights = ["--allow-net", "--allow-env", "--allow-read=.", "--allow-write=."]
      await served("Deno", [findDeno()!, "run", "--no-prompt", ...rights, "app.mjs"], folder, await freePort())
      expect(JSON.parse(readFileSync(join(folder, "deno.json"), "utf8")).deploy.runtime.entrypoint).toBe("app.mjs")
    },
    HOST_MS_MAX,
  )

  for (const ledger of ["memory", "durable"]) {
    test.skipIf(findWorkerd() === undefined)(
      `workerd, with its ledger in ${ledger}, as its own configuration says`,
      async () => {
        const { folder } = await deploy("workerd", ledger)
        const port = await freePort()
        mkdirSync(join(folder, "objects"), { recursive: true })
        const config = ["serve", "workerd.capnp", `--socket-addr=http=127.0.0.1:${port}`, "--experimental"]
        await served(`workerd (${ledger})`, [findWorkerd()!, ...config], folder, port)
      },
      HOST_MS_MAX,
    )
  }

  const chromium = findChromium()
  if (chromium === undefined) console.log("Skipped: the page, because there is no Chromium; apt-get install chromium")
  test.skipIf(chromium === undefined)(
    "Chromium, by hand and by program",
    async () => {
      const { folder } = await deploy("browser")
      const server = http.createServer((request, response) => {
        const name = request.url === "/" ? "index.html" : request.url!.slice(1)
        const type = name.endsWith(".js") ? "text/javascript" : "text/html"
        const file = join(folder, name)
        if (existsSync(file)) response.writeHead(200, { "content-type": type }).end(readFileSync(file))
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
        await page.$eval("textarea", (field, text) => void (field.value = text), JSON.stringify(INPUT))
        await page.click("button")
        await page.waitForSelector("output pre")
        expect(JSON.parse(await page.$eval("output pre", (pre) => pre.textContent!))).toEqual(OUTPUT)
        const run = `shadowgraph.run("parcels", ${JSON.stringify(INPUT)}).then(({ trace }) => trace)`
        traces.set("Chromium", (await page.evaluate(run)) as string)
        expect(await page.$eval("output small", (small) => small.textContent)).toBe(`trace ${traces.get("Chromium")}`)
        expect(wrong).toEqual([])
      } finally {
        await browser.close()
        server.close()
      }
    },
    HOST_MS_MAX,
  )
})

test("what is written leaves the same trace everywhere, which is that of `shadowgraph run`", async () => {
  const here = await shadowgraph(["run", "parcels", "weights=[1,2,3]", "zone=A17", "-g", "app:prices", "--json"])
  const { output, trace } = JSON.parse(here.stdout)
  expect(output).toEqual(OUTPUT)
  expect(traces.size).toBeGreaterThanOrEqual(3)
  expect([...traces].filter(([, found]) => found !== trace)).toEqual([])
})

describe("the command", () => {
  const OUT = "graph: g\nnodes:\n  it: { http: GET https://rates.example.com/latest, output: number }\noutput: it\n"

  test("says what is lacking before anything is written, and goes on only where it is told to", async () => {
    const folder = mkdtempSync(join(base, "lacks-"))
    writeFileSync(join(folder, "g.graph.yaml"), OUT)
    const refused = await shadowgraph(["deploy", "workerd"], folder)
    expect(refused.status).toBe(1)
    expect(refused.stderr).toContain("lacks  not granted: net:rates.example.com")
    expect(refused.stderr).toContain("add --grant net:rates.example.com")
    expect(readdirSync(folder)).toEqual(["g.graph.yaml"])
    const forced = await shadowgraph(["deploy", "workerd", "--force", "--json"], folder)
    expect(JSON.parse(forced.stdout)).toMatchObject({
      target: "workerd",
      written: true,
      live: "npx wrangler deploy --config deploy-workerd/wrangler.jsonc",
    })
    expect(existsSync(join(folder, "deploy-workerd/worker.js"))).toBe(true)
  })

  test.each([
    [[], "Targets: bun, deno, node, workerd, browser"],
    [["worker"], "workerd"],
    [["bun", "parcels", "--ledger", "durable"], "file or memory"],
    [["bun", "parcels", "--name", "Not A Name"], "lower-case letters"],
    [["bun", "parcels", "--interface", "tiny"], "small or full"],
    [["bun", "parcels", "--interface", "small", "--mcp"], "whole interface"],
    [["browser", "parcels", "--interface", "full"], "no interface over HTTP"],
    [["browser", "parcels", "--mcp"], "no clients of MCP"],
    [["bun", "nowhere"], 'Cannot find "nowhere"'],
  ] as const)("%s is told with its fix", async (words, wanted) => {
    const { status, stderr } = await shadowgraph(["deploy", ...words])
    expect(status).not.toBe(0)
    expect(stderr).toContain(wanted)
    expect(stderr).not.toContain("    at ")
  })
})
