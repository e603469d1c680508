/**
 * The judge: whatever a tool answers counts only after its validators have passed it. Every extern has at least that of
 * its port's type, compiled when the plan is admitted; further ones are installed by registrations and by `valid:`. A
 * validator that breaks, does not answer in time, or answers what is no verdict, refuses.
 */
import {
  type Awaitable,
  acceptAnswer,
  brokenBy,
  type Clock,
  Failure,
  LEVELS,
  type Level,
  notValid,
  type Outcome,
  refusedBy,
  sameValue,
  type Type,
  VALIDATOR_MS,
  type Validator,
  type Value,
} from "../graph/mod.ts"

/** What bounds a verdict that comes later. Without it none is waited for. */
export type Patience = Partial<Pick<Clock, "sleep">>

export interface Judge {
  readonly level: Level
  /** Looks at the type and nothing else: `judge` answers at once and needs no arguments. */
  readonly plain: boolean
  /** Looks at the answer alone: it may be asked before the arguments are known. */
  readonly alone: boolean
  /** What the answer, or the failure that a tool threw, counts as. Never throws, never rejects. */
  readonly judge: (answer: unknown, args?: Value, patience?: Patience) => Awaitable<Outcome>
}

/**
 * The judge of a port: its type, then the validators, the cheap before the dear; the first that refuses decides. The
 * outcome of a stream is the list of its items. Source of the rules of types: `graph/accept.ts`.
 */
export function judgeOf(port: Type, validators: readonly Validator[] = []): Judge {
  const look = acceptAnswer(port)
  const typed = (answer: unknown): Outcome => {
    try {
      if (answer instanceof Failure) return { ok: false, failure: answer }
      return { ok: true, value: look(answer) }
    } catch (cause) {
      return { ok: false, failure: brokenBy(cause) }
    }
  }
  const level = levelOf(port)
  if (validators.length === 0) return { level, plain: true, alone: true, judge: typed }
  const inOrder = [...validators].sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level))
  return {
    level: inOrder.at(-1)!.level,
    plain: false,
    alone: validators.every((v) => v.level === "property" && v.alone === true),
    judge: (answer, args = null, patience = {}) => {
      const outcome = typed(answer)
      return outcome.ok ? held(inOrder, 0, outcome, outcome.value, args, look, patience) : outcome
    },
  }
}

/** What the type of a port promises of the answers that it takes. */
export const levelOf = (port: Type): Level =>
  (port.kind === "stream" ? port.of : port).kind === "unknown" ? "syntax" : "schema"

/** Asks the validators from the given one on. No promise is made while they answer at once. */
function held(
  validators: readonly Validator[],
  from: number,
  outcome: Outcome,
  answer: Value,
  args: Value,
  look: (v: unknown) => Value,
  patience: Patience,
): Awaitable<Outcome> {
  for (let i = from; i < validators.length; i++) {
    const validator = validators[i]!
    // Only an oracle is told to stop: it may be waiting for somebody.
    const stop = validator.level === "oracle" ? new AbortController() : undefined
    let verdict: unknown
    try {
      verdict = asked(validator, answer, args, look, stop?.signal)
      if (isThenable(verdict)) {
        return inTime(validator, verdict, stop, patience).then((failure) =>
          failure === undefined
            ? held(validators, i + 1, outcome, answer, args, look, patience)
            : { ok: false, failure },
        )
      }
    } catch (cause) {
      return { ok: false, failure: brokenBy(cause) }
    }
    const failure = refusedBy(validator, verdict)
    if (failure !== undefined) return { ok: false, failure }
  }
  return outcome
}

function asked(
  v: Validator,
  answer: Value,
  args: Value,
  look: (v: unknown) => Value,
  signal: AbortSignal | undefined,
): unknown {
  switch (v.level) {
    case "property":
      return v.holds(answer, args)
    case "oracle":
      return v.check(answer, args, signal!)
    case "exact": {
      const wanted = v.reference(args)
      return isThenable(wanted)
        ? wanted.then((later) => sameValue(look(later), answer))
        : sameValue(look(wanted), answer)
    }
  }
}

/** Why a verdict that comes later refuses, or is not waited for any longer; undefined where it passes. Never rejects. */
async function inTime(
  validator: Validator,
  verdict: PromiseLike<unknown>,
  stop: AbortController | undefined,
  patience: Patience,
): Promise<Failure | undefined> {
  const ms = validator.timeoutMs ?? VALIDATOR_MS
  const done = new AbortController()
  try {
    if (patience.sleep === undefined) {
      // It may break all the same, and nobody else looks.
      verdict.then(undefined, () => {})
      return notValid(validator, "its verdict comes later, and nothing bounds the wait")
    }
    const late = patience.sleep(ms, done.signal).then(() => LATE)
    const said = await Promise.race([verdict, late])
    return said === LATE ? notValid(validator, `it gave no verdict after ${ms} ms`) : refusedBy(validator, said)
  } catch (cause) {
    return brokenBy(cause)
  } finally {
    done.abort()
    stop?.abort()
  }
}

const isThenable = (x: unknown): x is PromiseLike<unknown> =>
  typeof x === "object" && x !== null && typeof (x as { readonly then?: unknown }).then === "function"

const LATE = Symbol("late")
