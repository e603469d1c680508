/**
 * How figures are measured here: contestants take turns, so that a machine that slows down slows them all; each turn is
 * one sample, and what is printed is the median with the quartiles. Nothing is an absolute claim: figures are ratios of
 * medians from the same run.
 */
import { cpus } from "node:os"

export interface Contestant {
  readonly name: string
  /** Does the whole workload once. Its answer is compared with the expected one before anything is timed. */
  readonly run: () => unknown
}

export interface Sample {
  readonly name: string
  /** Nanoseconds for one run of the workload. */
  readonly median: number
  readonly low: number
  readonly high: number
  readonly samples: number
}

export interface MeasureOptions {
  readonly turns?: number
  /** Milliseconds that one turn should take at least; quick workloads are repeated inside a turn. */
  readonly turnMs?: number
  readonly warmMs?: number
  /** Time that this process had a processor, all of its threads, instead of time that passed: for work that never waits. */
  readonly cpu?: boolean
}

const passed = (): number => performance.now()
function worked(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Measures contestants in turns. Answers that are not the expected one stop the whole bench. */
export async function measure(
  expected: unknown,
  contestants: readonly Contestant[],
  options: MeasureOptions = {},
): Promise<Map<string, Sample>> {
  const { turns = 15, turnMs = 12, warmMs = 120, cpu = false } = options
  const now = cpu ? worked : passed
  const reps = new Map<string, number>()
  for (const c of contestants) {
    const answer = await c.run()
    if (JSON.stringify(answer) !== JSON.stringify(expected)) {
      throw new RangeError(`${c.name} answers ${JSON.stringify(answer)}, wanted ${JSON.stringify(expected)}`)
    }
    reps.set(c.name, await warm(c, warmMs, turnMs, now))
  }
  const times = new Map<string, number[]>(contestants.map((c) => [c.name, []]))
  for (let t = 0; t < turns; t++) {
    // Back and forth: whoever comes behind another finds the caches as that one has left them.
    for (const c of t % 2 === 0 ? contestants : contestants.toReversed()) {
      const n = reps.get(c.name)!
      const start = now()
      for (let i = 0; i < n; i++) {
        const answer = c.run()
        if (answer instanceof Promise) await answer
      }
      times.get(c.name)!.push(((now() - start) / n) * 1e6)
    }
  }
  return new Map(contestants.map((c) => [c.name, summary(c.name, times.get(c.name)!)]))
}

/** Runs until it is warm; gives how often it must run for a turn to be long enough. */
async function warm(c: Contestant, warmMs: number, turnMs: number, now: () => number): Promise<number> {
  const start = now()
  let runs = 0
  let last = 0
  do {
    const t = now()
    const answer = c.run()
    if (answer instanceof Promise) await answer
    last = now() - t
    runs++
  } while (now() - start < warmMs && runs < 20_000)
  const each = Math.min(last, (now() - start) / runs) || 1e-4
  return Math.max(1, Math.min(100_000, Math.ceil(turnMs / each)))
}

export function summary(name: string, times: readonly number[]): Sample {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!
  return { name, median: at(0.5), low: at(0.25), high: at(0.75), samples: sorted.length }
}

/** How many times better than Y: above 1 is better, whatever the unit. */
export const versus = (ours: Sample, peer: Sample): number => peer.median / ours.median

export const machine = (): string => {
  const all = cpus()
  const runtime =
    process.versions["bun"] !== undefined ? `Bun ${process.versions["bun"]}` : `Node ${process.versions.node}`
  return `${all.length} × ${all[0]?.model.trim() ?? "unknown processor"}, ${runtime}, ${process.platform} ${process.arch}`
}
