// Deployments that bring shadows: one of checked cells and one that was trained, recorded, gated and kept as a user does it. Started on
// Bun, Node, Deno, workerd and in Chromium they answer early on their guesses, and leave the trace of a run that never looked ahead.
// What must not come along stays behind, and is said before anything is written.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { type ChildProcess, spawn } from "node:child_process"
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { environmentWith, findBun, findDeno } from "../../bin/runtimes.mjs"
import { Doors } from "../../deploy/shadows/doors.ts"
import { packShadows, unpackShadows } from "../../deploy/shadows/packed.ts"
import { ShadowStore } from "../../deploy/shadows/store.ts"
import { shadowgraphHere } from "../cli/here.ts"
import { root } from "../repository.ts"
import { answering, findChromium, findWorkerd, freePort, HOSTS, openChromium, Stand, serveFile } from "./launch.ts"
import { recentNode } from "./node.ts"

setDefaultTimeout(120_000)

const [SUM, PRICE] = ["fn:./tools.js#sum", "fn:./tools.js#price"]
const GRAPH = `graph: parcels
input: { a: number, b: number, zone: string }
nodes:
  sum: { fn: "./tools.js#sum", with: { a: "\${ input.a }", b: "\${ input.b }" }, effect: read, resource: "host:sum", output: number, speculate: true }
  price: { fn: "./tools.js#price", with: { zone: "\${ input.zone }", weight: "\${ sum }" }, effect: read, resource: "host:price", output: string, speculate: true }
  sent: { fn: "./tools.js#sum", with: { a: "\${ sum }", b: "\${ input.b }" }, effect: read, resource: "host:sum", output: number, speculate: true }
output: { price: price, sent: sent }
`
/** With ODD it answers otherwise than it did when it was learned. */
const TOOLS = `const odd = globalThis.process?.env?.ODD ? 1 : 0
const pause = () => new Promise((done) => setTimeout(done, 2))
export const sum = async ({ a, b }) => {
  await pause()
  return a + b + odd
}
export const price = async ({ zone, weight }) => {
  await pause()
  return zone === "far" ? (weight < 500 ? "5" : weight < 1200 ? "9" : "14") : weight < 800 ? "3" : "6"
}
`
const INPUT = { a: 100, b: 200, zone: "far" }
const OUTPUT = { price: "5", sent: 500 }

const base = mkdtempSync(join(tmpdir(), "shadowgraph-shadowed-"))
const running: ChildProcess[] = []
const environment = { ...environmentWith(findBun()!), NO_COLOR: "1" }
const told = new Map<string, Told>()
let trace: string

const shadowgraph = (...words: readonly string[]) => shadowgraphHere(base, ...words)

beforeAll(async () => {
  let s = 5
  const next = () => (s = (s * 48271) % 2147483647)
  const inputs = Array.from({ length: 4_000 }, () => ({
    a: next() % 1000,
    b: next() % 1000,
    zone: ["near", "far"][next() % 2],
  }))
  writeFileSync(join(base, "parcels.graph.yaml"), GRAPH)
  writeFileSync(join(base, "tools.js"), TOOLS)
  writeFileSync(join(base, "in.jsonl"), inputs.map((input) => JSON.stringify(input)).join("\n"))
  // Guesses are made whether they pay or not: what is looked at here is not time.
  writeFileSync(join(base, "shadowgraph.project.json"), '{ "speculate": { "costs": false } }')
  symlinkSync(join(root, "node_modules"), join(base, "node_modules"))
  const recorded = await shadowgraph(
    "record",
    "parcels.graph.yaml",
    "--inputs",
    "in.jsonl",
    "--calls",
    "12000",
    "--yes",
  )
  expect(recorded.exit).toBe(0)
  const trained = await shadowgraph("train", "parcels.graph.yaml", "--yes", "--json")
  const families = (JSON.parse(trained.out) as readonly { tool: string; family: string }[]).map((x) => [
    x.tool,
    x.family,
  ])
  expect(families).toEqual([
    [SUM!, "composed"],
    [PRICE!, "fitted"],
  ])
  const words = Object.entries(INPUT).map(([name, value]) => `${name}=${value}`)
  const run = await shadowgraph("run", "parcels", ...words, "--yes", "--no-speculate", "--json")
  const said = JSON.parse(run.out)
  expect(said.output).toEqual(OUTPUT)
  trace = said.trace
})
afterAll(() => {
  for (const child of running) child.kill("SIGKILL")
  rmSync(base, { recursive: true, force: true })
})

const deploy = async (target: string, ...more: readonly string[]) => {
  const form = target === "browser" ? [] : ["--interface", "full"]
  const result = await shadowgraph("deploy", target, "parcels.graph.yaml", "--yes", "--open", ...form, ...more)
  expect({ exit: result.exit, err: result.exit === 0 ? "" : result.err }).toEqual({ exit: 0, err: "" })
  return { folder: join(base, `deploy-${target}`), err: result.err }
}

async function start(command: readonly string[], cwd: string, port: number, more = {}): Promise<string> {
  const env = {
    ...environment,
    PORT: String(port),
    HOST: "127.0.0.1",
    SHADOWGRAPH_LEDGER: join(cwd, `${port}.db`),
    ...more,
  }
  const child = spawn(command[0]!, command.slice(1), { cwd, env })
  running.push(child)
  let said = ""
  child.stderr.on("data", (d) => (said += String(d)))
  child.stdout.on("data", (d) => (said += String(d)))
  const url = `http://127.0.0.1:${port}`
  await answering(`${url}/health`, child, () => said)
  return url
}

/** What a caller hears of a run that answers early. */
interface Told {
  readonly early: unknown
  readonly held: unknown
  readonly output: unknown
  readonly trace: string
  /** Of each guess, how it was made, or why not. */
  readonly guesses: Readonly<Record<string, string>>
}

async function ask(url: string): Promise<Told> {
  const response = await fetch(`${url}/graphs/parcels/runs?early=true`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({ input: INPUT }),
  })
  const events = (await response.text()).split("\n\n").flatMap((text) => {
    const [, event, data] = /event: (.+)[\s\S]*^data: (.+)/m.exec(text) ?? []
    return event === undefined ? [] : [[event, JSON.parse(data!)] as const]
  })
  const one = (name: string) => events.find(([event]) => event === name)?.[1]
  const guesses = events.flatMap(([, data]) =>
    data.phase === "guess" && data.verdict !== "kept" ? [[data.path, data.why]] : [],
  )
  return {
    early: one("early")?.output,
    held: one("verdict")?.held,
    output: one("result").output,
    trace: one("result").trace,
    guesses: Object.fromEntries(guesses),
  }
}

const CELLS = "cells: exact, of checked cells"
const asLearned = () => ({
  early: OUTPUT,
  held: true,
  output: OUTPUT,
  trace,
  guesses: { sum: CELLS, price: "wasm-single: one call", sent: CELLS },
})

describe.concurrent("a deployment with shadows answers early", () => {
  test("on Bun; and is silent once its tool answers otherwise, with the tool's outcome all the while", async () => {
    const { folder } = await deploy("bun")
    const bun = [findBun()!, "app.mjs"]
    told.set("Bun", await ask(await start(bun, folder, await freePort())))
    const listed = JSON.parse(readFileSync(join(folder, "deployment.json"), "utf8"))
    expect(listed.speculate).toEqual({ costs: false })
    expect(listed.shadows).toMatchObject([
      { tool: PRICE, family: "fitted", promised: { alpha: 0.01 }, verdict: { submission: 1 } },
      { tool: SUM, family: "composed", verdict: { cases: 3688, wrong: 0 } },
    ])

    const odd = await start(bun, folder, await freePort(), { ODD: "1" })
    const said: Told[] = []
    for (let i = 0; i < 6; i++) said.push(await ask(odd))
    // 100 + 200 + 1, and 301 + 200 + 1.
    expect(said.map(({ output }) => output)).toEqual(said.map(() => ({ price: "5", sent: 502 })))
    expect(said[0]).toMatchObject({ early: OUTPUT, held: false })
    expect(said.at(-1)!.guesses["sum"]).toBe("drift")
    expect(said.at(-1)!.early).toBeUndefined()
  })

  test("on Node", async () => {
    const { folder } = await deploy("node")
    told.set("Node", await ask(await start([recentNode(), "app.mjs"], folder, await freePort())))
  })

  test.skipIf(findDeno() === undefined)("on Deno, with no more rights than its page says", async () => {
    const { folder } = await deploy("deno")
    const rights = ["--allow-net", "--allow-env", "--allow-read=.", "--allow-write=."]
    const command = [findDeno()!, "run", "--no-prompt", ...rights, "app.mjs"]
    told.set("Deno", await ask(await start(command, folder, await freePort())))
  })

  test.skipIf(findWorkerd() === undefined)("on workerd, which compiles none of it at run time", async () => {
    const { folder } = await deploy("workerd", "--ledger", "durable")
    expect(readdirSync(folder)).toContain("shadow.wasm")
    const port = await freePort()
    mkdirSync(join(folder, "objects"))
    const config = ["serve", "workerd.capnp", `--socket-addr=http=127.0.0.1:${port}`, "--experimental"]
    told.set("workerd", await ask(await start([findWorkerd()!, ...config], folder, port)))
  })

  test.skipIf(findWorkerd() === undefined)("and where nobody lends workerd the kernel, that is a refusal", async () => {
    const stand = new Stand()
    try {
      const workerd = HOSTS.find(({ name }) => name === "workerd")!
      const host = await stand.start(workerd, await stand.program("tests/hosts/no-kernel.ts"))
      expect(await host.ask({})).toBe("host")
    } finally {
      await stand.close()
    }
  })

  const chromium = findChromium()
  if (chromium === undefined) console.log("Skipped: the page, because there is no Chromium; apt-get install chromium")
  test.skipIf(chromium === undefined)("in a page", async () => {
    const { folder, err } = await deploy("browser")
    expect(err).toContain("whoever opens it reads what its shadows hold of the calls")
    const server = http.createServer((request, response) =>
      serveFile(response, join(folder, request.url === "/" ? "index.html" : request.url!.slice(1))),
    )
    await new Promise<void>((ok) => server.listen(0, "127.0.0.1", ok))
    const browser = await openChromium(mkdtempSync(join(base, "browser-")))
    try {
      const page = await browser.newPage()
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      await page.waitForSelector("[data-ready]")
      const program = `(async () => {
        let early
        const guesses = {}
        const { outcome, trace } = await shadowgraph.run("parcels", ${JSON.stringify(INPUT)}, {
          onEarly: (answer) => (early = answer),
          onEvent: (event) => { if (event.type === "guess" && event.verdict !== "kept") guesses[event.path[0]] = event.why },
        })
        return JSON.stringify({ early: early?.value, held: await early?.verified, output: outcome.value, trace, guesses })
      })()`
      told.set("Chromium", JSON.parse((await page.evaluate(program)) as string))
    } finally {
      await browser.close()
      server.close()
    }
  })
})

test("all of them told the same, by the same inference, and their trace is that of a run that never looked ahead", () => {
  expect(told.size).toBeGreaterThanOrEqual(2)
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries([...told.keys()].map((name) => [name, asLearned()])))
})

describe("what does not come along", () => {
  const lacksOf = async (...more: readonly string[]) => {
    const said = await shadowgraph("deploy", "node", "parcels", "--yes", "--json", ...more)
    const { lacks } = JSON.parse(said.out) as { readonly lacks: readonly { what: string; fix?: string }[] }
    const listed = JSON.parse(readFileSync(join(base, "deploy-node", "deployment.json"), "utf8"))
    return { lacks: lacks.filter(({ what }) => /shadow|look/.test(what)), shadows: listed.shadows ?? [] }
  }

  test("shadows where runs do not look ahead", async () => {
    expect(await lacksOf("--no-speculate")).toEqual({
      lacks: [
        {
          what: `the shadows of ${PRICE}, ${SUM} stay here, since runs do not look ahead`,
          fix: "add --speculate",
          harmless: true,
        },
      ] as never,
      shadows: [],
    })
  })

  test("one whose door drift has shut, one whose card was changed, and all where nobody knows how doors stand", async () => {
    const { shadows } = await new ShadowStore(base).all()
    const sum = shadows.find(({ card }) => card.tool === SUM)!
    const doors = new Doors({ folder: base })
    const door = doors.of(sum.card.hash, sum.opened.package.promised)
    for (let i = 0; i < 6; i++) door.saw(false)
    doors.close()
    const shut = await lacksOf()
    expect(shut.lacks[0]).toMatchObject({
      what: `the shadow of ${SUM} stays here, since drift has shut its door`,
      fix: "shadowgraph shadow ls",
    })
    expect(shut.shadows).toMatchObject([{ tool: PRICE }])
    const file = join(base, ".shadowgraph", "verifications.db")
    renameSync(file, `${file}.kept`)
    writeFileSync(file, "no database")
    const unknown = await lacksOf()
    expect(unknown.lacks[0]!.what).toContain("nobody knows which doors are shut")
    expect(unknown.shadows).toEqual([])
    rmSync(file)
    const [tool] = readdirSync(join(base, ".shadowgraph", "shadows")).filter((name) => name.includes("price"))
    const own = join(base, ".shadowgraph", "shadows", tool!)
    const card = join(own, readdirSync(own)[0]!, "card.json")
    const text = readFileSync(card, "utf8")
    writeFileSync(card, text.replace('"wrong": ', '"wrong": 1'))
    const changed = await lacksOf()
    expect(changed.lacks[0]!.what).toContain("want a card that this project's key has signed")
    expect(changed.shadows).toMatchObject([{ tool: SUM }])
    writeFileSync(card, text)
  })

  test("those of a tool in another version", async () => {
    writeFileSync(join(base, "tools.js"), TOOLS.replace("1200", "1201"))
    expect(await lacksOf()).toEqual({
      lacks: [
        {
          what: `the shadows of ${PRICE}, ${SUM} stay here, since the tools are other versions now`,
          fix: "shadowgraph train",
          harmless: true,
        },
        { what: "runs do not look ahead: no tool of these graphs has a shadow that may serve", harmless: true },
      ] as never,
      shadows: [],
    })
    writeFileSync(join(base, "tools.js"), TOOLS)
  })
})

test("in a program a shadow serves under its own verdict only, behind a door no wider than at home", async () => {
  const { shadows } = await new ShadowStore(base).all()
  const { bytes, card, opened } = shadows.find((kept) => kept.card.tool === PRICE)!
  const { outcome, candidate } = card.verdict
  const watch = { bets: [1, 1, 1], closed: false, seen: 0, wrong: 0, before: 0, forgiven: 0, since: 0 }
  const good = { file: bytes, verdict: { outcome, candidate }, threshold: 0, watch }
  const unpacked = (one: object) => unpackShadows(packShadows([{ ...good, ...one }]))
  const args = { zone: "far", weight: 300 }
  expect(unpacked({}).shadows[0]!.shadow.predict(args)).toMatchObject({ ok: true, value: "5", by: candidate })
  const { confidence } = opened.guess(args)!
  expect(confidence).toBeLessThan(1)
  expect(unpacked({ threshold: 1 }).shadows[0]!.shadow.predict(args)).toEqual({ ok: false, why: "confidence" })
  const shut = { watch: { ...watch, closed: true } }
  expect(unpacked(shut).shadows[0]!.shadow.predict(args)).toEqual({ ok: false, why: "drift" })
  for (const verdict of [
    { outcome: "refused", candidate },
    { outcome, candidate: "0".repeat(64) },
  ] as const) {
    const { shadows: none, refused } = unpacked({ verdict })
    expect([none, refused[0]?.message]).toEqual([[], expect.stringContaining("deploy it again")])
  }
})
