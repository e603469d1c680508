/**
 * The stage of the chain: five servers as processes of their own, the relays in front of them in another, and a project whose
 * graph calls them. Shadows come from the command line as for anybody: `lock`, `record`, `train`.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface, type Interface } from "node:readline"
import { postgresBinaries, startPostgres } from "../../tests/contract/postgres-server.ts"
import { Chance } from "../../tests/laws/chance.ts"
import type { NextRun } from "./relay.ts"
import { makeTariffs, ZONES } from "./tariffs.ts"

/** In the order of the chain, which is that of the relays. */
export const TOOLS = ["kilos", "cents", "total", "days", "there"] as const
export const GRAPH = "parcel.graph.yaml"
const HOME = join(import.meta.dirname, "../..")

export interface Input {
  readonly pounds: number
  readonly zone: number
  readonly count: number
  readonly sent: string
}

/** The parcels of a seed: what recording, and what the bench itself with another seed, draw from. */
export function parcels(seed: string, count: number): readonly Input[] {
  const c = new Chance(seed)
  const two = (n: number) => String(n).padStart(2, "0")
  return Array.from({ length: count }, () => ({
    pounds: c.between(25, 11_500) / 100,
    zone: c.between(1, ZONES),
    count: c.between(1, 99),
    sent: `${c.between(2024, 2027)}-${two(c.between(1, 12))}-${two(c.between(1, 28))}`,
  }))
}

export interface Addresses {
  readonly units: string
  readonly tariffs: string
  readonly calculator: string
  readonly customs: string
  readonly dates: string
}

export interface Stage {
  readonly folder: string
  readonly at: Addresses
  /** The relays hold what comes from now on as this run. Gives how many requests each had since the last time. */
  readonly next: (run: NextRun) => Promise<readonly number[]>
  /** The command line in the project's folder, or in another one. Gives what it printed. */
  readonly command: (words: readonly string[], folder?: string) => Promise<string>
  /** The same project with the same calls on record and shadows of its own. */
  readonly loose: string
  /** Were its shadows learned by an earlier process? */
  readonly learned: boolean
  /** Hands the calls on record to the other project. */
  readonly share: () => void
  readonly close: () => Promise<void>
}

class Started {
  readonly #process: ChildProcess
  readonly #lines: Interface
  constructor(script: string, words: readonly string[] = []) {
    this.#process = spawn(process.execPath, [join(import.meta.dirname, script), ...words], {
      stdio: ["pipe", "pipe", "inherit"],
    })
    this.#lines = createInterface({ input: this.#process.stdout! })
  }
  /** The next line that it says. */
  said(): Promise<string> {
    return new Promise((done) => this.#lines.once("line", done))
  }
  async asked(line: string): Promise<string> {
    const answer = this.said()
    this.#process.stdin!.write(`${line}\n`)
    return answer
  }
  stop(): void {
    this.#process.kill()
  }
}

/** @param keep A folder in which projects, ports and shadows are kept: the next process finds them there. */
export async function openStage(keep?: string): Promise<Stage> {
  const found = postgresBinaries()
  if ("missing" in found) throw new RangeError(`Cannot start Postgres, the SQL server of the chain: ${found.missing}`)
  const postgres = await startPostgres(found.native)
  const database = new URL(await postgres.database("parcels"))
  await makeTariffs(database.href)
  const servers = ["units", "calculator", "customs", "dates"].map((name) => new Started(`servers/${name}.ts`))
  const [units, calculator, customs, dates] = await Promise.all(servers.map((s) => s.said()))
  const targets = [units, database.port, calculator, customs, dates]
  const home = keep ?? mkdtempSync(join(tmpdir(), "shadowgraph-speculate-"))
  // The port is a part of what an HTTP tool is called.
  const kept = join(home, "ports.json")
  const learned = existsSync(kept)
  const before = learned ? (JSON.parse(readFileSync(kept, "utf8")) as readonly number[]) : targets.map(() => 0)
  const relays = new Started(
    "relay.ts",
    targets.map((port, i) => `${before[i]}:${port}`),
  )
  const ports = JSON.parse(await relays.said()) as readonly number[]
  const web = (i: number) => `http://127.0.0.1:${ports[i]}`
  database.port = String(ports[1])
  const at: Addresses = {
    units: `${web(0)}/mcp`,
    tariffs: database.href,
    calculator: web(2),
    customs: web(3),
    dates: `${web(4)}/mcp`,
  }
  process.env["TARIFFS"] = at.tariffs
  const [folder, loose] = [join(home, "strict"), join(home, "loose")]
  if (!learned) for (const made of [folder, loose]) layProject(made, ports)
  return {
    folder,
    loose,
    learned,
    at,
    next: async (run) => JSON.parse(await relays.asked(JSON.stringify(run))) as readonly number[],
    command: (words, where = folder) => command(words, where),
    share: () => {
      cpSync(join(folder, "shadowgraph.lock"), join(loose, "shadowgraph.lock"))
      cpSync(join(folder, ".shadowgraph"), join(loose, ".shadowgraph"), { recursive: true })
    },
    close: async () => {
      for (const started of [...servers, relays]) started.stop()
      await postgres.stop()
      if (keep === undefined) rmSync(home, { recursive: true, force: true })
      else writeFileSync(kept, JSON.stringify(ports))
    },
  }
}

function layProject(folder: string, ports: readonly number[]): void {
  mkdirSync(folder, { recursive: true })
  symlinkSync(join(HOME, "node_modules"), join(folder, "node_modules"))
  cpSync(join(import.meta.dirname, "tariffs.ts"), join(folder, "tariffs.ts"))
  const places: { readonly [name: string]: number } = {
    UNITS: ports[0]!,
    CALCULATOR: ports[2]!,
    CUSTOMS: ports[3]!,
    DATES: ports[4]!,
  }
  const text = readFileSync(join(import.meta.dirname, GRAPH), "utf8")
  writeFileSync(
    join(folder, GRAPH),
    text.replace(/127\.0\.0\.1:([A-Z]+)/g, (_, name: string) => `127.0.0.1:${places[name]}`),
  )
  const grants = [
    "mcp:units/convert",
    "mcp:dates/later",
    ...Object.values(places).map((port) => `net:127.0.0.1:${port}`),
  ]
  writeFileSync(join(folder, "shadowgraph.project.json"), JSON.stringify({ grants }))
}

function command(words: readonly string[], folder: string): Promise<string> {
  return new Promise((done, fail) => {
    const ran = spawn(process.execPath, [join(HOME, "deploy/cli/main.ts"), ...words], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    })
    let text = ""
    ran.stdout.on("data", (bytes) => {
      text += String(bytes)
    })
    ran.on("error", fail)
    ran.on("close", (code) => {
      if (code === 0) done(text)
      else fail(new TypeError(`shadowgraph ${words.join(" ")} ended with ${code}: ${text}`))
    })
  })
}
