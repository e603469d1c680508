/**
 * A look over the calls of one tool before anybody learns from them: is there enough, does one input have one answer, did
 * the tool or its schema change on the way, what lies outside of the schema? What cannot teach is refused here, with the
 * calls that show it; nothing of this decides whether a shadow is right, which is the gate's part.
 */
import {
  accepts,
  compareKeys,
  hashValue,
  hex,
  isRecord,
  jsonText,
  printType,
  REDACTED,
  T,
  type Type,
  typeOfValue,
  unionOf,
  type Value,
} from "../../graph/mod.ts"
import type { CallOutcome, KeptCall } from "./call.ts"
import { type CallLog, callsOn, type VersionOnLog } from "./log.ts"

/** Different inputs that are the least to learn from. */
export const INPUTS_MIN = 200
/** Contradictions and calls outside the schema that are shown; all are counted. */
const SHOWN_MAX = 5
/** A shape of values seen less often than this says nothing about a change. */
const SHAPE_CALLS_MIN = 10

/**
 * Failures that say something about the way to a tool and nothing about the tool: another attempt may end otherwise. They
 * are counted, and are no outcomes.
 */
const OF_THE_WAY: ReadonlySet<string> = new Set(
  "Timeout Cancelled Unreachable Unavailable ToolDied HttpStatus NoSecret NoLogin NoScope NotGranted Overloaded Budget Drift".split(
    " ",
  ),
)
const isAnswer = (o: CallOutcome): boolean => o.ok || !OF_THE_WAY.has(o.code)

/** One input that was answered in two ways. */
export interface Contradiction {
  readonly args: Value
  readonly outcomes: readonly { readonly seq: number; readonly outcome: CallOutcome }[]
}
/** A call whose arguments the tool's schema does not allow. */
export interface Outside {
  readonly seq: number
  readonly args: Value
}
/** From one call on, arguments or answers had another shape. */
export interface Drift {
  readonly side: "arguments" | "answers"
  readonly was: string
  readonly became: string
  readonly seq: number
}

/** Calls of each input on average from which on the inputs are few because the tool has no others. */
const AGAIN = 10

export type Unlearnable =
  | "no-calls"
  | "too-few"
  | "not-deterministic"
  | "constant"
  | "drift"
  | "redacted"
  | "only-failures"
export interface LookRefusal {
  readonly reason: Unlearnable
  /** What was found, and what to do. */
  readonly message: string
}

export interface Look {
  readonly tool: string
  /** The version that was looked at: the newest. */
  readonly version: string
  /** Every version on record, in the order in which they came; calls of others than the newest teach nothing. */
  readonly versions: readonly VersionOnLog[]
  /** Of this version. */
  readonly calls: number
  /** Different inputs among them that were answered. */
  readonly inputs: number
  /** Different answers. */
  readonly answers: number
  /** Failures by code. */
  readonly failures: { readonly [code: string]: number }
  readonly contradictions: readonly Contradiction[]
  readonly contradicted: number
  /** Calls outside the schema: left out of the cases. */
  readonly outside: readonly Outside[]
  readonly outsideCalls: number
  readonly drift: readonly Drift[]
  /** Calls that hold something redacted. */
  readonly redacted: number
  /** Median and 99th percentile of the milliseconds that calls took; null where nobody measured. */
  readonly ms: { readonly p50: number; readonly p99: number } | null
  /** Why nothing can be learnt from them; empty: something can. */
  readonly refusals: readonly LookRefusal[]
}

export interface LookOptions {
  readonly space?: string
  readonly tool: string
  /** Default: the newest on record. */
  readonly version?: string
  /** What the tool takes, where that is known. */
  readonly input?: Type
  readonly inputsMin?: number
}

/** Looks over all calls of a tool. Memory grows with its different inputs. Fails with `LearnError` (`log`). */
export function lookOver(log: CallLog, options: LookOptions): Look {
  const { space = "", tool, input, inputsMin = INPUTS_MIN } = options
  log.flush()
  const versions = log.tools(space).find((t) => t.tool === tool)?.versions ?? []
  const newest = [...versions].sort((a, b) => b.last - a.last)[0]
  const version = options.version ?? newest?.version ?? ""
  const tally = new Tally(input)
  for (const call of callsOn(log, space, tool)) if (call.version === version) tally.take(call)
  const seen = tally.seen()
  const look = { tool, version, versions, ...seen }
  return { ...look, refusals: refusalsOf(look, tally, inputsMin) }
}

interface Answered {
  readonly args: Value
  readonly outcomes: { readonly seq: number; readonly outcome: CallOutcome; readonly key: string }[]
}
interface Shape {
  readonly shape: string
  calls: number
  readonly first: number
  last: number
}

class Tally {
  calls = 0
  outsideCalls = 0
  redacted = 0
  readonly inputs = new Map<string, Answered>()
  /** Different answers, and a value of one of them. */
  readonly answers = new Set<string>()
  constant: Value | undefined
  readonly #fits: (args: Value) => boolean
  readonly #failures = new Map<string, number>()
  readonly #outside: Outside[] = []
  readonly #ms: number[] = []
  readonly #shapes = { arguments: new Map<string, Shape>(), answers: new Map<string, Shape>() }

  constructor(input: Type | undefined) {
    this.#fits = input === undefined ? () => true : accepts(input)
  }

  take({ seq, args, outcome, ms }: KeptCall): void {
    this.calls++
    if (ms !== null) this.#ms.push(ms)
    if (!outcome.ok) this.#failures.set(outcome.code, (this.#failures.get(outcome.code) ?? 0) + 1)
    const hidden = hasRedacted(args) || (outcome.ok && hasRedacted(outcome.value))
    if (hidden) this.redacted++
    if (!this.#fits(args) && !hidden) {
      this.outsideCalls++
      if (this.#outside.length < SHOWN_MAX) this.#outside.push({ seq, args })
      return
    }
    this.#shape("arguments", args, seq)
    if (outcome.ok) this.#shape("answers", outcome.value, seq)
    if (!isAnswer(outcome)) return
    const key = hex(hashValue(args))
    const answer = keyOf(outcome)
    if (outcome.ok) {
      this.answers.add(answer)
      this.constant = outcome.value
    }
    const known = this.inputs.get(key)
    if (known === undefined) this.inputs.set(key, { args, outcomes: [{ seq, outcome, key: answer }] })
    else if (!known.outcomes.some((o) => o.key === answer)) known.outcomes.push({ seq, outcome, key: answer })
  }

  #shape(side: Drift["side"], value: Value, seq: number): void {
    const shape = printType(shapeOf(typeOfValue(value)))
    const shapes = this.#shapes[side]
    const known = shapes.get(shape)
    if (known === undefined) shapes.set(shape, { shape, calls: 1, first: seq, last: seq })
    else {
      known.calls++
      known.last = seq
    }
  }

  contradicted(): readonly Answered[] {
    return [...this.inputs.values()].filter(({ outcomes }) => outcomes.length > 1)
  }

  seen(): Omit<Look, "tool" | "version" | "versions" | "refusals"> {
    const contradicted = this.contradicted()
    const ms = this.#ms.sort((a, b) => a - b)
    return {
      calls: this.calls,
      inputs: this.inputs.size,
      answers: this.answers.size,
      failures: Object.fromEntries([...this.#failures].sort(([a], [b]) => compareKeys(a, b))),
      contradictions: contradicted.slice(0, SHOWN_MAX).map(({ args, outcomes }) => ({
        args,
        outcomes: outcomes.slice(0, SHOWN_MAX).map(({ seq, outcome }) => ({ seq, outcome })),
      })),
      contradicted: contradicted.length,
      outside: this.#outside,
      outsideCalls: this.outsideCalls,
      drift: [...driftIn("arguments", this.#shapes.arguments), ...driftIn("answers", this.#shapes.answers)],
      redacted: this.redacted,
      ms: ms.length === 0 ? null : { p50: ms[ms.length >> 1]!, p99: ms[Math.floor((ms.length - 1) * 0.99)]! },
    }
  }
}

/** Two outcomes are one where a program could not tell them apart: a failure's words are for people. */
const keyOf = (o: CallOutcome): string => hex(hashValue(o.ok ? ["value", o.value] : ["failure", o.code, o.data]))

/** The type of a value without its words: what kind of thing stands where. */
function shapeOf(type: Type): Type {
  switch (type.kind) {
    case "enum":
      return T.string
    case "list":
      return T.list(shapeOf(type.of))
    case "union":
      return unionOf(type.of.map(shapeOf))
    case "record":
      return T.record(
        Object.fromEntries(
          Object.entries(type.fields)
            .sort(([a], [b]) => compareKeys(a, b))
            .map(([name, f]) => [name, shapeOf(f.type)]),
        ),
      )
    default:
      return type
  }
}

/** Shapes that ended for good before another began. */
function driftIn(side: Drift["side"], shapes: ReadonlyMap<string, Shape>): readonly Drift[] {
  const often = [...shapes.values()].filter(({ calls }) => calls >= SHAPE_CALLS_MIN).sort((a, b) => a.first - b.first)
  const found: Drift[] = []
  for (const [i, was] of often.entries()) {
    const next = often.slice(i + 1).find(({ first }) => first > was.last)
    // A list that happens to be empty has a narrower type, and says nothing.
    if (next !== undefined && !was.shape.includes("never") && !next.shape.includes("never"))
      found.push({ side, was: was.shape, became: next.shape, seq: next.first })
  }
  return found
}

function hasRedacted(value: Value): boolean {
  if (typeof value === "string") return value.includes(REDACTED)
  if (Array.isArray(value)) return value.some(hasRedacted)
  return isRecord(value) && Object.values(value).some(hasRedacted)
}

function refusalsOf(look: Omit<Look, "refusals">, tally: Tally, inputsMin: number): readonly LookRefusal[] {
  const { tool, calls, inputs, answers, contradictions, contradicted, drift, versions, outsideCalls } = look
  if (calls === 0) return [{ reason: "no-calls", message: `No call of ${tool} is on record: record some first.` }]
  const refusals: LookRefusal[] = []
  const refuse = (reason: Unlearnable, message: string) => refusals.push({ reason, message })
  const worst = contradictions[0]
  if (worst !== undefined) {
    const shown = worst.outcomes.map(({ seq, outcome }) => `${brief(outcome)} (call ${seq})`).join(", then ")
    refuse(
      "not-deterministic",
      `${tool} answered ${contradicted} of ${inputs} inputs in more than one way: ${short(worst.args)} gave ${shown}. It depends on more than its arguments, so no shadow of it could be trusted; give it what it depends on as an argument, or leave it as it is.`,
    )
  }
  for (const { side, was, became, seq } of drift.slice(0, 1)) {
    refuse(
      "drift",
      `The ${side} of ${tool} changed from ${was} to ${became} at call ${seq} while its version stayed the same: forget the calls before (shadowgraph record forget), and record again.`,
    )
  }
  if (answers === 0 && inputs > 0) refuse("only-failures", `No call of ${tool} succeeded: there is nothing to learn.`)
  if (inputs < inputsMin) {
    const others = versions.length > 1 ? `; ${versions.length - 1} other versions are on record, and do not count` : ""
    const left = outsideCalls > 0 ? `; ${outsideCalls} calls lie outside of its schema, and do not count` : ""
    const again =
      contradicted === 0 && inputs > 0 && calls >= AGAIN * inputs
        ? ` It was asked these again and again: \`cache:\` on its nodes answers what was asked before, a shadow is for what is new.`
        : ""
    refuse(
      "too-few",
      `${inputs} different inputs of ${tool} are on record, wanted ${inputsMin} or more${others}${left}.${again}`,
    )
  }
  if (answers === 1 && inputs > 1 && tally.constant !== undefined)
    refuse(
      "constant",
      `${tool} gave ${short(tally.constant)} to all of ${inputs} inputs: a constant needs no shadow. Record inputs that differ, or write the constant.`,
    )
  if (tally.redacted * 2 > calls)
    refuse(
      "redacted",
      `${tally.redacted} of ${calls} calls of ${tool} hold secrets that were not written down: what the answer depends on may be among them.`,
    )
  return refusals
}

const short = (value: Value): string => {
  const text = jsonText(value, { nonFinite: "text" })
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}
const brief = (o: CallOutcome): string => (o.ok ? short(o.value) : `the failure ${o.code}`)
