/**
 * The judge: whatever a tool answers counts only after its port's validator has passed it. Every extern has one, compiled
 * when the plan is admitted; there is no level without. A validator that breaks refuses.
 */
import { acceptAnswer, Failure, fail, type Outcome, type Type, toFailure } from "../graph/mod.ts"

/** `syntax`: it is a value at all (type `unknown`). `schema`: it has the port's type. */
export type Level = "syntax" | "schema"

export interface Judge {
  readonly level: Level
  /** What the answer, or the failure that a tool threw, counts as. Never throws. */
  readonly judge: (answer: unknown) => Outcome
}

/** Compiles the validator of a port. The outcome of a stream is the list of its items. Source of the rules: `graph/accept.ts`. */
export function judgeOf(port: Type): Judge {
  const validate = acceptAnswer(port)
  const type = port.kind === "stream" ? port.of : port
  return {
    level: type.kind === "unknown" ? "syntax" : "schema",
    judge: (answer) => {
      try {
        if (answer instanceof Failure) return { ok: false, failure: answer }
        return { ok: true, value: validate(answer) }
      } catch (cause) {
        return { ok: false, failure: refusal(cause) }
      }
    },
  }
}

/** The failure that a validator ends in. Even what was thrown may be a trap: looking at it must not throw either. */
export function refusal(cause: unknown): Failure {
  let why = "what was thrown cannot be looked at"
  try {
    if (cause instanceof Failure) return cause
    why = toFailure(cause).message
  } catch {
    // `why` says it already.
  }
  return fail("Mismatch", `The validator could not judge the answer: ${why}`, { cause })
}
