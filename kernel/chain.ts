/**
 * The chain of one run as it grows: entries are sealed in order and handed to the store. After one that could not be kept
 * nothing of that run is.
 */
import { type Clock, type Digest, hex } from "../graph/mod.ts"
import { kernelError } from "./errors.ts"
import { type EntryBody, GENESIS, type Head, type LedgerStore, SALT_BYTES, seal } from "./ledger.ts"

export interface ChainOptions {
  readonly store: LedgerStore
  readonly digest: Digest
  readonly clock: Pick<Clock, "now">
  readonly run: string
  readonly space: string
  /** Random bytes, for stores that want entries salted: without it nothing of the run can be redacted later. */
  readonly salt?: (bytes: number) => Uint8Array
}

export class GrowingChain {
  readonly #options: ChainOptions
  #seq = 0
  #prev: Uint8Array = GENESIS
  #ended = false
  /** The first failure of the store: what comes after a missing entry must not be kept either. */
  #broken: { readonly cause: unknown } | undefined

  /** @param from The last entry that is there already. */
  constructor(options: ChainOptions, from?: Head) {
    this.#options = options
    if (from === undefined) return
    this.#seq = from.seq + 1
    this.#prev = from.hash
  }

  /** Number of the last entry. */
  get position(): number {
    return this.#seq - 1
  }
  /** Hash of the last entry, in hexadecimal. */
  get head(): string {
    return hex(this.#prev)
  }

  append(body: EntryBody, data: Uint8Array | null): void | Promise<void> {
    if (this.#broken !== undefined) throw this.#broken.cause
    if (this.#ended) {
      throw kernelError("closed", `Cannot record a ${body.kind} of run "${this.#options.run}": it has ended`)
    }
    const { store, digest, clock, space, run } = this.#options
    const salt = store.salted === true ? this.#options.salt?.(SALT_BYTES) : undefined
    const row = seal({ space, run, seq: this.#seq, prev: this.#prev, at: clock.now(), body }, data, digest, salt)
    this.#seq++
    this.#prev = row.hash
    try {
      const kept = store.append(row)
      return kept?.catch((cause) => this.break(cause))
    } catch (cause) {
      return this.break(cause)
    }
  }

  /** Nothing more is kept. */
  close(): void {
    this.#ended = true
  }

  /** Nothing more is kept, and whoever tries is told why. */
  break(cause: unknown): never {
    this.#broken ??= { cause }
    throw this.#broken.cause
  }
}
