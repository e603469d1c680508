/**
 * The constants and externs of a plan as operands use them: names, lists of words, paths, what an extern touches. Each is
 * looked at once, however many instructions use it.
 */
import type { PlanPlace } from "./error.ts"
import type { Touched } from "./facts.ts"
import type { Plan } from "./plan.ts"
import { refuse } from "./rules.ts"
import { show } from "./shape.ts"

/** Components of a path, and UTF-16 units of a word in one. */
export const PATH_MAX = 512
export const WORD_MAX = 256

export class Words {
  readonly #plan: Plan
  readonly #words = new Map<number, readonly string[]>()
  readonly #paths = new Set<number>()
  readonly #touches: readonly (readonly Touched[])[]

  constructor(plan: Plan) {
    this.#plan = plan
    this.#touches = plan.externs.map((x) =>
      x.effect === "pure" || x.resource === null ? [] : [{ resource: x.resource, write: x.effect === "write" }],
    )
  }

  text(constant: number, at: PlanPlace): string {
    const { value } = this.#plan.constants[constant]!
    if (typeof value !== "string") refuse("P012", at, `constant ${constant}`, "a text", show(value))
    return value
  }

  /** A list of different texts. */
  words(constant: number, at: PlanPlace): readonly string[] {
    const known = this.#words.get(constant)
    if (known !== undefined) return known
    const words = this.#texts(constant, at)
    if (new Set(words).size !== words.length) refuse("P044", at, `constant ${constant}`, "different texts", "one twice")
    this.#words.set(constant, words)
    return words
  }

  path(constant: number, at: PlanPlace): readonly string[] {
    const words = this.#plan.constants[constant]!.value as readonly string[]
    if (this.#paths.has(constant)) return words
    for (const w of this.#texts(constant, at)) {
      if (w === "" || w.length > WORD_MAX || CONTROL.test(w)) {
        refuse("P012", at, "a word of a path", `1 to ${WORD_MAX} characters without control characters`, show(w))
      }
    }
    if (words.length > PATH_MAX) refuse("P012", at, "a path", `of at most ${PATH_MAX} words`, `${words.length}`)
    this.#paths.add(constant)
    return words
  }

  #texts(constant: number, at: PlanPlace): readonly string[] {
    const { value } = this.#plan.constants[constant]!
    if (!Array.isArray(value) || !value.every((w) => typeof w === "string")) {
      refuse("P012", at, `constant ${constant}`, "a list of texts", show(value))
    }
    return value as readonly string[]
  }

  touches(extern: number): readonly Touched[] {
    return this.#touches[extern]!
  }
}

const CONTROL = /\p{Cc}/u
