// `npm run mutate`: is every check of the kernel's own source held by a test? Each condition, comparison, return, throw and
// bare call is done wrong in turn, and the kernel's tests must notice. `-- --from 100 --count 50` does a part, `--only
// limits` a file, `--jobs 2` how many at once. What was killed is remembered until its file changes; `--fresh` forgets.
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { createInterface } from "node:readline"
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
/** A mutant that keeps the tests for so long, or so many times longer than without it, hangs: that is noticed too. */
const HANGS_MS = 10_000
const MEMORY = join(root, ".shadowgraph/mutants.json")

async function campaign({ folder, mutants }: Copy): Promise<number> {
  const killed = new Map(values.fresh ? [] : remembered())
  const from = Number(values.from)
  const wanted = mutants
    .filter((m) => values.only === undefined || m.file.includes(values.only))
    .slice(from, values.count === undefined ? undefined : from + Number(values.count))
  const alive = new Map(wanted.filter((m) => !killed.has(nameOf(m))).map((m) => [m.id, m]))
  console.log(`${wanted.length} mutants, ${wanted.length - alive.size} of them known to be killed`)
  const kill = (id: number, by: string) => {
    killed.set(nameOf(alive.get(id)!), by)
    alive.delete(id)
  }
  // First each file's own tests, then everybody's.
  const beside = (test: string) => (m: Mutant) => m.file.replace(/\.ts$/, ".test.ts") === test
  const rounds = [
    ...TESTS.map((test) => ({ test, of: beside(test) })),
    ...TESTS.map((test) => ({ test, of: (m: Mutant) => !beside(test)(m) })),
  ]
  const worker = async () => {
    for (let round = rounds.shift(); round !== undefined; round = rounds.shift()) {
      const { test, of } = round
      const mine = [...alive.values()].filter(of).map((m) => m.id)
      if (mine.length === 0) continue
      const before = alive.size
      await tried(folder, test, mine, (id, by) => alive.has(id) && kill(id, by))
      remember(killed)
      console.log(`${test}  ${mine.length} tried or never met, ${before - alive.size} killed, ${alive.size} left`)
    }
  }
  await Promise.all(Array.from({ length: Number(values.jobs) }, worker))
  remember(killed)
  const whole = values.only === undefined && values.count === undefined && from === 0
  return told(wanted, [...alive.values()], whole)
}

/** Runs a test file with each of the mutants that it meets; a process that hangs is ended, and another goes on behind it. */
async function tried(
  folder: string,
  test: string,
  mutants: readonly number[],
  killed: (id: number, by: string) => void,
): Promise<void> {
  const left = [...mutants]
  let met: ReadonlySet<number> | undefined
  while (left.length > 0) {
    const args = ["tests/mutate/worker.ts", test]
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ["pipe", "pipe", "ignore"] })
    let limitMs = HANGS_MS * 6
    let timer = setTimeout(() => child.kill("SIGKILL"), limitMs)
    const next = () => {
      clearTimeout(timer)
      timer = setTimeout(() => child.kill("SIGKILL"), limitMs)
      while (left.length > 0 && !met!.has(left[0]!)) left.shift()
      if (left.length > 0) child.stdin.write(`${left[0]}\n`)
      else child.stdin.end()
    }
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith("@")) continue
      const said = JSON.parse(line.slice(1)) as Said
      if ("met" in said) {
        if (said.baseline !== null) {
          child.kill("SIGKILL")
          clearTimeout(timer)
          const why = `${test} fails without any mutant: ${said.baseline}`
          if (!CROSS.includes(test)) throw new RangeError(why)
          // What a test outside of the kernel would have noticed is then among the survivors: no mutant is called killed for it.
          console.log(`left out: ${why}`)
          return
        }
        met ??= new Set(said.met)
        limitMs = Math.max(HANGS_MS, said.ms * 8)
      } else {
        left.shift()
        if (said.by !== null) killed(said.id, `${test}: ${said.by}`)
      }
      next()
    }
    clearTimeout(timer)
    if (met === undefined) throw new RangeError(`${test} ends before it has said anything`)
    // The process ended under a mutant: it hung, or was torn down by it.
    const id = left.shift()
    if (id !== undefined) killed(id, `${test}: hangs`)
  }
}

type Said =
  | { readonly baseline: string | null; readonly met: readonly number[]; readonly ms: number }
  | { readonly id: number; readonly by: string | null }

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

const copy = makeCopy()
try {
  process.exitCode = await campaign(copy)
} finally {
  rmSync(copy.folder, { recursive: true, force: true })
}
