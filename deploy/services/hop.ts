/**
 * One request of a chain of redirects: which URL it asks, whether it may, and where an answer leads next. Shared by the client on
 * sockets and the one on `fetch`, so that both refuse the same.
 */
import type { HttpRequest } from "../../graph/mod.ts"
import { type Reach, reachOfHost } from "../../nodes/mod.ts"
import { refused, where } from "./refusal.ts"

/** What of a request may change from hop to hop. */
export interface Hop {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

/** A URL to ask, `base` where it is the target of a redirect. */
export function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base)
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw refused("url", `Cannot ask ${base ? "the target of a redirect" : "a URL"}: it must be http or https`)
  if (url.username !== "" || url.password !== "")
    throw refused("url", `Cannot ask ${url.host}: the URL carries a user name or password`)
  return url
}

/** Is the host granted? */
export function checkHost(url: URL, request: HttpRequest): void {
  if (!request.allowHost(url.host)) throw refused("host", `Cannot ask ${url.host}: net:${url.host} is not granted`)
}

/** May the request end at an address of this reach? `resolved`: the address that a name led to, for the message. */
export function checkReach(url: URL, reach: Reach, request: HttpRequest, resolved?: string): void {
  // A name never leads to a link-local address: that is how credentials of a cloud are stolen.
  const may =
    reach === "public" ||
    (reach === "private" && request.privateAddresses(url.host)) ||
    (reach === "link-local" && reachOfHost(url.hostname) === "link-local" && request.privateAddresses(url.host))
  if (may) return
  throw refused(
    "address",
    `Cannot ask ${url.host}: ${resolved === undefined ? "it is" : "it resolves to"} ${resolved === undefined ? "" : `${resolved}, `}a ${reach === "never" ? "special" : reach} address${reach === "private" ? `; it takes the grant net:${url.host}, where the file names this very host, or net:private` : ""}`,
  )
}

export const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** All that goes along to another host: nothing that could be a credential under whatever name. */
const HARMLESS: ReadonlySet<string> = new Set(["accept", "accept-language", "user-agent"])

/** The next hop, or the failure `Refused` where it would leak something. */
export function redirected(from: Hop, location: string, status: number): Hop {
  const url = parseUrl(location, from.url)
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
