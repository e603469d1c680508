/**
 * HTTP for node adapters, on `node:http(s)`, which Bun, Deno and Node all have. Every hop is checked before a byte leaves:
 * the host by the caller's grants, the address after resolution; the socket then connects to the checked addresses and
 * no others, so a name that answers differently the second time gains nothing. Bodies are cut at a limit, waits end.
 */
import { lookup as systemLookup } from "node:dns/promises"
import * as http from "node:http"
import * as https from "node:https"
import type { LookupFunction } from "node:net"
import type { Readable, Transform } from "node:stream"
import { rootCertificates } from "node:tls"
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib"
import { Failure, fail, type Http, type HttpRequest, type HttpResponse } from "../../graph/mod.ts"
import { addressOf, reachOf, reachOfHost } from "../../nodes/mod.ts"

export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

export interface HttpOptions {
  /** Addresses of a name; default: the system's resolver. Rejects where there are none. */
  readonly resolve?: (hostname: string) => Promise<readonly Address[]>
  /** Certificates (PEM) to trust beside the system's, for a company's own authority. */
  readonly ca?: string | readonly string[]
  /** Milliseconds until a connection stands, TLS included. Default 10 s. */
  readonly connectMsMax?: number
  /** Milliseconds without a byte from a connected server. Default 5 min: a model may think for long before it speaks. */
  readonly silenceMsMax?: number
}

/**
 * Failures: `Unreachable` (data `reason`: dns, refused, route, timeout, tls, cut, protocol, silent), `Refused` (an address,
 * host or redirect that is not allowed), `TooLarge`, `TooManyRedirects`, `BadBody` (a content coding that does not decode),
 * `Cancelled`. `retryable` and `undelivered` are set where they hold.
 */
export function createHttp(options: HttpOptions = {}): Http {
  return {
    request: async (request, more) => {
      const answer = await follow(request, options)
      return more?.stream === true ? streamed(answer, request) : await whole(answer, request)
    },
  }
}

/** What of a request may change from hop to hop. */
interface Hop {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}
interface Answer {
  readonly response: http.IncomingMessage
  /** Starts, or starts again, the clock that ends a silent connection; `quiet` stops it while nobody reads. */
  readonly listen: () => void
  readonly quiet: () => void
  /** Ends the clock and the watch on the signal. */
  readonly stop: () => void
}

async function follow(request: HttpRequest, options: HttpOptions): Promise<Answer> {
  let hop: Hop = { url: parse(request.url), method: request.method, headers: request.headers, body: request.body }
  for (let left = request.redirectsMax; ; left--) {
    const addresses = await checkedAddresses(hop.url, request, options)
    const answer = await send(hop, addresses, request, options)
    const location = answer.response.headers.location
    if (!REDIRECTS.has(answer.response.statusCode ?? 0) || location === undefined || request.redirectsMax === 0)
      return answer
    answer.stop()
    answer.response.on("error", () => {}) // Its body is of no interest, and so is how it ends.
    answer.response.destroy()
    if (left === 0) {
      throw fail("TooManyRedirects", `${where(hop)} still redirects after ${request.redirectsMax} redirects`, {
        data: { limit: request.redirectsMax },
      })
    }
    hop = redirected(hop, location, answer.response.statusCode!)
  }
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** All that goes along to another host: nothing that could be a credential under whatever name. */
const HARMLESS: ReadonlySet<string> = new Set(["accept", "accept-language", "user-agent"])

function redirected(from: Hop, location: string, status: number): Hop {
  const url = parse(location, from.url)
  if (from.url.protocol === "https:" && url.protocol !== "https:")
    throw refused(
      "redirect",
      `${where(from)} redirects from https to ${url.protocol}//${url.host}, which is not encrypted`,
    )
  const drops = status === 303 ? from.method !== "HEAD" : (status === 301 || status === 302) && from.method === "POST"
  const method = drops ? "GET" : from.method
  const body = drops ? undefined : from.body
  if (url.origin === from.url.origin) {
    const kept = Object.entries(from.headers).filter(([k]) => !drops || !/^content-/i.test(k))
    return { url, method, body, headers: Object.fromEntries(kept) }
  }
  if (body !== undefined)
    throw refused("redirect", `${where(from)} redirects to another host, ${url.host}; a body is never sent on to one`)
  const kept = Object.entries(from.headers).filter(([k]) => HARMLESS.has(k.toLowerCase()))
  return { url, method, body, headers: Object.fromEntries(kept) }
}

function parse(text: string, base?: URL): URL {
  const url = URL.parse(text, base)
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw refused("url", `Cannot ask ${base ? "the target of a redirect" : "a URL"}: it must be http or https`)
  if (url.username !== "" || url.password !== "")
    throw refused("url", `Cannot ask ${url.host}: the URL carries a user name or password`)
  return url
}

/** All addresses that the host may be reached at. One that is not allowed refuses the request, whatever the others are. */
async function checkedAddresses(url: URL, request: HttpRequest, options: HttpOptions): Promise<readonly Address[]> {
  if (!request.allowHost(url.host)) throw refused("host", `Cannot ask ${url.host}: net:${url.host} is not granted`)
  const literal = addressOf(url.hostname)
  const found = literal
    ? [{ address: literal, family: literal.includes(":") ? (6 as const) : (4 as const) }]
    : await resolved(url.hostname, request, options)
  for (const { address } of found) {
    const reach = reachOf(address)
    // A name never leads to a link-local address: that is how credentials of a cloud are stolen.
    const may =
      reach === "public" ||
      (reach === "private" && request.privateAddresses(url.host)) ||
      (reach === "link-local" && reachOfHost(url.hostname) === "link-local" && request.privateAddresses(url.host))
    if (!may) {
      throw refused(
        "address",
        `Cannot ask ${url.host}: ${literal ? "it is" : "it resolves to"} ${literal ? "" : `${address}, `}a ${reach === "never" ? "special" : reach} address`,
      )
    }
  }
  return found
}

async function resolved(hostname: string, request: HttpRequest, options: HttpOptions): Promise<readonly Address[]> {
  const missing = (cause?: unknown) =>
    fail("Unreachable", `Cannot find the address of ${hostname}`, {
      data: { reason: "dns" },
      retryable: true,
      undelivered: true,
      cause,
    })
  const resolve =
    options.resolve ??
    (async (name: string) => (await systemLookup(name, { all: true, verbatim: true })) as unknown as Address[])
  let found: readonly Address[]
  try {
    found = await orAborted(resolve(hostname), request.signal)
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    throw missing(cause)
  }
  if (found.length === 0) throw missing()
  return found
}

function send(hop: Hop, addresses: readonly Address[], request: HttpRequest, options: HttpOptions): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    const { url } = hop
    const secure = url.protocol === "https:"
    let delivering = false
    let silence: ReturnType<typeof setTimeout> | undefined
    let response: http.IncomingMessage | undefined
    const lookup: LookupFunction = (_name, how, done) => {
      if (how.all) done(null, [...addresses])
      else done(null, addresses[0]!.address, addresses[0]!.family)
    }
    const req = (secure ? https : http).request({
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
      agent: false,
      lookup,
      ...(secure && options.ca !== undefined ? { ca: [...rootCertificates, ...[options.ca].flat()] } : {}),
    })
    // Whoever waits, for the head or for a piece of the body, is told this failure and not that a socket closed.
    const end = (failure: Failure) => (response ?? req).destroy(failure)
    const connectMs = options.connectMsMax ?? 10_000
    const connecting = setTimeout(
      () => end(unreachable("timeout", `${where(hop)}: no connection within ${connectMs} ms`, true)),
      connectMs,
    )
    const silenceMs = options.silenceMsMax ?? 300_000
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
    req.on("socket", (socket) =>
      socket.once(secure ? "secureConnect" : "connect", () => {
        delivering = true
        clearTimeout(connecting)
        listen()
      }),
    )
    req.on("error", (cause) => {
      stop()
      reject(asFailure(cause, hop, delivering))
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

/** The body as it arrives, decoded, never more than the limit. */
async function* chunksOf(answer: Answer, request: HttpRequest): AsyncGenerator<Uint8Array> {
  const { response } = answer
  const name = `${request.method} ${safeUrl(request.url)}`
  const tooLarge = () =>
    fail("TooLarge", `${name}: the body is larger than ${request.bytesMax} bytes`, {
      data: { limit: request.bytesMax },
    })
  const empty = request.method === "HEAD" || response.statusCode === 204 || response.statusCode === 304
  let count = 0
  try {
    if (!empty && Number(response.headers["content-length"] ?? 0) > request.bytesMax) throw tooLarge()
    answer.listen()
    for await (const chunk of empty ? response : decoded(response, name)) {
      answer.quiet()
      count += chunk.length
      if (count > request.bytesMax) throw tooLarge()
      yield chunk
      answer.listen()
    }
    if (!response.complete) throw cut(name)
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    if (request.signal.aborted) throw cancelled(request.signal)
    if (isCodingError(cause)) throw badCoding(`${name}: the body is not what its content-encoding says`, cause)
    throw cut(name, cause)
  } finally {
    answer.stop()
    response.destroy()
  }
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

function decoded(response: http.IncomingMessage, name: string): Readable {
  const coding = (response.headers["content-encoding"] ?? "").trim().toLowerCase()
  if (coding === "identity" || coding === "") return response
  if (!Object.hasOwn(DECODERS, coding))
    throw badCoding(
      `${name}: the body has the content-encoding "${coding.slice(0, 40)}"; gzip, deflate and br are read`,
    )
  const through = DECODERS[coding]!()
  // `pipe` passes bytes on, but neither an error nor a cut connection.
  response.once("error", (cause) => through.destroy(cause))
  response.once("close", () => {
    if (!response.complete) through.destroy(cut(name))
  })
  return response.pipe(through)
}

const isCodingError = (cause: unknown): boolean => {
  const code = (cause as { code?: unknown }).code
  return typeof code === "string" && /^(Z_|ERR__ERROR|ERR_BROTLI|ERR_ZLIB)/.test(code)
}

function headersOf(response: http.IncomingMessage): Record<string, string> {
  const present = Object.entries(response.headers).filter(([k, v]) => v !== undefined && k !== "__proto__")
  return Object.fromEntries(present.map(([k, v]) => [k, Array.isArray(v) ? v.join(", ") : v!]))
}

async function whole(answer: Answer, request: HttpRequest): Promise<HttpResponse> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunksOf(answer, request)) {
    chunks.push(chunk)
    length += chunk.length
  }
  const body = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.length
  }
  return { status: answer.response.statusCode ?? 0, headers: headersOf(answer.response), body }
}

function streamed(answer: Answer, request: HttpRequest): HttpResponse {
  const status = answer.response.statusCode ?? 0
  return { status, headers: headersOf(answer.response), body: new Uint8Array(0), chunks: chunksOf(answer, request) }
}

// ---- failures

const refused = (reason: string, message: string): Failure =>
  fail("Refused", message, { data: { reason }, undelivered: true })

const RETRYABLE: ReadonlySet<string> = new Set(["dns", "refused", "route", "timeout", "cut", "silent"])
const unreachable = (reason: string, message: string, undelivered: boolean, cause?: unknown): Failure =>
  fail("Unreachable", message, {
    data: { reason },
    retryable: RETRYABLE.has(reason),
    undelivered,
    ...(cause === undefined ? {} : { cause }),
  })

const cut = (name: string, cause?: unknown): Failure =>
  unreachable("cut", `${name}: the connection was cut in the middle of the body`, false, cause)

const badCoding = (message: string, cause?: unknown): Failure =>
  fail("BadBody", message, { data: { wanted: "encoding" }, cause })

const cancelled = (signal: AbortSignal): Failure =>
  signal.reason instanceof Failure
    ? signal.reason
    : fail("Cancelled", "The request was cancelled", { cause: signal.reason })

const REASONS: Readonly<Record<string, readonly [reason: string, text: string]>> = {
  ECONNREFUSED: ["refused", "the connection was refused"],
  ENOTFOUND: ["dns", "the name has no address"],
  EAI_AGAIN: ["dns", "the name could not be looked up"],
  EHOSTUNREACH: ["route", "there is no way to the host"],
  ENETUNREACH: ["route", "there is no way to the network"],
  EADDRNOTAVAIL: ["route", "there is no way to the address"],
  ETIMEDOUT: ["timeout", "no connection in time"],
  ECONNRESET: ["cut", "the connection was cut"],
  EPIPE: ["cut", "the connection was cut"],
}

function asFailure(cause: unknown, hop: Hop, delivering: boolean): Failure {
  if (cause instanceof Failure) return cause
  const { code = "", message = "" } = cause as { code?: string; message?: string }
  const known = REASONS[code]
  if (known) return unreachable(known[0], `${where(hop)}: ${known[1]}`, !delivering, cause)
  if (!delivering && hop.url.protocol === "https:")
    return unreachable("tls", `${where(hop)}: no secure connection (${code || message})`, true, cause)
  return unreachable("protocol", `${where(hop)}: the answer is not HTTP (${code || message})`, !delivering, cause)
}

/** What may stand in a message: no query, which often carries data and sometimes keys. */
const where = (hop: Hop): string => `${hop.method} ${hop.url.origin}${hop.url.pathname}`
const safeUrl = (text: string): string => {
  const url = URL.parse(text)
  return url === null ? "a URL" : url.origin + url.pathname
}

function orAborted<A>(promise: Promise<A>, signal: AbortSignal): Promise<A> {
  if (signal.aborted) return Promise.reject(cancelled(signal))
  return new Promise((resolve, reject) => {
    const aborted = () => reject(cancelled(signal))
    signal.addEventListener("abort", aborted, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted))
  })
}
