/** What keeps a proxy from its work. A failure of a server is told to its client in the protocol's own words; this is for whoever starts it. */
import * as Data from "effect/Data"

export class ProxyError extends Data.TaggedError("ProxyError")<{
  readonly reason: "unreachable" | "address" | "protocol"
  readonly message: string
  readonly cause?: unknown
}> {}

export const proxyError = (reason: ProxyError["reason"], message: string, cause?: unknown): ProxyError =>
  new ProxyError({ reason, message, ...(cause === undefined ? {} : { cause }) })
