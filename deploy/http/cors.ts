/**
 * Pages of other origins: none may ask, unless whoever runs the server names them. What they may send and read is what this
 * interface uses, and cookies are never among it. Source: fetch.spec.whatwg.org, "CORS protocol".
 */
import type { MiddlewareHandler } from "hono"

const HEADERS = [
  "authorization",
  "content-type",
  "idempotency-key",
  "last-event-id",
  "prefer",
  "traceparent",
  "mcp-method",
  "mcp-name",
  "mcp-protocol-version",
  "mcp-session-id",
].join(", ")
const EXPOSED = "location, idempotency-replayed, preference-applied, retry-after, www-authenticate, mcp-session-id"

/** @param origins As browsers write them: `https://app.example.com`, and nothing behind it. */
export function corsFor(origins: readonly string[]): MiddlewareHandler {
  const known: ReadonlySet<string> = new Set(origins)
  return async (c, next) => {
    const origin = c.req.header("origin")
    if (origin === undefined || !known.has(origin)) return next()
    const allowed = { "access-control-allow-origin": origin, vary: "origin" }
    if (c.req.method === "OPTIONS" && c.req.header("access-control-request-method") !== undefined) {
      const more = { "access-control-allow-headers": HEADERS, "access-control-allow-methods": "GET, POST, DELETE" }
      return new Response(null, { status: 204, headers: { ...allowed, ...more, "access-control-max-age": "600" } })
    }
    await next()
    for (const [name, value] of Object.entries(allowed)) c.res.headers.set(name, value)
    c.res.headers.set("access-control-expose-headers", EXPOSED)
    c.res.headers.set("cross-origin-resource-policy", "cross-origin")
    return undefined
  }
}
