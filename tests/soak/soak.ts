/**
 * A server under load for a while, with all that goes wrong around one: `shadowgraph serve` as a process, its ledger on disk, at
 * a share of the most that it does, while its tools are killed and come back and clients cancel, leave, send what is broken
 * and read slowly. Afterwards the ledger is held against what clients were told.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { ADDER_PID, furnish } from "./house.ts"
import type { Load, Tally } from "./load.ts"
import { type Found, reckon } from "./reckoning.ts"

const ROOT = join(import.meta.dirname, "..", "..")
const MAIN = join(ROOT, "deploy", "cli", "main.ts")
/** Places for runs: enough that those which wait for a dead tool do not fill them all. */
const CONCURRENT = 256
/** The HTTP tool is dead for so long, the MCP tool until it is next called. */
const DEAD_MS = 800
/** A server that goes on with what it had when the load ended gets so long. */
const QUIET_MS_MAX = 60_000

export interface SoakOptions {
  /** A fresh one, or to be made; the caller removes it. */
  readonly folder: string
  /** Of the load that finds the most. */
  readonly mostSeconds: number
  /** Of the load that is held. */
  readonly seconds: number
  /** Of the most. */
  readonly share: number
  /** Requests at once when the most is looked for. */
  readonly connections: number
  readonly killEverySeconds: number
  readonly sampleMs: number
  readonly says: (line: string) => void
}

/** The server's memory at one moment. */
export interface MemorySample {
  /** Seconds since the load began. */
  readonly at: number
  /** Bytes that the process holds of the machine's memory. */
  readonly rss: number
}

export interface Soaked {
  /** Requests a second of the load that found the most. */
  readonly most: number
  readonly rate: number
  readonly held: Tally
  readonly samples: readonly MemorySample[]
  /** Bytes of objects that are held, after a collection, with no load: before and after. */
  readonly heap: readonly [before: number, after: number]
  readonly kills: { readonly http: number; readonly mcp: number }
  /** The exit code of the server when it was asked to stop. */
  readonly exit: number | null
  readonly found: Found
}

/** Fails with a `RangeError` where the server or a tool does not start, or the load itself breaks. */
export async function soak(options: SoakOptions): Promise<Soaked> {
  const { folder, says } = options
  mkdirSync(folder, { recursive: true })
  const runs = join(folder, "accepted.txt")
  const shop = new Shop(folder)
  await shop.start()
  furnish(folder, `127.0.0.1:${shop.port}`)
  const locked = await done(command(folder, ["lock"]))
  if (locked.exit !== 0) throw new RangeError(`The adder could not be locked: ${locked.text}`)
  const server = new Server(folder)
  try {
    await server.start()
    const load = (more: Pick<Load, "mode" | "seconds" | "many" | "name">): Promise<Tally> =>
      loaded({ ...more, port: server.port, runs })
    // A first short one, so that what is measured is warm.
    await load({ mode: "most", seconds: Math.max(1, options.mostSeconds / 4), many: options.connections, name: "w" })
    const found = await load({ mode: "most", seconds: options.mostSeconds, many: options.connections, name: "m" })
    if (found.wrong > 0) throw new RangeError(`The server answers otherwise: ${found.wrongs.join("\n")}`)
    const rate = Math.max(1, Math.floor(found.perSecond * options.share))
    says(`${found.perSecond.toFixed(0)} requests a second at most; ${rate} a second for ${options.seconds} s`)
    const before = await server.heap()
    const troubles = new Troubles(folder, shop, options.killEverySeconds)
    const samples = server.sampled(options.sampleMs)
    const held = await load({ mode: "hold", seconds: options.seconds, many: rate, name: "h" })
    const memory = samples()
    const kills = await troubles.end()
    await server.quiet()
    const after = await server.heap()
    const exit = await server.stop()
    says(`${Object.values(held.asked).reduce((a, b) => a + b, 0)} requests; holding the ledger against what was told`)
    const reckoned = await reckon(folder, runs)
    return {
      most: found.perSecond,
      rate,
      held,
      samples: memory,
      heap: [before, after],
      kills,
      exit,
      found: reckoned,
    }
  } finally {
    server.kill()
    shop.kill()
  }
}

// ---- the server

class Server {
  readonly #folder: string
  #child: ChildProcess | undefined
  #said = ""
  port = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  async start(): Promise<void> {
    const words = ["serve", "--port", "0", "-q", "-y", "--concurrent", String(CONCURRENT)]
    this.#child = command(this.#folder, words, ["--preload", join(import.meta.dirname, "memory.ts")])
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.on("data", (data) => {
        this.#said += data
      })
    const [, port] = await this.#says(/http:\/\/127\.0\.0\.1:(\d+)/)
    this.port = Number(port)
  }

  /** Bytes of objects after a collection. */
  async heap(): Promise<number> {
    this.#said = ""
    this.#child!.kill("SIGUSR2")
    const [, told] = await this.#says(/memory (\{.*\})/)
    return (JSON.parse(told!) as { readonly heap: number }).heap
  }

  /** Looks at the process's memory from outside, until it is asked what it saw. */
  sampled(everyMs: number): () => readonly MemorySample[] {
    const samples: MemorySample[] = []
    const began = performance.now()
    const { pid } = this.#child!
    const timer = setInterval(() => {
      samples.push({ at: (performance.now() - began) / 1_000, rss: rssOf(pid!) })
    }, everyMs)
    return () => {
      clearInterval(timer)
      return samples
    }
  }

  /** Resolves when nothing goes on any more. */
  async quiet(): Promise<void> {
    const end = performance.now() + QUIET_MS_MAX
    for (;;) {
      const health = await fetch(`http://127.0.0.1:${this.port}/health`)
      const { running, waiting } = (await health.json()) as { readonly running: number; readonly waiting: number }
      if (running + waiting === 0 || performance.now() > end) return
      await new Promise((wake) => setTimeout(wake, 50))
    }
  }

  stop(): Promise<number | null> {
    const child = this.#child!
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve))
    child.kill("SIGTERM")
    return ended
  }

  kill(): void {
    this.#child?.kill("SIGKILL")
  }

  async #says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#said)
      if (found !== null) return found
      if (this.#child!.exitCode !== null) throw new RangeError(`The server ended: ${this.#said}`)
      await new Promise((wake) => setTimeout(wake, 10))
    }
  }
}

/** Bytes of the machine's memory that a process holds; where there is no /proc, `ps` says it. */
function rssOf(pid: number): number {
  const file = `/proc/${pid}/status`
  if (existsSync(file)) return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(file, "utf8"))![1]) * 1_024
  return Number(spawnSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" }).stdout) * 1_024
}

// ---- what goes wrong

class Shop {
  readonly #folder: string
  #child: ChildProcess | undefined
  port = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  /** On the port that it had before. */
  async start(): Promise<void> {
    const words = [join(import.meta.dirname, "shop.ts"), String(this.port)]
    const child = spawn(process.execPath, words, { cwd: join(this.#folder), stdio: ["ignore", "pipe", "inherit"] })
    this.#child = child
    this.port = await new Promise((resolve, reject) => {
      child.stdout.once("data", (data) => resolve(Number(/listening (\d+)/.exec(String(data))![1])))
      child.once("exit", (exit) => reject(new RangeError(`The HTTP tool ended with ${exit}`)))
    })
  }

  kill(): void {
    this.#child?.removeAllListeners("exit").kill("SIGKILL")
  }
}

/** Kills the tools in turns; the HTTP tool is started again, the MCP tool by whoever needs it. */
class Troubles {
  readonly #stopping = new AbortController()
  readonly #over: Promise<void>
  #http = 0
  #mcp = 0

  constructor(folder: string, shop: Shop, everySeconds: number) {
    this.#over = this.#go(folder, shop, everySeconds * 1_000)
  }

  async end(): Promise<{ readonly http: number; readonly mcp: number }> {
    this.#stopping.abort()
    await this.#over
    return { http: this.#http, mcp: this.#mcp }
  }

  async #go(folder: string, shop: Shop, everyMs: number): Promise<void> {
    for (let i = 0; await this.#passed(everyMs); i++) {
      if (i % 2 === 0) {
        shop.kill()
        this.#http++
        await new Promise((wake) => setTimeout(wake, DEAD_MS))
        await shop.start()
      } else this.#killAdder(join(folder, ADDER_PID))
    }
  }

  #killAdder(file: string): void {
    if (!existsSync(file)) return
    try {
      process.kill(Number(readFileSync(file, "utf8")), "SIGKILL")
      this.#mcp++
    } catch (cause) {
      // It is dead already, and nobody has needed it since.
      if ((cause as { readonly code?: string }).code !== "ESRCH") throw cause
    }
  }

  /** False where it ends before. */
  #passed(ms: number): Promise<boolean> {
    const { signal } = this.#stopping
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(false)
      const timer = setTimeout(() => resolve(true), ms)
      signal.addEventListener("abort", () => {
        clearTimeout(timer)
        resolve(false)
      })
    })
  }
}

// ---- processes

const command = (cwd: string, words: readonly string[], before: readonly string[] = []): ChildProcess =>
  spawn(process.execPath, [...before, MAIN, ...words], { cwd, stdio: ["ignore", "pipe", "pipe"] })

function done(child: ChildProcess): Promise<{ readonly exit: number | null; readonly text: string }> {
  let text = ""
  for (const stream of [child.stdout!, child.stderr!])
    stream.on("data", (data) => {
      text += data
    })
  return new Promise((resolve) => child.on("close", (exit) => resolve({ exit, text })))
}

async function loaded(load: Load): Promise<Tally> {
  const words = [join(import.meta.dirname, "load.ts"), JSON.stringify(load)]
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"] })
  let out = ""
  child.stdout.on("data", (data) => {
    out += data
  })
  let err = ""
  child.stderr.on("data", (data) => {
    err += data
  })
  const exit = await new Promise((resolve) => child.on("close", resolve))
  if (exit !== 0) throw new RangeError(`The load ended with ${exit}: ${err}`)
  return JSON.parse(out) as Tally
}
