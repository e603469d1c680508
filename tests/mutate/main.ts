// `npm run mutate`: is every check of the kernel's own source held by a test? Each condition, comparison, return, throw and
// bare call is done wrong in turn, and the kernel's tests must notice. `-- --from 100 --count 50` does a part, `--only
// limits` a file, `--jobs 2` how many at once. What was killed is remembered until its file changes; `--fresh` forgets.
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { parseArgs } from "node:util"
import { Report } from "../../bench/report.ts"
import { root } from "../repository.ts"
import { type Copy, makeCopy, SOURCES } from "./copy.ts"
import { EXPLAINED } from "./explained.ts"
import type { Mutant } from "./mutants.ts"

const { values } = parseArgs({
  options: {
    from: { type: "string", default: "0" },
    count: { type: "string" },
    only: { type: "string" },
    jobs: { type: "string", default: String(availableParallelism()) },
    fresh: { type: "boolean", default: false },
  },
})

/** Beside the kernel's own tests: quick ones that hold it from outside. */
const CROSS = [
  "bus/fuel.test.ts",
  "tests/budget.test.ts",
  "tests/overload.test.ts",
  "tests/late.test.ts",
  "tests/gates.test.ts",
  "tests/validators.test.ts",
  "deploy/run.test.ts",
].filter((file) => existsSync(join(root, file)))
const TESTS = [
  ...SOURCES.map((file) => file.replace(/\.ts$/, ".test.ts")).filter((f) => existsSync(join(root, f))),
  ...CROSS,
]
/** A run that takes longer than this, or so many times longer than without a mutant, hangs: that is noticed too. */
const HANGS_MS = 30_000
const MEMORY = join(root, ".shadowgraph/mutants.json")

/** What one test file says without mutants: how long it takes, and which mutants it meets. */
interface Baseline {
  readonly test: string
  readonly ms: number
  readonly met: ReadonlySet<number>
}

const copy = makeCopy()
try {
  process.exitCode = await campaign(copy)
} finally {
  rmSync(copy.folder, { recursive: true, force: true })
}

async function campaign({ folder, mutants }: Copy): Promise<number> {
  const baselines: Baseline[] = []
  for (const test of TESTS) baselines.push(await baseline(folder, test))
  const killed = new Map(values.fresh ? [] : remembered())
  const from = Number(values.from)
  const wanted = mutants
    .filter((m) => values.only === undefined || m.file.includes(values.only))
    .slice(from, values.count === undefined ? undefined : from + Number(values.count))
  const survivors: Mutant[] = []
  const left = wanted.filter((m) => !killed.has(nameOf(m)))
  console.log(`${wanted.length} mutants, ${wanted.length - left.length} of them known to be killed\n`)
  let done = 0
  const worker = async () => {
    for (let m = left.shift(); m !== undefined; m = left.shift()) {
      const by = await killer(folder, m, baselines)
      if (by === undefined) {
        survivors.push(m)
        if (explained(m) === undefined) console.log(`survived  ${m.file}:${m.line}  ${m.what}  ${m.code.slice(0, 100)}`)
      } else killed.set(nameOf(m), by)
      if (++done % 25 === 0) {
        remember(killed)
        console.log(`  ${done} done, ${survivors.length} survived`)
      }
    }
  }
  await Promise.all(Array.from({ length: Number(values.jobs) }, worker))
  remember(killed)
  const whole = values.only === undefined && values.count === undefined && from === 0
  return told(wanted, survivors, whole)
}

function told(wanted: readonly Mutant[], survivors: readonly Mutant[], whole: boolean): number {
  const unexplained = survivors.filter((m) => explained(m) === undefined)
  const alive = new Set(survivors.map(nameOf))
  const stale = EXPLAINED.filter((e) => wanted.some((m) => matches(e, m) && !alive.has(nameOf(m))))
  const gone = whole ? EXPLAINED.filter((e) => !wanted.some((m) => matches(e, m))) : []
  console.log()
  for (const m of unexplained) console.log(`unexplained  ${m.file}:${m.line}  ${m.what}  #${m.nth}  ${m.code}`)
  for (const e of stale) console.log(`killed after all, take it off the list  ${e.file}  ${e.what}  ${e.code}`)
  for (const e of gone) console.log(`no such mutant any more, take it off the list  ${e.file}  ${e.what}  ${e.code}`)
  if (whole) {
    const report = new Report("Mutants of the kernel", "npm run mutate")
    const killedCount = wanted.length - survivors.length
    report.text(
      `${wanted.length} mutants of ${SOURCES.length} files: ${killedCount} killed by ${TESTS.length} test files, ${survivors.length - unexplained.length} survive and are explained in tests/mutate/explained.ts, ${unexplained.length} survive unexplained.`,
    )
    report.figure("kernel.mutants", wanted.length)
    report.figure("kernel.mutants_killed", killedCount)
    report.figure("kernel.mutants_unexplained", unexplained.length, undefined, "0")
    report.end()
  }
  return unexplained.length + stale.length + gone.length > 0 ? 1 : 0
}

/** The test file that notices, or undefined. */
async function killer(folder: string, m: Mutant, baselines: readonly Baseline[]): Promise<string | undefined> {
  const beside = m.file.replace(/\.ts$/, ".test.ts")
  const meet = baselines
    .filter((b) => b.met.has(m.id))
    .sort((a, b) => Number(b.test === beside) - Number(a.test === beside) || a.ms - b.ms)
  for (const { test, ms } of meet) {
    const { code } = await run(folder, test, { MUTANT: String(m.id) }, Math.max(HANGS_MS, ms * 6))
    if (code !== 0) return code === "hangs" ? `${test} (hangs)` : test
  }
  return undefined
}

async function baseline(folder: string, test: string): Promise<Baseline> {
  const notes = join(folder, "notes.json")
  const began = performance.now()
  const { code, output } = await run(folder, test, { MUTANT_NOTES: notes }, HANGS_MS * 4)
  if (code !== 0) throw new Error(`${test} fails without any mutant:\n${output.slice(-3000)}`)
  const met = new Set<number>(JSON.parse(readFileSync(notes, "utf8")))
  return { test, ms: performance.now() - began, met }
}

/** One test file in a process of its own. */
function run(
  folder: string,
  test: string,
  env: Record<string, string>,
  limitMs: number,
): Promise<{ readonly code: number | "hangs"; readonly output: string }> {
  return new Promise((done) => {
    const args = ["test", "--bail", "--timeout", "20000", "--preload", "./tests/mutate/preload.ts", `./${test}`]
    const child = spawn(process.execPath, args, { cwd: folder, env: { ...process.env, ...env } })
    let output = ""
    const hears = (chunk: Buffer) => {
      output += chunk
    }
    child.stdout.on("data", hears)
    child.stderr.on("data", hears)
    const timer = setTimeout(() => {
      child.kill("SIGKILL")
      done({ code: "hangs", output })
    }, limitMs)
    child.on("close", (code) => {
      clearTimeout(timer)
      done({ code: code ?? 1, output })
    })
  })
}

const explained = (m: Mutant) => EXPLAINED.find((e) => matches(e, m))
const matches = (e: (typeof EXPLAINED)[number], m: Mutant): boolean =>
  e.file === m.file && e.what === m.what && e.code === m.code && (e.nth ?? 0) === m.nth

/** A mutant's name stays the same as long as its file does. */
const nameOf = (m: Mutant): string => `${m.file}#${hashOf(m.file)} ${m.what} ${m.nth} ${m.code}`
function hashOf(file: string): string {
  const text = readFileSync(join(root, file))
  return createHash("sha256").update(text).digest("hex").slice(0, 12)
}

function remembered(): [string, string][] {
  return existsSync(MEMORY) ? JSON.parse(readFileSync(MEMORY, "utf8")) : []
}
function remember(killed: ReadonlyMap<string, string>): void {
  mkdirSync(join(root, ".shadowgraph"), { recursive: true })
  writeFileSync(MEMORY, JSON.stringify([...killed]))
}
