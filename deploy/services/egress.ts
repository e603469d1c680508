/**
 * The guard at the door to the network: which URLs may be asked at all, and at which addresses. Every address of a name
 * is looked at, and those that were looked at are the ones that the socket then connects to.
 */
import { lookup as systemLookup } from "node:dns/promises"
import { Failure, fail, type HttpRequest } from "../../graph/mod.ts"
import { addressOf, reachOf, reachOfHost } from "../../nodes/mod.ts"
import { type Address, CONNECT_MS, type HttpOptions } from "./connection.ts"
import { cancelled, refused, unreachable } from "./refusal.ts"

/** A URL to ask, `base` where it is the target of a redirect. */
export function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base)
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw refused("url", `Cannot ask ${base ? "the target of a redirect" : "a URL"}: it must be http or https`)
  if (url.username !== "" || url.password !== "")
    throw refused("url", `Cannot ask ${url.host}: the URL carries a user name or password`)
  return url
}

/** All addresses that the host may be reached at. One that is not allowed refuses the request, whatever the others are. */
export async function checkedAddresses(
  url: URL,
  request: HttpRequest,
  options: HttpOptions,
): Promise<readonly Address[]> {
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
        `Cannot ask ${url.host}: ${literal ? "it is" : "it resolves to"} ${literal ? "" : `${address}, `}a ${reach === "never" ? "special" : reach} address${reach === "private" ? `; it takes the grant net:${url.host}, where the file names this very host, or net:private` : ""}`,
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
    found = await inTime(resolve(hostname), request.signal, options.connectMsMax ?? CONNECT_MS)
  } catch (cause) {
    throw cause instanceof Failure ? cause : missing(cause)
  }
  if (found.length === 0) throw missing()
  return found
}

/** A resolver cannot be stopped, but it need not be waited for. */
function inTime<A>(promise: Promise<A>, signal: AbortSignal, ms: number): Promise<A> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(cancelled(signal))
    const late = setTimeout(() => reject(unreachable("timeout", `No address within ${ms} ms`, true)), ms)
    if (signal.aborted) aborted()
    else signal.addEventListener("abort", aborted, { once: true })
    promise.then(resolve, reject).finally(() => {
      clearTimeout(late)
      signal.removeEventListener("abort", aborted)
    })
  })
}
