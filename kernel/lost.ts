/** Writes that a process announced which is gone, of a run that goes on: which of them nobody has settled, and what is true of them. */
import { type Digest, decode, type Path, printPath, type Value } from "../graph/mod.ts"
import type { OpenIntent } from "./history.ts"
import type { EntryBody } from "./ledger.ts"
import { type Encoded, encoded } from "./outcome.ts"
import { INTERRUPTED, NEVER_SENT, type Past } from "./past.ts"

export class LostWrites {
  /** Those that this process has neither announced again nor settled, by path; undefined where the run does not go on from a record. */
  readonly #open: Map<string, OpenIntent> | undefined
  readonly #again: Past["again"] | undefined

  constructor(past?: Past) {
    if (past?.how !== "resume") return
    this.#open = new Map(past.open)
    this.#again = past.again
  }

  /** Of a run that begins: none. */
  static readonly NONE = new LostWrites()

  met(path: Path): void {
    this.#open?.delete(printPath(path))
  }

  /** Those of which nobody has said that they never arrived. */
  unknown(): readonly OpenIntent[] {
    if (this.#open === undefined) return NONE
    return [...this.#open].flatMap(([at, open]) => (this.#again!.has(at) ? [] : [open]))
  }

  /** What is recorded of each when the run ends; they are settled then. `args`: of one that can be undone. */
  settled(digest: Digest): readonly Settled[] {
    if (this.#open === undefined) return NONE
    return [...this.#open].map(([at, { seq, path, resource, input, data }]) => {
      this.met(path)
      // Somebody said that it never arrived, and the run has ended without sending it again.
      const [how, failure] = this.#again!.has(at)
        ? (["refused", NEVER_SENT] as const)
        : (["uncertain", INTERRUPTED] as const)
      const came = encoded({ ok: false, failure }, digest)
      const said = { outcome: came.hash, message: failure.message, attempts: 0, spent: null }
      const body = { kind: "outcome", intent: seq, how, ...said } as const
      return { path, resource, input, args: data === null ? null : decode(data), body, came }
    })
  }
}

interface Settled extends Pick<OpenIntent, "path" | "resource" | "input"> {
  readonly args: Value
  readonly body: Extract<EntryBody, { kind: "outcome" }>
  readonly came: Encoded
}

const NONE: readonly never[] = []
