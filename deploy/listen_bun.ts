/**
 * The server of Bun itself, which is about twice as fast as the one of `node:http` on it. It hands over requests as they are
 * and takes responses as they are.
 */

import type { Address, Fetch, Listening } from "./listen.ts"
import { ProjectError, why } from "./project/error.ts"

/** Seconds without a byte after which a connection is closed on which no request is being answered. */
const IDLE_S = 60

/** Fails with `ProjectError` where the address cannot be had. */
export function listenOnBun(fetch: Fetch, { host, port }: Address): Listening {
  const serve = () =>
    Bun.serve({
      hostname: host,
      port,
      idleTimeout: IDLE_S,
      // The application bounds bodies by itself, and says so in a problem document.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      development: false,
      fetch: (request, server) => {
        const answer = fetch(request)
        // A run may take long before its answer's first byte; how long is for the application to say.
        if (answer instanceof Promise) server.timeout(request, 0)
        return answer
      },
      error: () => new Response(null, { status: 500 }),
    })
  let server: ReturnType<typeof serve>
  try {
    server = serve()
  } catch (cause) {
    throw new ProjectError({ reason: "unreadable", message: `Cannot listen on ${host}:${port}: ${why(cause)}`, cause })
  }
  return {
    url: server.url.origin,
    close: async (graceMs) => {
      const timer = setTimeout(() => void server.stop(true), graceMs)
      await server.stop(false)
      clearTimeout(timer)
    },
  }
}
