/** Writes that a process announced which is gone, of a run that goes on: which of them nobody has settled, and what is true of them. */
import { decode, type Failure, type Path, printPath, type Value } from "../graph/mod.ts"
import type { OpenIntent } from "./history.ts"
import type { Delivery } from "./ledger.ts"
import { INTERRUPTED, NEVER_SENT, type Past } from "./past.ts"

export class LostWrites {
  readonly #past: Past | undefined
  /** Announced again here, or settled, by path. */
  readonly #met: Set<string>

  constructor(past: Past | undefined) {
    const some = past?.how === "resume" && past.open.size > 0
    this.#past = some ? past : undefined
    this.#met = some ? new Set() : NOTHING
  }

  met(path: Path): void {
    if (this.#past !== undefined) this.#met.add(printPath(path))
  }

  /** Those that this process has not come to. */
  #all(): readonly OpenIntent[] {
    return this.#past === undefined
      ? []
      : [...this.#past.open].flatMap(([at, open]) => (this.#met.has(at) ? [] : [open]))
  }

  /** Those of which nobody has said that they never arrived. */
  unknown(): readonly OpenIntent[] {
    return this.#all().filter(({ path }) => !this.#past!.again.has(printPath(path)))
  }

  /** What is recorded of each when the run ends; they are settled then. `args`: of one that can be undone. */
  settled(): readonly (OpenIntent & { readonly failure: Failure; readonly how: Delivery; readonly args: Value })[] {
    return this.#all().map((open) => {
      this.met(open.path)
      // Somebody said that it never arrived, and the run has ended without sending it again.
      const never = this.#past!.again.has(printPath(open.path))
      const args = open.data === null ? null : decode(open.data)
      return { ...open, args, failure: never ? NEVER_SENT : INTERRUPTED, how: never ? "refused" : "uncertain" }
    })
  }
}

const NOTHING: Set<string> = new Set()
