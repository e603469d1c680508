/**
 * `npm run bench:http`: a graph of five nodes over HTTP, requests a second and the time of the slowest hundredth, against the same
 * five steps by hand behind a bare Hono on Bun, in turns on one machine with one load generator; also with the ledger on disk.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Report } from "./report.ts"

const ROOT = join(import.meta.dirname, "..")
const CONNECTIONS = 32
const ROUNDS = Number(process.argv[2] ?? 5)
const SECONDS = Number(process.argv[3] ?? 4)

const GRAPH = `graph: order_total
input: { quantity: number, price: number, country: string }
nodes:
  net: { expr: input.quantity * input.price }
  discount: { expr: "net > 100 ? net * 0.1 : 0.0" }
  tax: { expr: "(net - discount) * (input.country == 'CH' ? 0.081 : 0.19)" }
  shipping: { expr: "net > 50 ? 0.0 : 7.9" }
  total: { expr: net - discount + tax + shipping }
output: { total: total, tax: tax }
`
const INPUT = { quantity: 3, price: 20.5, country: "CH" }
/** 61.5, no discount, 8.1 % of it, no shipping. */
const TOTAL = "66.4815"

interface Server {
  readonly name: string
  readonly command: readonly string[]
  readonly cwd: string
  /** Finds the port in what it says. */
  readonly port: RegExp
  readonly path: string
  readonly body: object
}
interface Sample {
  readonly rps: number
  readonly p50: number
  readonly p99: number
}

const folder = mkdtempSync(join(tmpdir(), "bench-http-"))
writeFileSync(join(folder, "order_total.graph.yaml"), GRAPH)
const children: ChildProcess[] = []

try {
  const main = join(ROOT, "deploy/cli/main.ts")
  const serve = [process.execPath, main, "serve", "--port", "0", "-q", "--concurrent", "1000"]
  const runs = { port: /127\.0\.0\.1:(\d+)/, path: "/graphs/order_total/runs", body: { input: INPUT } }
  const servers: readonly Server[] = [
    { name: "Shadowgraph", command: [...serve, "--ledger", "memory"], cwd: folder, ...runs },
    { name: "Shadowgraph, ledger on disk", command: serve, cwd: folder, ...runs },
    {
      name: "Hono by hand",
      command: [process.execPath, join(ROOT, "bench/http/hono.ts")],
      cwd: ROOT,
      ...runs,
      port: /listening (\d+)/,
    },
  ]
  const started = await Promise.all(servers.map(async (server) => ({ server, port: await start(server) })))
  const samples = new Map<string, Sample[]>(servers.map(({ name }) => [name, []]))
  for (let round = -1; round < ROUNDS; round++)
    for (const { server, port } of started) {
      const sample = await load(server, port, round < 0 ? 2 : SECONDS)
      // The first round warms up.
      if (round >= 0) samples.get(server.name)!.push(sample)
    }
  tell(samples)
} finally {
  for (const child of children) child.kill("SIGKILL")
  rmSync(folder, { recursive: true, force: true })
}

function start({ name, command: [program, ...words], cwd, port }: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program!, words, { cwd, stdio: ["ignore", "pipe", "pipe"] })
    children.push(child)
    let said = ""
    const hear = (data: Buffer) => {
      said += data
      const found = port.exec(said)
      if (found !== null) resolve(Number(found[1]))
    }
    child.stdout.on("data", hear)
    child.stderr.on("data", hear)
    child.on("exit", () => reject(new RangeError(`${name} did not start: ${said.slice(0, 2_000)}`)))
  })
}

function load({ name, path, body }: Server, port: number, seconds: number): Promise<Sample> {
  const words = { port, path, body: JSON.stringify(body), connections: CONNECTIONS, seconds, holds: TOTAL }
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, "bench/http/load.ts"), JSON.stringify(words)])
    let out = ""
    child.stdout.on("data", (data) => {
      out += data
    })
    child.on("exit", (exit) => {
      if (exit !== 0) return reject(new RangeError(`The load on ${name} ended with ${exit}`))
      const { wrong, ...sample } = JSON.parse(out) as Sample & { readonly wrong: readonly string[] }
      if (wrong.length > 0) reject(new RangeError(`${name} answered otherwise: ${wrong[0]}`))
      else resolve(sample)
    })
  })
}

function tell(samples: ReadonlyMap<string, readonly Sample[]>): void {
  const median = (name: string, key: keyof Sample): number => {
    const sorted = samples
      .get(name)!
      .map((s) => s[key])
      .sort((a, b) => a - b)
    return sorted[sorted.length >> 1]!
  }
  const report = new Report("HTTP", "npm run bench:http")
  report.text(
    `A graph of five expressions over HTTP; ${CONNECTIONS} connections, ${ROUNDS} rounds of ${SECONDS} s in turns, medians; load generator and servers share the machine. What Hono does by hand checks its input and keeps no record.`,
  )
  report.table(
    ["server", "requests a second", "p50 ms", "p99 ms"],
    [...samples.keys()].map((name) => [
      name,
      median(name, "rps").toFixed(0),
      median(name, "p50").toFixed(2),
      median(name, "p99").toFixed(2),
    ]),
  )
  const ours = median("Shadowgraph", "rps")
  report.figure("http.requests_per_second", ours)
  report.figure("http.vs_hono", ours / median("Hono by hand", "rps"), "×", "≥ 0.7")
  report.figure("http.p99_vs_hono", median("Hono by hand", "p99") / median("Shadowgraph", "p99"), "×")
  report.figure(
    "http.durable_vs_hono",
    median("Shadowgraph, ledger on disk", "rps") / median("Hono by hand", "rps"),
    "×",
  )
  report.end()
}
