/**
 * What stands before the router, since every request would pay for it as middleware: whose host name a request carries, and
 * the way of nearly all requests, which is to a run of a graph.
 */
import type { Hono } from "hono"
import type { Catalogue } from "./catalogue.ts"
import { problemOf } from "./problems.ts"

/** Before anything else is looked at, and by no middleware, which every request would pay for. A hook is known by its signature; it comes through whatever stands between the sender and this machine. */
export function onlyFor(hosts: readonly string[], app: Hono): void {
  const { fetch } = app
  const names = new Set(hosts)
  app.fetch = (request, env, context) => {
    const header = request.headers.get("host")
    if (header !== null && names.has(header)) return fetch(request, env, context)
    const host = header?.replace(/:\d+$/, "").toLowerCase()
    if (host !== undefined && names.has(host)) {
      // As it came, port included: the next request says the same.
      if (names.size < KNOWN_MAX) names.add(header!)
      return fetch(request, env, context)
    }
    if (new URL(request.url).pathname.startsWith("/hooks/")) return fetch(request, env, context)
    return problemOf("wrong-host", `The request is for "${host ?? ""}".`).response()
  }
}
const KNOWN_MAX = 100

/**
 * `POST /graphs/<name>/runs` without the router, for names that are written as they are. Where the router has more than the one
 * handler for it (tokens, origins), or the path is written otherwise, the request goes through it.
 */
export function straightTo(
  app: Hono,
  graphs: Pick<Catalogue, "get">,
  begin: (request: Request, graph: string) => Response | Promise<Response>,
): void {
  const { fetch } = app
  let alone: boolean | undefined
  /** By the whole URL, as the same clients write it: to cut a name out of each would cost more than to look it up. */
  const names = new Map<string, string>()
  const nameOf = (url: string): string | undefined => {
    const known = names.get(url)
    if (known !== undefined) return known
    const name = nameIn(url)
    if (name !== undefined && names.size < KNOWN_MAX && graphs.get(name) !== undefined) names.set(url, name)
    return name
  }
  app.fetch = (request, env, context) => {
    const name = request.method === "POST" ? nameOf(request.url) : undefined
    if (name === undefined || graphs.get(name) === undefined) return fetch(request, env, context)
    // Asked once, and no sooner than now: afterwards a router takes no more routes.
    alone ??= app.router.match("POST", `${BEFORE}${name}${BEHIND}`)[0].length === 1
    return alone ? begin(request, name) : fetch(request, env, context)
  }
}

const BEFORE = "/graphs/"
const BEHIND = "/runs"
/** Behind the scheme, which has eight characters at most. */
const HOST_AT = 8

function nameIn(url: string): string | undefined {
  const path = url.indexOf("/", HOST_AT)
  return url.startsWith(BEFORE, path) && url.endsWith(BEHIND)
    ? url.slice(path + BEFORE.length, -BEHIND.length)
    : undefined
}
