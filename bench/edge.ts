/**
 * `npm run bench:edge`: what runs plans at the edge, by its bytes and by its start: a cold process until its first answer, against an
 * empty server of the same host that answers a constant, in turns. What is started is what `shadowgraph deploy` writes.
 */
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { findBun, findDeno } from "../bin/runtimes.mjs"
import { deploymentOf, loadGraph, openProject, sourceOf, type Target } from "../deploy/mod.ts"
import { kb, parts, weigh } from "../tests/edge/bundle.ts"
import { findWorkerd, freePort } from "../tests/hosts/launch.ts"
import { summary } from "./measure.ts"
import { Report } from "./report.ts"

const TURNS = Number(process.argv[2] ?? 11)
const folder = mkdtempSync(join(tmpdir(), "shadowgraph-edge-"))
const GRAPH =
  "graph: sum\ninput:\n  a: number\n  b: number\nnodes:\n  total: { expr: input.a + input.b }\noutput: total\n"
const BODY = JSON.stringify({ input: { a: 1, b: 2 } })

interface Contestant {
  readonly host: string
  readonly what: "empty" | "plan"
  readonly command: (port: number) => readonly string[]
  readonly cwd: string
}

/** The files of a deployment of the graph, which whoever reaches it may run. */
async function deployed(target: Target): Promise<string> {
  const graphs = join(folder, "graphs")
  mkdirSync(graphs, { recursive: true })
  writeFileSync(join(graphs, "sum.graph.yaml"), GRAPH)
  const project = await openProject(graphs)
  const { checked } = await loadGraph(sourceOf(join(graphs, "sum.graph.yaml"), graphs), project, { cwd: graphs })
  const options = {
    target,
    graphs: [checked!],
    project,
    grants: [],
    ledger: "memory" as const,
    open: true,
    name: "sum",
  }
  const { files } = await deploymentOf(options)
  const out = join(folder, target)
  mkdirSync(out)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(out, name), text)
  return out
}

/** Milliseconds from the start of a process to its first right answer. */
async function start({ what, command, cwd }: Contestant): Promise<number> {
  const port = await freePort()
  const [program = "", ...args] = command(port)
  const env = { ...process.env, PORT: String(port), HOST: "127.0.0.1" }
  const from = performance.now()
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "ignore", "pipe"] })
  let said = ""
  child.stderr.on("data", (d) => (said += String(d)))
  const url = `http://127.0.0.1:${port}/${what === "plan" ? "graphs/sum/runs" : ""}`
  const ask = { method: "POST", headers: { "content-type": "application/json" }, body: BODY }
  try {
    for (;;) {
      if (child.exitCode !== null) throw new RangeError(`${program} ended: ${said}`)
      const response = await fetch(url, ask).catch(() => undefined)
      if (response !== undefined) {
        const text = await response.text()
        if (!text.includes(what === "plan" ? '"output":3' : "3")) throw new RangeError(`${url}: ${text}`)
        return performance.now() - from
      }
      await new Promise((ok) => setTimeout(ok, 1))
    }
  } finally {
    const ended = new Promise((ok) => child.once("exit", ok))
    child.kill("SIGKILL")
    await ended
  }
}

const CAPNP = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "*:8787", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-11-01",
);
`

try {
  const empty = join(folder, "empty")
  mkdirSync(empty)
  writeFileSync(join(empty, "worker.js"), 'export default { fetch: () => new Response("3") }\n')
  writeFileSync(join(empty, "workerd.capnp"), CAPNP)
  writeFileSync(
    join(empty, "bun.js"),
    'Bun.serve({ port: Number(process.env.PORT), fetch: () => new Response("3") })\n',
  )
  writeFileSync(join(empty, "deno.js"), 'Deno.serve({ port: Number(Deno.env.get("PORT")) }, () => new Response("3"))\n')
  const worker = (port: number) => [findWorkerd()!, "serve", "workerd.capnp", `--socket-addr=http=127.0.0.1:${port}`]
  const deno = ["run", "--no-prompt", "--allow-net", "--allow-env"]
  const contestants: readonly Contestant[] = [
    { host: "workerd", what: "empty", command: worker, cwd: empty },
    { host: "workerd", what: "plan", command: worker, cwd: await deployed("workerd") },
    { host: "bun", what: "empty", command: () => [findBun()!, "bun.js"], cwd: empty },
    { host: "bun", what: "plan", command: () => [findBun()!, "app.mjs"], cwd: await deployed("bun") },
    { host: "deno", what: "empty", command: () => [findDeno()!, ...deno, "deno.js"], cwd: empty },
    { host: "deno", what: "plan", command: () => [findDeno()!, ...deno, "app.mjs"], cwd: await deployed("deno") },
  ]
  const times = new Map<Contestant, number[]>(contestants.map((c) => [c, []]))
  for (const contestant of contestants) await start(contestant)
  for (let turn = 0; turn < TURNS; turn++) for (const [contestant, ms] of times) ms.push(await start(contestant))

  const core = await weigh(["edge"])
  const whole = await weigh([
    "edge",
    "http",
    "llm",
    "fnWith",
    "ask",
    "event",
    "sleep",
    "now",
    "random",
    "fetchHttp",
    "bundled",
  ])
  const report = new Report("Edge", "npm run bench:edge")
  report.text("What runs compiled plans at the edge, minified: decoder, verifier, kernel, VM, HTTP handler.")
  report.table(
    ["part", "kB"],
    [
      ...parts(core).map(([part, bytes]) => [part, kb(bytes)]),
      ["in all", kb(core.bytes)],
      ["gzipped", kb(core.gzip)],
      ["with every kind of node, gzipped", kb(whole.gzip)],
    ],
  )
  report.text(
    "Cold processes until their first right answer, in turns: an empty server, and a plan as `shadowgraph deploy` writes it.",
  )
  const of = (host: string, what: string) => {
    const found = contestants.find((c) => c.host === host && c.what === what)!
    return summary(`${host} ${what}`, times.get(found)!)
  }
  report.table(
    ["host", "serves", "ms", "quartiles"],
    contestants.map(({ host, what }) => {
      const { median, low, high } = of(host, what)
      return [host, what, median.toFixed(0), `${low.toFixed(0)}–${high.toFixed(0)}`]
    }),
  )
  report.figure("edge.gzip_kb", core.gzip / 1000, "kB", "≤ 120, hoped for 60")
  report.figure("edge.gzip_all_kinds_kb", whole.gzip / 1000, "kB")
  for (const host of ["workerd", "bun", "deno"])
    report.figure(`edge.${host}_cold_over_empty`, of(host, "plan").median / of(host, "empty").median)
  report.end()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
