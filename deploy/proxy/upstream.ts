/** Requests to a server over HTTP as they are sent by the proxy: no redirect is followed, nothing is unpacked, connections are kept. */
import * as http from "node:http"
import * as https from "node:https"
import { proxyError } from "./errors.ts"

export interface UpstreamRequest {
  readonly method: string
  readonly url: URL
  /** Name and value in turn, as `rawHeaders` has them. */
  readonly headers: readonly string[]
  readonly body?: Uint8Array | undefined
  /** A body that comes in pieces, in place of one that is at hand. */
  readonly pieces?: AsyncIterable<Uint8Array> | undefined
  readonly signal?: AbortSignal | undefined
}

const agents = { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) }

/** Resolves with the head of the answer. Fails with `ProxyError` (`unreachable`). */
export function ask({ method, url, headers, body, pieces, signal }: UpstreamRequest): Promise<http.IncomingMessage> {
  const secure = url.protocol === "https:"
  const own: Record<string, string | string[]> = {}
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase()
    const known = own[name]
    own[name] = known === undefined ? headers[i + 1]! : [...(Array.isArray(known) ? known : [known]), headers[i + 1]!]
  }
  if (body !== undefined) own["content-length"] = String(body.length)
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) =>
      reject(proxyError("unreachable", `Cannot reach ${url.origin}: ${wordsOf(cause)}`, cause))
    const request = (secure ? https : http).request(url, {
      method,
      headers: own,
      agent: secure ? agents.https : agents.http,
      ...(signal ? { signal } : {}),
    })
    // A stream of events may be silent for as long as it likes.
    request.setTimeout(0)
    request.on("error", fail)
    request.on("response", resolve)
    if (pieces === undefined) request.end(body)
    else sent(request, pieces).catch(fail)
  })
}

async function sent(request: http.ClientRequest, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of pieces) {
    if (request.destroyed) return
    if (!request.write(piece)) await new Promise<void>((go) => request.once("drain", go).once("close", go))
  }
  request.end()
}

const WORDS: { readonly [code: string]: string | undefined } = {
  ECONNREFUSED: "nobody listens there",
  ConnectionRefused: "nobody listens there",
  ENOTFOUND: "there is no such host",
  ECONNRESET: "the connection was cut",
  ABORT_ERR: "it was called off",
}
const wordsOf = (cause: unknown): string => {
  const { code, message } = cause as NodeJS.ErrnoException
  return (code !== undefined && WORDS[code]) || message || String(cause)
}

/** Headers that belong to one connection and never go through a proxy. Source: RFC 9110, 7.6.1. */
const OF_CONNECTION: ReadonlySet<string> = new Set(
  "connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade".split(
    " ",
  ),
)

/** The headers that go on, in order; `without` names others that do not. */
export function passedOn(raw: readonly string[], without: readonly string[] = []): string[] {
  const kept: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase()
    if (!OF_CONNECTION.has(name) && !without.includes(name)) kept.push(raw[i]!, raw[i + 1]!)
  }
  return kept
}
