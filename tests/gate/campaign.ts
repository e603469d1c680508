/**
 * The hold-out gate put to the test: honest candidates must pass, near misses and cheats must not. All of it through the
 * real sandbox; figures for the report.
 */
import { quickJsSandbox, systemChance } from "../../deploy/mod.ts"
import { type GateVerdict, HoldOutGate, type Loader, type SubmissionBook } from "../../gate/mod.ts"
import type { Chance, Sandbox } from "../../graph/mod.ts"
import { cheatOf } from "./cheats.ts"
import { missesOf, SUBJECTS, sourceOf } from "./targets.ts"

const utf8 = new TextEncoder()
export const bytesOf = (source: string): Uint8Array => utf8.encode(source)

/** A candidate is the text of a program; bytes that are no text are none. */
export const programs =
  (sandbox: Sandbox): Loader =>
  async (candidate, limits) =>
    sandbox.load(new TextDecoder("utf-8", { fatal: true }).decode(candidate), limits)

/** A book in memory. */
export function memoryBook(): SubmissionBook & { readonly kept: Map<string, number> } {
  const kept = new Map<string, number>()
  return { kept, last: (target) => kept.get(target) ?? 0, keep: (target, n) => void kept.set(target, n) }
}

export const newGate = (chance: Chance = systemChance, book: SubmissionBook = memoryBook()): HoldOutGate =>
  new HoldOutGate({ chance, book, load: programs(quickJsSandbox()) })

export interface Campaign {
  readonly honest: number
  readonly honestAdmitted: number
  /** The fewest cases that an admitted candidate had. */
  readonly casesLeast: number
  readonly mutants: number
  readonly mutantsKilled: number
  readonly cheats: number
  readonly cheatsAdmitted: number
  /** What did not go as it should. */
  readonly surprises: readonly string[]
}

/** `cheats`: how many, dealt to the subjects in turn. `say` hears of every verdict. */
export async function campaign(cheats: number, say: (verdict: GateVerdict) => void = () => {}): Promise<Campaign> {
  const gate = newGate()
  const surprises: string[] = []
  const count = { honest: 0, honestAdmitted: 0, casesLeast: Number.POSITIVE_INFINITY, mutants: 0, mutantsKilled: 0 }
  const submit = async (subject: (typeof SUBJECTS)[number], source: string) => {
    const verdict = await gate.submit(subject.target, bytesOf(source))
    say(verdict)
    return verdict
  }
  for (const subject of SUBJECTS) {
    const verdict = await submit(subject, sourceOf(subject.honest))
    count.honest++
    count.casesLeast = Math.min(count.casesLeast, verdict.cases)
    if (verdict.outcome === "admitted") count.honestAdmitted++
    else surprises.push(verdict.message)
    for (const { name, source } of missesOf(subject)) {
      const missed = await submit(subject, source)
      count.mutants++
      if (missed.outcome === "rejected") count.mutantsKilled++
      else surprises.push(`survived: ${name}`)
    }
  }
  let cheatsAdmitted = 0
  for (let i = 0; i < cheats; i++) {
    const subject = SUBJECTS[i % SUBJECTS.length]!
    const cheat = await cheatOf(subject, i)
    const verdict = await submit(subject, cheat.source)
    if (verdict.outcome !== "rejected") surprises.push(`${cheat.name}: ${verdict.message}`)
    if (verdict.outcome === "admitted") cheatsAdmitted++
  }
  return { ...count, cheats, cheatsAdmitted, surprises }
}
