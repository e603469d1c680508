/**
 * A login at an MCP server: whom the server trusts is found out (RFC 9728, RFC 8414), who we are is told or registered (RFC 7591),
 * a person says yes in a browser (OAuth 2.1 with PKCE), and what comes back is a login. The protocol's steps are the official
 * library's; what is ours is that each of them leads only where somebody allowed it to.
 */
import { randomBytes } from "node:crypto"
import {
  auth,
  Client,
  extractWWWAuthenticateParams,
  fetchToken,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client"
import { Failure, type Http, type Rec, type Services } from "../../graph/mod.ts"
import { systemClock } from "../services/clock.ts"
import { fetchOver } from "../services/fetch.ts"
import { type Callback, listenForAnswer } from "./callback.ts"
import { discovered, Hosts } from "./discovery.ts"
import { noLogin, refusal } from "./failures.ts"
import { ANSWER_MS_MAX, safe } from "./reach.ts"
import type { Login } from "./store.ts"
import { clientOf, expiryOf } from "./tokens.ts"

export interface LoginOptions {
  /** As the graph files call it. */
  readonly server: string
  readonly url: URL
  /** What its declaration says of OAuth (`oauthAddress`), secrets put in. */
  readonly oauth: Rec
  readonly http: Http
  readonly granted: Services["granted"]
  /** May this host, of which only the server has told us, take part? Asked once a host, before anything is sent there. */
  readonly confirm: (host: string) => Promise<boolean>
  /** Hands the person the address at which to say yes. */
  readonly show: (url: URL) => void
  /** Where the answer is to be waited for. Default: any free port of 127.0.0.1. */
  readonly redirect?: URL | undefined
  /** Asked for beside what the login had before. */
  readonly scope?: string | undefined
  readonly before?: Login | undefined
  readonly waitMs: number
  readonly signal: AbortSignal
}

/** Fails with `NoLogin`, `Refused`, `Unreachable`, `Denied`, `Timeout`, `Cancelled`, `Unavailable`. */
export async function login(options: LoginOptions): Promise<Login> {
  const hosts = new Hosts(options)
  try {
    const challenge = await challengeOf(options)
    const found = await discovered(options, hosts, challenge.resourceMetadataUrl)
    const callback = await listen(options)
    try {
      return await authorized(options, hosts, found, callback, challenge.scope)
    } finally {
      callback.close()
    }
  } catch (cause) {
    // Where whoever was asked ended it, their word counts.
    if (hosts.refused !== undefined && !(hosts.refused instanceof Failure)) throw hosts.refused
    throw await refusal(options.server, hosts.refused ?? cause, null)
  }
}

interface Challenge {
  readonly scope?: string | undefined
  readonly resourceMetadataUrl?: URL | undefined
}

/** What the server says to a client without a token (RFC 9728, 5.1); nothing, where it lets one in. */
async function challengeOf({ url, http, granted, signal }: LoginOptions): Promise<Challenge> {
  let challenge: Challenge = {}
  const transport = new StreamableHTTPClientTransport(url, {
    fetch: fetchOver(http, url, granted),
    authProvider: {
      token: async () => undefined,
      onUnauthorized: async ({ response }) => {
        challenge = extractWWWAuthenticateParams(response)
        throw new Challenged()
      },
    },
  })
  const client = new Client({ name: "shadowgraph", version: "0.1.0" }, { versionNegotiation: { mode: "auto" } })
  const how = { signal, timeout: ANSWER_MS_MAX }
  try {
    await client.connect(transport, how)
    await client.listTools(undefined, how)
  } catch (cause) {
    // A server that cannot be reached at all is no server to log in to; what else it said is of no interest before a login.
    if (cause instanceof Failure) throw cause
  } finally {
    await client.close()
  }
  return challenge
}

class Challenged extends Error {}

/** Where it was the last time, if that is free: then the client that was registered with it is still good. */
async function listen({ redirect, before, url }: LoginOptions): Promise<Callback> {
  if (redirect !== undefined || before === undefined || before.url !== url.href) return listenForAnswer(redirect)
  return listenForAnswer(new URL(before.redirect)).catch(() => listenForAnswer())
}

async function authorized(
  options: LoginOptions,
  hosts: Hosts,
  found: OAuthDiscoveryState,
  callback: Callback,
  asked: string | undefined,
): Promise<Login> {
  const { server, url, show, waitMs, signal } = options
  const issuer = found.authorizationServerMetadata?.issuer ?? found.authorizationServerUrl
  const party = new Party(options, found, callback.redirect, issuer)
  const scope = joined(asked, options.scope, options.oauth["scope"], options.scope && options.before?.tokens.scope)
  const how = { serverUrl: url, fetchFn: hosts.fetch, ...(scope === undefined ? {} : { scope }) }
  await auth(party, how)
  show(safe(party.at!))
  const { code, iss } = await callback.answer(party.stateSent, waitMs, signal)
  const tokens = await fetchToken(party, found.authorizationServerUrl, {
    metadata: found.authorizationServerMetadata,
    ...(party.resource === undefined ? {} : { resource: party.resource }),
    authorizationCode: code,
    ...(iss === undefined ? {} : { iss }),
    fetchFn: hosts.fetch,
  } as Parameters<typeof fetchToken>[2])
  if (tokens.token_type.toLowerCase() !== "bearer")
    throw noLogin(server, "answer", `the authorization server gives out tokens of a kind that is not known here`, {
      hint: null,
    })
  const { client_secret: kept, ...client } = party.client!
  const declared = options.oauth["id"] !== undefined
  return {
    format: 1,
    server,
    url: url.href,
    issuer,
    resource: party.resource ?? null,
    hosts: hosts.allowed,
    metadata: (found.authorizationServerMetadata as Login["metadata"] | undefined) ?? null,
    client: { ...client, ...(declared || kept === undefined ? {} : { client_secret: kept }) },
    redirect: callback.redirect.href,
    tokens: {
      access_token: tokens.access_token,
      ...(tokens.refresh_token === undefined ? {} : { refresh_token: tokens.refresh_token }),
      // RFC 6749, 5.1: what is not said is what was asked for.
      ...((tokens.scope ?? party.scope) === undefined ? {} : { scope: tokens.scope ?? party.scope! }),
    },
    obtained: new Date(systemClock.now()).toISOString(),
    expires: expiryOf(tokens.expires_in),
  }
}

/** Each word once. Source: RFC 6749, 3.3. */
const joined = (...scopes: readonly unknown[]): string | undefined => {
  const words = new Set(scopes.flatMap((s) => (typeof s === "string" ? s.split(" ") : [])).filter((w) => w !== ""))
  return words.size === 0 ? undefined : [...words].join(" ")
}

/** Was this client registered at a login, and not by hand, and for this address? */
const registeredFor = ({ client, redirect }: Login, at: URL): boolean =>
  redirect === at.href && Object.hasOwn(client, "redirect_uris")

type Registered = NonNullable<Awaited<ReturnType<OAuthClientProvider["clientInformation"]>>>

/** Our part in the library's steps. */
class Party implements OAuthClientProvider {
  readonly redirectUrl: string
  readonly clientMetadataUrl?: string
  readonly clientMetadata: OAuthClientProvider["clientMetadata"]
  readonly stateSent = randomBytes(24).toString("base64url")
  readonly #found: OAuthDiscoveryState
  at: URL | undefined
  scope: string | undefined
  resource: string | undefined
  client: Registered | undefined
  #verifier = ""

  constructor({ oauth, before, url, scope }: LoginOptions, found: OAuthDiscoveryState, redirect: URL, issuer: string) {
    this.redirectUrl = redirect.href
    this.#found = found
    this.clientMetadata = {
      client_name: "Shadowgraph",
      redirect_uris: [redirect.href],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      application_type: "native",
      ...methodFor(found),
    }
    if (typeof oauth["metadata"] === "string") this.clientMetadataUrl = oauth["metadata"]
    if (oauth["id"] !== undefined) this.client = { ...clientOf(oauth), issuer }
    // A client may have been registered for what it asked for then, and no more.
    else if (before?.url === url.href && before.issuer === issuer && scope === undefined && !this.clientMetadataUrl)
      this.client = registeredFor(before, redirect) ? ({ ...before.client, issuer } as Registered) : undefined
  }

  state(): string {
    return this.stateSent
  }
  discoveryState(): OAuthDiscoveryState {
    return this.#found
  }
  saveDiscoveryState(): void {}
  clientInformation(): Registered | undefined {
    return this.client
  }
  saveClientInformation(client: Registered): void {
    this.client = client
  }
  saveResourceUrl(resource: string): void {
    this.resource = resource
  }
  tokens(): undefined {
    return undefined
  }
  saveTokens(): void {}
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier
  }
  codeVerifier(): string {
    return this.#verifier
  }
  redirectToAuthorization(url: URL): void {
    this.at = url
    this.scope = url.searchParams.get("scope") ?? undefined
  }
}

/** A client that keeps no secret, where the server knows such (RFC 8252, 8.5); else what it knows. */
function methodFor({ authorizationServerMetadata }: OAuthDiscoveryState): { token_endpoint_auth_method?: string } {
  const known = authorizationServerMetadata?.token_endpoint_auth_methods_supported
  if (known === undefined || known.includes("none")) return { token_endpoint_auth_method: "none" }
  const method = ["client_secret_basic", "client_secret_post"].find((m) => known.includes(m))
  return method === undefined ? {} : { token_endpoint_auth_method: method }
}
