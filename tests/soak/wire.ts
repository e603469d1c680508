/**
 * Requests over kept connections, written and read by hand, so that whoever makes the load takes little of the machine that
 * it shares with the server. Answers have a length; streams of events are for `raw`, which says what came and when it ended.
 */
import { connect, type Socket } from "node:net"

/** Nothing came for so long that the client gave up. */
export const SILENT = "silent"

export interface Answer {
  readonly status: number
  readonly body: string
}

/** A kept connection that lay idle for longer is not used again: the server may be closing it. */
const IDLE_MS_MAX = 4_000
/** A connection on which nothing happens for longer is given up. */
const SILENT_MS_MAX = 30_000

export const post = (port: number, path: string, body: string, headers: readonly string[] = []): string =>
  [
    `POST ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    ...headers,
    "",
    body,
  ].join("\r\n")

/** A connection on which one request after another is answered. */
class Wire {
  readonly #socket: Socket
  #text = ""
  #over: ((answer: Answer | typeof SILENT | undefined) => void) | undefined
  since = 0
  closed = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on("data", (data: Buffer) => {
      this.#text += data.toString("latin1")
      const answer = read(this.#text)
      if (answer !== undefined) this.#end(answer)
    })
    socket.on("error", () => {})
    socket.on("timeout", () => this.#end(SILENT))
    socket.on("close", () => {
      this.closed = true
      this.#end(undefined)
    })
  }

  ask(request: string): Promise<Answer | typeof SILENT | undefined> {
    return new Promise((resolve) => {
      this.#text = ""
      this.#over = resolve
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #end(answer: Answer | typeof SILENT | undefined): void {
    const over = this.#over
    this.#over = undefined
    over?.(answer)
  }
}

export class Wires {
  readonly #port: number
  readonly #idle: Wire[] = []

  constructor(port: number) {
    this.#port = port
  }

  /** Sends a request; undefined where the server ended the connection before an answer was whole. Fails with `SILENT`. */
  async ask(request: string): Promise<Answer | undefined> {
    const wire = this.#kept() ?? new Wire(this.#fresh())
    const answer = await wire.ask(request)
    wire.since = performance.now()
    if (answer === SILENT) throw SILENT
    if (!wire.closed) this.#idle.push(wire)
    return answer
  }

  /** A connection of its own: all that came on it until it was closed, or until `done` says that it was enough. Fails with `SILENT`. */
  raw(talk: (socket: Socket) => void, done: (text: string) => boolean = () => false): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = this.#fresh()
      let text = ""
      socket.on("data", (data: Buffer) => {
        text += data.toString("latin1")
        if (done(text)) socket.destroy()
      })
      // Why there was no answer, in place of one.
      socket.on("error", (cause: { readonly code?: string }) => {
        text ||= `(${cause.code ?? cause})`
      })
      socket.on("timeout", () => reject(SILENT))
      socket.on("close", () => resolve(text))
      socket.on("connect", () => talk(socket))
    })
  }

  close(): void {
    for (const wire of this.#idle.splice(0)) wire.close()
  }

  #fresh(): Socket {
    const socket = connect(this.#port, "127.0.0.1").setNoDelay(true)
    return socket.setTimeout(SILENT_MS_MAX, () => socket.destroy())
  }

  #kept(): Wire | undefined {
    const now = performance.now()
    for (let last = this.#idle.pop(); last !== undefined; last = this.#idle.pop()) {
      if (!last.closed && now - last.since < IDLE_MS_MAX) return last
      last.close()
    }
    return undefined
  }
}

/** The answer that begins the text; undefined while it is not whole. */
export function read(text: string): Answer | undefined {
  const head = text.indexOf("\r\n\r\n")
  if (head < 0) return undefined
  const length = Number(/content-length: *(\d+)/i.exec(text.slice(0, head))?.[1] ?? 0)
  if (text.length < head + 4 + length) return undefined
  return { status: Number(text.slice(9, 12)), body: text.slice(head + 4, head + 4 + length) }
}
