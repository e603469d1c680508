/**
 * The terminal as commands see it: where text goes, whether a person is there, how wide it is, and colours that are empty
 * texts wherever they would only be noise. The result of a command goes to `out`, all that is said about it to `err`.
 */
import type { Readable, Writable } from "node:stream"
import pc from "picocolors"

export type Colours = ReturnType<typeof pc.createColors>

export interface Stream {
  readonly write: (text: string) => void
  readonly isTerminal: boolean
  /** Columns and rows; 80 and 24 where nobody knows. */
  readonly columns: () => number
  readonly rows: () => number
  readonly colours: Colours
  readonly stream: Writable
}

export interface Terminal {
  readonly out: Stream
  readonly err: Stream
  readonly input: Readable & { readonly isTTY?: boolean }
  /** May a question be asked? */
  readonly person: boolean
  readonly cwd: string
  readonly env: { readonly [name: string]: string | undefined }
  /** Calls back when the person, or the system, wants the command to stop. Returns what undoes it. */
  readonly onInterrupt: (stop: (exit: number) => void) => () => void
  /** Ends this process at once, whatever is still going on. */
  readonly quit: (exit: number) => void
}

interface Process {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number }
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number }
  readonly env: { readonly [name: string]: string | undefined }
  readonly cwd: () => string
  readonly exit: (code: number) => never
  readonly on: (signal: "SIGINT" | "SIGTERM" | "SIGHUP", listener: () => void) => unknown
  readonly off: (signal: "SIGINT" | "SIGTERM" | "SIGHUP", listener: () => void) => unknown
}

/** Signals that follow one another this closely are one signal. */
const ECHO_MS = 250
const EXITS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

export function terminalOf(process: Process): Terminal {
  const { env } = process
  const stream = (s: Process["stdout"]): Stream => {
    const isTerminal = s.isTTY === true && env["TERM"] !== "dumb"
    const forced = env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "0"
    return {
      write: (text) => void s.write(text),
      isTerminal,
      columns: () => s.columns || 80,
      rows: () => s.rows || 24,
      colours: pc.createColors((isTerminal || forced) && !env["NO_COLOR"]),
      stream: s,
    }
  }
  const out = stream(process.stdout)
  const err = stream(process.stderr)
  return {
    out,
    err,
    input: process.stdin,
    person: process.stdin.isTTY === true && err.isTerminal && !env["CI"],
    cwd: process.cwd(),
    env,
    quit: (exit) => process.exit(exit),
    onInterrupt: (stop) => {
      // A signal to a whole group comes twice: once from the sender, once from whoever started this process for npx.
      let last = Number.NEGATIVE_INFINITY
      const listeners = Object.entries(EXITS).map(([signal, exit]) => {
        const listener = () => {
          const now = performance.now()
          if (now - last >= ECHO_MS) stop(exit)
          last = now
        }
        process.on(signal as keyof typeof EXITS, listener)
        return () => void process.off(signal as keyof typeof EXITS, listener)
      })
      return () => {
        for (const off of listeners) off()
      }
    },
  }
}
