/**
 * A world in which nothing is real but our own code: time, tools, the disk's answers and the death of processes come from
 * a seed, so one number replays everything that went wrong. Faults strike by number: the world counts every operation that
 * leaves a process, and a schedule says what happens to the n-th.
 */

import type { SignedHead } from "../../audit/mod.ts"
import type { SqliteStorage } from "../../deploy/mod.ts"
import type { Storage } from "../../deploy/storage/port.ts"
import { fail, hex, type NodeKind, type Path, printPath, T } from "../../graph/mod.ts"
import { type KernelReason, kernelError, openEntry } from "../../kernel/mod.ts"
import { Chance } from "../laws/chance.ts"
import type { Disk, Loss } from "./disk.ts"

/** What can happen to an operation. Those that do not fit the operation that they meet change nothing. */
export const FAULTS = [
  /** The process dies before the operation, or after it and before it hears of it. */
  "killed before",
  "killed after",
  /** The disk: no room, for this once; done, but the answer is lost; slow. */
  "disk full",
  "disk silent",
  "disk slow",
  /** The power goes off in the middle of a transaction; while the log is put into the file; after one that was said to be kept. */
  "disk torn",
  "disk half",
  "disk forgotten",
  /** A tool: nothing gets there; it gets there and the answer is lost; it answers late, or garbage, or says to try again. */
  "tool lost",
  "tool silent",
  "tool slow",
  "tool lies",
  "tool down",
  /** The network brings the same message twice. */
  "tool twice",
  /** The clock on the wall jumps by a day; durations are measured by another one. */
  "clock forward",
  "clock back",
] as const
export type Fault = (typeof FAULTS)[number]

export interface Strike {
  readonly at: number
  readonly fault: Fault
}

/** Somebody wants a run to end, as the world comes to its n-th operation. */
export interface Stop {
  readonly at: number
  readonly run: string
}

/** A write that reached a tool. */
export interface Applied {
  readonly run: string
  readonly path: string
  readonly tool: string
  readonly key: string
  readonly arg: number
}

const never = <A>(): Promise<A> => new Promise(() => {})
const DAY_MS = 86_400_000
/** An argument that no tool can deal with. */
const isBad = (x: number): boolean => x % 37 === 36

export class World {
  readonly strikes: ReadonlyMap<number, Fault>
  /** Operations so far. */
  ops = 0
  readonly applied: Applied[] = []
  readonly reads: string[] = []
  /** What an independent look found wrong while it happened. */
  readonly wrong: string[] = []
  readonly clock = new SimClock()
  readonly #stops: ReadonlyMap<number, string>
  /** Runs that somebody wants to end; and how those hear of it that are under way. */
  readonly stopped = new Set<string>()
  readonly hear = new Map<string, () => void>()
  /** Those who wanted to go on with a run at the moment when another did, and were told. */
  rivals = 0
  /** Messages that a process has sent and that have not arrived. */
  readonly #flying = new Map<object, { readonly at: string; readonly process: Process }>()
  /** What is on the disk outlives every process. */
  readonly #disk: Disk
  readonly #answers = new Map<string, number>()
  /** Where the log stood before the transaction that the disk forgets with the power, which goes off soon. */
  #forgets: number | undefined
  /** Writes that were done and announced on a disk that forgot the announcement: no ledger can know of them. */
  readonly ghosts: Applied[] = []
  /** The same of tools that honour a key: whoever goes on with the run sends these again, unless somebody ends it before. */
  readonly unsaid = new Set<string>()
  /** The signed head as it was handed out last; and the one that speaks of what the disk has forgotten since. */
  kept: SignedHead | undefined
  witness: SignedHead | undefined
  /** Leaves that the witness speaks of and the disk forgot. A world may come to the very same ones again. */
  readonly forgotten: { readonly index: number; readonly leaf: string }[] = []

  constructor(disk: Disk, strikes: readonly Strike[], stops: readonly Stop[] = []) {
    this.#disk = disk
    this.#stops = new Map(stops.map(({ at, run }) => [at, run]))
    this.strikes = new Map(strikes.map(({ at, fault }) => [at, fault]))
  }

  get disk(): SqliteStorage {
    return this.#disk.storage
  }
  /** The same disk, where nothing strikes any more. */
  calm(): World {
    return new World(this.#disk, [])
  }

  /** One operation leaves a process: what happens to it. */
  async strike(process: Process, what: "disk" | "tool"): Promise<Fault | undefined> {
    if (!process.alive) return never()
    this.clock.moved()
    const stops = this.#stops.get(this.ops)
    if (stops !== undefined) {
      this.stopped.add(stops)
      this.hear.get(stops)?.()
    }
    const fault = this.strikes.get(this.ops++)
    if (this.#forgets !== undefined && what === "disk") return this.#powerOff(process, this.#forgets, "forgotten")
    if (fault === "clock forward") this.clock.wall += DAY_MS
    if (fault === "clock back") this.clock.wall -= DAY_MS
    if (fault === "killed before") {
      process.die()
      return never()
    }
    return fault
  }

  /** The storage port as one process sees it. */
  storage(process: Process): Storage {
    const through = async <A>(work: () => A | Promise<A>): Promise<A> => {
      const fault = await this.strike(process, "disk")
      if (fault === "disk full") throw refused("full")
      if (fault === "disk slow") await this.clock.sleep(5_000)
      const from = this.#disk.written
      const result = await work()
      this.clock.moved()
      if (fault === "disk torn") return this.#powerOff(process, from, "torn")
      if (fault === "disk half") return this.#powerOff(process, from, "half")
      if (fault === "disk forgotten" && this.#disk.written > from) this.#forgets = from
      if (fault === "killed after") {
        process.die()
        return never()
      }
      if (!process.alive) return never()
      if (fault === "disk silent") throw refused("unavailable")
      return result
    }
    return {
      all: (sql, params) => through(() => this.disk.all(sql, params)),
      batch: (statements) => through(() => this.disk.batch(statements)),
      close: () => {},
    }
  }

  /** Every process dies, and the disk has what got there. */
  #powerOff(process: Process, from: number, loss: Loss): Promise<never> {
    const intents = this.#intents()
    const leaves = this.leaves()
    this.#forgets = undefined
    process.die()
    this.#disk.losePower(from, loss, new Chance(`${this.ops} ${loss}`))
    const left = new Set(this.#intents().map(({ entry }) => hex(entry)))
    for (const { entry, run } of intents) {
      const { body } = openEntry(entry)
      if (left.has(hex(entry)) || body.kind !== "intent") continue
      this.unsaid.add(`${run} ${printPath(body.path)}`)
      const lost = this.applied.findIndex((a) => a.tool === "post" && a.run === run && a.path === printPath(body.path))
      if (lost >= 0) this.ghosts.push(...this.applied.splice(lost, 1))
    }
    if (this.kept === undefined || this.leaves().length >= this.kept.size) return never()
    this.witness ??= this.kept
    this.forgotten.push(...leaves.slice(this.leaves().length, this.witness.size))
    return never()
  }
  #intents(): readonly { readonly run: string; readonly entry: Uint8Array }[] {
    const rows = this.#has("ledger") ? this.disk.all("SELECT run, entry FROM ledger WHERE kind = 'intent'", []) : []
    return rows as unknown as readonly { readonly run: string; readonly entry: Uint8Array }[]
  }
  leaves(): readonly { readonly index: number; readonly leaf: string }[] {
    if (!this.#has("ledger_log")) return []
    const rows = this.disk.all("SELECT idx, leaf FROM ledger_log ORDER BY idx", [])
    return rows.map((row) => ({ index: Number(row["idx"]), leaf: hex(row["leaf"] as Uint8Array) }))
  }
  #has(table: string): boolean {
    return this.disk.all("SELECT 1 FROM sqlite_master WHERE name = ?", [table]).length > 0
  }

  /** The kinds `look` (a read), `send` (a write whose tool honours keys) and `post` (one that does not). */
  kinds(process: Process): readonly NodeKind[] {
    return [
      this.#kind("look", "read", false, process),
      this.#kind("send", "write", true, process),
      this.#kind("post", "write", false, process),
    ]
  }

  #kind(name: string, effect: "read" | "write", keyed: boolean, process: Process): NodeKind {
    return {
      kind: name,
      about: "A tool of the simulated world.",
      main: { form: "cel", type: T.number, required: true, about: "What with." },
      fields: {},
      takesWith: false,
      sign: () => ({
        effect,
        resource: `${name}s`,
        needs: [`app:${name}`],
        input: T.record({ [name]: T.number }),
        output: T.number,
        keyed,
      }),
      open: () => ({
        execute: async (args, call) => {
          const arg = (args as { readonly [field: string]: number })[name]!
          const fault = await this.strike(process, "tool")
          if (fault === "tool lost") return never()
          if (fault === "tool down") throw fail("Down", "not now", { retryable: true, undelivered: true })
          const message = {}
          this.#flying.set(message, { at: `${call.run} ${printPath(call.path)}`, process })
          if (fault === "tool slow") await this.clock.sleep(400)
          this.#flying.delete(message)
          if (!process.alive) return never()
          const answer = await this.#arrive(
            { run: call.run, path: printPath(call.path), tool: name, key: call.key, arg },
            effect,
            keyed,
          )
          if (fault === "tool twice" && keyed)
            await this.#arrive(
              { run: call.run, path: printPath(call.path), tool: name, key: call.key, arg },
              effect,
              keyed,
            )
          if (this.#forgets !== undefined) return this.#powerOff(process, this.#forgets, "forgotten")
          if (fault === "killed after") {
            process.die()
            return never()
          }
          if (fault === "tool silent") return never()
          if (isBad(arg)) throw fail("Bad", `no ${name} for ${arg}`)
          if (fault === "tool lies") return { not: "a number" }
          return answer
        },
      }),
    }
  }

  /** A message has reached a tool: what it does is a function of the message alone. */
  async #arrive(call: Applied, effect: "read" | "write", keyed: boolean): Promise<number> {
    if (effect === "read") {
      this.reads.push(`${call.run} ${call.path}`)
      return call.arg + 1
    }
    await this.#wasAnnounced(call)
    if (isBad(call.arg)) return 0
    const known = keyed ? this.#answers.get(call.key) : undefined
    if (known !== undefined) return known
    this.applied.push(call)
    this.#answers.set(call.key, call.arg + 1)
    return call.arg + 1
  }

  /** Recorded first, applied second: the intent, under this very key, is on the disk. */
  async #wasAnnounced({ run, path, key }: Applied): Promise<void> {
    const rows = await this.disk.all("SELECT entry FROM ledger WHERE run = ? AND kind = 'intent'", [run])
    const found = rows.some((row) => {
      const { body } = openEntry(row["entry"] as Uint8Array)
      return body.kind === "intent" && printPath(body.path) === path && body.key === key
    })
    if (!found) this.wrong.push(`${run} ${path} was sent before its intent was on record`)
  }

  /** Is a message of this call still on its way? Then nobody can say whether it was done. */
  flies(run: string, path: Path): boolean {
    const at = `${run} ${printPath(path)}`
    return [...this.#flying.values()].some((message) => message.at === at && message.process.alive)
  }

  /** What a person finds out who asks the tool: was it done? */
  truth(run: string, path: Path): Applied | undefined {
    return this.applied.find((a) => a.run === run && a.path === printPath(path))
  }
}

const refused = (reason: KernelReason) => kernelError(reason, "The simulated disk says no")

/** A process: it can die at any operation, and nothing that it still does after that reaches the world. */
export class Process {
  alive = true
  readonly died: Promise<"died">
  #died: () => void = () => {}

  constructor() {
    this.died = new Promise((resolve) => {
      this.#died = () => resolve("died")
    })
  }
  die(): void {
    this.alive = false
    this.#died()
  }
}

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** Time that goes by when nothing else can happen. What the wall says may jump; durations never do. */
export class SimClock {
  wall = 1_700_000_000_000
  #ms = 0
  #sleepers: Sleeper[] = []
  #moves = 0

  /** Something happened that took no time. */
  moved(): void {
    this.#moves++
  }

  readonly now = (): number => this.wall + this.#ms
  readonly tick = (): number => this.#ms
  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const stop = () => {
        this.#sleepers = this.#sleepers.filter((s) => s !== sleeper)
        reject(signal?.reason)
      }
      const sleeper: Sleeper = {
        at: this.#ms + ms,
        wake: () => {
          signal?.removeEventListener("abort", stop)
          resolve()
        },
      }
      this.#sleepers.push(sleeper)
      signal?.addEventListener("abort", stop, { once: true })
    })

  /** Lets time go by until the promise is settled; undefined where nothing would ever settle it. */
  async until<A>(promise: Promise<A>): Promise<A | undefined> {
    let settled = false
    const done = () => {
      settled = true
    }
    promise.then(done, done)
    for (let idle = 0; ; ) {
      const before = this.#moves
      await quiet()
      if (settled) return promise
      // Something is under way that needs no time.
      if (this.#moves !== before) continue
      let next: Sleeper | undefined
      for (const s of this.#sleepers) if (next === undefined || s.at < next.at) next = s
      if (next === undefined) {
        if (++idle > IDLE_MAX) return undefined
        continue
      }
      idle = 0
      this.#sleepers = this.#sleepers.filter((s) => s !== next)
      this.#ms = Math.max(this.#ms, next.at)
      next.wake()
    }
  }

  /** Everybody who slept in a process that is no more. */
  forget(): void {
    this.#sleepers = []
  }
}

/** Rounds in which nothing moves and nobody sleeps, after which nothing ever will. */
const IDLE_MAX = 10

/** Whatever can go on without time has gone on; the ledger gathers the entries of one turn of the event loop. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}
