// kill -9 at random points of a real process with a real ledger and a real server, resumed until every run has ended; then
// what is on record is held against what the server counted, and every trace against that of a run that nobody disturbed.
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SqlLedger } from "../../deploy/ledger/sql.ts"
import { SqliteStorage } from "../../deploy/storage/sqlite.ts"
import { sha256 } from "../../graph/mod.ts"
import { openRow, verifyChain } from "../../kernel/mod.ts"
import { isUndone, writesOf } from "./tools.ts"

export interface Report {
  readonly kills: number
  readonly runs: number
  /** Runs that did not end, or have another trace than the undisturbed one, or undid in another order, or whose chain does not verify. */
  readonly wrong: readonly string[]
  /** Times that a worker went before it was killed, with another code than 0. */
  readonly crashes: number
  /** Writes that are not in the server's books although their run has ended. */
  readonly lost: number
  /** Writes that are there more than once. */
  readonly double: number
  /** Writes that stood open when the process died, and how many of them a person had to say something about. */
  readonly asked: number
}

/** Keeps books: what was written, how often, under which key. Answers after a moment, as servers do. */
async function openServer() {
  /** By what was written; `order`: when it was first. */
  const books = new Map<string, { times: number; value: number; order: number }>()
  const keys = new Map<string, number>()
  let asked = 0
  const pending = new Set<Promise<void>>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const { at, amount } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { at: string; amount: number }
      const end = (status: number, body: object) => {
        response.writeHead(status, { "content-type": "application/json" })
        response.end(JSON.stringify(body))
      }
      const value = amount * 2 + at.length
      const key = String(request.headers["idempotency-key"])
      const act = async () => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3))
        if (request.url === "/fetched")
          return end(at.endsWith("/gone") ? 410 : 200, { value: at.split("/").length + amount })
        if (request.url === "/books") {
          asked++
          // What is on its way from a process that is dead arrives before it is looked for.
          await Promise.all([...pending].filter((p) => p !== mine))
          const found = books.get(at)
          return end(200, found === undefined ? {} : { value: found.value })
        }
        const known = request.url === "/put" ? keys.get(key) : undefined
        if (known === undefined) {
          const before = books.get(at)
          books.set(at, { times: (before?.times ?? 0) + 1, value, order: before?.order ?? books.size })
          keys.set(key, value)
        }
        end(200, { value: known ?? value })
      }
      const mine: Promise<void> = act().finally(() => pending.delete(mine))
      if (request.url !== "/books") pending.add(mine)
    })
    request.on("error", () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    books,
    asked: () => asked,
    forget: () => {
      books.clear()
      keys.clear()
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

const dead = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once("exit", (code) => resolve(code)))

/** Between `SHORTEST` and `longest` ms, every order of magnitude equally often: a process dies with its first run as often as with its hundredth. */
const SHORTEST = 5
const lifetime = (longest: number): number => SHORTEST * (longest / SHORTEST) ** Math.random()

/**
 * @param kills How many times the process is killed. @param tell Hears how far it is.
 * @param msMax The process works at most so many milliseconds.
 */
export async function campaign(kills: number, tell: (line: string) => void = () => {}, msMax = 600): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), "kill9-"))
  const server = await openServer()
  const file = join(folder, "ledger.db")
  const start = (ledger: string, runs: number) =>
    spawn(process.execPath, [join(import.meta.dirname, "worker.ts"), ledger, server.url, String(runs)], {
      stdio: ["ignore", "pipe", "inherit"],
    })
  try {
    let runs = kills * 4
    let killed = 0
    let crashes = 0
    while (killed < kills) {
      const child = start(file, runs)
      const gone = dead(child)
      // Mostly while it works; now and then while it starts.
      if (Math.random() < 0.9) await Promise.race([gone, new Promise((resolve) => child.stdout!.once("data", resolve))])
      await new Promise((resolve) => setTimeout(resolve, lifetime(msMax)))
      child.kill("SIGKILL")
      const code = await gone
      if (code === null) {
        killed++
        if (killed % 100 === 0) tell(`${killed} kills`)
      }
      // All runs had ended before it was killed: there are more from here on.
      else if (code === 0) runs += kills * 4
      else if (++crashes > CRASHES) break
    }
    await dead(start(file, (await ended(file)).size))
    const after = await ended(file)
    let lost = 0
    let double = 0
    /** Runs that took back what they did in another order than the reverse. */
    const disorder: string[] = []
    for (const [run, { trace }] of after) {
      // A run that has not ended is found below.
      if (trace === undefined) continue
      const found = writesOf(run).map((write) => server.books.get(`${run}/${write}`))
      lost += found.filter((f) => f === undefined).length
      double += found.filter((f) => f !== undefined && f.times > 1).length
      const order = found.map((f) => f?.order ?? 0)
      if (isUndone(run) && order.some((n, i) => i > 0 && n < order[i - 1]!)) disorder.push(run)
    }
    const asked = server.asked()
    // The same runs in a world of their own where nobody kills anything.
    server.forget()
    await dead(start(join(folder, "calm.db"), after.size))
    const calm = await ended(join(folder, "calm.db"))
    const same = (run: string, { sound, trace }: Found) =>
      sound && trace !== undefined && trace === calm.get(run)?.trace
    const wrong = [...after].filter(([run, found]) => !same(run, found)).map(([run]) => run)
    wrong.push(...disorder)
    return { kills: killed, runs: after.size, wrong, crashes, lost, double, asked }
  } finally {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A worker that goes by itself more often than this is not started again. */
const CRASHES = 10

interface Found {
  readonly sound: boolean
  readonly trace: string | undefined
}

/** What a ledger says of its runs: their trace where they ended as they should, and whether their chain is whole. */
async function ended(file: string): Promise<ReadonlyMap<string, Found>> {
  const ledger = await SqlLedger.open({ storage: new SqliteStorage({ file }) })
  const found = new Map<string, Found>()
  try {
    for (const { run, seq, hash } of await ledger.runs("", 1_000_000)) {
      const chain = await ledger.entries("", run)
      const sound = verifyChain(chain, { digest: sha256, space: "", run, head: { seq, hash } }).ok
      const { body } = openRow(chain.rows.at(-1)!)
      const ends = body.kind === "end" && (body.message !== null) === isUndone(run)
      found.set(run, { sound, trace: ends ? body.trace : undefined })
    }
  } finally {
    await ledger.close()
  }
  return found
}
