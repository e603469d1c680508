// Runs the tests of one file again and again, with one mutant after another, in one process: most mutants are noticed by
// the first test that meets them, so starting a process for each would take nearly all of the time. It lives in the
// mutated copy, where `bun:test` is the shim that other hosts use, and is told numbers of mutants line by line.

import { writeSync } from "node:fs"
import process from "node:process"
import { createInterface } from "node:readline"
import { metSince, turn } from "./switch.ts"

interface Registered {
  readonly name: string
  readonly ignore: boolean
  readonly fn: () => unknown
}
const tests: Registered[] = []
Object.assign(globalThis, { Deno: { test: (t: Registered) => tests.push(t) } })
await import(`../../${process.argv[2]}`)

/** At once: what comes next may never end. */
const say = (x: object): void => void writeSync(1, `@${JSON.stringify(x)}\n`)
// A promise of a mutant's that nobody waits for must not end the process.
process.on("unhandledRejection", () => {})
process.on("uncaughtException", () => {})

async function failure({ name, fn }: Registered): Promise<string | undefined> {
  try {
    await fn()
    return undefined
  } catch (cause) {
    return `${name}: ${String(cause).split("\n")[0]}`
  }
}

/** Without mutants: what each test meets, and how long it takes. */
const known: { readonly test: Registered; readonly met: ReadonlySet<number>; readonly ms: number }[] = []
let wrong: string | undefined
metSince()
for (const test of tests.filter((t) => !t.ignore)) {
  const began = performance.now()
  wrong ??= await failure(test)
  known.push({ test, met: metSince(), ms: performance.now() - began })
}
known.sort((a, b) => a.ms - b.ms)
const all = new Set(known.flatMap(({ met }) => [...met]))
say({ baseline: wrong ?? null, met: [...all] })

for await (const line of createInterface({ input: process.stdin })) {
  const id = Number(line)
  let by: string | undefined
  let spoilt = false
  // The quick ones first, and only those that meet it.
  for (const { test, met, ms } of known) {
    if (!met.has(id)) continue
    say({ ms })
    turn(id)
    by = await failure(test)
    turn(-1)
    if (by === undefined) continue
    // Does it fail for what an earlier mutant left behind? What fails without any is no proof against this one.
    spoilt = (await failure(test)) !== undefined
    break
  }
  say({ id, by: by ?? null, spoilt })
  if (spoilt) break
}
process.exit(0)
