/**
 * Connections to checked addresses: one request at a time over a socket that was connected to an address that its
 * permission allows. Reads keep theirs for a moment, since a new one costs two or three journeys; writes use a fresh one,
 * for a kept connection may turn out dead at the moment when nobody can say whether the request arrived.
 */
import * as http from "node:http"
import * as https from "node:https"
import type { LookupFunction } from "node:net"
import { rootCertificates } from "node:tls"
import type { Failure, HttpRequest } from "../../graph/mod.ts"
import { addressOf } from "../../nodes/mod.ts"
import type { Hop } from "./hop.ts"
import { asFailure, cancelled, unreachable, where } from "./refusal.ts"

export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

export interface HttpOptions {
  /** Addresses of a name; default: the system's resolver. Rejects where there are none. */
  readonly resolve?: (hostname: string) => Promise<readonly Address[]>
  /** Certificates (PEM) to trust beside the system's, for a company's own authority. */
  readonly ca?: string | readonly string[]
  /** Milliseconds until a name is resolved, and again until a connection stands, TLS included. Default 10 s. */
  readonly connectMsMax?: number
  /** Milliseconds without a byte from a connected server. Default 5 min: a model may think for long before it speaks. */
  readonly silenceMsMax?: number
  /** Milliseconds to keep a connection of reads that nobody uses; 0 keeps none. Default 4 s: most servers keep theirs for 5. */
  readonly keepMsMax?: number
}

export interface Answer {
  readonly response: http.IncomingMessage
  /** Starts, or starts again, the clock that ends a silent connection; `quiet` stops it while nobody reads. */
  readonly listen: () => void
  readonly quiet: () => void
  /** Ends the clock and the watch on the signal. */
  readonly stop: () => void
}

export const CONNECT_MS = 10_000
const SILENCE_MS = 300_000
const KEEP_MS = 4_000
/** Unused connections to one host. */
const KEPT_MAX = 16

export class Connections {
  readonly #options: HttpOptions
  readonly #trust: { readonly ca?: string[] }
  /** Kept connections by scheme and permission: one that reaches inside is never lent to a request that may not. */
  readonly #kept = new Map<string, http.Agent>()

  constructor(options: HttpOptions) {
    this.#options = options
    this.#trust = options.ca === undefined ? {} : { ca: [...rootCertificates, ...[options.ca].flat()] }
  }

  /** Sends one request and gives the answer's head. Fails as `createHttp` says. */
  send(hop: Hop, addresses: readonly Address[], request: HttpRequest): Promise<Answer> {
    return this.#attempt(hop, addresses, request, request.repeatable === true ? this.#agentFor(hop, request) : false)
  }

  #agentFor({ url }: Hop, request: HttpRequest): http.Agent | false {
    const timeout = this.#options.keepMsMax ?? KEEP_MS
    if (timeout === 0) return false
    const key = `${url.protocol} ${request.privateAddresses(url.host)}`
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    const Agent = url.protocol === "https:" ? https.Agent : http.Agent
    const made = new Agent({ keepAlive: true, maxFreeSockets: KEPT_MAX, timeout })
    this.#kept.set(key, made)
    return made
  }

  #attempt(hop: Hop, addresses: readonly Address[], request: HttpRequest, agent: http.Agent | false): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const secure = hop.url.protocol === "https:"
      let delivering = false
      let ended: Failure | undefined
      let silence: ReturnType<typeof setTimeout> | undefined
      let response: http.IncomingMessage | undefined
      const req = this.#request(hop, addresses, agent)
      // Whoever waits, for the head or for a piece of the body, is told this failure and not that a socket closed.
      const end = (failure: Failure) => {
        ended = failure
        ;(response ?? req).destroy(failure)
      }
      const connectMs = this.#options.connectMsMax ?? CONNECT_MS
      const connecting = setTimeout(
        () => end(unreachable("timeout", `${where(hop)}: no connection within ${connectMs} ms`, true)),
        connectMs,
      )
      const silenceMs = this.#options.silenceMsMax ?? SILENCE_MS
      const quiet = () => clearTimeout(silence)
      const listen = () => {
        quiet()
        silence = setTimeout(
          () => end(unreachable("silent", `${where(hop)}: not a byte for ${silenceMs} ms`, false)),
          silenceMs,
        )
      }
      const aborted = () => end(cancelled(request.signal))
      const stop = () => {
        clearTimeout(connecting)
        quiet()
        request.signal.removeEventListener("abort", aborted)
      }
      const connected = () => {
        delivering = true
        clearTimeout(connecting)
        listen()
      }
      req.on("socket", (socket) => {
        if (req.reusedSocket) connected()
        else socket.once(secure ? "secureConnect" : "connect", connected)
      })
      req.on("error", (cause) => {
        stop()
        const failure = ended ?? asFailure(cause, hop, delivering)
        // The server closed a kept connection as we began to use it: that says nothing about the request.
        const stale = req.reusedSocket && ended === undefined && response === undefined
        if (stale) resolve(this.#attempt(hop, addresses, request, false))
        else reject(failure)
      })
      req.on("response", (arrived) => {
        response = arrived
        quiet()
        resolve({ response: arrived, listen, quiet, stop })
      })
      if (request.signal.aborted) aborted()
      else request.signal.addEventListener("abort", aborted, { once: true })
      req.end(hop.body)
    })
  }

  #request(hop: Hop, addresses: readonly Address[], agent: http.Agent | false): http.ClientRequest {
    const { url } = hop
    const secure = url.protocol === "https:"
    const lookup: LookupFunction = (_name, how, done) => {
      if (how.all) done(null, [...addresses])
      else done(null, addresses[0]!.address, addresses[0]!.family)
    }
    return (secure ? https : http).request({
      protocol: url.protocol,
      hostname: addressOf(url.hostname) ?? url.hostname,
      port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
      path: url.pathname + url.search,
      method: hop.method,
      headers: {
        "accept-encoding": "gzip, deflate, br",
        ...hop.headers,
        ...(hop.body ? { "content-length": String(hop.body.length) } : {}),
      },
      agent,
      lookup,
      ...(secure ? this.#trust : {}),
    })
  }
}
