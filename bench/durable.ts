/**
 * `npm run bench:durable`: the same ten recorded steps on us (SQLite, `synchronous=FULL`, every entry salted, chained and
 * signed), on DBOS with Postgres, on LangGraph.js with its SQLite checkpointer, and as a bare loop of one INSERT a step on
 * the same SQLite settings, which is the limit. In turns, on one disk.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface, type Interface } from "node:readline"
import { DatabaseSync } from "node:sqlite"
import { parseArgs } from "node:util"
import * as v from "valibot"
import { auditLedger } from "../audit/mod.ts"
import {
  Engine,
  hostDigest,
  openLedgerKey,
  SqliteStorage,
  SqlLedger,
  systemChance,
  systemClock,
} from "../deploy/mod.ts"
import * as build from "../graph/build/mod.ts"
import { settleEffect } from "../nodes/mod.ts"
import { postgresBinaries, startPostgres } from "../tests/contract/postgres-server.ts"
import { installed } from "./installed.ts"
import { summary } from "./measure.ts"
import { kinds, ready, value } from "./ours.ts"
import { Report } from "./report.ts"

const { values } = parseArgs({
  options: { runs: { type: "string" }, "at-once": { type: "string" }, turns: { type: "string" } },
})
const AT_ONCE = Number(values["at-once"] ?? 64)
const RUNS = Number(values.runs ?? 256)
const TURNS = Number(values.turns ?? 5)
const STEPS = 10
const PEERS = installed("", "@dbos-inc")

interface Batch {
  readonly ms: number
  /** Milliseconds of each run. */
  readonly each: readonly number[]
}
interface Contestant {
  readonly name: string
  readonly batch: (count: number, atOnce: number, first: number) => Promise<Batch>
  readonly close: () => Promise<void>
}

const step = (x: number): number => (x * 31 + 7) % 1_000_003
const EXPECTED = Array.from({ length: STEPS }).reduce<number>((x) => step(x), 1)

async function timed(run: (i: number) => unknown, count: number, atOnce: number, first: number): Promise<Batch> {
  const each: number[] = []
  let next = 0
  const began = performance.now()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) {
        const i = next++
        const start = performance.now()
        const answer = await run(first + i)
        each.push(performance.now() - start)
        if (answer !== EXPECTED) throw new RangeError(`answers ${String(answer)}, wanted ${EXPECTED}`)
      }
    }),
  )
  return { ms: performance.now() - began, each }
}

const folder = mkdtempSync(join(tmpdir(), "bench-durable-"))

// ---- ours

type Loose = (...args: unknown[]) => unknown
type Yielded = Iterable<unknown> & { [Symbol.iterator](): Iterator<unknown, unknown> }
const { graph, fn } = build as unknown as { readonly graph: Loose; readonly fn: Loose }

async function ours(): Promise<Contestant> {
  const { signer } = await openLedgerKey(join(folder, "ledger.key"))
  const storage = new SqliteStorage({ file: join(folder, "ours.db") })
  const store = await SqlLedger.open({ storage, signer })
  const registry = kinds()
  const engine = new Engine({
    registry,
    services: { clock: systemClock, chance: systemChance },
    digest: hostDigest,
    settle: settleEffect,
    store,
  })
  const tools = Array.from({ length: STEPS }, (_, i) =>
    fn(`s${i}`, { input: { x: v.number() }, output: v.number(), effect: "read" }, async ({ x }: { x: number }) =>
      step(x),
    ),
  ) as Loose[]
  const made = graph("chain", { input: { x: v.number() } }, function* (input: { x: unknown }): Generator<
    unknown,
    unknown,
    unknown
  > {
    let x = input.x
    for (const tool of tools) x = yield* tool({ x }) as Yielded
    return x
  })
  const prepared = await ready(made, engine, [], registry)
  return {
    name: "ours",
    batch: (count, atOnce, first) => timed(() => value(prepared, { x: 1 }), count, atOnce, first),
    close: async () => {
      const audit = await auditLedger(store.archive, { digest: hostDigest, verify: signer.verify })
      if (!audit.ok || audit.entries !== audit.runs * (STEPS + 2))
        throw new RangeError(`our ledger is not whole: ${JSON.stringify(audit.findings[0] ?? audit)}`)
      await engine.close()
    },
  }
}

// ---- the limit

/** What nobody can go below who keeps each step before the next: one INSERT, one commit, nothing else. */
function bare(): Contestant {
  const db = new DatabaseSync(join(folder, "bare.db"))
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
  db.exec("CREATE TABLE steps (run INTEGER, step INTEGER, outcome BLOB, PRIMARY KEY (run, step))")
  const insert = db.prepare("INSERT INTO steps VALUES (?, ?, ?)")
  const run = async (i: number) => {
    let x = 1
    for (let s = 0; s < STEPS; s++) {
      x = step(x)
      insert.run(i, s, new TextEncoder().encode(JSON.stringify(x)))
    }
    return x
  }
  return {
    name: "one INSERT a step",
    batch: (count, atOnce, first) => timed(run, count, atOnce, first),
    close: async () => db.close(),
  }
}

// ---- peers, each in a process of its own on Node

async function peer(name: string, program: string, where: string): Promise<Contestant> {
  const child: ChildProcess = spawn("node", [program, where], { cwd: PEERS, stdio: ["pipe", "pipe", "inherit"] })
  const lines: Interface = createInterface({ input: child.stdout! })
  const said = lines[Symbol.asyncIterator]()
  const answer = async (): Promise<string> => {
    for (;;) {
      const { done, value: line } = await said.next()
      if (done) throw new RangeError(`${name} ended`)
      if (line === "ready" || line.startsWith('{"ms"')) return line
    }
  }
  await answer()
  return {
    name,
    batch: async (count, atOnce, first) => {
      child.stdin!.write(`${JSON.stringify({ count, atOnce, first })}\n`)
      return JSON.parse(await answer()) as Batch
    },
    close: () =>
      new Promise<void>((done) => {
        child.once("exit", () => done())
        child.stdin!.write("end\n")
      }),
  }
}

function driver(): void {
  const native = join(PEERS, "node_modules/better-sqlite3")
  if (existsSync(join(native, "build/Release/better_sqlite3.node"))) return
  console.log("building better-sqlite3, the driver of LangGraph's checkpointer …")
  const built = spawnSync("npm", ["run", "install"], { cwd: native, stdio: "ignore" })
  if (built.status !== 0) throw new RangeError("better-sqlite3 could not be built: it wants a C++ compiler and Python")
}

// ---- the bench

driver()
const binaries = postgresBinaries()
if ("missing" in binaries) throw new RangeError(`no Postgres for DBOS: ${binaries.missing}`)
const server = await startPostgres(binaries.native, { fsync: true })
const contestants = [
  await ours(),
  bare(),
  await peer("DBOS", "durable-dbos.mjs", await server.database("dbos")),
  await peer("LangGraph.js", "durable-langgraph.mjs", join(folder, "langgraph.db")),
]
const report = new Report("Durable runs", "npm run bench:durable")

interface Measured {
  /** Milliseconds a run, of each turn. */
  readonly perRun: number[]
  readonly each: number[]
}
async function measured(count: number, atOnce: number): Promise<Map<string, Measured>> {
  const out = new Map<string, Measured>(contestants.map((c) => [c.name, { perRun: [], each: [] }]))
  let first = Math.floor(performance.now() * 1_000)
  for (const c of contestants) await c.batch(Math.max(4, Math.floor(count / 8)), atOnce, (first += 1_000_000))
  for (let turn = 0; turn < TURNS; turn++)
    for (const c of contestants) {
      const { ms, each } = await c.batch(count, atOnce, (first += 1_000_000))
      const m = out.get(c.name)!
      m.perRun.push(ms / count)
      m.each.push(...each)
    }
  return out
}
const p99 = (xs: readonly number[]): number => [...xs].sort((a, b) => a - b)[Math.floor(xs.length * 0.99)] ?? Number.NaN
const median = (m: Measured): number => summary("", m.perRun).median

function show(title: string, all: ReadonlyMap<string, Measured>): void {
  report.text(title)
  report.table(
    ["", "runs a second", "quartiles", "p50 ms", "p99 ms"],
    [...all].map(([name, m]) => {
      const s = summary(name, m.perRun)
      const rates = [s.high, s.low].map((ms) => (1_000 / ms).toFixed(0))
      return [
        name,
        (1_000 / s.median).toFixed(0),
        rates.join("–"),
        summary("", m.each).median.toFixed(1),
        p99(m.each).toFixed(1),
      ]
    }),
  )
}

const many = await measured(RUNS, AT_ONCE)
show(`${STEPS} recorded steps a run, ${AT_ONCE} runs at once, ${TURNS} turns of ${RUNS} runs each:`, many)
const single = await measured(Math.max(8, Math.floor(RUNS / 8)), 1)
show("One run at a time: every step waits for the disk by itself.", single)

const [us, limit, dbos, langgraph] = [...many.values()] as [Measured, Measured, Measured, Measured]
const [usAlone, limitAlone] = [...single.values()] as [Measured, Measured]
report.figure("durable.vs_dbos", median(dbos) / median(us), undefined, "> 1")
report.figure("durable.vs_langgraph", median(langgraph) / median(us), undefined, "> 1")
report.figure("durable.vs_limit", median(limit) / median(us), undefined, "≥ 0.67")
report.figure("durable.vs_limit_alone", median(limitAlone) / median(usAlone))
report.figure("durable.p99_vs_dbos", p99(dbos.each) / p99(us.each), undefined, "> 1")
report.figure("durable.p99_vs_langgraph", p99(langgraph.each) / p99(us.each), undefined, "> 1")
report.end()
for (const c of contestants) await c.close()
await server.stop()
rmSync(folder, { recursive: true, force: true })
process.exit(0)
