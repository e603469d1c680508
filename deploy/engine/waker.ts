/**
 * What a server does by itself for runs that rest: it goes on with those whose time has come, and with those whose process
 * died under them. What one of them ends in is on record; several servers may look after one store, and the store's own
 * order of entries lets one of them have each run.
 */
import type { Clock } from "../../graph/mod.ts"
import { KernelError } from "../../kernel/mod.ts"
import type { RunsHost } from "../http/runs.ts"
import { due, left, resume } from "./again.ts"
import type { Engine, RunResult } from "./engine.ts"
import type { Grants } from "./grants.ts"

export interface WakerOptions {
  readonly hosts: readonly RunsHost[]
  readonly clock: Clock
  /** Aborted when the server stops. Runs under way are left as they are: another server goes on with them. */
  readonly signal: AbortSignal
  /** Milliseconds between two looks. */
  readonly everyMs?: number
  /** Runs that it goes on with at once. */
  readonly atOnceMax?: number
  readonly onRun?: (told: { readonly run: string; readonly why: "due" | "left"; readonly result: RunResult }) => void
  /** Hears of a run that cannot go on, for want of a grant say, and of a store that does not answer; of each once. */
  readonly onDefect?: (cause: unknown) => void
}

/** A run that could not go on is tried again after so long, then after twice as long, up to an hour. */
const AGAIN_MS = 60_000
const AGAIN_MS_MAX = 3_600_000

interface Stuck {
  readonly until: number
  readonly waitMs: number
}

/** Looks after runs until the signal. */
export async function wake(options: WakerOptions): Promise<void> {
  const { hosts, clock, signal, everyMs = 1_000 } = options
  const wakers = hosts.map((host) => new Waker(host, options))
  // What it takes up goes on beside the next look.
  while (!signal.aborted) {
    for (const waker of wakers) await waker.look()
    await clock.sleep(everyMs, signal).catch(() => {})
  }
}

/** Looks after the runs of one engine. */
export class Waker {
  readonly #engine: Engine
  readonly #grants: Grants
  readonly #options: WakerOptions
  readonly #atOnceMax: number
  readonly #working = new Set<string>()
  readonly #stuck = new Map<string, Stuck>()
  #blind = false

  constructor({ engine, grants }: RunsHost, options: WakerOptions) {
    this.#engine = engine
    this.#grants = grants
    this.#options = options
    this.#atOnceMax = options.atOnceMax ?? 16
  }

  /** Takes up what there is, as far as there is room; each resolves when its run has ended or rests again, and never rejects. */
  async look(): Promise<readonly Promise<void>[]> {
    const { signal, onDefect } = this.#options
    const taken: Promise<void>[] = []
    // Those that are known not to go on must not hide the others.
    const limit = 2 * this.#atOnceMax + this.#working.size + this.#stuck.size
    try {
      for (const [why, find] of [
        ["left", left],
        ["due", due],
      ] as const)
        for (const { run, seq } of await find(this.#engine, limit)) {
          if (signal.aborted || this.#working.size >= this.#atOnceMax) return taken
          if (!this.#working.has(run) && this.#stuckMs(run) === 0) taken.push(this.#goOn(run, seq, why))
        }
      this.#blind = false
    } catch (cause) {
      if (!this.#blind) onDefect?.(cause)
      this.#blind = true
    }
    return taken
  }

  /** When there will be something to take up by itself, milliseconds since the epoch; undefined where nothing rests until a time of its own. */
  async next(): Promise<number | undefined> {
    const { store, space } = this.#engine
    const resting = await store.parked(space, this.#atOnceMax + this.#stuck.size, Number.MAX_SAFE_INTEGER)
    const now = this.#options.clock.now()
    const times = resting.map(({ run, parked }) => Math.max(parked?.due ?? now, now + this.#stuckMs(run)))
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** Milliseconds until a run that could not go on is tried again; 0: it may be tried. */
  #stuckMs(run: string): number {
    const { until, waitMs } = this.#stuck.get(run) ?? { until: 0, waitMs: 0 }
    const left = until - this.#options.clock.tick()
    return left > 0 && left <= waitMs ? left : 0
  }

  async #goOn(run: string, at: number, why: "due" | "left"): Promise<void> {
    const { signal, onRun, onDefect } = this.#options
    this.#working.add(run)
    try {
      const by = why === "due" ? "time" : "server"
      const result = await resume(this.#engine, run, { grants: this.#grants, at, by })
      this.#stuck.delete(run)
      onRun?.({ run, why, result })
    } catch (cause) {
      // Somebody else has it, or it has ended: so it should be. And a server that stops leaves it to the next one.
      if (
        signal.aborted ||
        (cause instanceof KernelError && (cause.reason === "conflict" || cause.reason === "closed"))
      )
        return
      const before = this.#stuck.get(run)
      const waitMs = Math.min(AGAIN_MS_MAX, (before?.waitMs ?? AGAIN_MS / 2) * 2)
      this.#stuck.set(run, { until: this.#options.clock.tick() + waitMs, waitMs })
      if (before === undefined) onDefect?.(cause)
    } finally {
      this.#working.delete(run)
    }
  }
}
