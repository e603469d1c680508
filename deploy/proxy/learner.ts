/**
 * Learning beside a proxy: when enough calls of a server have been recorded, a process of its own learns from them, with little
 * of the processor and a connection of its own to the server. The proxy waits for nothing of it.
 */
import { spawn } from "node:child_process"
import { setPriority } from "node:os"
import type { RecordedCall } from "../../learn/mod.ts"

export interface LearnerOptions {
  /** The command that learns, for a server of this name. It prints what came of each tool as JSON. */
  readonly command: (server: string) => readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** Before it begins: what was recorded is to be on the disk. */
  readonly before: () => void
  readonly learned: (results: readonly Learnt[]) => void
  readonly failed: (why: string) => void
}

/** What came of one tool. */
export interface Learnt {
  readonly tool: string
  /** Of the shadow's file; undefined where there is none. */
  readonly hash?: string
  readonly message?: string
}

/** Calls of a server from which on it is tried; after that whenever there are twice as many. */
const FIRST = 2_000
/** Of the scheduler: who serves somebody goes first. */
const NICE = 10

export class Learner {
  readonly #options: LearnerOptions
  readonly #seen = new Map<string, { calls: number; next: number }>()
  #child: ReturnType<typeof spawn> | undefined
  #over = false

  constructor(options: LearnerOptions) {
    this.#options = options
  }

  /** A call was recorded. */
  saw({ tool }: RecordedCall): void {
    const server = /^mcp:([^/]+)\//.exec(tool)?.[1]
    if (server === undefined || this.#over) return
    const known = this.#seen.get(server) ?? { calls: 0, next: FIRST }
    this.#seen.set(server, known)
    known.calls++
    if (known.calls < known.next || this.#child !== undefined) return
    known.next = 2 * known.calls
    this.#start(server)
  }

  close(): void {
    this.#over = true
    this.#child?.kill()
  }

  #start(server: string): void {
    const { command, cwd, env, before, learned, failed } = this.#options
    before()
    const [program = "", ...args] = command(server)
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] })
    this.#child = child
    if (child.pid !== undefined) lower(child.pid)
    let [out, err] = ["", ""]
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")))
    child.stderr.on("data", (chunk: Buffer) => (err = `${err}${chunk.toString("utf8")}`.slice(-2_000)))
    child.on("error", (cause) => {
      err = cause.message
    })
    child.on("close", () => {
      this.#child = undefined
      if (this.#over) return
      const results = resultsIn(out)
      if (results === undefined) failed(err.trim() || "it said nothing")
      else learned(results)
    })
  }
}

function lower(pid: number): void {
  try {
    setPriority(pid, NICE)
  } catch {
    // It has ended already, or the host does not let us: then it takes its share like any other.
  }
}

function resultsIn(text: string): readonly Learnt[] | undefined {
  try {
    const found: unknown = JSON.parse(text)
    return Array.isArray(found) ? (found as readonly Learnt[]) : undefined
  } catch {
    // Said by whoever asked.
    return undefined
  }
}
