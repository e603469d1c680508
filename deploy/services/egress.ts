/**
 * The guard at the door to the network: which URLs may be asked at all, and at which addresses. Every address of a name
 * is looked at, and those that were looked at are the ones that the socket then connects to.
 */
import { lookup as systemLookup } from "node:dns/promises"
import { Failure, fail, type HttpRequest } from "../../graph/mod.ts"
import { addressOf, reachOf } from "../../nodes/mod.ts"
import { type Address, CONNECT_MS, type HttpOptions } from "./connection.ts"
import { checkHost, checkReach } from "./hop.ts"
import { cancelled, unreachable } from "./refusal.ts"

/** All addresses that the host may be reached at. One that is not allowed refuses the request, whatever the others are. */
export async function checkedAddresses(
  url: URL,
  request: HttpRequest,
  options: HttpOptions,
): Promise<readonly Address[]> {
  checkHost(url, request)
  const literal = addressOf(url.hostname)
  const found = literal
    ? [{ address: literal, family: literal.includes(":") ? (6 as const) : (4 as const) }]
    : await resolved(url.hostname, request, options)
  for (const { address } of found) checkReach(url, reachOf(address), request, literal ? undefined : address)
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
