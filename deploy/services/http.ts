/**
 * HTTP for node adapters, on `node:http(s)`, which Bun, Deno and Node all have. Every hop is checked before a byte leaves:
 * the host by the caller's grants, the address after resolution; the socket then connects to the checked addresses and
 * no others, so a name that answers differently the second time gains nothing. Bodies are cut at a limit, waits end.
 */
import { fail, type Http, type HttpRequest } from "../../graph/mod.ts"
import { type Answer, Connections, type HttpOptions } from "./connection.ts"
import { checkedAddresses } from "./egress.ts"
import { type Hop, parseUrl, REDIRECTS, redirected } from "./hop.ts"
import { streamed, whole } from "./payload.ts"
import { where } from "./refusal.ts"

export type { Address, HttpOptions } from "./connection.ts"

/**
 * Failures: `Unreachable` (data `reason`: dns, refused, route, timeout, tls, cut, protocol, silent), `Refused` (an address,
 * host or redirect that is not allowed), `TooLarge`, `TooManyRedirects`, `BadBody` (a content coding that does not decode),
 * `Cancelled`. `retryable` and `undelivered` are set where they hold.
 */
export function createHttp(options: HttpOptions = {}): Http {
  const connections = new Connections(options)
  return {
    request: async (request, more) => {
      const answer = await follow(request, options, connections)
      return more?.stream === true ? streamed(answer, request) : await whole(answer, request)
    },
  }
}

async function follow(request: HttpRequest, options: HttpOptions, connections: Connections): Promise<Answer> {
  let hop: Hop = { url: parseUrl(request.url), method: request.method, headers: request.headers, body: request.body }
  for (let left = request.redirectsMax; ; left--) {
    const addresses = await checkedAddresses(hop.url, request, options)
    const answer = await connections.send(hop, addresses, request)
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
