// `npm run mutate`: is every check of the kernel's own source held by a test? Each condition, comparison, return, throw and
// bare call is done wrong in turn, and the tests that hold its file (`held.ts`) must notice. `-- --only kernel/judge.ts`
// does a file, `--jobs 1` says how many at once. What was killed is remembered until its file or the test that killed it
// changes, so that a campaign that was stopped goes on; `--fresh` tries all again.
import { type ChildProcess, spawn } from "node:child_process"
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
import { testsOf } from "./held.ts"
import type { Mutant } from "./mutants.ts"

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    jobs: { type: "string", default: String(availableParallelism()) },
    fresh: { type: "boolean", default: false },
  },
})

/** A mutant that keeps a test for so long, and eight times longer than without it, hangs: that is noticed too. */
const HANGS_MS = 2_000
const MEMORY = join(root, ".shadowgraph/mutants.json")

/** By which test a mutant was killed, and of which bytes of its file and of the test's this is known. */
interface Kill {
  readonly test: string
  readonly by: string
  readonly of: string
}

async function campaign({ folder, mutants }: Copy): Promise<number> {
  const began = performance.now()
  const kills = new Map(remembered())
  const wanted = mutants.filter((m) => values.only === undefined || m.file.includes(values.only))
  const sure = (m: Mutant): boolean => {
    const kill = kills.get(nameOf(m))
    return !values.fresh && kill !== undefined && kill.of === bytesOf(m, kill.test)
  }
  const alive = new Map(wanted.filter((m) => !sure(m)).map((m) => [m.id, m]))
  console.log(`${wanted.length} mutants, ${wanted.length - alive.size} of them known to be killed`)
  const kill = (test: string) => (id: number, by: string) => {
    const m = alive.get(id)
    if (m === undefined) return
    kills.set(nameOf(m), { test, by, of: bytesOf(m, test) })
    alive.delete(id)
  }
  const tests = [...new Set(SOURCES.flatMap(testsOf))].filter((file) => existsSync(join(root, file)))
  // First what killed it before, then the tests of its own file, then the others that hold it.
  const before = (test: string) => (m: Mutant) => kills.get(nameOf(m))?.test === test
  const place = (place: number) => (test: string) => (m: Mutant) => testsOf(m.file).indexOf(test) === place
  const others = (test: string) => (m: Mutant) => testsOf(m.file).indexOf(test) > 0
  const rounds = [before, place(0), others].flatMap((of) => tests.map((test) => ({ test, of: of(test) })))
  const worker = async () => {
    for (let round = rounds.shift(); round !== undefined; round = rounds.shift()) {
      const { test, of } = round
      const mine = [...alive.values()].filter(of).map((m) => m.id)
      if (mine.length === 0) continue
      const left = alive.size
      await tried(folder, test, mine, (id) => alive.has(id), kill(test))
      remember(kills)
      console.log(`${test}  ${mine.length} tried or never met, ${left - alive.size} fewer, ${alive.size} left`)
    }
  }
  await Promise.all(Array.from({ length: Number(values.jobs) }, worker))
  console.log(`${Math.round((performance.now() - began) / 1000)} s`)
  return told(wanted, [...alive.values()], tests.length)
}

/** Runs a test file with each of the mutants that it meets; a process that hangs or is spoilt is ended, and another goes on behind it. */
async function tried(
  folder: string,
  test: string,
  mutants: readonly number[],
  wanted: (id: number) => boolean,
  killed: (id: number, by: string) => void,
): Promise<void> {
  const left = [...mutants]
  let met: ReadonlySet<number> | undefined
  const failures: string[] = []
  while (left.length > 0) {
    const args = ["tests/mutate/worker.ts", test]
    const env = { ...process.env, TMPDIR: join(folder, "tmp") }
    const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ["pipe", "pipe", "ignore"] })
    running.add(child)
    child.once("close", () => running.delete(child))
    let timer: ReturnType<typeof setTimeout> | undefined
    const within = (ms: number) => {
      clearTimeout(timer)
      timer = setTimeout(() => child.kill("SIGKILL"), ms)
    }
    within(300_000)
    /** How many were tried in this process: what the first one does is its own doing. */
    let done = 0
    const next = () => {
      while (left.length > 0 && !(met!.has(left[0]!) && wanted(left[0]!))) left.shift()
      if (left.length > 0) child.stdin.write(`${left[0]}\n`)
      else child.stdin.end()
    }
    let ready = false
    let spoilt = false
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith("@")) continue
      const said = JSON.parse(line.slice(1)) as Said
      if ("met" in said) {
        if (said.baseline !== null) {
          failures.push(said.baseline)
          child.kill("SIGKILL")
          break
        }
        ready = true
        met ??= new Set(said.met)
      } else if ("ms" in said) {
        within(Math.max(HANGS_MS, said.ms * 8))
        continue
      } else {
        spoilt = said.spoilt
        if (!spoilt || done === 0) {
          left.shift()
          if (said.by !== null) killed(said.id, said.by)
        }
        done++
        if (spoilt) break
      }
      next()
    }
    clearTimeout(timer)
    if (!ready) {
      // On a machine that does other things beside it a test may be late once.
      if (failures.length > 0 && failures.length < 3) continue
      unusable.push(`${test}  ${failures[0] ?? "ends before it has said anything"}`)
      return
    }
    // The process ended under a mutant: it hung, or was torn down by it. Unless earlier ones had a part in it.
    if (!spoilt && done === 0 && left.length > 0) killed(left.shift()!, "hangs")
  }
}

/** Tests that fail without any mutant: what they would have noticed is not known. */
const unusable: string[] = []

type Said =
  | { readonly baseline: string | null; readonly met: readonly number[] }
  /** The next test took so long without a mutant. */
  | { readonly ms: number }
  | { readonly id: number; readonly by: string | null; readonly spoilt: boolean }

function told(wanted: readonly Mutant[], survivors: readonly Mutant[], tests: number): number {
  const whole = values.only === undefined
  const unexplained = survivors.filter((m) => explained(m) === undefined)
  const alive = new Set(survivors.map(nameOf))
  const stale = EXPLAINED.filter((e) => wanted.some((m) => matches(e, m) && !alive.has(nameOf(m))))
  const gone = EXPLAINED.filter((e) => (whole || e.file.includes(values.only!)) && !wanted.some((m) => matches(e, m)))
  console.log()
  for (const m of unexplained) console.log(`unexplained  ${m.file}:${m.line}  ${m.what}  #${m.nth}  ${m.code}`)
  for (const e of stale) console.log(`killed after all, take it off the list  ${e.file}  ${e.what}  ${e.code}`)
  for (const u of unusable) console.log(`fails without any mutant  ${u}`)
  for (const e of gone) console.log(`no such mutant any more, take it off the list  ${e.file}  ${e.what}  ${e.code}`)
  const files = new Set(wanted.map((m) => m.file)).size
  const killedCount = wanted.length - survivors.length
  const sum = `${wanted.length} mutants of ${files} files: ${killedCount} killed by ${tests} test files, ${survivors.length - unexplained.length} survive and are explained in tests/mutate/explained.ts, ${unexplained.length} survive unexplained.`
  if (!whole) console.log(sum)
  else {
    const report = new Report("Mutants of the kernel", "npm run mutate")
    report.text(sum)
    report.figure("kernel.mutants", wanted.length)
    report.figure("kernel.mutants_killed", killedCount)
    report.figure("kernel.mutants_unexplained", unexplained.length, undefined, "0")
    report.end()
  }
  return unexplained.length + stale.length + gone.length + unusable.length > 0 ? 1 : 0
}

const explained = (m: Mutant) => EXPLAINED.find((e) => matches(e, m))
const matches = (e: (typeof EXPLAINED)[number], m: Mutant): boolean =>
  e.file === m.file && e.what === m.what && e.code === m.code && (e.nth ?? 0) === m.nth

const nameOf = (m: Mutant): string => `${m.file} ${m.what} ${m.nth} ${m.code}`
/** As they were when the copy was made: whoever changes them meanwhile has to try again. */
const hashes = new Map(
  [...SOURCES, ...new Set(SOURCES.flatMap(testsOf))]
    .filter((path) => existsSync(join(root, path)))
    .map((path) => [
      path,
      createHash("sha256")
        .update(readFileSync(join(root, path)))
        .digest("hex")
        .slice(0, 12),
    ]),
)
const bytesOf = ({ file }: Mutant, test: string): string => `${hashes.get(file)} ${hashes.get(test)}`

function remembered(): [string, Kill][] {
  return existsSync(MEMORY) ? JSON.parse(readFileSync(MEMORY, "utf8")) : []
}
/** Beside what another process has remembered meanwhile. */
function remember(kills: ReadonlyMap<string, Kill>): void {
  mkdirSync(join(root, ".shadowgraph"), { recursive: true })
  writeFileSync(MEMORY, JSON.stringify([...new Map([...remembered(), ...kills])]))
}

const running = new Set<ChildProcess>()
const copy = makeCopy()
const leave = () => {
  // Under a mutant that never ends, a process would never notice that it is alone.
  for (const child of running) child.kill("SIGKILL")
  rmSync(copy.folder, { recursive: true, force: true })
}
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    leave()
    process.exit(130)
  })
try {
  process.exitCode = await campaign(copy)
} finally {
  leave()
}
