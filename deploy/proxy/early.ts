/**
 * Early answers: a shadow's word, given to a client that asked for such, while the real tool works. Each has a handle under
 * which the client learns whether the tool said the same; what the tool said, where it differs, is handed on byte for byte.
 */
import { type Rec, sameValue, type Value } from "../../graph/mod.ts"
import type { AnswerForm, CallOutcome } from "../../learn/mod.ts"

/** Under this name in `_meta`: of a request, `true` or `{ bound }` asks for an early answer; of an answer, what it is. */
export const EARLY = "shadowgraph/speculate"
/** A request of this method asks what became of an early answer; a notification of the other tells it by itself. */
export const VERIFICATION = "shadowgraph/verification"
export const VERIFIED = "notifications/shadowgraph/verified"

/** What became of an early answer. */
export type Verdict =
  /** The tool has not answered yet. */
  | "pending"
  | "verified"
  /** The tool answered otherwise: its answer comes with the verdict. */
  | "refuted"
  /** The client took the call back: nobody knows. */
  | "cancelled"
  /** The server ended before it answered: nobody knows. */
  | "unknown"

export interface EarlyAnswer {
  readonly handle: string
  readonly tool: string
  readonly args: Value
  readonly predicted: Value
  readonly form: AnswerForm
  readonly progressToken: Value | undefined
  verdict: Verdict
  /** The tool's own answer, as it came, where it differs. */
  answer: string | undefined
  readonly waiting: (() => void)[]
}

/** Verdicts that can still be asked for, and the characters of one answer that are kept for that; then the oldest go. */
const KEPT_MAX = 1_000
const ANSWER_CHARS_MAX = 1 << 20

export class EarlyAnswers {
  readonly #pending = new Map<string, EarlyAnswer>()
  readonly #kept = new Map<string, EarlyAnswer>()

  /** Under the key of its request. */
  add(key: string, early: EarlyAnswer): void {
    this.#pending.set(key, early)
    this.#kept.set(early.handle, early)
    if (this.#kept.size <= KEPT_MAX) return
    const [oldest] = [...this.#kept.values()].filter(({ verdict }) => verdict !== "pending")
    if (oldest !== undefined) this.#kept.delete(oldest.handle)
  }

  of(key: string): EarlyAnswer | undefined {
    return this.#pending.get(key)
  }
  byHandle(handle: string): EarlyAnswer | undefined {
    return this.#kept.get(handle)
  }
  /** Does progress under this token belong to a request that was answered early? */
  ownsToken(token: Value): boolean {
    for (const { progressToken } of this.#pending.values())
      if (progressToken !== undefined && sameValue(progressToken, token)) return true
    return false
  }

  settle(key: string, verdict: Verdict, answer?: string): EarlyAnswer | undefined {
    const early = this.#pending.get(key)
    if (early === undefined) return undefined
    this.#pending.delete(key)
    early.verdict = verdict
    if (verdict === "refuted" && answer !== undefined && answer.length <= ANSWER_CHARS_MAX) early.answer = answer
    for (const go of early.waiting.splice(0)) go()
    return early
  }

  keys(): readonly string[] {
    return [...this.#pending.keys()]
  }
}

/** Did the tool say what the shadow said? */
export const isSame = (early: EarlyAnswer, form: AnswerForm, outcome: CallOutcome): boolean =>
  outcome.ok && form === early.form && sameValue(outcome.value, early.predicted)

/** What a request asks for: the greatest share of wrong early answers that it takes; undefined: none at all. */
export function boundAsked(params: Rec): number | undefined {
  const meta = params["_meta"] as Rec | undefined
  const asked = meta?.[EARLY]
  if (asked === true) return 1
  if (typeof asked !== "object" || asked === null) return undefined
  const bound = (asked as Rec)["bound"] ?? 1
  return typeof bound === "number" && bound >= 0 ? bound : undefined
}
