/** Writes that a process announced which is gone, of a run that goes on: which of them nobody has settled, and what is true of them. */
import { type Digest, decode, type Path, printPath, type Value } from "../graph/mod.ts"
import type { OpenIntent } from "./history.ts"
import type { EntryBody } from "./ledger.ts"
import { type Encoded, encoded } from "./outcome.ts"
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
  settled(digest: Digest): readonly Settled[] {
    return this.#all().map(({ seq, path, resource, input, data }) => {
      this.met(path)
      // Somebody said that it never arrived, and the run has ended without sending it again.
      const never = this.#past!.again.has(printPath(path))
      const failure = never ? NEVER_SENT : INTERRUPTED
      const came = encoded({ ok: false, failure }, digest)
      const said = { outcome: came.hash, message: failure.message, attempts: 0, spent: null }
      const body = { kind: "outcome", intent: seq, how: never ? "refused" : "uncertain", ...said } as const
      return { path, resource, input, args: data === null ? null : decode(data), body, came }
    })
  }
}

interface Settled extends Pick<OpenIntent, "path" | "resource" | "input"> {
  readonly args: Value
  readonly body: Extract<EntryBody, { kind: "outcome" }>
  readonly came: Encoded
}

const NOTHING: Set<string> = new Set()
