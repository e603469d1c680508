/**
 * `npm run bench:http`: a graph of five nodes over HTTP, requests a second and the time of the slowest hundredth, against the same
 * five steps by hand behind a bare Hono on Bun, with and without what a server of ours does beside the work, and as a workflow of Mastra's server and a graph of LangGraph's, in turns on one
 * machine with one load generator; also with the ledger on disk.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { recentNode } from "../tests/hosts/node.ts"
import { cpuOf } from "./http/cpu.ts"
import { orderGraph } from "./http/order.ts"
import { installed } from "./installed.ts"
import { Report } from "./report.ts"

const ROOT = join(import.meta.dirname, "..")
const CONNECTIONS = 32
const WARM_SECONDS = 1.5
/** `npm run bench:http -- [rounds] [seconds of a turn] [--no-peers]` */
const { positionals, values } = parseArgs({ allowPositionals: true, options: { "no-peers": { type: "boolean" } } })
const [ROUNDS = 5, SECONDS = 4] = positionals.map(Number)

const US = "Shadowgraph"
const US_ON_DISK = "Shadowgraph, ledger on disk"
const HONO = "Hono by hand"
const HONO_WITH_DUTIES = "Hono by hand, with our duties"
const MASTRA = "Mastra's server, on Node"
const MASTRA_ON_BUN = "Mastra's server, on Bun"
const LANGGRAPH = "LangGraph's development server"
const LANGGRAPH_EMBEDDED = "LangGraph's routes without its queue"
const LISTENING = /listening (\d+)/

const INPUT = { quantity: 3, price: 20.5, country: "CH" }
/** 61.5, no discount, 8.1 % of it, no shipping. */
const TOTAL = "66.4815"

const PEERS =
  "Mastra: `@mastra/hono`, a workflow of five steps with their schemas, `POST …/start-async`; no storage named, so memory; no logger. `http.vs_mastra` counts whichever of its rows is quicker. LangGraph: a `StateGraph` of five nodes on `@langchain/langgraph-api`, Node: `POST /runs/wait` of the development server that `langgraph dev` starts (a run waits in a queue that its workers look into at random times, up to a second apart; as many workers as there are connections, log of errors only), and `POST /runs/stream` of the routes that the package lends other servers (`experimental/embed`), which have no queue. Neither is what its makers sell for production."

interface Server {
  readonly name: string
  /** What it keeps of a run, and where. */
  readonly keeps: string
  readonly command: readonly string[]
  readonly cwd: string
  /** Finds the port in what it says. */
  readonly port: RegExp
  readonly path: string
  readonly body: object
}
interface Sample {
  /** Microseconds of processor that the server used for a request; NaN where nobody counts them. */
  readonly cpu: number
  readonly rps: number
  readonly p50: number
  readonly p99: number
}

const folder = mkdtempSync(join(tmpdir(), "bench-http-"))
writeFileSync(join(folder, "order_total.graph.yaml"), orderGraph("order_total"))
const children: ChildProcess[] = []

try {
  const main = join(ROOT, "deploy/cli/main.ts")
  const serve = [process.execPath, main, "serve", "--port", "0", "-q", "--concurrent", "1000"]
  const runs = { port: /127\.0\.0\.1:(\d+)/, path: "/graphs/order_total/runs", body: { input: INPUT } }
  const hono = [process.execPath, join(ROOT, "bench/http/hono.ts")]
  const duties = [process.execPath, join(ROOT, "bench/http/hono_duties.ts")]
  const servers: readonly Server[] = [
    { name: US, keeps: "memory", command: [...serve, "--ledger", "memory"], cwd: folder, ...runs },
    { name: US_ON_DISK, keeps: "SQLite, synchronous=FULL", command: serve, cwd: folder, ...runs },
    { name: HONO, keeps: "nothing", command: hono, cwd: ROOT, ...runs, port: LISTENING },
    { name: HONO_WITH_DUTIES, keeps: "memory, hashes alone", command: duties, cwd: ROOT, ...runs, port: LISTENING },
    ...(values["no-peers"] ? [] : peers()),
  ]
  const started = await Promise.all(servers.map(async (server) => ({ server, ...(await start(server)) })))
  const samples = new Map<Server, Sample[]>(servers.map((server) => [server, []]))
  for (const { child } of started) child.kill("SIGSTOP")
  for (let round = -1; round < ROUNDS; round++)
    for (const { server, port, child } of started) {
      // Whoever is not measured stands still: what a server does after its turn must not cost the next one.
      child.kill("SIGCONT")
      // An engine lets go of code that it compiled so many seconds ago, and a server that stood still has to compile it anew.
      if (round >= 0) await load(server, port, WARM_SECONDS)
      const before = cpuOf(child.pid!)
      const { answered, ...times } = await load(server, port, round < 0 ? 2 : SECONDS)
      child.kill("SIGSTOP")
      const sample = { ...times, cpu: ((cpuOf(child.pid!) ?? Number.NaN) - (before ?? Number.NaN)) * (1e6 / answered) }
      // The first round warms up.
      if (round >= 0) samples.get(server)!.push(sample)
    }
  tell(samples)
} finally {
  for (const child of children) child.kill("SIGKILL")
  rmSync(folder, { recursive: true, force: true })
}

/** Servers of other engines, each as its documentation starts it, on the runtime that this names. */
function peers(): readonly Server[] {
  const cwd = installed("servers")
  const node = recentNode()
  const mastra = join(cwd, "mastra.mjs")
  const body = { inputData: INPUT }
  const workflow = { path: "/api/workflows/order_total/start-async", body, cwd, port: LISTENING }
  const graph = { body: { assistant_id: "order_total", input: INPUT }, cwd, port: LISTENING }
  const langgraph = [node, join(cwd, "langgraph.mjs")]
  return [
    { name: MASTRA, keeps: "memory", command: [node, mastra], ...workflow },
    { name: MASTRA_ON_BUN, keeps: "memory", command: [process.execPath, mastra], ...workflow },
    {
      name: LANGGRAPH,
      keeps: "memory, a file now and then",
      command: [...langgraph, "dev", folder, String(CONNECTIONS)],
      path: "/runs/wait",
      ...graph,
    },
    { name: LANGGRAPH_EMBEDDED, keeps: "memory", command: [...langgraph, "embed"], path: "/runs/stream", ...graph },
  ]
}

function start({
  name,
  command: [program, ...words],
  cwd,
  port,
}: Server): Promise<{ child: ChildProcess; port: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program!, words, { cwd, stdio: ["ignore", "pipe", "pipe"] })
    children.push(child)
    let said = ""
    const hear = (data: Buffer) => {
      said += data
      const found = port.exec(said)
      if (found !== null) resolve({ child, port: Number(found[1]) })
    }
    child.stdout.on("data", hear)
    child.stderr.on("data", hear)
    child.on("exit", () => reject(new RangeError(`${name} did not start: ${said.slice(0, 2_000)}`)))
  })
}

interface Load extends Omit<Sample, "cpu"> {
  readonly answered: number
}

function load({ name, path, body }: Server, port: number, seconds: number): Promise<Load> {
  const words = { port, path, body: JSON.stringify(body), connections: CONNECTIONS, seconds, holds: TOTAL }
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, "bench/http/load.ts"), JSON.stringify(words)])
    let out = ""
    child.stdout.on("data", (data) => {
      out += data
    })
    child.on("exit", (exit) => {
      if (exit !== 0) return reject(new RangeError(`The load on ${name} ended with ${exit}`))
      const { wrong, ...sample } = JSON.parse(out) as Load & { readonly wrong: readonly string[] }
      if (wrong.length > 0) reject(new RangeError(`${name} answered otherwise: ${wrong[0]}`))
      else resolve(sample)
    })
  })
}

function tell(samples: ReadonlyMap<Server, readonly Sample[]>): void {
  const median = (of: readonly Sample[], key: keyof Sample): number => {
    const sorted = of.map((s) => s[key]).sort((a, b) => a - b)
    return sorted[sorted.length >> 1]!
  }
  const report = new Report("HTTP", "npm run bench:http")
  report.text(
    `A graph of five expressions over HTTP; ${CONNECTIONS} connections, ${ROUNDS} rounds of ${SECONDS} s in turns, medians; load generator and servers share the machine, whoever is not measured is stopped, and a turn begins with ${WARM_SECONDS} s that do not count. Every answer is looked at; a wrong one ends the bench. What Hono does by hand checks its input and keeps no record; with our duties it also looks at the host's name, bounds the body in size and time, sends the headers that keep an answer safe, and gives an id, a trace hash and the head of a hashed record of two entries. CPU is that of the server's process, all its threads: what it costs also where others use the machine.`,
  )
  report.table(
    ["server", "keeps a run in", "requests a second", "p50 ms", "p99 ms", "CPU µs a request"],
    [...samples].map(([{ name, keeps }, of]) => [
      name,
      keeps,
      median(of, "rps").toFixed(0),
      median(of, "p50").toFixed(2),
      median(of, "p99").toFixed(2),
      Number.isNaN(median(of, "cpu")) ? "" : median(of, "cpu").toFixed(1),
    ]),
  )
  const all = new Map([...samples].map(([{ name }, of]) => [name, of]))
  const ours = all.get(US)!
  const versus = (name: string): number => median(ours, "rps") / median(all.get(name)!, "rps")
  report.figure("http.requests_per_second", median(ours, "rps"))
  report.figure("http.vs_hono", versus(HONO), "×", "≥ 0.7")
  report.figure("http.vs_hono_with_duties", versus(HONO_WITH_DUTIES), "×")
  const cheaper = (name: string): number => median(all.get(name)!, "cpu") / median(ours, "cpu")
  if (!Number.isNaN(cheaper(HONO))) {
    report.figure("http.cpu_us_per_request", median(ours, "cpu"), "µs")
    report.figure("http.cpu_vs_hono", cheaper(HONO), "×")
    report.figure("http.cpu_vs_hono_with_duties", cheaper(HONO_WITH_DUTIES), "×")
  }
  report.figure("http.p99_vs_hono", median(all.get(HONO)!, "p99") / median(ours, "p99"), "×")
  report.figure("http.durable_vs_hono", median(all.get(US_ON_DISK)!, "rps") / median(all.get(HONO)!, "rps"), "×")
  if (all.has(MASTRA)) {
    report.text(PEERS)
    report.figure("http.vs_mastra", Math.min(versus(MASTRA), versus(MASTRA_ON_BUN)), "×", "≥ 10")
    report.figure("http.vs_mastra_on_node", versus(MASTRA), "×")
    report.figure("http.vs_langgraph", versus(LANGGRAPH), "×", "≥ 10")
    report.figure("http.vs_langgraph_embedded", versus(LANGGRAPH_EMBEDDED), "×")
  }
  report.end()
}
