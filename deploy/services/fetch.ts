/**
 * `fetch` as the MCP client wants it, made from the guarded HTTP service, so that a server at a URL is reached under the
 * same rules as an `http` node: checked addresses, no redirect to another host, limits on size.
 */
import type { Http, HttpRequest, Services } from "../../graph/mod.ts"
import { rights } from "../../nodes/mod.ts"

/** One answer may be this large; the standing stream of a session has no end and no limit. */
const ANSWER_BYTES_MAX = 64 << 20

export type FetchLike = (url: string | URL, init?: RequestInit) => Promise<Response>

/** What a request may do beside what `fetch` says of it. */
export type Terms = Pick<HttpRequest, "bytesMax" | "repeatable" | "allowHost" | "privateAddresses"> & {
  /** Ends the request, beside the signal that `fetch` was given. */
  readonly until?: AbortSignal
}

/**
 * @param to Requests to another host than this URL's are refused.
 * @param repeatable Does a request of this body do no harm when it is sent twice? Then it may use a kept connection.
 */
export function fetchOver(
  http: Http,
  to: URL,
  granted: Services["granted"],
  repeatable: (body: string) => boolean = () => false,
): FetchLike {
  return fetchOn(http, (_, { method, body }) => ({
    bytesMax: (method ?? "GET") === "GET" ? Number.MAX_SAFE_INTEGER : ANSWER_BYTES_MAX,
    repeatable: typeof body === "string" && repeatable(body),
    ...rights(to.host, { granted }),
  }))
}

/** A `fetch` on these terms, asked for before each request, which they may refuse by failing. It follows no redirect. */
export function fetchOn(http: Http, termsOf: (url: URL, init: RequestInit) => Terms | Promise<Terms>): FetchLike {
  return async (url, init = {}) => {
    const target = new URL(url)
    const { until, ...terms } = await termsOf(target, init)
    const body = init.body === undefined || init.body === null ? undefined : new TextEncoder().encode(String(init.body))
    const signal = init.signal ?? new AbortController().signal
    const response = await http.request(
      {
        method: init.method ?? "GET",
        url: target.href,
        headers: Object.fromEntries(new Headers(init.headers)),
        ...(body === undefined ? {} : { body }),
        signal: until === undefined ? signal : AbortSignal.any([signal, until]),
        redirectsMax: 0,
        ...terms,
      },
      { stream: true },
    )
    const empty = response.status === 204 || response.status === 205 || response.status === 304
    return new Response(empty ? null : bodyOf(response), {
      status: response.status,
      headers: new Headers({ ...response.headers }),
    })
  }
}

function bodyOf(response: Awaited<ReturnType<Http["request"]>>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks = response.chunks?.[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(stream) {
      if (chunks === undefined) {
        if (response.body.length > 0) stream.enqueue(new Uint8Array(response.body))
        return stream.close()
      }
      const next = await chunks.next()
      if (next.done) stream.close()
      else stream.enqueue(new Uint8Array(next.value))
    },
    async cancel() {
      await chunks?.return?.()
    },
  })
}
