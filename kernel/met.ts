/**
 * Which failure a handler met. Of several on their way the first counts, and which that is depends on time, so no other
 * entry tells: it goes on record before anything that follows from it, and whoever goes on with the run, or computes it
 * again, waits for the same one.
 */
import { type Digest, type Failure, type Path, printPath, sameBytes } from "../graph/mod.ts"
import type { GrowingChain } from "./chain.ts"
import { encoded, messageOf } from "./outcome.ts"
import type { Past } from "./past.ts"

export class Met {
  readonly #chain: GrowingChain
  readonly #digest: Digest
  readonly #known: Past["met"] | undefined

  constructor(chain: GrowingChain, digest: Digest, past: Past | undefined) {
    this.#chain = chain
    this.#digest = digest
    this.#known = past?.met
  }

  /** The scope at `path` has failed, and that is dealt with. What follows is on record after this. Fails with `KernelError` `closed`. */
  keep(path: Path, failure: Failure): void {
    if (this.#known?.has(printPath(path)) === true) return
    const { outcome, data, hash } = encoded({ ok: false, failure }, this.#digest)
    this.#chain.append({ kind: "met", path, outcome: hash, message: messageOf(outcome) }, data)?.catch(() => {})
  }

  /** Is it another failure than the one that was met there, by the record? */
  isOther(path: Path, failure: Failure): boolean {
    const known = this.#known?.get(printPath(path))
    return known !== undefined && !sameBytes(known, encoded({ ok: false, failure }, this.#digest).hash)
  }
}
