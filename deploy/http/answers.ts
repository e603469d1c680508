/**
 * What a run comes to, as the server tells it: one form, whether it is the body of a response, the last event of a stream or
 * one of a batch.
 */
import { type Failure, hex, jsonText, printPath, type Value } from "../../graph/mod.ts"
import type { History, Wait } from "../../kernel/mod.ts"
import { waitText } from "../engine/again.ts"
import { besidesJson, withUncertain } from "../engine/ending.ts"
import type { RunResult } from "../engine/engine.ts"
import { undoneOnRecord } from "../engine/undone_on_record.ts"
import { Answer, JSON_FORM, type ProblemKind, problemOf } from "./problems.ts"
import type { Stop } from "./stop.ts"

/** How long a run may take, for the words. */
interface Told {
  readonly graph?: string | undefined
  /** Why it was ended from outside, if it was. */
  readonly stop?: Pick<Stop, "why" | "ms"> | undefined
}

export function answerOf(result: RunResult, { graph, stop }: Told = {}): Answer {
  const { run, outcome, parked, trace, ledger } = result
  if (parked !== undefined) {
    const body = { run, parked: waitsOf(parked), resume: `/runs/${run}/resume`, ledger }
    return new Answer(202, body, { location: `/runs/${run}` })
  }
  if (outcome.ok && result.undone === undefined && result.uncertain === undefined)
    return new Came({ run, output: outcome.value, trace, ledger })
  const proof = { trace, ledger, ...besidesJson(result) }
  if (outcome.ok) return new Answer(200, { run, output: outcome.value, ...proof })
  const more = { ...(graph === undefined ? {} : { graph }), run, ...proof }
  switch (stop?.why) {
    case "late":
      return problemOf("too-slow", `The run did not end within ${stop.ms} ms.`, more)
    case "closing":
      return problemOf("shutting-down", "The server stops, and the run was ended.", more)
    default:
      return failed(outcome.failure, more)
  }
}

/** What nearly every run comes to: a value. Its text is put together at once, with keys in the order that `jsonText` has. */
class Came extends Answer {
  declare readonly body: Pick<RunResult, "run" | "trace" | "ledger"> & { readonly output: Value }

  constructor(body: Came["body"]) {
    super(200, body)
  }

  protected override written(): string {
    const { ledger, output, run, trace } = this.body
    const { head, position } = ledger
    return `{"ledger":{"head":"${head}","position":${position}},"output":${jsonText(output, JSON_FORM)},"run":${jsonText(run)},"trace":"${trace}"}`
  }
}

function failed({ code, message, data, path }: Failure, more: object): Answer {
  const node = path === undefined ? {} : { node: printPath(path) }
  const whose = code === "Budget" ? (data as { readonly of?: Value } | null)?.of : undefined
  const shared = whose === "tenant" || whose === "caller"
  const kind: ProblemKind = shared
    ? "tenant-budget"
    : code === "Fuel" || whose === "run"
      ? "over-budget"
      : code === "Cancelled"
        ? "cancelled"
        : "run-failed"
  return problemOf(kind, message, { ...more, code, data, ...node })
}

/** What a run on record came to, as if it had just ended; undefined while it has not. */
export function resultOnRecord(history: History): RunResult | undefined {
  const { run, end, head, waits, known } = history
  const ledger = { position: head.seq, head: hex(head.hash) }
  const uncertain = [...known.values()].filter(({ how }) => how === "uncertain").map(({ path }) => path)
  if (end !== undefined) {
    const undone = undoneOnRecord(history)
    const result = { run, outcome: end.outcome, trace: end.trace, ledger, ...(undone === undefined ? {} : { undone }) }
    return withUncertain(result, uncertain)
  }
  if (waits.size === 0) return undefined
  return { run, outcome: NOT_ENDED, trace: "", parked: [...waits.values()], ledger }
}
const NOT_ENDED: RunResult["outcome"] = { ok: true, value: null }

/** A run that goes on: where to look. */
export const goesOn = (run: string, status = 202, more: object = {}): Answer =>
  new Answer(
    status,
    { run, status: "running", url: `/runs/${run}`, events: `/runs/${run}/events`, ...more },
    { location: `/runs/${run}` },
  )

export const waitsOf = (parked: readonly Wait[]): readonly object[] =>
  parked.map((wait) => ({
    path: printPath(wait.path),
    why: wait.why,
    ...(wait.until === null ? {} : { until: new Date(wait.until).toISOString() }),
    text: waitText(wait),
    ...(wait.why === "ask" ? asked(wait) : {}),
  }))

/** What a form for the answer is made of. `type`: in the words of graph files. */
function asked({ request: { question, type, choices } }: Wait): object {
  return { question, type, ...(choices === undefined ? {} : { choices }) }
}
