/**
 * The hold-out gate for shadows: the kernel's gate, with the real tool as its oracle. Cases are drawn after the shadow was
 * handed in, from the region that its log covers, and none of them is a call of the log. A shadow answers only where its
 * door lets it, so the bound holds for answers that it would give; how often it would is measured, and must be often enough.
 */

import { type GateVerdict, HoldOutGate, type Loader, type SubmissionBook, type Target } from "../gate/mod.ts"
import { type Chance, type Digest, hashValue, hex, sha256, type Type, type Value } from "../graph/mod.ts"
import { ModelRefused, openShadow } from "../shadow/mod.ts"
import { LearnError, learnError } from "./errors.ts"
import { regionOf } from "./region.ts"

/** A tool as its shadow is held against it. */
export interface GatedTool {
  readonly tool: string
  readonly version: string
  /** What it does to the world: a tool that writes has no shadow, for asking it is doing it. */
  readonly effect: "pure" | "read" | "write"
  readonly input: Type
  readonly output: Type
  /** Asks the tool itself; throws the `Failure` that it ended in. */
  readonly ask: (args: Value) => Promise<Value>
}

export interface ShadowGateOptions {
  readonly chance: Chance
  readonly book: SubmissionBook
  /** Arguments of every call on the log: the region, and what is not asked again. */
  readonly seen: readonly Value[]
  /** The least share of fresh inputs that the shadow has to answer. */
  readonly coverageMin?: number
  readonly digest?: Digest
  /** Inputs that the tool is asked at once. Default 8. */
  readonly parallel?: number
  /** Is told of every case that was asked. */
  readonly onCase?: (done: number, of: number) => void
}

export interface Gated {
  readonly verdict: GateVerdict
  /** Inputs that were drawn for it, and those of them that the shadow answers. */
  readonly drawn: number
  readonly answered: number
  /** Inputs that are on the log too: none, but for a tool that has hardly any others. */
  readonly repeated: number
}

export const COVERAGE_MIN = 0.2
/** The fewest cases, whatever share of wrong answers is borne. */
export const GATE_CASES = 2_995
/** A file says of itself what it promises: more than this is no promise. */
export const ALPHA_MAX = 0.1
const PARALLEL = 8
/** Wrong answers that are borne of arithmetic that has to be exact. */
const EXACT_ERROR = 0.001
/** Draws after which coverage is judged, and after which a domain counts as used up. */
const JUDGED = 2_000
const USED_UP = 400

/** What submissions of a tool's shadows are counted by. */
export const gateTarget = (tool: string, version: string): string => `shadow of ${tool} ${version}`

/** Fails with `LearnError`: `refused` (it writes, it is of another tool, it answers too little). A verdict may still say no. */
export async function gateShadow(
  bytes: Uint8Array,
  of: GatedTool,
  options: ShadowGateOptions,
): Promise<Gated | LearnError> {
  const { tool, version, effect } = of
  if (effect === "write") {
    return learnError(
      "refused",
      `${tool} has no shadow: it writes, and the gate would have to write some thousand times to know. Only what reads or is pure has one.`,
    )
  }
  const opened = openShadow(bytes)
  if (opened instanceof ModelRefused) return learnError("refused", opened.message, opened)
  const { package: file, shadow } = opened
  if (file.tool !== tool || file.version !== version) {
    return learnError(
      "refused",
      `Cannot test a shadow of ${file.tool} ${file.version.slice(0, 16)} as ${tool} ${version.slice(0, 16)}: train it again`,
    )
  }
  if (options.seen.length === 0) return learnError("refused", `Cannot test a shadow of ${tool}: no call is on record`)
  const count = { drawn: 0, answered: 0, repeated: 0, asked: 0 }
  const draw = drawer(options, count, (args) => shadow.predict(args).ok)
  if (file.promised.alpha > ALPHA_MAX) {
    return learnError(
      "refused",
      `Cannot test a shadow of ${tool} that promises at most ${file.promised.alpha * 100} % wrong: want ${ALPHA_MAX * 100} % or less`,
    )
  }
  const errorMax = file.family === "composed" ? EXACT_ERROR : file.promised.alpha
  const target: Target = {
    name: gateTarget(tool, version),
    input: of.input,
    output: of.output,
    errorMax,
    cases: GATE_CASES,
    parallel: options.parallel ?? PARALLEL,
    draw,
    oracle: (args) => {
      options.onCase?.(++count.asked, GATE_CASES)
      return of.ask(args)
    },
  }
  const { chance, book, digest } = options
  const gate = new HoldOutGate({ chance, book, load, ...(digest ? { digest } : {}) })
  try {
    const verdict = await gate.submit(target, bytes)
    const { drawn, answered, repeated } = count
    return { verdict, drawn, answered, repeated }
  } catch (cause) {
    if (cause instanceof LearnError) return cause
    throw cause
  }
}

/** Inputs that nobody has seen and that the shadow answers; throws `LearnError` where it answers too few of them. */
function drawer(
  { seen, coverageMin = COVERAGE_MIN, digest = sha256 }: ShadowGateOptions,
  count: { drawn: number; answered: number; repeated: number },
  answers: (args: Value) => boolean,
): NonNullable<Target["draw"]> {
  const known = new Set(seen.map((args) => hex(hashValue(args, digest))))
  const region = regionOf(seen)
  let stale = 0
  return (chance) => {
    for (;;) {
      const args = region(chance)
      const repeats = known.has(hex(hashValue(args, digest)))
      // Where chance finds nothing new any more there is nothing new: the log holds the domain.
      if (repeats && stale < USED_UP) {
        stale++
        continue
      }
      if (!repeats) stale = 0
      count.drawn++
      if (answers(args)) {
        count.answered++
        if (repeats) count.repeated++
        return args
      }
      if (count.drawn >= JUDGED && count.answered < coverageMin * count.drawn) {
        throw learnError(
          "refused",
          `The shadow answers ${count.answered} of ${count.drawn} fresh inputs, wanted ${coverageMin * 100} % or more: record more calls and train again`,
        )
      }
    }
  }
}

const SHUT = { ok: false, why: "threw", message: "the shadow has no answer", fuel: 1 } as const

/** A shadow as the program of a candidate: opened anew from its bytes, without a state that a call could change. */
const load: Loader = async (candidate) => {
  const opened = openShadow(candidate)
  if (opened instanceof ModelRefused) return { ok: false, why: "source", message: opened.message, fuel: 0 }
  const { shadow } = opened
  return {
    ok: true,
    program: {
      call: (input) => {
        const said = shadow.predict(input)
        return said.ok ? { ok: true, value: said.value as Value, fuel: 1 } : SHUT
      },
      close: () => undefined,
    },
  }
}
