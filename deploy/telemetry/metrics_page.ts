/**
 * The page that Prometheus reads, as an application of its own: on a port of its own, since figures of all who use a server
 * are not for all who use it; or on the server's port behind a token of its own (`metricsWay`).
 */
import type { Way } from "../http/means.ts"
import { problemOf, SAFE } from "../http/problems.ts"
import { PROMETHEUS_TYPE } from "./prometheus.ts"
import type { Telemetry } from "./telemetry.ts"

type Figured = Pick<Telemetry, "prometheus">

async function page(telemetry: Figured): Promise<Response> {
  return new Response(await telemetry.prometheus(), { headers: { ...SAFE, "content-type": PROMETHEUS_TYPE } })
}

/** `GET /metrics` and nothing else. */
export const metricsApp =
  (telemetry: Figured) =>
  async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url)
    if (pathname !== "/metrics") return problemOf("not-found", `There is nothing at ${pathname}.`).response()
    if (request.method !== "GET" && request.method !== "HEAD")
      return problemOf("wrong-method", "/metrics is read.", {}, { allow: "GET" }).response()
    return page(telemetry)
  }

/** Adds `GET /metrics` to a server of graphs, for whoever has this token: `authorization: Bearer …`. */
export const metricsWay =
  (telemetry: Figured, token: string): Way =>
  (app) => {
    app.get("/metrics", async (c) => {
      if (!(await sameText(c.req.header("authorization") ?? "", `Bearer ${token}`))) {
        const headers = { "www-authenticate": 'Bearer realm="metrics"' }
        return problemOf("token-missing", "/metrics wants its token.", {}, headers).response()
      }
      return page(telemetry)
    })
  }

/** Compares hashes, so that the time it takes tells nothing of the text. */
async function sameText(a: string, b: string): Promise<boolean> {
  const hashOf = async (text: string) =>
    new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)))
  const [x, y] = await Promise.all([hashOf(a), hashOf(b)])
  return x.reduce((differ, byte, i) => differ | (byte ^ y[i]!), 0) === 0
}
