/**
 * Graphs over standard streams: one message a line. What is no message is answered as such and the next line is read: a
 * client that once writes garbage, or a line without an end, has not lost its server.
 * Source: Model Context Protocol 2025-11-25 and 2026-07-28, "stdio"; JSON-RPC 2.0, 5.1.
 */
import type { Readable, Writable } from "node:stream"
import {
  INVALID_REQUEST,
  type JSONRPCMessage,
  PARSE_ERROR,
  parseJSONRPCMessage,
  type Transport,
} from "@modelcontextprotocol/server"
import { serveStdio } from "@modelcontextprotocol/server/stdio"
import type { Caller } from "../http/callers.ts"
import { Lines, type Piece } from "../proxy/lines.ts"
import { exactly } from "./exact.ts"
import { makeServer } from "./server.ts"
import type { McpServing } from "./serving.ts"
import { Watch } from "./watch.ts"

export interface StdioOptions {
  readonly input: Readable
  readonly output: Writable
  /** Bytes that one message may have. */
  readonly frameBytesMax: number
  /** Everybody at these streams is one. */
  readonly caller: Caller
  /** Ends it. */
  readonly signal: AbortSignal
}

/** Resolves when the client has closed its side, or at the signal. */
export async function serveMcpStdio(serving: McpServing, options: StdioOptions): Promise<void> {
  const { caller, signal } = options
  const wire = new StdioWire(options)
  const watch = new Watch({ hosts: serving.hosts, clock: serving.clock, onDefect: serving.onDefect })
  const connection = { serving, watch, callerOf: () => caller }
  const handle = serveStdio(
    ({ era }) => {
      const server = makeServer({ ...connection, era })
      if (era === "modern") {
        // Who listens to which address, the library knows, and passes on only that.
        const off = watch.listen((uri) => void server.sendResourceUpdated({ uri }).catch(() => {}))
        const before = server.onclose
        server.onclose = () => {
          off()
          before?.()
        }
      }
      return server
    },
    { transport: wire, onerror: (cause) => serving.onDefect?.(cause) },
  )
  const stop = () => void handle.close()
  signal.addEventListener("abort", stop, { once: true })
  await wire.closed
  signal.removeEventListener("abort", stop)
  await handle.close()
}

const utf8 = new TextDecoder()

/** A transport of the library that survives what is no message. */
class StdioWire implements Transport {
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  onmessage?: Transport["onmessage"]
  readonly closed: Promise<void>
  readonly #options: StdioOptions
  readonly #lines: Lines
  readonly #close: () => void
  #open = true
  /** Within a line that is too long, which has been answered. */
  #long = false

  constructor(options: StdioOptions) {
    this.#options = options
    this.#lines = new Lines(options.frameBytesMax)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.closed = promise
    this.#close = resolve
  }

  async start(): Promise<void> {
    const { input, output } = this.#options
    input.on("data", (chunk: Buffer) => this.#take(this.#lines.push(chunk)))
    input.on("end", () => void this.#ended())
    input.on("error", () => void this.close())
    output.on("error", () => void this.close())
    if (input.readableEnded || input.destroyed) setImmediate(() => void this.close())
  }

  #ended(): void {
    this.#take(this.#lines.end())
    void this.close()
  }

  #take(pieces: readonly Piece[]): void {
    for (const { bytes, whole } of pieces) {
      if (whole) this.#line(utf8.decode(bytes).trim())
      else this.#tooLong(bytes)
    }
  }

  #tooLong(bytes: Uint8Array): void {
    if (!this.#long) {
      const most = this.#options.frameBytesMax
      this.#refuse(INVALID_REQUEST, `The message has more than ${most} bytes`)
    }
    this.#long = bytes.at(-1) !== BREAK
  }

  #line(text: string): void {
    if (text === "" || !this.#open) return
    let message: JSONRPCMessage
    let parsed: unknown
    try {
      parsed = JSON.parse(exactly(text))
    } catch (cause) {
      this.#refuse(PARSE_ERROR, `The line is no JSON: ${(cause as Error).message}`)
      return
    }
    try {
      message = parseJSONRPCMessage(parsed)
    } catch {
      this.#refuse(INVALID_REQUEST, "The line is no message of JSON-RPC 2.0", idOf(parsed))
      return
    }
    this.onmessage?.(message)
  }

  #refuse(code: number, message: string, id: string | number | null = null): void {
    this.#write(`${JSON.stringify({ jsonrpc: "2.0", id, error: { code, message } })}\n`)
  }

  async send(message: JSONRPCMessage): Promise<void> {
    await this.#write(`${JSON.stringify(message)}\n`)
  }

  /** Waits while the client takes nothing more. */
  #write(text: string): Promise<void> | undefined {
    const { output } = this.#options
    if (!this.#open || output.destroyed || output.write(text)) return undefined
    return new Promise((go) => {
      const done = () => {
        output.off("drain", done)
        output.off("close", done)
        go()
      }
      output.on("drain", done)
      output.on("close", done)
    })
  }

  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    this.#options.input.pause()
    this.onclose?.()
    this.#close()
  }
}

const BREAK = 0x0a

/** The id of what is no request, where it has one, so that the sender knows which was meant. */
function idOf(parsed: unknown): string | number | null {
  const id = typeof parsed === "object" && parsed !== null ? (parsed as { readonly id?: unknown }).id : undefined
  return typeof id === "string" || (typeof id === "number" && Number.isFinite(id)) ? id : null
}
