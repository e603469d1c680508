// A run of the laws that rests: some of its calls take days, and a process that knows nothing but the record goes on with it,
// as often as that takes.
import { type Program, RESTING } from "../../bus/mod.ts"
import { printPath, type Value } from "../../graph/mod.ts"
import { AgedCache, answerRun, type History, openHistory, openRun, type Reply, resumeRun } from "../../kernel/mod.ts"
import type { Chance } from "./chance.ts"
import { digest, lived, type Ran, stageFor, TellingLedger } from "./runs.ts"

const CHAIN = { digest, space: "", run: "r" } as const
const DAYS_MS = 200_000_000
/** From then on nothing takes days any more. */
const RESTS_MAX = 20
const PROCESSES_MAX = 40

/** Runs a program of which some reads rest; `rests`: how often it did. */
export async function rested(
  program: Program,
  input: Value,
  chance: Chance,
): Promise<Ran & { readonly rests: number }> {
  const { admitted } = program
  const stage = stageFor(chance, chance.of([30, 60, 100]))
  const { clock } = stage
  const store = new TellingLedger(stage)
  const options = { store, digest, clock, cache: new AgedCache(clock), parks: true }
  let ran = await lived(program, input, openRun(admitted, { ...options, ...CHAIN, input }), stage, store)
  const wrong = [...ran.wrong]
  let rests = 0
  for (; ran.outcome === RESTING; rests++) {
    if (rests >= PROCESSES_MAX) return { ...ran, wrong: [...wrong, `it rests after ${rests} processes`], rests }
    if (rests >= RESTS_MAX) stage.days = 0
    clock.passes(DAYS_MS)
    const before = openHistory(store.entries("", "r"), CHAIN)
    await answerRun(admitted, before, options, repliesOf(before), "time")
    const history = openHistory(store.entries("", "r"), CHAIN)
    const from = stage.events.length
    ran = await lived(program, input, resumeRun(admitted, history, options), stage, store)
    wrong.push(...ran.wrong)
    for (const { what, path, effect } of stage.events.slice(from))
      if (what === "began" && effect !== "pure" && history.known.has(printPath(path)))
        wrong.push(`${printPath(path)} is on record, and its tool was called again`)
  }
  return { ...ran, wrong: [...new Set(wrong)], rests }
}

/** A person says of writes of which nobody knows that they were not done. */
function repliesOf({ waits, open }: History): Reply[] {
  const replies = new Map<string, Reply>()
  const refuse = (path: Reply["path"]) =>
    replies.set(printPath(path), { path, how: "refused", message: "It was not done" })
  for (const { path, why } of waits.values()) if (why === "uncertain") refuse(path)
  for (const { path } of open.values()) refuse(path)
  return [...replies.values()]
}
