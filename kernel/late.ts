/**
 * What a run computes late, if ever: the bodies of its first and last entry, its trace hash, the proof of its end. A store in
 * memory keeps these for as long as the run is known, so they stand apart from the record and hold on to as little of it
 * as they need.
 */
import { type Digest, type TraceTree, traceHash } from "../graph/mod.ts"
import type { Admitted } from "./admit.ts"
import type { LateBody } from "./chain.ts"
import type { Ended } from "./commit.ts"
import type { EntryBody } from "./ledger.ts"
import { type Encoded, graphHash, type Hashed, messageOf } from "./outcome.ts"

export class StartEntry implements LateBody {
  readonly #admitted: Admitted
  readonly #input: Hashed

  constructor(admitted: Admitted, input: Hashed) {
    this.#admitted = admitted
    this.#input = input
  }
  body(): EntryBody {
    const { graph, hash, pins } = this.#admitted
    return { kind: "start", graph, plan: hash, pins: pins?.hash ?? null, input: this.#input.hash }
  }
}

export class EndEntry implements LateBody {
  readonly #ended: Encoded
  readonly #trace: LateTrace

  constructor(ended: Encoded, trace: LateTrace) {
    this.#ended = ended
    this.#trace = trace
  }
  body(): EntryBody {
    const { hash, outcome } = this.#ended
    return { kind: "end", outcome: hash, message: messageOf(outcome), trace: this.#trace.hash }
  }
}

/** The trace hash of a run that has come to its end. */
export class LateTrace {
  readonly #admitted: Admitted
  readonly #input: Pick<Hashed, "hash">
  readonly #tree: TraceTree
  readonly #ended: Encoded
  readonly #digest: Digest
  #hash: string | undefined

  constructor(admitted: Admitted, input: Pick<Hashed, "hash">, tree: TraceTree, ended: Encoded, digest: Digest) {
    this.#admitted = admitted
    this.#input = input
    this.#tree = tree
    this.#ended = ended
    this.#digest = digest
  }
  get hash(): string {
    this.#hash ??= traceHash(
      graphHash(this.#admitted),
      this.#input.hash,
      this.#tree.root(),
      this.#ended.hash,
      this.#digest,
    )
    return this.#hash
  }
}

/** The end of a run whose last entry is kept. */
export class LateEnd implements Ended {
  readonly position: number
  readonly #chain: { readonly head: string }
  readonly #trace: LateTrace

  constructor(chain: { readonly position: number; readonly head: string }, trace: LateTrace) {
    this.position = chain.position
    this.#chain = chain
    this.#trace = trace
  }
  get trace(): string {
    return this.#trace.hash
  }
  get head(): string {
    return this.#chain.head
  }
}
