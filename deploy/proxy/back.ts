/**
 * The server's side of a proxy: lines of messages go in, pieces of lines come out, and it says how it ended. One is a
 * process that speaks over its standard streams, the other a server over streamable HTTP.
 */
import type { Piece } from "./lines.ts"

export interface Back {
  /** The server, as messages name it. */
  readonly label: string
  /** Hands on bytes of a line; the promise, where there is one, resolves when there is room for more. */
  readonly send: (bytes: Uint8Array) => void | Promise<void>
  /** Reads nothing more from the server until `resume`. */
  readonly pause: () => void
  readonly resume: () => void
  /** The client will send nothing more. */
  readonly end: () => void
  /** How it ended, when it has: `code 1`, `signal SIGKILL`. */
  readonly ended: Promise<Ending>
  readonly close: () => Promise<void>
}

export interface Ending {
  readonly words: string
  /** The exit code that a process ended with; 0 where there was none. */
  readonly code: number
}

export interface BackEvents {
  readonly onPiece: (piece: Piece) => void
}
