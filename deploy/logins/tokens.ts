/**
 * The tokens of a session with an MCP server: those of a person's login, renewed when they expire or are refused; or those that a
 * machine gets for credentials of its own, which stay in memory. Nobody is asked to log in here: a session without a login fails
 * and says how.
 */
import {
  type AuthProvider,
  ClientCredentialsProvider,
  extractWWWAuthenticateParams,
  fetchToken,
  PrivateKeyJwtProvider,
  refreshAuthorization,
  selectResourceURL,
} from "@modelcontextprotocol/client"
import { type Http, isRecord, type Rec, type Services, type Value } from "../../graph/mod.ts"
import { systemClock } from "../services/clock.ts"
import { discovered, Hosts } from "./discovery.ts"
import { noLogin, unrenewed } from "./failures.ts"
import { fetchWithin } from "./reach.ts"
import type { Login, Logins } from "./store.ts"

export interface TokenOptions {
  readonly url: URL
  /** What the server's declaration says of OAuth (`oauthAddress`), secrets put in. */
  readonly oauth: Rec
  readonly logins: Logins
  readonly http: Http
  readonly granted: Services["granted"]
  /** Is told of every token, so that it is seen in no message and no log. */
  readonly hide: (token: string) => void
}

/** Milliseconds before its end from which on a token is renewed rather than sent. */
const SPARE_MS = 30_000

/** Where a transport gets its tokens from. What it fails with is a failure of the graph: `NoLogin`, `Refused`, `Unreachable`. */
export const tokensFor = (options: TokenOptions): AuthProvider =>
  options.oauth["oauth"] === "client_credentials" ? new MachineTokens(options) : new LoginTokens(options)

const isLate = (expires: string | null): boolean =>
  expires !== null && systemClock.now() > Date.parse(expires) - SPARE_MS

/** ISO 8601, of a lifetime in seconds. */
export const expiryOf = (seconds: number | undefined): string | null =>
  seconds === undefined ? null : new Date(systemClock.now() + Math.min(Math.max(seconds, 0), 1e9) * 1000).toISOString()

class LoginTokens implements AuthProvider {
  readonly #options: TokenOptions
  readonly #server: string
  #sent: string | undefined

  constructor(options: TokenOptions) {
    this.#options = options
    this.#server = String(options.oauth["server"])
  }

  /** Read afresh each time: another process may have renewed it, and somebody logged out. */
  async token(): Promise<string> {
    const login = await this.#login()
    return this.#sending(isLate(login.expires) ? await this.#renewed(login) : login)
  }

  async onUnauthorized(): Promise<void> {
    const login = await this.#login()
    // Renewed since by somebody else: that one has not been refused yet.
    if (login.tokens.access_token !== this.#sent) return
    this.#sending(await this.#renewed(login))
  }

  #sending({ tokens }: Login): string {
    const { hide } = this.#options
    hide(tokens.access_token)
    if (tokens.refresh_token !== undefined) hide(tokens.refresh_token)
    this.#sent = tokens.access_token
    return tokens.access_token
  }

  async #login(): Promise<Login> {
    const { logins, url, oauth } = this.#options
    const login = await logins.read(this.#server)
    if (login === undefined) throw noLogin(this.#server, "none", "nobody has logged in to it")
    if (login.url !== url.href)
      throw noLogin(
        this.#server,
        "elsewhere",
        `somebody has logged in to ${new URL(login.url).origin}, and it is at ${url.origin}`,
      )
    if (oauth["issuer"] !== undefined && oauth["issuer"] !== login.issuer)
      throw noLogin(
        this.#server,
        "issuer",
        `its login is of ${login.issuer}, and the file says ${String(oauth["issuer"])}`,
      )
    return login
  }

  /** Another token for this login; one process asks, the others take what came of it. */
  async #renewed(old: Login): Promise<Login> {
    const { logins } = this.#options
    return logins.alone(this.#server, async () => {
      const login = await this.#login()
      if (login.tokens.access_token !== old.tokens.access_token && !isLate(login.expires)) return login
      const renewed = await this.#renew(login)
      await logins.write(renewed)
      return renewed
    })
  }

  async #renew(login: Login): Promise<Login> {
    const { logins, http, granted, oauth } = this.#options
    const { refresh_token: refreshToken } = login.tokens
    if (refreshToken === undefined) {
      const [reason, why] = isLate(login.expires)
        ? (["expired", "its login has expired"] as const)
        : (["refused", "it takes the login no more"] as const)
      throw noLogin(this.#server, reason, why)
    }
    const declared = oauth["id"] === undefined ? undefined : clientOf(oauth)
    try {
      const tokens = await refreshAuthorization(login.issuer, {
        metadata: (login.metadata ?? undefined) as never,
        clientInformation: declared ?? login.client,
        refreshToken,
        ...(login.resource === null ? {} : { resource: login.resource }),
        fetchFn: fetchWithin({
          http,
          // A host inside this network took part in the login because it was granted by its name; that was for this, too.
          granted: (capability, way) => login.hosts.some((h) => capability === `net:${h}`) || granted(capability, way),
          permit: (host) => login.hosts.includes(host),
        }),
      })
      return {
        ...login,
        tokens: {
          access_token: tokens.access_token,
          ...(tokens.refresh_token === undefined ? {} : { refresh_token: tokens.refresh_token }),
          ...scopeOf(tokens.scope ?? login.tokens.scope),
        },
        expires: expiryOf(tokens.expires_in),
      }
    } catch (cause) {
      const failure = await unrenewed(this.#server, cause)
      // A refresh token that was refused is not tried again: some servers take that for a theft.
      if (isRecord(failure.data) && failure.data["reason"] === "refused") {
        const { refresh_token: _, ...tokens } = login.tokens
        await logins.write({ ...login, tokens, expires: new Date(0).toISOString() })
      }
      throw failure
    }
  }
}

const scopeOf = (scope: string | undefined) => (scope === undefined ? {} : { scope })

/** The client that a file declares. */
export const clientOf = ({ id, secret }: Rec): { readonly client_id: string; readonly client_secret?: string } => ({
  client_id: String(id),
  ...(typeof secret === "string" ? { client_secret: secret } : {}),
})

/** OAuth 2.1, 4.2: the client is its own owner. */
class MachineTokens implements AuthProvider {
  readonly #options: TokenOptions
  #held: { readonly token: string; readonly expires: string | null } | undefined
  #sent: string | undefined
  #asking: Promise<void> | undefined

  constructor(options: TokenOptions) {
    this.#options = options
  }

  async token(): Promise<string> {
    if (this.#held === undefined || isLate(this.#held.expires)) await this.#ask({})
    this.#sent = this.#held!.token
    return this.#held!.token
  }

  async onUnauthorized({ response }: { readonly response: Response }): Promise<void> {
    if (this.#held?.token !== this.#sent) return
    const { scope, resourceMetadataUrl } = extractWWWAuthenticateParams(response)
    await this.#ask({
      ...(scope === undefined ? {} : { scope }),
      ...(resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl }),
    })
  }

  #ask(challenge: { readonly scope?: string; readonly resourceMetadataUrl?: URL }): Promise<void> {
    this.#asking ??= this.#get(challenge).finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #get(challenge: { readonly scope?: string; readonly resourceMetadataUrl?: URL }): Promise<void> {
    const { url, oauth, http, granted, hide } = this.#options
    const server = String(oauth["server"])
    const hosts = new Hosts({ url, http, granted, confirm: async () => false })
    try {
      const found = await discovered({ server, url, oauth }, hosts, challenge.resourceMetadataUrl)
      const { resourceMetadata, authorizationServerMetadata } = found
      const party = machineOf(oauth)
      const checked = await selectResourceURL(url, party, resourceMetadata)
      const scope = oauth["scope"] ?? challenge.scope ?? resourceMetadata?.scopes_supported?.join(" ")
      const tokens = await fetchToken(party, found.authorizationServerUrl, {
        ...(authorizationServerMetadata === undefined ? {} : { metadata: authorizationServerMetadata }),
        // As the server writes it: some authorization servers compare letter by letter.
        ...(checked === undefined ? {} : { resource: resourceMetadata!.resource }),
        ...(typeof scope === "string" && scope !== "" ? { scope } : {}),
        fetchFn: hosts.fetch,
      })
      hide(tokens.access_token)
      this.#held = { token: tokens.access_token, expires: expiryOf(tokens.expires_in) }
    } catch (cause) {
      throw await unrenewed(server, hosts.refused ?? cause, null)
    }
  }
}

function machineOf(oauth: Rec): ClientCredentialsProvider | PrivateKeyJwtProvider {
  const text = (value: Value | undefined) => String(value)
  const common = { clientId: text(oauth["id"]), clientName: "Shadowgraph", expectedIssuer: text(oauth["issuer"]) }
  if (oauth["key"] === undefined)
    return new ClientCredentialsProvider({ ...common, clientSecret: text(oauth["secret"]) })
  return new PrivateKeyJwtProvider({ ...common, privateKey: text(oauth["key"]), algorithm: text(oauth["algorithm"]) })
}
