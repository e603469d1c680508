/** Tells an authorization server that a login is over (RFC 7009), as far as it wants to know. */
import type { Http, Services } from "../../graph/mod.ts"
import { fetchWithin } from "./reach.ts"
import type { Login } from "./store.ts"

/** Were all tokens of the login taken back there? False also where that cannot be said. */
export async function revoked(login: Login, http: Http, granted: Services["granted"]): Promise<boolean> {
  const endpoint = login.metadata?.["revocation_endpoint"]
  if (typeof endpoint !== "string" || !URL.canParse(endpoint)) return false
  const { client_id: id, client_secret: secret } = login.client
  const ask = fetchWithin({ http, granted, permit: (host) => login.hosts.includes(host) })
  const { access_token: access, refresh_token: refresh } = login.tokens
  // The refresh token first: most servers take what it made back with it.
  for (const token of [refresh, access].filter((t) => t !== undefined)) {
    const body = new URLSearchParams({
      token,
      client_id: id,
      ...(secret === undefined ? {} : { client_secret: secret }),
    })
    const headers = { "content-type": "application/x-www-form-urlencoded" }
    const status = await ask(endpoint, { method: "POST", headers, body }).then(
      async (response) => {
        await response.body?.cancel()
        return response.status
      },
      () => 0,
    )
    if (status !== 200) return false
  }
  return true
}
