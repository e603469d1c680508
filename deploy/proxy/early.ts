/**
 * Early answers: a shadow's word, given to a client that asked for such, while the real tool works. Each has a handle under
 * which the client learns whether the tool said the same; what the tool said, where it differs, is handed on byte for byte.
 */
import { isRecord, type Rec, readJson, type Shadow, sameValue, type Value } from "../../graph/mod.ts"
import { type AnswerForm, type CallOutcome, valueOfResult } from "../../learn/mod.ts"

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
  /** Who said it, and so hears whether it was right. */
  readonly shadow: Shadow
  readonly args: Value
  readonly predicted: Value
  readonly form: AnswerForm
  readonly progressToken: Value | undefined
  verdict: Verdict
  /** The tool's own answer, as it came, where it differs or says more. */
  answer: string | undefined
  readonly waiting: (() => void)[]
}

/** Verdicts that can still be asked for, and the characters of one answer that are kept for that; then the oldest go. */
const KEPT_MAX = 1_000
/** Early answers of which the tool has said nothing yet: a server that hangs is asked, and waited for. */
const PENDING_MAX = 1_000
const ANSWER_CHARS_MAX = 1 << 20

export class EarlyAnswers {
  readonly #pending = new Map<string, EarlyAnswer>()
  readonly #kept = new Map<string, EarlyAnswer>()
  /** Taken back by the client, which has an answer: the server may give one all the same. */
  readonly #taken = new Map<string, EarlyAnswer>()

  get full(): boolean {
    return this.#pending.size >= PENDING_MAX
  }

  /** Under the key of its request. */
  add(key: string, early: EarlyAnswer): void {
    this.#pending.set(key, early)
    this.#kept.set(early.handle, early)
    if (this.#kept.size <= KEPT_MAX + PENDING_MAX) return
    for (const { handle, verdict } of this.#kept.values()) {
      if (verdict === "pending") continue
      this.#kept.delete(handle)
      return
    }
  }

  of(key: string): EarlyAnswer | undefined {
    return this.#pending.get(key)
  }
  byHandle(handle: string): EarlyAnswer | undefined {
    return this.#kept.get(handle)
  }
  /** Does progress under this token belong to a request that was answered early? */
  ownsToken(token: Value): boolean {
    for (const all of [this.#pending, this.#taken])
      for (const { progressToken } of all.values())
        if (progressToken !== undefined && sameValue(progressToken, token)) return true
    return false
  }
  /** Is this the server's answer to what the client has taken back? It has one already. */
  wasTaken(key: string): boolean {
    return this.#taken.delete(key)
  }

  settle(key: string, verdict: Verdict, answer?: string): EarlyAnswer | undefined {
    const early = this.#pending.get(key)
    if (early === undefined) return undefined
    this.#pending.delete(key)
    early.verdict = verdict
    if (verdict === "cancelled") {
      this.#taken.set(key, early)
      if (this.#taken.size > KEPT_MAX) this.#taken.delete(this.#taken.keys().next().value!)
    }
    if (answer !== undefined && answer.length <= ANSWER_CHARS_MAX) early.answer = answer
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

/** Does a result say more than its value: content that is not the value's text, or anything beside the two? */
export function saysMore(result: Rec): boolean {
  if (valueOfResult(result).form === "text") return Object.keys(result).length > 1
  const { content, structuredContent, ...more } = result
  if (Object.keys(more).length > 0) return true
  if (content === undefined || (Array.isArray(content) && content.length === 0)) return false
  const only = Array.isArray(content) && content.length === 1 ? content[0] : undefined
  const { type, text, ...beside } = isRecord(only) ? only : {}
  if (type !== "text" || typeof text !== "string" || Object.keys(beside).length > 0) return true
  try {
    return !sameValue(readJson(text), structuredContent ?? null)
  } catch {
    // Words, not the value.
    return true
  }
}

/** What a request asks for: the greatest share of wrong early answers that it takes; undefined: none at all. */
export function boundAsked(params: Rec): number | undefined {
  const meta = params["_meta"] as Rec | undefined
  const asked = meta?.[EARLY]
  if (asked === true) return 1
  if (typeof asked !== "object" || asked === null) return undefined
  const bound = (asked as Rec)["bound"] ?? 1
  return typeof bound === "number" && bound >= 0 ? bound : undefined
}
