/**
 * What a run's chain says, verified and put in order: what is known at which path, which writes nobody knows the end of,
 * and what the run waits for. Whoever resumes or replays a run starts from this, and from nothing else.
 */
import { decode, isRecord, type Outcome, type Path, printPath, type Rec, type Value } from "../graph/mod.ts"
import { type Amounts, amountsOf, atLeast } from "./budget.ts"
import { kernelError } from "./errors.ts"
import { type Answered, type Chain, type Delivery, type EntryBody, type Head, openRow, type Why } from "./ledger.ts"
import { openOutcome, valueOf } from "./outcome.ts"
import { type VerifyOptions, verifyChain } from "./walk.ts"

/** An outcome on record. */
export interface Known {
  /** The entry that holds it: outcomes came in this order. */
  readonly seq: number
  readonly path: Path
  readonly effect: "read" | "write"
  readonly resource: string | null
  /** Null where any input will do: an outcome that a person put there. */
  readonly input: Uint8Array | null
  readonly hash: Uint8Array
  readonly data: Uint8Array
  readonly message: string | null
  /** Of a write. */
  readonly how?: Delivery
}

/** A part of a call that has not ended: what it was asked for, and gave. */
export interface Part {
  readonly input: Uint8Array
  readonly data: Uint8Array
}

/** A write that was announced; nobody recorded what came of it. */
export interface OpenIntent {
  readonly seq: number
  readonly path: Path
  readonly resource: string | null
  readonly input: Uint8Array
  readonly key: string
  /** Of one that can be undone: its arguments, as they are kept. */
  readonly data: Uint8Array | null
}

/** A write that has an undo and was done, or may have been. */
export interface Undoable {
  readonly path: Path
  readonly how: Exclude<Delivery, "refused">
  readonly input: Uint8Array
  readonly args: Value
  /** Its answer; undefined where that did not count. */
  readonly out: Value | undefined
}

/** What a person said of a write that stays uncertain on record, once it was to be undone. */
export interface Said {
  readonly how: Answered
  /** Of `delivered`: its answer. */
  readonly value: Value | undefined
}

/** What a run rests for, at a node. */
export interface Wait {
  readonly path: Path
  readonly why: Why
  readonly input: Uint8Array
  /** When it is due by itself, in milliseconds since the epoch. */
  readonly until: number | null
  /**
   * What is asked. `ask`: `question`, `choices`, `only` (nothing but a yes to this value will do). `event`: `event`, its name. `uncertain`: `tool`, `key`, and the failure's
   * `code` and `message`. `due`: the outcome when its time comes, `["value", v]` or `["failure", { failure, data }, message]`.
   */
  readonly request: Rec
}

export interface History {
  readonly space: string
  readonly run: string
  readonly graph: string
  readonly plan: string
  readonly pins: string | null
  /** As its bytes say it; `inputOf` gives it as the plan's port holds it. */
  readonly input: Value
  readonly inputHash: Uint8Array
  readonly began: number
  readonly head: Head
  readonly end: { readonly outcome: Outcome; readonly hash: Uint8Array; readonly trace: string } | undefined
  readonly known: ReadonlyMap<string, Known>
  readonly open: ReadonlyMap<string, OpenIntent>
  readonly waits: ReadonlyMap<string, Wait>
  /** Of calls that have not ended, what they learnt so far, in order. */
  readonly parts: ReadonlyMap<string, readonly Part[]>
  /** Which failure a handler met, by the path of the scope that failed: the hash of it as an outcome. */
  readonly met: ReadonlyMap<string, Uint8Array>
  /** Answers on record whose outcome is not: the process died in between. */
  readonly answers: ReadonlyMap<string, Extract<EntryBody, { kind: "answer" }> & { readonly data: Uint8Array | null }>
  /** Writes that may be sent: somebody knows that they never arrived, or gave leave. */
  readonly again: ReadonlySet<string>
  /** Writes that can be undone, in the order of their outcomes. */
  readonly undoable: readonly Undoable[]
  /** What a person said of writes that are uncertain on record, by path. */
  readonly said: ReadonlyMap<string, Said>
  /** The run is being undone: since which entry, and what it had come to. */
  readonly undoing: { readonly seq: number; readonly by: string; readonly outcome: Outcome } | undefined
  /** Writes that somebody wants to stay, by path. */
  readonly left: readonly string[]
  /** Do its writes wait for leave to be sent, each of them? */
  readonly held: boolean
  /** What the run has spent, as far as somebody counted. */
  readonly spent: Amounts
}

const histories = new WeakSet<object>()
export const isHistory = (x: unknown): x is History => histories.has(x as object)

/** Reads a run's chain. Fails with `KernelError`: `missing` where there is none, `corrupt` where it does not verify or has lost its beginning. */
export function openHistory(chain: Chain, options: VerifyOptions): History {
  const { space, run } = options
  if (chain.rows.length === 0) throw kernelError("missing", `Cannot read run "${run}": the ledger has no such run`)
  const verdict = verifyChain(chain, options)
  if (!verdict.ok) {
    const { seq, message } = verdict
    throw verdict.reason === "redacted"
      ? kernelError("redacted", `Cannot take up run "${run}": it was redacted; what stood beside entry ${seq} is gone`)
      : kernelError("corrupt", `Cannot read run "${run}": entry ${seq}: ${message}`)
  }
  if (chain.before !== null) {
    throw kernelError(
      "corrupt",
      `Cannot read run "${run}": a bounded store let go of entries up to ${chain.before.seq}`,
    )
  }
  const known = new Map<string, Known>()
  const open = new Map<string, OpenIntent>()
  const waits = new Map<string, Wait>()
  const parts = new Map<string, Part[]>()
  const met = new Map<string, Uint8Array>()
  const answers = new Map<string, Extract<EntryBody, { kind: "answer" }> & { readonly data: Uint8Array | null }>()
  const again = new Set<string>()
  const intents = new Map<number, OpenIntent>()
  const undoable: Undoable[] = []
  const said = new Map<string, Said>()
  const left: string[] = []
  let undoing: History["undoing"]
  const costs: (readonly number[] | null)[] = []
  let spent: Amounts | undefined
  let start: Extract<EntryBody, { kind: "start" }> | undefined
  let end: History["end"]
  let began = 0
  const settle = (entry: Known): void => {
    const at = printPath(entry.path)
    known.set(at, entry)
    waits.delete(at)
    answers.delete(at)
    open.delete(at)
    parts.delete(at)
    // It was about an attempt before this one.
    said.delete(at)
  }
  for (const row of chain.rows) {
    const { body, at, seq } = openRow(row)
    const data = row.data
    switch (body.kind) {
      case "start":
        start = body
        began = at
        break
      case "read":
        costs.push(body.spent ?? [body.attempts])
        settle({ ...body, seq, effect: "read", hash: body.outcome, data: data! })
        break
      case "taken":
        settle({ ...body, seq, hash: body.outcome, data: data! })
        break
      case "intent": {
        const intent = { ...body, seq, data }
        intents.set(seq, intent)
        open.set(printPath(body.path), intent)
        waits.delete(printPath(body.path))
        // Leave to send it was for one time: what came of this sending is not known either.
        again.delete(printPath(body.path))
        break
      }
      case "outcome": {
        const intent = intents.get(body.intent)
        if (intent === undefined) {
          throw kernelError("corrupt", `Cannot read run "${run}": entry ${seq} settles entry ${body.intent}, no intent`)
        }
        costs.push(body.spent ?? [body.attempts])
        if (intent.data !== null && body.how !== "refused") {
          const { path, input } = intent
          const out = valueOf(openOutcome(data!, body.message))
          undoable.push({ path, how: body.how, input, args: decode(intent.data), out })
        }
        settle({
          ...body,
          seq,
          path: intent.path,
          effect: "write",
          resource: intent.resource,
          input: intent.input,
          hash: body.outcome,
          data: data!,
        })
        break
      }
      case "part": {
        costs.push(body.spent)
        const at = printPath(body.path)
        if (body.n === 0) parts.set(at, [])
        const before = parts.get(at)
        if (before?.length !== body.n)
          throw kernelError(
            "corrupt",
            `Cannot read run "${run}": entry ${seq} is part ${body.n} of ${at}, and part ${body.n - 1} is not there`,
          )
        before.push({ input: body.input, data: data! })
        break
      }
      case "parked": {
        const request = requestOf(data!)
        waits.set(printPath(body.path), { ...body, request })
        // Calls that were given up have no entry, and were paid for: the sum that the run stopped with has them.
        if (body.why === "budget") spent = request["spent"] as unknown as Amounts
        break
      }
      case "discarded":
        costs.push(body.spent ?? [body.attempts])
        break
      case "met":
        met.set(printPath(body.path), body.outcome)
        break
      case "guess":
        break
      case "answer":
        if (known.get(printPath(body.path))?.how === "uncertain") {
          // What is on record of it stays: it is what the run went on from.
          const value = data === null ? undefined : valueOf(openOutcome(data, body.message))
          said.set(printPath(body.path), { how: body.how, value })
          waits.delete(printPath(body.path))
        } else if (body.how === "again") {
          again.add(printPath(body.path))
          waits.delete(printPath(body.path))
        } else answers.set(printPath(body.path), { ...body, data })
        break
      case "resume":
        // Whoever goes on brings a budget of its own.
        for (const [at, wait] of waits) if (wait.why === "budget") waits.delete(at)
        break
      case "undo":
        undoing = { seq, by: body.by, outcome: openOutcome(data!, body.message) }
        end = undefined
        left.push(...body.left)
        break
      case "end":
        undoing = undefined
        end = { outcome: openOutcome(data!, body.message), hash: body.outcome, trace: body.trace }
        break
    }
  }
  const { graph, plan, pins, input, held = false } = start!
  const history: History = Object.freeze({
    space,
    run,
    graph,
    plan,
    pins,
    input: decode(chain.rows[0]!.data!),
    inputHash: input,
    began,
    head: verdict.head,
    end,
    known,
    open,
    waits,
    parts,
    met,
    answers,
    again,
    undoable,
    said,
    undoing,
    left,
    held,
    spent: atLeast(amountsOf(costs), spent),
  })
  histories.add(history)
  return history
}

function requestOf(data: Uint8Array): Rec {
  const request = decode(data)
  return isRecord(request) ? request : {}
}
