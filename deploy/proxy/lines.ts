/**
 * A stream of bytes cut into lines, whole where they are not too long. What is too long is handed on in the pieces it came in:
 * it can still be passed through, and it never lies in memory whole.
 */
import { joined } from "../../graph/mod.ts"

export interface Piece {
  /** With the line break, where the stream had one. */
  readonly bytes: Uint8Array
  /** A whole line; otherwise a part of one that is too long. */
  readonly whole: boolean
}

const BREAK = 0x0a

export class Lines {
  readonly #bytesMax: number
  #parts: Uint8Array[] = []
  #held = 0
  /** In the middle of a line that is too long. */
  #long = false

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** The pieces that are complete with these bytes. */
  push(chunk: Uint8Array): readonly Piece[] {
    const pieces: Piece[] = []
    for (let from = 0; from < chunk.length; ) {
      const at = chunk.indexOf(BREAK, from)
      const end = at === -1 ? chunk.length : at + 1
      this.#take(chunk.subarray(from, end), at !== -1, pieces)
      from = end
    }
    return pieces
  }

  /** The stream has ended: what is left of it. */
  end(): readonly Piece[] {
    if (this.#held === 0) return []
    const piece = { bytes: joined(this.#parts), whole: !this.#long }
    this.#parts = []
    this.#held = 0
    return [piece]
  }

  #take(bytes: Uint8Array, ends: boolean, pieces: Piece[]): void {
    if (this.#long) {
      pieces.push({ bytes, whole: false })
      if (ends) this.#long = false
      return
    }
    this.#parts.push(bytes)
    this.#held += bytes.length
    const long = this.#held > this.#bytesMax
    if (!ends && !long) return
    pieces.push({ bytes: joined(this.#parts), whole: !long })
    this.#long = long && !ends
    this.#parts = []
    this.#held = 0
  }
}
