/**
 * The one failure for a service that the host does not have: a browser has no processes, an edge host no SQLite.
 * It is a failure of the call and not of the check, because a plan is compiled once and runs on many hosts.
 */
import { fail } from "../graph/mod.ts"

/** The service, or the failure `Unavailable`, certainly undelivered. */
export function need<S>(service: S | undefined, action: string, what: string): S {
  if (service !== undefined) return service
  throw fail("Unavailable", `Cannot ${action}: this host has no ${what}`, {
    data: { service: what },
    undelivered: true,
  })
}
