/**
 * A real authorization server on loopback (oidc-provider): clients register with it, PKCE is asked for, tokens are for one resource,
 * refresh tokens are good once, and both can be taken back. Whoever comes says yes at once, so that following its redirects
 * stands for a person at a browser.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import Provider from "oidc-provider"

export interface Authority {
  readonly issuer: string
  readonly host: string
  /** Requests so far, `METHOD /path`. */
  readonly asked: string[]
  /** The scope of a token that is good for this resource; undefined where it is none. */
  readonly scopeOf: (token: string, resource: string) => Promise<string | undefined>
  /** What is said in place of the server itself: by path, once or until it is taken away. */
  readonly instead: Map<string, (request: IncomingMessage, response: ServerResponse) => void>
  readonly close: () => void
}

export interface AuthorityOptions {
  /** Seconds that an access token is good for. Default: an hour. */
  readonly lifetime?: number
  /** Clients that it knows already, as it wants them. */
  readonly clients?: readonly object[]
}

export async function openAuthority({ lifetime = 3600, clients = [] }: AuthorityOptions = {}): Promise<Authority> {
  const asked: string[] = []
  const instead: Authority["instead"] = new Map()
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => undefined
  const http = createServer((request, response) => {
    const path = new URL(request.url!, "http://x").pathname
    asked.push(`${request.method} ${path}`)
    const other = instead.get(path)
    if (other !== undefined) other(request, response)
    else handle(request, response)
  })
  await new Promise<void>((done) => http.listen(0, "127.0.0.1", done))
  const host = `127.0.0.1:${(http.address() as AddressInfo).port}`
  const issuer = `http://${host}`
  const provider = quietly(() => new Provider(issuer, configurationOf(clients, lifetime)))
  const own = provider.callback()
  handle = (request, response) => {
    if (request.url!.startsWith("/interaction/"))
      agree(provider, request, response).catch((cause) => response.destroy(cause))
    else own(request, response)
  }
  return {
    issuer,
    host,
    asked,
    instead,
    scopeOf: async (token, resource) => {
      const found = (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token))
      return found === undefined || found.isExpired || found.aud !== resource ? undefined : (found.scope ?? "")
    },
    close: () => {
      http.close()
      http.closeAllConnections()
    },
  }
}

/** It warns that it keeps its data in memory, which is what a test wants. */
function quietly<A>(make: () => A): A {
  const { warn } = console
  console.warn = () => undefined
  try {
    return make()
  } finally {
    console.warn = warn
  }
}

const configurationOf = (clients: readonly object[], lifetime: number): object => ({
  clients,
  scopes: ["openid", "offline_access", "wiki:read", "wiki:write"],
  claims: { openid: ["sub"] },
  findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
  cookies: { keys: ["for tests"] },
  pkce: { required: () => true },
  clientBasedCORS: () => false,
  rotateRefreshToken: true,
  ttl: {
    AccessToken: lifetime,
    ClientCredentials: lifetime,
    RefreshToken: 86_400,
    Grant: 86_400,
    Session: 86_400,
    Interaction: 600,
  },
  interactions: { url: (_: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
  issueRefreshToken: (_: unknown, client: { grantTypeAllowed: (grant: string) => boolean }) =>
    client.grantTypeAllowed("refresh_token"),
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    revocation: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_: unknown, resource: string) => ({
        scope: "wiki:read wiki:write",
        audience: resource,
        accessTokenFormat: "opaque",
        accessTokenTTL: lifetime,
      }),
      useGrantedResource: () => true,
      defaultResource: () => undefined,
    },
  },
})

/** The person says yes to whatever is asked. */
async function agree(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response)
  const how = { mergeWithLastSubmission: true }
  if (prompt.name === "login")
    return provider.interactionFinished(request, response, { login: { accountId: "ann" } }, how)
  const known = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const grant = known ?? new provider.Grant({ accountId: session!.accountId, clientId: params.client_id })
  const { missingOIDCScope, missingResourceScopes } = prompt.details
  if (missingOIDCScope !== undefined) grant.addOIDCScope(missingOIDCScope.join(" "))
  for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {}))
    grant.addResourceScope(resource, scopes.join(" "))
  await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, how)
}

/** A person at a browser: follows where it leads, with cookies, until the answer has been brought back. Gives the last page. */
export async function visit(address: string): Promise<{ readonly status: number; readonly text: string }> {
  const jar = new Map<string, string>()
  for (let at = address, hops = 0; hops < 20; hops++) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ")
    const response = await fetch(at, { redirect: "manual", headers: cookie === "" ? {} : { cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(name, value)
    }
    const next = response.headers.get("location")
    if (next === null) return { status: response.status, text: await response.text() }
    at = new URL(next, at).href
  }
  throw new Error("The pages lead nowhere")
}
