/**
 * A line of JSON-RPC to an MCP server that runs as a child process. The official transport kills the one process that
 * it started; servers are mostly started through `npx`, which starts a shell, which starts the server, so ours starts a
 * process group and ends all of it, on close and when this process exits. Nothing is left behind.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { type JSONRPCMessage, ReadBuffer, serializeMessage, type Transport } from "@modelcontextprotocol/client"
import { fail } from "../../graph/mod.ts"
import { endGroup, listGroup, signalGroup, watchExit } from "./process_group.ts"

export interface StdioServer {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Values that no message may show. */
  readonly hidden: readonly string[]
}

/** A message larger than this ends the connection: a tool's answer is held in memory whole. */
const MESSAGE_BYTES_MAX = 64 << 20
/** Milliseconds that a server gets to leave by itself when its input ends, and again after SIGTERM. */
const GRACE_MS = 500
/** What the server wrote to its error stream is kept this far back, for messages only. */
const TAIL_CHARS = 2000

export class StdioPipe implements Transport {
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: (message: JSONRPCMessage) => void
  /** Set when the process has ended: `code 1`, `signal SIGKILL`, or why it did not start. */
  ended: string | undefined
  /** The last lines of the server's error stream. */
  tail = ""

  readonly #server: StdioServer
  readonly #buffer = new ReadBuffer({ maxBufferSize: MESSAGE_BYTES_MAX })
  #child: ChildProcess | undefined
  #gone: Promise<void> = Promise.resolve()

  constructor(server: StdioServer) {
    this.#server = server
  }

  get hidden(): readonly string[] {
    return this.#server.hidden
  }

  start(): Promise<void> {
    const { command, args, env, cwd } = this.#server
    watchExit()
    const child = spawn(command, [...args], { cwd, env, detached: true, stdio: "pipe" })
    this.#child = child
    child.stdout!.on("data", (chunk: Buffer) => this.#read(chunk))
    child.stderr!.on("data", (chunk: Buffer) => {
      this.tail = (this.tail + chunk.toString("utf8")).slice(-TAIL_CHARS)
    })
    // A pipe that breaks is reported by the end of the process; without a listener it would be thrown.
    for (const pipe of [child.stdin!, child.stdout!, child.stderr!]) pipe.on("error", (e: Error) => this.onerror?.(e))
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gone = promise
    const end = (how: string) => {
      if (this.ended !== undefined) return
      this.ended = how
      endGroup(child)
      resolve()
      this.onclose?.()
    }
    child.once("exit", (code, signal) => {
      const how = signal !== null ? `signal ${signal}` : `code ${code}`
      // Answers already written are still in the pipe: they are read before the connection counts as closed.
      child.once("close", () => end(how))
      setTimeout(() => end(how), GRACE_MS).unref()
    })
    return new Promise((started, refused) => {
      child.once("spawn", () => {
        listGroup(child)
        started()
      })
      child.once("error", (cause) => {
        end(cause.message)
        refused(cause)
      })
    })
  }

  #read(chunk: Buffer): void {
    try {
      this.#buffer.append(chunk)
    } catch (cause) {
      this.onerror?.(cause as Error)
      void this.close()
      return
    }
    for (;;) {
      try {
        const message = this.#buffer.readMessage()
        if (message === null) return
        this.onmessage?.(message)
      } catch (cause) {
        // A line that is no message is skipped: servers print to the wrong stream.
        this.onerror?.(cause as Error)
      }
    }
  }

  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin
    if (stdin === undefined || stdin === null || this.ended !== undefined || !stdin.writable) {
      return Promise.reject(fail("ToolDied", "Cannot send to the server: its process has ended", { undelivered: true }))
    }
    return new Promise((sent) => {
      if (stdin.write(serializeMessage(message))) return sent()
      const go = () => {
        stdin.off("drain", go)
        stdin.off("close", go)
        sent()
      }
      stdin.on("drain", go)
      stdin.on("close", go)
    })
  }

  /** Ends the input, then asks, then insists. Resolves when the whole group is gone. */
  async close(): Promise<void> {
    const child = this.#child
    if (child === undefined || this.ended !== undefined) return
    child.stdin?.end()
    if (await this.#within(GRACE_MS)) return
    if (child.pid !== undefined) signalGroup(child.pid, "SIGTERM")
    if (await this.#within(GRACE_MS)) return
    if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL")
    await this.#gone
  }

  #within(ms: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => resolve(false), ms)
    void this.#gone.then(() => {
      clearTimeout(timer)
      resolve(true)
    })
    return promise
  }
}
