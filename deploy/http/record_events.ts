/**
 * The events of a run as its record tells them: of runs that ended long ago, that rest, or that another server goes on with.
 * Their ids are places in the record, so they are the same on every server and after every restart.
 */
import { type Clock, type Path, printPath } from "../../graph/mod.ts"
import { KernelError, openRow, type Row } from "../../kernel/mod.ts"
import { graphOf } from "../engine/again.ts"
import type { Engine } from "../engine/engine.ts"
import { answerOf, resultOnRecord } from "./answers.ts"
import { eventText, lastEvent, type Portion } from "./feed.ts"
import { type Answer, problemOf } from "./problems.ts"
import type { Source } from "./streams.ts"

/** Milliseconds between two looks at the record of a run that another has. */
const LOOK_MS = 1_000
const PORTION_MAX = 64

/** The place after the entry of an id, `r12`; undefined where that is none of a record. */
export function afterEntry(id: string): number | undefined {
  return /^r\d{1,9}$/.test(id) ? Number(id.slice(1)) + 1 : undefined
}

export function recordSource(engine: Engine, run: string, start: number, clock: Clock, gap?: object): Source {
  const next = async (place: number, signal: AbortSignal): Promise<Portion> => {
    for (;;) {
      const { rows } = await engine.store.entries(engine.space, run)
      const last = rows.at(-1)
      // Its record is gone, or has ended before the place: nothing will come.
      if (last === undefined) return { texts: [], missed: 0, next: place, over: true }
      const ended = last.kind === "end" || last.kind === "parked"
      const fresh = rows.filter((row) => row.seq >= place).slice(0, PORTION_MAX)
      const reached = fresh.at(-1)?.seq ?? place - 1
      if (fresh.length > 0 || ended) {
        const over = ended && reached >= last.seq
        const texts = fresh.flatMap((row) => textOf(row, rows, over && row.seq === last.seq))
        if (over) texts.push(await ending(engine, run, last.seq))
        return { texts, missed: 0, next: reached + 1, over }
      }
      await clock.sleep(LOOK_MS, signal).catch(() => {})
      if (signal.aborted) return { texts: [], missed: 0, next: place, over: true }
    }
  }
  return { next, start, ...(gap === undefined ? {} : { gap }) }
}

async function ending(engine: Engine, run: string, seq: number): Promise<string> {
  let answer: Answer
  try {
    const result = resultOnRecord(await engine.history(run))
    if (result === undefined) return eventText("unfinished", { run }, `r${seq}`)
    answer = answerOf(result, { graph: await graphOf(engine, run) })
  } catch (cause) {
    const gone = await notKept(engine, run, cause)
    if (gone === undefined) throw cause
    answer = gone
  }
  const [event, data] = lastEvent(answer)
  return eventText(event, data, `r${seq}`)
}

/** An entry as an event; nothing where it is none of a node's, or the last one, which is told as what the run came to. */
function textOf(row: Row, rows: readonly Row[], last: boolean): readonly string[] {
  const { body, at, redacted } = openRow(row)
  const id = `r${row.seq}`
  const node = (path: Path, phase: string, more: object = {}) => [
    eventText("node", { phase, path: printPath(path), recorded: new Date(at).toISOString(), ...more }, id),
  ]
  const how = (message: string | null) => (redacted ? {} : { ok: message === null })
  switch (body.kind) {
    case "start":
      return [eventText("run", { run: row.run }, id)]
    case "read":
      return node(body.path, "end", { effect: "read", attempts: body.attempts, ...how(body.message) })
    case "intent":
      return node(body.path, "start", { effect: "write" })
    case "outcome": {
      const intent = rows.find((r) => r.seq === body.intent)
      const opened = intent === undefined ? undefined : openRow(intent).body
      if (opened?.kind !== "intent") return []
      return node(opened.path, "end", { effect: "write", attempts: body.attempts, ...how(body.message) })
    }
    case "taken":
      return node(body.path, "end", { effect: body.effect, taken: true, ...how(body.message) })
    case "parked":
      return last ? [] : node(body.path, "waits", { why: body.why })
    case "answer":
      return node(body.path, "answered", { how: body.how, by: body.by })
    case "discarded":
      return node(body.path, "discarded")
    default:
      return []
  }
}

/**
 * What to say where a record cannot be read since something of it is not there any more: it was redacted, or a bounded ledger
 * let go of it, of its beginning first. Nothing is wrong with what is left, and nothing can be made of it.
 */
export async function notKept(engine: Engine, run: string, cause: unknown): Promise<Answer | undefined> {
  if (!(cause instanceof KernelError)) return undefined
  const { reason, message } = cause
  const gone =
    reason === "redacted" ||
    reason === "missing" ||
    (reason === "corrupt" && (await engine.store.entries(engine.space, run)).before !== null)
  return gone ? problemOf("missing", message, { run }) : undefined
}
