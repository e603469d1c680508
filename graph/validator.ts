/**
 * Validators: what an answer is held against before it counts, and how much each kind of look can promise. The type of a
 * port is one; a registration installs others on top of it, and so does `valid:` on a node. The kernel runs them.
 */
import { Failure, fail, toFailure } from "./failure.ts"
import type { NodeKind, NodeView, Signature } from "./node.ts"
import type { Value } from "./value.ts"

/**
 * What a validator can promise, least first. `none`: nothing looks at the answer. `syntax`: it is a value at all. `schema`:
 * it has the port's type. `property`: a stated predicate holds on it. `oracle`: somebody independent checked or recomputed
 * it. `exact`: it equals what a deterministic reference gives.
 */
export const LEVELS = ["none", "syntax", "schema", "property", "oracle", "exact"] as const
export type Level = (typeof LEVELS)[number]

const RANK: ReadonlyMap<string, number> = new Map(LEVELS.map((level, rank) => [level, rank]))
export const isLevel = (x: unknown): x is Level => typeof x === "string" && RANK.has(x)
/** Is a level at least another one? By rank, never by name; what is no level reaches nothing. */
export const reaches = (level: Level, least: Level): boolean => (RANK.get(level) ?? -1) >= (RANK.get(least) ?? Infinity)

/** `true` passes, `false` or a text (the reason) refuses. Anything else is no verdict, and refuses too. */
export type Verdict = boolean | string

/** Milliseconds that a validator which answers later may take, where it says nothing. */
export const VALIDATOR_MS = 10_000

/** Why a verdict refuses an answer; undefined where it passes. */
export function refusedBy(validator: Validator, verdict: unknown): Failure | undefined {
  if (verdict === true) return undefined
  if (verdict === false) {
    return notValid(validator, validator.level === "exact" ? "it is not what the reference gives" : "it does not hold")
  }
  if (typeof verdict === "string") return notValid(validator, verdict.slice(0, REASON_MAX))
  return notValid(validator, `what it said is no verdict: ${verdict === null ? "null" : typeof verdict}`)
}

/** What a property says of an answer, at once; undefined where it passes. */
export function verdictOf(validator: Validator, answer: Value, args: Value): Failure | undefined {
  try {
    return validator.level === "property" ? refusedBy(validator, validator.holds(answer, args)) : undefined
  } catch (cause) {
    return brokenBy(cause)
  }
}

/** Characters of a validator's own reason that a failure carries. */
const REASON_MAX = 500

export const notValid = ({ level, about }: Validator, why: string): Failure =>
  fail("Mismatch", `The answer was refused by its ${level} validator (${about}): ${why}`, {
    data: { path: "", want: about, level },
  })

/** The failure that a validator which broke ends in. Even what was thrown may be a trap: looking at it must not throw. */
export function brokenBy(cause: unknown): Failure {
  let why = "what was thrown cannot be looked at"
  try {
    if (cause instanceof Failure && cause.code === "Mismatch") return cause
    why = toFailure(cause).message
  } catch {
    // `why` says it already.
  }
  return fail("Mismatch", `The validator could not judge the answer: ${why}`, { cause })
}

interface Asked {
  /** What it holds or who checks, in a few words, for messages: `the total is not negative`. */
  readonly about: string
  /** Milliseconds that a verdict may take where it comes as a promise. Default `VALIDATOR_MS`. */
  readonly timeoutMs?: number
  /** An answer that passes counts as nobody's text: it may go where the policy refuses that of its tool (docs/labels.md). */
  readonly endorses?: true
}

/**
 * A look beyond the type. It is handed the answer as the port holds it, and the arguments that the tool was called with;
 * it must not change them. A validator is code of whoever registers it, and is trusted as a registration is.
 */
export type Validator =
  | (Asked & {
      readonly level: "property"
      /** Looks at the answer and not at the arguments: it may be asked before these are known. */
      readonly alone?: true
      readonly holds: (answer: Value, args: Value) => Verdict | PromiseLike<Verdict>
    })
  | (Asked & {
      readonly level: "oracle"
      /** Who judges, as a resource: `model:large`, `server:checker`, `code:recount`. It may not be who answered. */
      readonly by: string
      /** Capabilities that asking takes. They are granted like those of a tool, or the plan is refused. */
      readonly needs?: readonly string[]
      readonly check: (answer: Value, args: Value, signal: AbortSignal) => Verdict | PromiseLike<Verdict>
    })
  | (Asked & {
      readonly level: "exact"
      /** What the answer must equal, by canonical bytes: a function of the arguments alone. */
      readonly reference: (args: Value) => unknown
    })

/** Validators for the nodes of a kind by its name, as a project's module exports them (`"kinds"` in its file). */
export interface ValidatorsOf {
  readonly validates: string
  readonly validators: (node: NodeView) => readonly Validator[]
}

/**
 * A kind whose answers further validators look at: how an operator installs one on a kind that ships. What asking them
 * takes (`needs` of an oracle) is added to what a node of the kind needs.
 */
export const validated = (kind: NodeKind, validators: (node: NodeView) => readonly Validator[]): NodeKind => ({
  ...kind,
  sign: (node) => {
    const signed = kind.sign(node)
    if (Array.isArray(signed)) return signed
    const signature = signed as Signature
    const looks = validators(node)
    const needs = looks.flatMap((v) => (v.level === "oracle" ? (v.needs ?? []) : []))
    return {
      ...signature,
      ...(needs.length === 0 ? {} : { needs: [...new Set([...signature.needs, ...needs])] }),
      ...(looks.some((v) => v.endorses) ? { origin: "none", endorses: true } : {}),
    }
  },
  validators: (node) => [...(kind.validators?.(node) ?? []), ...validators(node)],
})
