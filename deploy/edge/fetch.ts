/**
 * HTTP for node adapters on `fetch`, for hosts that have no sockets. Hosts and redirects are checked as on a server, and so are
 * addresses that a URL names; what a *name* resolves to is the platform's to guard, for `fetch` does not say. Workers refuse
 * private networks by themselves, and a page reaches what its own browser lets it.
 */
import { Failure, fail, type Http, type HttpRequest } from "../../graph/mod.ts"
import { reachOfHost } from "../../nodes/mod.ts"
import { checkHost, checkReach, type Hop, parseUrl, REDIRECTS, redirected } from "../services/hop.ts"
import { cancelled, cut, refused, unreachable, where } from "../services/refusal.ts"
import { wholeOf } from "../whole.ts"

export interface FetchOptions {
  /** Default: the host's own. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** Milliseconds without a byte. Default 5 min. */
  readonly silenceMsMax?: number
}

const SILENCE_MS = 300_000

/** Failures as those of the client on sockets: `Unreachable`, `Refused`, `TooLarge`, `TooManyRedirects`, `Cancelled`. */
export function fetchHttp(options: FetchOptions = {}): Http {
  // Called as a method of nothing: a page's `fetch` refuses another `this`.
  const ask = options.fetch ?? ((url, init) => fetch(url, init))
  const silenceMs = options.silenceMsMax ?? SILENCE_MS
  return {
    request: async (request, more) => {
      const watch = new Watch(request.signal, silenceMs)
      const { hop, response } = await follow(request, ask, watch)
      const head = { status: response.status, headers: Object.fromEntries(response.headers) }
      const chunks = chunksOf(response, hop, request, watch)
      if (more?.stream === true) return { ...head, body: new Uint8Array(0), chunks }
      return { ...head, body: await wholeOf(chunks) }
    },
  }
}

/** Ends a request whose caller has gone, or whose server has been silent for too long. */
class Watch {
  readonly #end = new AbortController()
  readonly #caller: AbortSignal
  readonly #silenceMs: number
  #timer: ReturnType<typeof setTimeout> | undefined
  silent = false

  constructor(caller: AbortSignal, silenceMs: number) {
    this.#caller = caller
    this.#silenceMs = silenceMs
    if (caller.aborted) this.#end.abort(caller.reason)
    else caller.addEventListener("abort", this.#gone, { once: true })
    this.listen()
  }

  readonly #gone = (): void => this.#end.abort(this.#caller.reason)

  get signal(): AbortSignal {
    return this.#end.signal
  }

  listen(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.silent = true
      this.#end.abort()
    }, this.#silenceMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#caller.removeEventListener("abort", this.#gone)
  }

  /** What an error of the platform's client means. `fetch` does not say whether the request was delivered, so it may have been. */
  failure(cause: unknown, name: string): Failure {
    if (cause instanceof Failure) return cause
    if (this.#caller.aborted) return cancelled(this.#caller)
    if (this.silent) return unreachable("silent", `${name}: no byte within ${this.#silenceMs} ms`, false, cause)
    return unreachable(
      "refused",
      `${name}: ${(cause as { message?: string }).message ?? "no connection"}`,
      false,
      cause,
    )
  }
}

async function follow(
  request: HttpRequest,
  ask: NonNullable<FetchOptions["fetch"]>,
  watch: Watch,
): Promise<{ readonly hop: Hop; readonly response: Response }> {
  let hop: Hop = { url: parseUrl(request.url), method: request.method, headers: request.headers, body: request.body }
  try {
    for (let left = request.redirectsMax; ; left--) {
      checkHost(hop.url, request)
      const reach = reachOfHost(hop.url.hostname)
      if (reach !== "name") checkReach(hop.url, reach, request)
      const { method, headers, body } = hop
      const init = { method, headers: { ...headers }, redirect: "manual" as const, signal: watch.signal }
      const response = await ask(hop.url.href, body === undefined ? init : { ...init, body: new Uint8Array(body) })
      watch.listen()
      if (response.type === "opaqueredirect")
        throw refused(
          "redirect",
          `${where(hop)} redirects, and a page is not told where to; ask the last address itself`,
        )
      const location = response.headers.get("location")
      if (!REDIRECTS.has(response.status) || location === null || request.redirectsMax === 0) return { hop, response }
      await response.body?.cancel()
      if (left === 0)
        throw fail("TooManyRedirects", `${where(hop)} still redirects after ${request.redirectsMax} redirects`, {
          data: { limit: request.redirectsMax },
        })
      hop = redirected(hop, location, response.status)
    }
  } catch (cause) {
    watch.stop()
    throw watch.failure(cause, where(hop))
  }
}

/** The body as it arrives, never more than the limit. */
async function* chunksOf(response: Response, hop: Hop, request: HttpRequest, watch: Watch): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  let count = 0
  try {
    while (reader !== undefined) {
      const { done, value } = await reader.read()
      if (done) return
      watch.listen()
      count += value.length
      if (count > request.bytesMax)
        throw fail("TooLarge", `${where(hop)}: the body is larger than ${request.bytesMax} bytes`, {
          data: { limit: request.bytesMax },
        })
      yield value
    }
  } catch (cause) {
    const known = cause instanceof Failure || request.signal.aborted || watch.silent
    throw known ? watch.failure(cause, where(hop)) : cut(where(hop), cause)
  } finally {
    watch.stop()
    // Its end is of no interest any more, nor how it fails.
    reader?.cancel().catch(() => {})
  }
}
