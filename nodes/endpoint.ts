/**
 * An HTTP endpoint as nodes name one: what host a file speaks to, what a run must be granted for it, how named secrets
 * become headers, and which failure an answer's status is. Shared by every kind that speaks HTTP.
 */
import {
  type Call,
  type Failure,
  fail,
  type HttpRequest,
  type HttpResponse,
  isRecord,
  type Services,
  type SignatureProblem,
  T,
  type Type,
  type Value,
} from "../graph/mod.ts"
import { hostnameOf, reachOfHost } from "./address.ts"
import { blot, looksLikeCredential, secretName, secretNeed, secretValue } from "./secret.ts"

/** The capability to speak to a host: `net:api.example.com`, with the port where it is not the scheme's own. */
export const netNeed = (host: string): string => `net:${host}`

/**
 * The origin of an http(s) URL text that holds nothing but scheme, host and port (and a path, which is left alone), or
 * what is wrong with it. Names are put in the one form that grants are compared with: lower case, punycode, plain digits.
 */
export function readOrigin(text: string, key: string): URL | SignatureProblem {
  const wrong = (message: string, fix: string): SignatureProblem => ({ code: "G207", key, message, fix })
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null
  if (url === null) return wrong(`"${shown(text)}" is no URL with a host.`, "Write https://host/path.")
  if (url.username !== "" || url.password !== "") {
    return {
      code: "G304",
      key,
      message: `The URL of ${url.host} carries a user name or password.`,
      fix: "Take it out, and write auth: { basic: secret:NAME }.",
    }
  }
  if (url.hostname === "private")
    return wrong(
      'A host called "private" cannot be granted: net:private is another right.',
      "Name it by its full name.",
    )
  const reach = reachOfHost(url.hostname)
  if (reach === "never") return wrong(`${url.hostname} is no address that a request can go to.`, "Name the host.")
  return url
}

/** At most so much of a text that may be anything goes into a message. */
const shown = (text: string): string =>
  (text.length > 60 ? `${text.slice(0, 60)}…` : text).replace(/\/\/[^/@]*@/, "//…@")

/** Which hosts and addresses a request may reach, by what the run was granted. `own` is the host that the file names. */
export const rights = (
  own: string,
  services: Pick<Services, "granted">,
): Pick<HttpRequest, "allowHost" | "privateAddresses"> => ({
  allowHost: (host) => host === own || services.granted(netNeed(host)),
  privateAddresses: (host) => {
    const reach = reachOfHost(hostnameOf(host))
    const named = () => [host, hostnameOf(host)].some((h) => services.granted(netNeed(h), "exactly"))
    // A wildcard such as net:* means the internet. What is inside is granted by name, or as a whole by net:private.
    if (reach === "link-local") return named()
    return (reach === "private" && named()) || services.granted("net:private", "exactly")
  },
})

// ---- credentials

/** How a request proves who asks. */
export type Auth =
  | { readonly bearer: string }
  | { readonly basic: string; readonly user?: string }
  | { readonly header: string; readonly secret: string }

/** `auth:` in a file; exactly one of `bearer`, `basic`, `header`. */
export const AUTH_TYPE: Type = T.record({
  bearer: T.optional(T.string),
  basic: T.optional(T.string),
  user: T.optional(T.string),
  header: T.optional(T.string),
  secret: T.optional(T.string),
})
export const AUTH_ABOUT =
  "Who asks: { bearer: secret:NAME }, { basic: secret:NAME, user: name } or { header: X-Api-Key, secret: secret:NAME }."

export const isHeaderName = (name: string): boolean => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)
/** What a header may hold: no line break, nothing outside Latin-1. */
export const isHeaderValue = (value: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(value)

/** `auth:` as the file has it, or what is wrong with it. `undefined`: there is none. */
export function readAuth(auth: Value | undefined, key = "auth"): Auth | undefined | readonly SignatureProblem[] {
  if (auth === undefined || auth === null) return undefined
  const wrong = (code: "G207" | "G304", at: string, message: string): readonly SignatureProblem[] => [
    { code, key: at, message, fix: `Write ${key}: { bearer: secret:NAME }.` },
  ]
  // A model's `auth: secret:KEY` is the common case written short.
  const given = typeof auth === "string" ? { bearer: auth } : auth
  if (!isRecord(given)) return wrong("G207", key, "`auth` is a mapping.")
  const ways = ["bearer", "basic", "header"].filter((k) => Object.hasOwn(given, k))
  if (ways.length !== 1) return wrong("G207", key, "`auth` has one of bearer, basic and header.")
  const way = ways[0]!
  const allowed = way === "bearer" ? ["bearer"] : way === "basic" ? ["basic", "user"] : ["header", "secret"]
  const stray = Object.keys(given).find((k) => !allowed.includes(k))
  if (stray !== undefined) return wrong("G207", `${key}.${stray}`, `\`${stray}\` means nothing beside \`${way}\`.`)
  const holder = way === "header" ? "secret" : way
  const secret = secretName(given[holder])
  // The value found is left out of the message: it may be the credential itself.
  if (secret === undefined) return wrong("G304", `${key}.${holder}`, `\`${holder}\` must name a secret, not hold one.`)
  if (way === "bearer") return { bearer: secret }
  if (way === "basic") return { basic: secret, ...(typeof given["user"] === "string" ? { user: given["user"] } : {}) }
  const header = given["header"]
  if (typeof header !== "string" || !isHeaderName(header))
    return wrong("G207", `${key}.header`, `${JSON.stringify(header)} is no name of a header.`)
  return { header, secret }
}

export const authNeeds = (auth: Auth | undefined): readonly string[] =>
  auth === undefined ? [] : [secretNeed("bearer" in auth ? auth.bearer : "basic" in auth ? auth.basic : auth.secret)]

export interface Credential {
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** What must be seen in no message. */
  readonly hidden: readonly string[]
}

/** The caller's place in a trace, where somebody traces. Source: W3C Trace Context, "Traceparent Header". */
export const traceHeader = ({ traceparent }: Call): Readonly<Record<string, string>> =>
  traceparent === undefined ? {} : { traceparent }

/** The credential as a header, fetched now, for this call. Fails with `NoSecret`. */
export function credential(auth: Auth | undefined, services: Services): Credential {
  if (auth === undefined) return { headers: {}, hidden: [] }
  const value = (name: string): string => {
    const secret = secretValue(name, services)
    if (isHeaderValue(secret)) return secret
    throw fail("NoSecret", `The secret ${name} holds characters that a header cannot carry`, {
      data: { name },
      undelivered: true,
    })
  }
  if ("bearer" in auth) {
    const secret = value(auth.bearer)
    return { headers: { authorization: `Bearer ${secret}` }, hidden: [secret] }
  }
  if ("header" in auth) {
    const secret = value(auth.secret)
    return { headers: { [auth.header.toLowerCase()]: secret }, hidden: [secret] }
  }
  const secret = secretValue(auth.basic, services)
  const pair = auth.user === undefined ? secret : `${auth.user}:${secret}`
  const encoded = btoa(String.fromCharCode(...new TextEncoder().encode(pair)))
  return {
    headers: { authorization: `Basic ${encoded}` },
    hidden: [secret, encoded, pair.slice(pair.indexOf(":") + 1)],
  }
}

/** Headers that the connection itself writes, and those that would put a credential into plans and ledgers. */
const OWN_HEADERS =
  /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*|accept-encoding)$/i
const CREDENTIAL_HEADERS = /^(authorization|cookie|x-api-key|api-key|x-auth-token)$/i

/** What is wrong with a header of a file, whose value is known here only where it is constant. */
export function headerProblem(name: string, value: string | undefined): SignatureProblem | undefined {
  const key = `headers.${name}`
  if (!isHeaderName(name)) return { code: "G207", key, message: `${JSON.stringify(name)} is no name of a header.` }
  if (OWN_HEADERS.test(name))
    return { code: "G207", key, message: `The header ${name} is written by the connection.`, fix: "Leave it out." }
  if (CREDENTIAL_HEADERS.test(name) || (value !== undefined && looksLikeCredential(value, name))) {
    return {
      code: "G304",
      key,
      message: `The header ${name} carries a credential, which would end up in plans, ledgers and hashes.`,
      fix: /^authorization$/i.test(name)
        ? "Write auth: { bearer: secret:NAME }."
        : `Write auth: { header: ${name}, secret: secret:NAME }.`,
    }
  }
  if (value !== undefined && !isHeaderValue(value))
    return {
      code: "G207",
      key,
      message: `The header ${name} holds a line break or a character that headers cannot carry.`,
    }
  return undefined
}

// ---- answers

/** Statuses after which the same request may well succeed: the server is busy, or a gateway lost it. */
const RETRYABLE: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504])

/**
 * The failure `HttpStatus` with data `{ status }`. The start of the body is in the message only, since it may differ
 * from call to call and the data is hashed; anything in it that repeats a secret is blotted out.
 */
export function statusFailure(what: string, response: HttpResponse, hidden: readonly string[]): Failure {
  const excerpt = blot(new TextDecoder().decode(response.body.subarray(0, 2000)), hidden)
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 300)
  return fail("HttpStatus", `${what} answered ${response.status}${excerpt === "" ? "" : `: ${excerpt}`}`, {
    data: { status: response.status },
    retryable: RETRYABLE.has(response.status),
    ...(saysNothing(response.status) ? { undelivered: false } : {}),
  })
}

/** A gateway heard no answer, or none that it could read, from the server that was asked: that may have done it. RFC 9110, 15.6.3 and 15.6.5. */
export const saysNothing = (status: number): boolean => status === 502 || status === 504
