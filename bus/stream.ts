/**
 * A stream on its way: items are made only as somebody takes them, so a slow reader slows the tool behind it. One reader
 * each; the checker sees to that, and a second one is refused here again.
 */
import { type Failure, fail, type Value } from "../graph/mod.ts"

export type Taken = { readonly done: true } | { readonly done: false; readonly value: unknown }

export class StreamValue {
  readonly #next: () => Promise<Taken>
  /** Tells the source that nobody reads on. */
  readonly stop: (cause: Failure) => void
  /** The frame whose step reads it. */
  reader: { readonly dead: boolean } | undefined
  #taken = false
  #ended = false

  /** Reads to the end what has been begun to be read; false where that is done, or need not be. */
  readonly drains: () => boolean

  constructor(next: () => Promise<Taken>, stop: (cause: Failure) => void, drains: () => boolean = () => false) {
    this.#next = next
    this.stop = stop
    this.drains = drains
  }

  /** The one reader's right to take items. Fails with `Failure` `StreamTaken` the second time. */
  open(reader?: { readonly dead: boolean }): () => Promise<Taken> {
    if (this.#taken) throw fail("StreamTaken", "Cannot read a stream twice: its items are gone once they are taken")
    this.#taken = true
    this.reader = reader
    return async () => {
      if (this.#ended) return { done: true }
      const next = await this.#next()
      this.#ended = next.done
      return next
    }
  }

  /** A stream of what `make` makes of each item, at most `ahead` of them begun before they are taken; in order. */
  map(
    reader: { readonly dead: boolean },
    ahead: number,
    make: (item: unknown, i: number) => Promise<unknown>,
    taken: () => void,
  ): StreamValue {
    const take = this.open(reader)
    const begun: Promise<unknown>[] = []
    let i = 0
    let ended = false
    let broken: { readonly cause: unknown } | undefined
    let pumping = false
    let wake: (() => void) | undefined
    const pump = async (): Promise<void> => {
      if (pumping) return
      pumping = true
      try {
        while (!ended && begun.length < ahead) {
          const next = await take()
          if (next.done) ended = true
          else {
            const made = make(next.value, i++)
            made.catch(() => {})
            begun.push(made)
          }
          wake?.()
        }
      } catch (cause) {
        ended = true
        broken = { cause }
        wake?.()
      }
      pumping = false
    }
    const next = async (): Promise<Taken> => {
      void pump()
      while (begun.length === 0 && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      const first = begun.shift()
      if (first === undefined) {
        if (broken !== undefined) throw broken.cause
        return { done: true }
      }
      const value = await first
      taken()
      void pump()
      return { done: false, value }
    }
    return new StreamValue(next, this.stop)
  }

  /** Every item, in order. */
  async collect(each?: (value: Value) => void): Promise<Value[]> {
    const take = this.open()
    const out: Value[] = []
    for (let next = await take(); !next.done; next = await take()) {
      out.push(next.value as Value)
      each?.(next.value as Value)
    }
    return out
  }
}

export const isStream = (x: unknown): x is StreamValue => x instanceof StreamValue
