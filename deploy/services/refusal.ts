/**
 * The ways in which a request to the outside fails, as typed failures: with a reason, whether another attempt may end
 * differently, and whether the request was certainly not delivered. Messages name no query, which may carry data.
 */
import { Failure, fail } from "../../graph/mod.ts"

export const refused = (reason: string, message: string): Failure =>
  fail("Refused", message, { data: { reason }, undelivered: true })

const RETRYABLE: ReadonlySet<string> = new Set(["dns", "refused", "route", "timeout", "cut", "silent"])
export const unreachable = (reason: string, message: string, undelivered: boolean, cause?: unknown): Failure =>
  fail("Unreachable", message, {
    data: { reason },
    retryable: RETRYABLE.has(reason),
    undelivered,
    ...(cause === undefined ? {} : { cause }),
  })

export const cut = (name: string, cause?: unknown): Failure =>
  unreachable("cut", `${name}: the connection was cut in the middle of the body`, false, cause)

export const badCoding = (message: string, cause?: unknown): Failure =>
  fail("BadBody", message, { data: { wanted: "encoding" }, undelivered: false, cause })

export const cancelled = (signal: AbortSignal): Failure =>
  signal.reason instanceof Failure
    ? signal.reason
    : fail("Cancelled", "The request was cancelled", { cause: signal.reason })

const REASONS: Readonly<Record<string, readonly [reason: string, text: string]>> = {
  ECONNREFUSED: ["refused", "the connection was refused"],
  ENOTFOUND: ["dns", "the name has no address"],
  EAI_AGAIN: ["dns", "the name could not be looked up"],
  EHOSTUNREACH: ["route", "there is no way to the host"],
  ENETUNREACH: ["route", "there is no way to the network"],
  EADDRNOTAVAIL: ["route", "there is no way to the address"],
  ETIMEDOUT: ["timeout", "no connection in time"],
  ECONNRESET: ["cut", "the connection was cut"],
  EPIPE: ["cut", "the connection was cut"],
}

/** What an error of the platform's client means. `delivering`: the connection stood, so the request may have arrived. */
export function asFailure(cause: unknown, hop: Target, delivering: boolean): Failure {
  if (cause instanceof Failure) return cause
  const { code = "", message = "" } = cause as { code?: string; message?: string }
  const known = REASONS[code]
  if (known) return unreachable(known[0], `${where(hop)}: ${known[1]}`, !delivering, cause)
  if (!delivering && hop.url.protocol === "https:")
    return unreachable("tls", `${where(hop)}: no secure connection (${code || message})`, true, cause)
  return unreachable("protocol", `${where(hop)}: the answer is not HTTP (${code || message})`, !delivering, cause)
}

/** What is asked, as messages name it. */
export interface Target {
  readonly method: string
  readonly url: URL
}

/** What may stand in a message: no query, which often carries data and sometimes keys. */
export const where = (hop: Target): string => `${hop.method} ${hop.url.origin}${hop.url.pathname}`
export const safeUrl = (text: string): string => {
  const url = URL.parse(text)
  return url === null ? "a URL" : url.origin + url.pathname
}
