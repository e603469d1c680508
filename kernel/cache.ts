/**
 * Outcomes that may be used again for a stated time (`cache:` on a node): a stated choice, so the ledger entry says that it was
 * taken from here and how old it may be. Bounded in entries and bytes; the least recently used goes first.
 */
import type { Clock, Digest, Rec, Value } from "../graph/mod.ts"
import { decode, hashValue, hex } from "../graph/mod.ts"

/** What is called, in a name: its kind, its settings, the declarations that these name (by their hash), its output type, and which version of it is pinned. */
export const externIdentity = (
  x: readonly [kind: string, config: Rec, resources: Uint8Array, output: Rec, pins: Rec | null],
  digest: Digest,
): string => hex(hashValue(x, digest))

export interface CacheOptions {
  readonly entriesMax?: number
  readonly bytesMax?: number
}

interface Kept {
  /** Canonical bytes, so that no caller holds what another one may change. */
  readonly bytes: Uint8Array
  readonly at: number
}

export class AgedCache {
  readonly #kept = new Map<string, Kept>()
  readonly #clock: Clock
  readonly #entriesMax: number
  readonly #bytesMax: number
  #bytes = 0

  constructor(clock: Clock, { entriesMax = 10_000, bytesMax = 32 << 20 }: CacheOptions = {}) {
    this.#clock = clock
    this.#entriesMax = entriesMax
    this.#bytesMax = bytesMax
  }

  /** The value kept under `key` if it is at most `ageMsMax` old. Keys come from `cacheKey`. */
  get(key: string, ageMsMax: number): { readonly value: Value } | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    // The monotonic clock: a wall clock that is set back must not make old values young.
    if (this.#clock.tick() - kept.at > ageMsMax) return undefined
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    return { value: decode(kept.bytes) }
  }

  /** Keeps the canonical bytes of a value. One that would take more than a tenth of the room is not kept. */
  put(key: string, bytes: Uint8Array): void {
    this.#drop(key)
    if (bytes.length * 10 > this.#bytesMax) return
    this.#kept.set(key, { bytes, at: this.#clock.tick() })
    this.#bytes += bytes.length
    while (this.#kept.size > this.#entriesMax || this.#bytes > this.#bytesMax) {
      this.#drop(this.#kept.keys().next().value!)
    }
  }

  get size(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#kept.size, bytes: this.#bytes }
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key)
    if (kept === undefined) return
    this.#kept.delete(key)
    this.#bytes -= kept.bytes.length
  }
}

/** One tenant never sees what another one's call found. */
export const cacheKey = (space: string, identity: string, input: Uint8Array): string =>
  `${space.length}:${space}${identity}${hex(input)}`
