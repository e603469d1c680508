/**
 * Asking a shadow: within the bounds of the run, copied so that nobody holds what somebody else may change, and past the
 * tool's own validators. A shadow that throws, lies about itself or answers what is no value of the port says nothing.
 */
import { type Clock, decode, encode, jsonOf, reaches, type Shadow, type Value } from "../graph/mod.ts"
import type { Judge } from "../kernel/mod.ts"
import { type Guess, leads } from "./foreseen.ts"
import type { Frame } from "./frame.ts"
import type { Program, StepCode, Tool } from "./program.ts"
import type { Speculation } from "./speculation.ts"

/** Bytes of a predicted value at most, as it is encoded. */
const BYTES_MAX = 1 << 20

/** Characters of what a shadow says of its inference that are kept. */
const RAN_CHARS = 200

/** May answers of the tool be judged at once and by nobody outside? Otherwise nothing may be guessed of it. */
export const judgedAtOnce = ({ level }: Judge): boolean => !reaches(level, "oracle")

/** The name of a tool in the odds: its kind, what it calls, and what it touches. */
const toolName = ({ kind, resource, config }: Tool["extern"]): string =>
  `${kind} ${resource ?? ""} ${JSON.stringify(jsonOf(config[kind] ?? null, { nonFinite: "text" }))}`
export const nameOf = ({ tool }: StepCode): string => toolName(tool!.extern)

/** The shadows of one run, each asked once for a call. */
export class Asking {
  readonly #program: Program
  readonly #with: Speculation
  readonly #clock: Clock
  /** Calls that no guess was to be had for, and reasons that were said. */
  readonly #none = new Set<string>()
  readonly #said = new Set<string>()

  constructor(program: Program, speculation: Speculation, clock: Clock) {
    this.#program = program
    this.#with = speculation
    this.#clock = clock
  }

  /** A guess of what the call at `at` comes to; undefined where there is none or none is wanted. `say` hears each reason once. */
  guess(frame: Frame, step: StepCode, at: string, args: Value, say: (why: string) => void): Guess | undefined {
    const { shadows, costs, odds, onEarly } = this.#with
    const tool = step.tool!
    const shadow = shadows[tool.index]
    if (shadow === undefined || this.#none.has(at)) return undefined
    if (onEarly === undefined && !leads(frame, step)) return undefined
    const name = nameOf(step)
    const against = costs ? odds.against(name, onEarly === undefined ? this.#behind() : []) : undefined
    const guess = against ?? ask(tool, name, shadow, args, this.#with, this.#clock)
    if (against === undefined && typeof guess !== "string") return guess
    this.#none.add(at)
    const why = against === undefined ? String(guess) : `does not pay: ${against}`
    // Reasons that differ in their figures alone are one.
    const kind = `${tool.index} ${why.replace(/[0-9.]+/g, "")}`
    if (!this.#said.has(kind)) say(why)
    this.#said.add(kind)
    return undefined
  }

  /** Tools of reads that may be called early. */
  #behind(): readonly string[] {
    return this.#program.tools.filter((t) => t.extern.settings.speculate === true).map((t) => toolName(t.extern))
  }
}

/** The guess, or why there is none. */
function ask(
  tool: Tool,
  name: string,
  shadow: Shadow,
  args: Value,
  { odds, error, confidence }: Speculation,
  clock: Clock,
): Guess | string {
  const began = clock.tick()
  let guess: Omit<Guess, "ms"> | string
  try {
    guess = used(tool, shadow.predict(copied(args)), args, Math.min(error, tool.extern.settings.shadow?.error ?? 1))
  } catch (cause) {
    guess = `unable: ${cause instanceof Error ? cause.message : String(cause)}`.slice(0, 200)
  }
  if (typeof guess !== "string" && guess.confidence < confidence) guess = `confidence: ${guess.confidence}`
  const ms = clock.tick() - began
  odds.asked(name, ms, typeof guess !== "string")
  return typeof guess === "string" ? guess : { ...guess, ms }
}

function used(
  tool: Tool,
  said: ReturnType<Shadow["predict"]>,
  args: Value,
  alphaMost: number,
): Omit<Guess, "ms"> | string {
  if (!said.ok) return String(said.why)
  const { by, alpha, confidence, ran } = said
  if (!isShare(alpha) || !isShare(confidence) || typeof by !== "string" || by === "")
    return "unable: it does not say by which weights, within which bound"
  if (alpha > alphaMost) return `confidence: at most ${alpha} wrong, wanted ${alphaMost}`
  const bytes = encode(said.value as Value)
  if (bytes.length > BYTES_MAX) return `unable: a prediction of ${bytes.length} bytes`
  // Copied before it is judged, so that it stays what was judged.
  const judged = tool.judged(decode(bytes), args)
  if (judged instanceof Promise) return "its validators answer later"
  if (!judged.ok) return `refused: ${judged.failure.message}`
  // A shadow's words are a stranger's.
  return { value: judged.value, by, alpha, confidence, ran: typeof ran === "string" ? ran.slice(0, RAN_CHARS) : null }
}

const copied = (value: Value): Value => decode(encode(value))
const isShare = (x: unknown): x is number => typeof x === "number" && x >= 0 && x <= 1
