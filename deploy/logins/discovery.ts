/**
 * Who hands out tokens for a server: its metadata (RFC 9728) name an authorization server, whose metadata (RFC 8414, OpenID Connect
 * Discovery) name the endpoints. Each is asked only where somebody allowed that; what contradicts itself, or the graph file, ends
 * it.
 */
import {
  discoverAuthorizationServerMetadata,
  discoverOAuthProtectedResourceMetadata,
  IssuerMismatchError,
  type OAuthDiscoveryState,
} from "@modelcontextprotocol/client"
import type { Http, Rec, Services } from "../../graph/mod.ts"
import type { FetchLike } from "../services/fetch.ts"
import { noLogin } from "./failures.ts"
import { fetchWithin } from "./reach.ts"

export interface HostsOptions {
  /** Of the server, which may be asked. */
  readonly url: URL
  readonly http: Http
  readonly granted: Services["granted"]
  /** May this host, of which only the server has told us, take part? Asked once a host, before anything is sent there. */
  readonly confirm: (host: string) => Promise<boolean>
  readonly signal?: AbortSignal
}

/** The hosts that take part, and what was refused. The library takes a refusal for an answer in places. */
export class Hosts {
  readonly fetch: FetchLike
  readonly allowed: string[]
  /** A failure, or what whoever was asked to confirm threw. */
  refused: unknown
  /** Of the last answer; undefined before the first. */
  status: number | undefined

  constructor({ url, http, granted, confirm, signal }: HostsOptions) {
    const asked = new Map<string, Promise<boolean>>()
    this.allowed = [url.host]
    const permit = async (host: string) => {
      if (this.allowed.includes(host)) return true
      if (!asked.has(host)) asked.set(host, granted(`net:${host}`) ? Promise.resolve(true) : confirm(host))
      const may = await asked.get(host)!
      if (may && !this.allowed.includes(host)) this.allowed.push(host)
      return may
    }
    const within = fetchWithin({ http, granted, permit, ...(signal === undefined ? {} : { signal }) })
    this.fetch = async (to, init) => {
      try {
        const response = await within(to, init)
        this.status = response.status
        return response
      } catch (cause) {
        this.refused ??= cause
        throw cause
      }
    }
  }
}

/** Who hands out tokens for the server. */
export async function discovered(
  { server, url, oauth }: { readonly server: string; readonly url: URL; readonly oauth: Rec },
  hosts: Hosts,
  at: URL | undefined,
): Promise<OAuthDiscoveryState> {
  const resourceMetadata = await discoverOAuthProtectedResourceMetadata(
    url,
    at === undefined ? {} : { resourceMetadataUrl: at },
    hosts.fetch,
  ).catch((cause: unknown) => {
    if (hosts.refused !== undefined) throw hosts.refused
    const { status = 0 } = hosts
    // Before RFC 9728 a server was its own authorization server. One that has metadata and answers nonsense is not of those.
    if (status >= 400 && status < 500) return undefined
    throw noLogin(server, "metadata", "its metadata cannot be read", { cause, hint: null })
  })
  const issuer = resourceMetadata?.authorization_servers?.[0] ?? new URL("/", url).href
  if (!URL.canParse(issuer))
    throw noLogin(server, "metadata", "its metadata name no authorization server", { hint: null })
  const stated = oauth["issuer"]
  if (stated !== undefined && stated !== issuer)
    throw noLogin(server, "issuer", `it trusts ${new URL(issuer).origin}, and the file says ${String(stated)}`, {
      hint: null,
    })
  const metadata = await metadataOf(issuer, resourceMetadata !== undefined, hosts.fetch)
  if (metadata === undefined && resourceMetadata !== undefined)
    throw noLogin(server, "metadata", `its authorization server ${new URL(issuer).origin} says nothing of itself`, {
      hint: null,
    })
  return {
    authorizationServerUrl: issuer,
    ...(at === undefined ? {} : { resourceMetadataUrl: at.href }),
    ...(resourceMetadata === undefined ? {} : { resourceMetadata }),
    ...(metadata === undefined ? {} : { authorizationServerMetadata: metadata }),
  }
}

/** What an authorization server says of itself, which it must say under its own name (RFC 8414, 3.3). */
async function metadataOf(issuer: string, named: boolean, fetchFn: FetchLike) {
  if (named) return discoverAuthorizationServerMetadata(issuer, { fetchFn })
  // In the protocol of 2025-03-26 the server's own host speaks for it, whatever name it has there.
  const metadata = await discoverAuthorizationServerMetadata(issuer, { fetchFn, skipIssuerValidation: true })
  if (metadata === undefined || URL.parse(metadata.issuer)?.origin === new URL(issuer).origin) return metadata
  throw new IssuerMismatchError("metadata", issuer, metadata.issuer)
}
