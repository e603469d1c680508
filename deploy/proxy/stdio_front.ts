/**
 * The client's side of a proxy over standard streams: lines in, lines out, whatever the server is. A side that is slow makes
 * the other wait; nothing piles up here.
 */
import type { Readable, Writable } from "node:stream"
import type { Back, BackEvents } from "./back.ts"
import { Lines, type Piece } from "./lines.ts"
import { Relay, type RelayOptions } from "./relay.ts"

export interface StdioFrontOptions {
  readonly input: Readable
  readonly output: Writable
  readonly relay: RelayOptions
  readonly frameBytesMax: number
  readonly open: (events: BackEvents) => Promise<Back>
  /** Ends it all. */
  readonly signal: AbortSignal
}

export interface ProxyEnd {
  readonly relay: Relay
  /** How the server ended, where that came first; the exit code that a client would have seen. */
  readonly words: string | undefined
  readonly code: number
}

const utf8 = new TextDecoder()
const BREAK = 0x0a

/** Resolves when either side has ended and everything that was on its way has arrived. Fails with `ProxyError`. */
export async function serveStdio(options: StdioFrontOptions): Promise<ProxyEnd> {
  const { input, output, relay: settings, frameBytesMax, open, signal } = options
  const out = new Out(output)
  const relay = new Relay(settings, (text) => out.message(text))
  let back: Back | undefined
  const onPiece = ({ bytes, whole }: Piece): void => {
    if (whole && !relay.fromServer(utf8.decode(bytes))) return
    const wait = out.bytes(bytes)
    if (wait === undefined) return
    back?.pause()
    void wait.then(() => back?.resume())
  }
  back = await open({ onPiece })
  const server = back
  const lines = new Lines(frameBytesMax)
  const { promise: left, resolve: leave } = Promise.withResolvers<"left">()
  const intake = new Intake(input, (piece) =>
    piece.whole && !relay.fromClient(utf8.decode(piece.bytes)) ? undefined : server.send(piece.bytes),
  )
  input.on("data", (chunk: Buffer) => intake.take(lines.push(chunk)))
  input.on("end", () => {
    intake.take(lines.end())
    intake.end(() => {
      server.end()
      leave("left")
    })
  })
  input.on("error", () => leave("left"))
  const stop = () => leave("left")
  signal.addEventListener("abort", stop, { once: true })
  const first = await Promise.race([server.ended, left])
  signal.removeEventListener("abort", stop)
  if (first === "left") {
    // What the server still says to a client that has only closed its side is passed on.
    if (!signal.aborted) await Promise.race([server.ended, aborted(signal)])
    await server.close()
    const { code } = await server.ended
    relay.close()
    await out.flushed()
    return { relay, words: undefined, code }
  }
  relay.ended(`The server ${server.label} ended (${first.words})`)
  await server.close()
  await out.flushed()
  return { relay, words: first.words, code: first.code }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener("abort", () => resolve(), { once: true })
    // A server that does not leave when its input has ended is made to.
    setTimeout(resolve, LINGER_MS).unref()
  })
const LINGER_MS = 10_000

/** The input: pieces go on at once while the server has room for them; while it has none, the client is not read. */
class Intake {
  readonly #input: Readable
  readonly #send: (piece: Piece) => void | Promise<void>
  #waiting: Piece[] = []
  #busy = false
  #ended: (() => void) | undefined

  constructor(input: Readable, send: (piece: Piece) => void | Promise<void>) {
    this.#input = input
    this.#send = send
  }

  take(pieces: readonly Piece[]): void {
    this.#waiting.push(...pieces)
    if (!this.#busy) this.#go()
  }

  end(then: () => void): void {
    this.#ended = then
    if (!this.#busy) then()
  }

  #go(): void {
    for (;;) {
      const piece = this.#waiting.shift()
      if (piece === undefined) break
      const wait = this.#send(piece)
      if (wait === undefined) continue
      this.#busy = true
      this.#input.pause()
      void wait.then(() => {
        this.#busy = false
        this.#go()
        if (!this.#busy) this.#input.resume()
      })
      return
    }
    this.#ended?.()
  }
}

/** The output: bytes of the server's lines, and messages of the proxy's own, which never fall into the middle of a line. */
class Out {
  readonly #stream: Writable
  #within = false
  #held: string[] = []

  constructor(stream: Writable) {
    this.#stream = stream
    stream.on("error", () => undefined)
  }

  /** The promise, where there is one, resolves when there is room for more. */
  bytes(bytes: Uint8Array): Promise<void> | undefined {
    const room = this.#stream.write(bytes)
    this.#within = bytes.at(-1) !== BREAK
    if (!this.#within) for (const text of this.#held.splice(0)) this.message(text)
    if (room) return undefined
    return new Promise<void>((go) => {
      const done = () => {
        this.#stream.off("drain", done)
        this.#stream.off("close", done)
        go()
      }
      this.#stream.on("drain", done)
      this.#stream.on("close", done)
    })
  }

  message(text: string): void {
    if (this.#within) this.#held.push(text)
    else this.#stream.write(`${text}\n`)
  }

  flushed(): Promise<void> {
    if (this.#within && this.#held.length > 0) {
      // The server broke off in the middle of a line: that line is lost, and what is said of it is not.
      this.#within = false
      this.#stream.write("\n")
      for (const text of this.#held.splice(0)) this.message(text)
    }
    return new Promise((done) => this.#stream.write("", () => done()))
  }
}
