/**
 * The chain of one run as it grows: entries are sealed in order and handed to the store. After one that could not be kept
 * nothing of that run is.
 */
import { type Clock, type Digest, hashValue, hex, type Value } from "../graph/mod.ts"
import { kernelError } from "./errors.ts"
import {
  bodyOf,
  type EntryBody,
  type EntryKind,
  GENESIS,
  type Head,
  type LedgerStore,
  preamble,
  type Row,
  SALT_BYTES,
  seal,
} from "./ledger.ts"

export interface ChainOptions {
  readonly store: Pick<LedgerStore, "append" | "salted" | "late">
  readonly digest: Digest
  readonly clock: Pick<Clock, "now">
  readonly run: string
  readonly space: string
  /** The id was drawn for this run, so nobody has used it: a store in this process need not look. */
  readonly fresh?: boolean
  /** Random bytes, for stores that want entries salted: without it nothing of the run can be redacted later. */
  readonly salt?: (bytes: number) => Uint8Array
}

export class GrowingChain {
  readonly options: ChainOptions
  #seq = 0
  #prev: Uint8Array | LateRow = GENESIS
  #ended = false
  /** The first failure of the store: what comes after a missing entry must not be kept either. */
  #broken: { readonly cause: unknown } | undefined

  /** @param from The last entry that is there already. */
  constructor(options: ChainOptions, from?: Head) {
    this.options = options
    if (from === undefined) return
    this.#seq = from.seq + 1
    this.#prev = from.hash
  }

  /** What the next entry follows: the hash of the last one, or that entry, where it is not sealed yet. */
  get last(): Uint8Array | Row {
    return this.#prev
  }
  /** Number of the last entry. */
  get position(): number {
    return this.#seq - 1
  }
  /** Hash of the last entry, in hexadecimal. */
  get head(): string {
    return hex(this.#hash())
  }
  #hash(): Uint8Array {
    if (this.#prev instanceof LateRow) this.#prev = this.#prev.hash
    return this.#prev
  }

  append(body: EntryBody, data: Uint8Array | null, at: number = this.options.clock.now()): void | Promise<void> {
    this.#open(body.kind)
    const { store, digest, space, run } = this.options
    const salt = store.salted === true ? this.options.salt?.(SALT_BYTES) : undefined
    const row = seal({ space, run, seq: this.#seq, prev: this.#hash(), at, body }, data, digest, salt)
    this.#prev = row.hash
    return this.#keep(row)
  }

  /**
   * Keeps an entry that is sealed when somebody looks at it, where the store does not look before. Only for the first and
   * the last of a run: a row holds on to the one before it.
   */
  appendLate(row: LateRow): void | Promise<void> {
    if (this.options.store.late !== true) return this.append(row.body(), row.data, row.at)
    this.#open(row.kind)
    this.#prev = row
    return this.#keep(row)
  }

  #open(kind: EntryKind): void {
    if (this.#broken !== undefined) throw this.#broken.cause
    if (this.#ended) throw kernelError("closed", `Cannot record a ${kind} of run "${this.options.run}": it has ended`)
  }

  #keep(row: Row): void | Promise<void> {
    const { store } = this.options
    this.#seq++
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

/** The row as every other store gives it. */
export const sealed = (row: Row): Row => (row instanceof LateRow ? row.seal() : row)

/**
 * A row that is sealed when somebody looks at it: for stores in this process's memory, where only this code can reach it.
 * What its body is made of must be the same then as now, and little of the run: who keeps the row keeps that.
 */
export abstract class LateRow implements Row {
  readonly space: string
  readonly run: string
  readonly seq: number
  readonly data: Uint8Array
  readonly at: number
  readonly digest: Digest
  #before: Uint8Array | Row
  #sealed: Row | undefined
  #hash: Uint8Array | undefined
  #dataHash: Uint8Array | undefined

  /** The next of a chain. */
  constructor(chain: GrowingChain, data: Uint8Array, at: number = chain.options.clock.now()) {
    const { space, run, digest } = chain.options
    this.space = space
    this.run = run
    this.seq = chain.position + 1
    this.at = at
    this.data = data
    this.digest = digest
    this.#before = chain.last
  }

  abstract get kind(): EntryKind
  /** What its body says, in the order of its bytes: most are hashed, and asked for no more. */
  protected abstract fields(): Value[]

  get dataHash(): Uint8Array {
    return (this.#dataHash ??= this.digest(this.data))
  }
  get entry(): Uint8Array {
    return this.seal().entry
  }
  /** Asked for with every answer of a server; the bytes are not. */
  get hash(): Uint8Array {
    return (this.#hash ??= hashValue(preamble(this, this.kind).concat(this.fields()), this.digest))
  }
  body(): EntryBody {
    return bodyOf(this.kind, this.fields())
  }

  get prev(): Uint8Array {
    if (!(this.#before instanceof Uint8Array)) this.#before = this.#before.hash
    return this.#before
  }

  seal(): Row {
    const { space, run, seq, prev, at, digest } = this
    return (this.#sealed ??= seal({ space, run, seq, prev, at, body: this.body() }, this.data, digest))
  }
}
