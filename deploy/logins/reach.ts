/**
 * Where a login may lead. What servers say about each other is only believed as far as somebody said before: each request of a
 * login goes to a host that was granted or confirmed, over https (or http on this machine), and to no private address that was not
 * granted by name, whatever metadata, challenges and redirects say.
 */
import { coverage, fail, type Http, type Services } from "../../graph/mod.ts"
import { isSafe, rights } from "../../nodes/mod.ts"
import { type FetchLike, fetchOn } from "../services/fetch.ts"

/** Documents and tokens are small. */
const ANSWER_BYTES_MAX = 1 << 20
/** Milliseconds for one answer of an authorization server; shorter than a lock on a login is believed. */
export const ANSWER_MS_MAX = 20_000

export interface Reach {
  readonly http: Http
  readonly granted: Services["granted"]
  /** May something be sent to this host? Asked before each request. */
  readonly permit: (host: string) => boolean | Promise<boolean>
  readonly signal?: AbortSignal
}

/** Fails with `Refused` (data `reason`: scheme, host) beside what HTTP fails with. */
export function fetchWithin({ http, granted, permit, signal }: Reach): FetchLike {
  return fetchOn(http, async (url) => {
    safe(url)
    if (!(await permit(url.host))) {
      throw fail("Refused", `Cannot ask ${url.host}: it may not take part in this login: grant net:${url.host}`, {
        data: { reason: "host" },
        undelivered: true,
      })
    }
    const within = AbortSignal.timeout(ANSWER_MS_MAX)
    return {
      bytesMax: ANSWER_BYTES_MAX,
      until: signal === undefined ? within : AbortSignal.any([signal, within]),
      ...rights(url.host, { granted }),
    }
  })
}

/** Fails with `Refused` where a token or a person must not be sent there. */
export function safe(url: URL): URL {
  if (isSafe(url) && url.username === "" && url.password === "") return url
  throw fail("Refused", `Cannot log in by way of ${url.protocol}//${url.host}: a login leads by https alone`, {
    data: { reason: "scheme" },
    undelivered: true,
  })
}

/** What a person at a command line has granted, asked as a run asks for what it was granted. */
export function grantedBy(grants: readonly string[]): Services["granted"] {
  const covered = coverage(grants)
  return (capability, how) => (how === "exactly" ? grants.includes(capability) : covered(capability))
}
