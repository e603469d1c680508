/**
 * A long campaign of seeded cases, told once for all of them: parts in processes of their own, whose memory goes with them,
 * on all processors; a line of progress a part; parts that are kept in a file, so that a campaign that was stopped goes on;
 * and the figures at its end. What a case is, and what counts, is the campaign's own.
 */
import { spawn } from "node:child_process"
import { appendFileSync, existsSync, readFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { Report } from "../bench/report.ts"

/** `T`, a tally: whole numbers and lists, in records, which add up over the parts. */
export interface Campaign<T extends object> {
  /** What a case is called, which names the option that says how many: `--seeds 10000`. */
  readonly cases: string
  readonly count: number
  readonly seed: string
  /** Cases that one process does before another takes over. */
  readonly part: number
  readonly nothing: () => T
  /** Options without a value that decide what the cases are: `--reads`. */
  readonly flags?: readonly string[]
  /** Cases `from` … `from + count − 1` of a seed. */
  readonly does: (seed: string, from: number, count: number, flags: ReadonlySet<string>) => Promise<T>
  /** What is known so far, in a few words. */
  readonly says: (total: T) => string
  /** Prints what came of it, what is wrong first; true where nothing is. `whole`: as many cases as it has where nothing is said, or more. */
  readonly ends: (total: T, flags: ReadonlySet<string>, whole: boolean) => Promise<boolean> | boolean
  /** `--only <case>`: looks at one, and prints it; true where nothing is wrong with it. */
  readonly only?: (name: string, flags: ReadonlySet<string>) => Promise<boolean>
  /** Are there enough? For campaigns that count something else than cases. Default: when all cases are done. */
  readonly enough?: (total: T, count: number) => boolean
}

/** Runs a campaign from the command line of the process: `script` is the file that calls this. Sets the exit code. */
export async function campaign<T extends object>(script: string, what: Campaign<T>): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      [what.cases]: { type: "string" },
      seed: { type: "string" },
      jobs: { type: "string", default: String(availableParallelism()) },
      /** A file in which the parts that are done are kept: the same command goes on from there. */
      keep: { type: "string" },
      only: { type: "string" },
      /** A part: its first case and how many. */
      part: { type: "string" },
      ...Object.fromEntries((what.flags ?? []).map((flag) => [flag, { type: "boolean" } as const])),
    },
  })
  const given = values as { readonly [name: string]: string | boolean | undefined }
  const text = (name: string): string | undefined => given[name] as string | undefined
  const flags = new Set((what.flags ?? []).filter((flag) => given[flag] === true))
  const count = whole(text(what.cases) ?? positionals[0] ?? String(what.count), what.cases)
  const seed = text("seed") ?? positionals[1] ?? what.seed
  const only = text("only")
  const part = text("part")
  if (only !== undefined && what.only !== undefined) process.exitCode = (await what.only(only, flags)) ? 0 : 1
  else if (part !== undefined) {
    const [from, size] = part.split("+").map(Number) as [number, number]
    process.stdout.write(JSON.stringify(await what.does(seed, from, size, flags)))
  } else {
    const total = await parts(script, what, {
      count,
      seed,
      jobs: whole(text("jobs")!, "jobs"),
      keep: text("keep"),
      flags,
    })
    process.exitCode = (await what.ends(total, flags, count >= what.count && flags.size === 0)) ? 0 : 1
  }
}

interface Plan {
  readonly count: number
  readonly seed: string
  readonly jobs: number
  readonly keep: string | undefined
  readonly flags: ReadonlySet<string>
}

async function parts<T extends object>(
  script: string,
  what: Campaign<T>,
  { count, seed, jobs, keep, flags }: Plan,
): Promise<T> {
  const total = what.nothing()
  const which = [seed, ...flags].join(" --")
  const before = kept<T>(keep, which)
  const began = performance.now()
  const enough = what.enough ?? (() => false)
  let next = 0
  const worker = async () => {
    while (what.enough === undefined ? next < count : !enough(total, count)) {
      const from = next
      const size = what.enough === undefined ? Math.min(what.part, count - from) : what.part
      next += size
      const done = before.get(`${from}+${size}`)
      const tally =
        done ?? (await inProcess<T>(script, ["--seed", seed, ...[...flags].map((flag) => `--${flag}`)], from, size))
      add(total, tally)
      if (done === undefined && keep !== undefined)
        appendFileSync(keep, `${JSON.stringify({ which, part: `${from}+${size}`, tally })}\n`)
      const seconds = ((performance.now() - began) / 1000).toFixed(0)
      console.log(`${what.says(total)}, ${seconds} s`)
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  return total
}

/** Parts that an earlier process of the same campaign has done. A line that was cut off is none. */
function kept<T>(file: string | undefined, which: string): ReadonlyMap<string, T> {
  const found = new Map<string, T>()
  if (file === undefined || !existsSync(file)) return found
  for (const line of readFileSync(file, "utf8").split("\n").slice(0, -1)) {
    const one = JSON.parse(line) as { readonly which: string; readonly part: string; readonly tally: T }
    if (one.which === which) found.set(one.part, one.tally)
  }
  return found
}

/** Adds numbers up and puts lists one after another, also inside of records. */
function add(total: object, more: object): void {
  const sums = total as { [key: string]: unknown }
  for (const [key, value] of Object.entries(more)) {
    if (Array.isArray(value)) sums[key] = [...((sums[key] as unknown[] | undefined) ?? []), ...value]
    else if (typeof value === "object") add((sums[key] ??= {}) as object, value as object)
    else sums[key] = ((sums[key] as number | undefined) ?? 0) + (value as number)
  }
}

function inProcess<T>(script: string, options: readonly string[], from: number, size: number): Promise<T> {
  const args = [...options, "--part", `${from}+${size}`]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"] })
    let text = ""
    child.stdout.on("data", (chunk) => {
      text += String(chunk)
    })
    child.on("error", reject)
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(text) as T)
      else reject(new TypeError(`Cases ${from} to ${from + size - 1} ended with code ${code}: ${text}`))
    })
  })
}

/** The lines that whoever runs campaigns reads: what was counted, under its name. A `whole` campaign stands in bench/RESULTS.md. */
export function figures(
  all: { readonly [name: string]: number },
  told: { readonly title: string; readonly command: string; readonly says: string; readonly whole: boolean },
): void {
  const report = new Report(told.title, told.command)
  report.text(told.says)
  for (const [name, value] of Object.entries(all)) report.figure(name, value)
  report.end(told.whole)
}

function whole(text: string, name: string): number {
  const n = Number(text)
  if (Number.isSafeInteger(n) && n > 0) return n
  console.error(`Cannot start the campaign: ${name} must be a whole number above 0, found "${text}"`)
  process.exit(2)
}
