// A run of the laws whose process died: the beginning of its record is all that is left, and another process goes on from
// there; and a run computed again from its whole record. Neither asks a tool for what is on record.
import { type Program, RESTING } from "../../bus/mod.ts"
import { MemoryLedger } from "../../deploy/ledger/memory.ts"
import { type Outcome, printPath, sameOutcome, type Value } from "../../graph/mod.ts"
import {
  answerRun,
  callAt,
  type History,
  inputOf,
  openEntry,
  openHistory,
  openOutcome,
  type Reply,
  type Row,
  replayRun,
  resumeRun,
} from "../../kernel/mod.ts"
import type { Chance } from "./chance.ts"
import { digest, lived, type Ran, stageFor, TellingLedger, vmOf } from "./runs.ts"
import { driven, Stuck } from "./stage.ts"

const CHAIN = { digest, space: "", run: "r" } as const

/** Goes on with the first `cut` entries of a run's record; a person who knows what the tools did answers for open writes. */
export async function wentOn(program: Program, whole: Ran, cut: number, chance: Chance): Promise<Ran> {
  const stage = stageFor(chance)
  const { clock } = stage
  const store = new TellingLedger(stage)
  for (const row of whole.rows.slice(0, cut)) store.append(row)
  const before = openHistory(store.entries("", "r"), CHAIN)
  const options = { store, digest, clock }
  await answerRun(program.admitted, before, options, repliesOf(program, before, whole.rows, chance), "person")
  const history = openHistory(store.entries("", "r"), CHAIN)
  const record = resumeRun(program.admitted, history, options)
  const ran = await lived(program, inputOf(program.admitted, history), record, stage, store)
  const again = stage.events.flatMap(({ what, path, effect }) =>
    what === "began" && effect !== "pure" && history.known.has(printPath(path)) ? [printPath(path)] : [],
  )
  return {
    ...ran,
    wrong: [...ran.wrong, ...again.map((path) => `${path} is on record, and its tool was called again`)],
  }
}

/** Of writes whose tools honour no key: they were done, and gave what the whole run says, or they never arrived. */
function repliesOf({ admitted }: Program, history: History, rows: readonly Row[], chance: Chance): Reply[] {
  const replies: Reply[] = []
  for (const { seq, path } of history.open.values()) {
    const { judge, kind } = admitted.externs[callAt(admitted, path)]!
    const given = valueOf(rows, seq)
    // A tool that runs bodies was not done when these were not.
    if (given !== undefined && judge.plain && kind.scopes === undefined && chance.percent(50))
      replies.push({ path, how: "delivered", value: given.value })
    else replies.push({ path, how: "again" })
  }
  return replies
}

function valueOf(rows: readonly Row[], intent: number): { readonly value: Value } | undefined {
  for (const row of rows) {
    const { body } = openEntry(row.entry)
    if (body.kind !== "outcome" || body.intent !== intent || body.how !== "delivered") continue
    const outcome = openOutcome(row.data!, body.message)
    return outcome.ok ? outcome : undefined
  }
  return undefined
}

/** How a run computed again from its record differs; undefined where it does not. */
export async function replayDiffers(
  program: Program,
  { rows, outcome, trace }: Ran,
  chance: Chance,
): Promise<string | undefined> {
  const stage = stageFor(chance)
  const store = new MemoryLedger()
  for (const row of rows) store.append(row)
  const history = openHistory(store.entries("", "r"), CHAIN)
  const record = replayRun(program.admitted, history, { digest, clock: stage.clock })
  const answer = vmOf(program, record, stage).run(inputOf(program.admitted, history))
  const got = answer instanceof Promise ? await driven(stage.clock, answer).catch(stuck) : answer
  if (got instanceof Stuck) return "it never ends"
  const touched = stage.events.find(({ what, effect }) => what === "began" && effect !== "pure")
  if (touched !== undefined) return `the tool at ${printPath(touched.path)} was called`
  const [first] = record.divergences
  if (first !== undefined) return `${printPath(first.path)} is called with other arguments than on record`
  // A run that somebody stopped ends where its record does, whatever it would have come to.
  const stopped = !outcome.ok && (got === RESTING || outcome.failure.code === "Cancelled")
  const counts = stopped ? outcome : got
  if (!sameOutcome(counts, outcome)) return `it comes to ${told(counts)}, on record is ${told(outcome)}`
  const own = record.traceOf(counts.ok ? counts.value : counts.failure)
  return own === trace ? undefined : "it has another trace"
}

/** What waits for ever is told as such; anything else that is thrown is a bug of the laws themselves. */
const stuck = (cause: unknown): Stuck => {
  if (cause instanceof Stuck) return cause
  throw cause
}

const told = (o: Outcome): string => (o.ok ? "a value" : `${o.failure.code} at ${printPath(o.failure.path ?? [])}`)
