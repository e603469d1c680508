/**
 * Logging in to a server behind a proxy. A client holds the address that it connects to against the one that the server's
 * metadata names, and refuses any other; so in that metadata, and in the header that leads to it, the proxy's address stands for
 * the server's. Tokens, and the server that gives them, are no part of this. Source: RFC 9728, 3.3 and 5.1; RFC 8414.
 */
import { isRecord, type Rec } from "../../graph/mod.ts"
import { messageOf } from "./message.ts"

const WELL_KNOWN = "/.well-known/"
const RESOURCE = `${WELL_KNOWN}oauth-protected-resource`
/** Where a server of 2025-03-26 gives tokens itself, if it says nothing else. */
const OWN: ReadonlySet<string> = new Set(["/authorize", "/token", "/register"])

/** The server's path of a request that is about logging in; undefined for others. `mine` and `its`: the endpoints' paths. */
export function loginPath(path: string, mine: string, its: string): string | undefined {
  if (OWN.has(path)) return path
  if (!path.startsWith(WELL_KNOWN)) return undefined
  return path.endsWith(mine) ? path.slice(0, -mine.length) + its : path
}

/** `authenticate` headers lead to the metadata by way of the proxy. */
export const ledHere = (headers: readonly string[], from: string, to: string): string[] =>
  headers.map((text, i) =>
    i % 2 === 1 && headers[i - 1]!.toLowerCase() === "www-authenticate" ? text.replaceAll(from, to) : text,
  )

export const isResourceMetadata = (path: string): boolean => path.startsWith(RESOURCE)

/** The path at which a server says that its metadata is, where that is a place of its own. */
export function metadataPath(authenticate: string | undefined, server: URL): string | undefined {
  const said = /resource_metadata="([^"]+)"/.exec(authenticate ?? "")?.[1]
  if (said === undefined || !URL.canParse(said)) return undefined
  const { origin, pathname } = new URL(said)
  return origin === server.origin && !isResourceMetadata(pathname) ? pathname : undefined
}

/** The metadata of the server as that of the proxy; undefined where it is none, or names somebody else. */
export function metadataHere(text: string, server: URL, mine: URL): string | undefined {
  const { value } = messageOf(text)
  if (value === undefined || !isRecord(value)) return undefined
  const { resource } = value as Rec
  if (typeof resource !== "string" || !URL.canParse(resource) || new URL(resource).origin !== server.origin)
    return undefined
  const { pathname } = new URL(resource)
  const at = pathname === server.pathname ? mine.pathname : pathname
  // The origin alone is written without a slash where it was written so.
  const here = at === "/" && !resource.endsWith("/") ? mine.origin : mine.origin + at
  return text.replaceAll(JSON.stringify(resource), JSON.stringify(here))
}
