/**
 * `auth: oauth` of an MCP server: a person logs in (`shadowgraph mcp login`), or a machine asks for tokens with credentials
 * of its own. What a declaration may say of it, what that needs, and what the host is told; tokens are the host's alone.
 */
import { isRecord, type Rec, type Services, type SignatureProblem, type Value } from "../graph/mod.ts"
import { reachOf } from "./address.ts"
import { netNeed, readOrigin } from "./endpoint.ts"
import { secretName, secretNeed, secretValue } from "./secret.ts"

/** How a server's tokens are come by. Names of secrets, never their values. Source: OAuth 2.1, 4.1 and 4.2; RFC 7523. */
export type OAuth =
  | {
      readonly oauth: "login"
      /** A client that the authorization server knows already; without it one is registered at the login. */
      readonly id?: string
      readonly secret?: string
      /** Where a document says who this client is: a client ID that is a URL. */
      readonly metadata?: string
      readonly issuer?: string
      readonly scope?: string
    }
  | {
      readonly oauth: "client_credentials"
      readonly id: string
      /** Of the client; or a private key (PKCS #8, PEM) that signs for it. */
      readonly secret?: string
      readonly key?: string
      readonly algorithm?: string
      /** The only authorization server that is shown the credentials. */
      readonly issuer: string
      readonly scope?: string
    }

const KEYS = {
  login: ["oauth", "id", "secret", "metadata", "issuer", "scope"],
  client_credentials: ["oauth", "id", "secret", "key", "algorithm", "issuer", "scope"],
} as const
const ALGORITHMS = ["ES256", "ES384", "RS256", "RS384", "RS512", "PS256", "EdDSA"]
const EXAMPLE =
  "auth: { oauth: client_credentials, id: my-client, secret: secret:NAME, issuer: https://login.example.com }"

/** Does an `auth:` speak of OAuth at all? */
export const isOAuth = (auth: Value | undefined): boolean =>
  auth === "oauth" || (isRecord(auth) && Object.hasOwn(auth, "oauth"))

/** `auth:` of a server at `url`, where it speaks of OAuth, or what is wrong with it. */
export function readOAuth(auth: Value | undefined, url: Value | undefined): OAuth | readonly SignatureProblem[] {
  const given: Rec = isRecord(auth) ? auth : { oauth: "login" }
  const grant = given["oauth"]
  if (grant !== "login" && grant !== "client_credentials")
    return [
      wrong("oauth", `\`oauth:\` is ${JSON.stringify(grant)}, wanted login or client_credentials.`, "auth: oauth"),
    ]
  const problems: SignatureProblem[] = []
  const known: readonly string[] = KEYS[grant]
  for (const key of Object.keys(given))
    if (!known.includes(key))
      problems.push(wrong(key, `\`${key}\` means nothing beside \`oauth: ${grant}\`. Known: ${known.join(", ")}.`))
  for (const key of ["id", "scope"])
    if (given[key] !== undefined && (typeof given[key] !== "string" || !/^[\x20-\x7e]+$/.test(given[key])))
      problems.push(wrong(key, `\`${key}:\` is a text of plain characters.`))
  // The value found is left out of the message: it may be the credential itself.
  for (const key of ["secret", "key"])
    if (given[key] !== undefined && secretName(given[key]) === undefined)
      problems.push({
        ...wrong(key, `\`${key}:\` must name a secret, not hold one.`, `${key}: secret:NAME`),
        code: "G304",
      })
  for (const key of ["issuer", "metadata"])
    if (given[key] !== undefined) problems.push(...addressProblems(key, given[key]))
  problems.push(...(grant === "login" ? loginProblems(given) : machineProblems(given)))
  problems.push(...serverProblems(url))
  return problems.length > 0 ? problems : named(given)
}

const wrong = (key: string, message: string, fix?: string): SignatureProblem => ({
  code: "G207",
  key: `auth.${key}`,
  message,
  ...(fix === undefined ? {} : { fix }),
})

const named = (given: Rec): OAuth =>
  ({
    ...given,
    ...(given["secret"] === undefined ? {} : { secret: secretName(given["secret"]) }),
    ...(given["key"] === undefined ? {} : { key: secretName(given["key"]) }),
  }) as unknown as OAuth

function addressProblems(key: string, value: Value): readonly SignatureProblem[] {
  const origin = typeof value === "string" ? readOrigin(value, `auth.${key}`) : undefined
  const fix = key === "issuer" ? "issuer: https://login.example.com" : "metadata: https://app.example.com/client.json"
  if (origin === undefined || "code" in origin) return [origin ?? wrong(key, `\`${key}:\` is an https address.`, fix)]
  if (!isSafe(origin)) return [wrong(key, `\`${key}:\` must be https, found ${origin.origin}.`, fix)]
  if (key === "metadata" && origin.pathname === "/")
    return [wrong(key, "`metadata:` must be the address of a document, with a path.", fix)]
  return []
}

function loginProblems(given: Rec): readonly SignatureProblem[] {
  if (given["secret"] !== undefined && given["id"] === undefined)
    return [wrong("secret", "`secret:` is a client's, and there is no `id:`.", "id: my-client")]
  if (given["metadata"] !== undefined && given["id"] !== undefined)
    return [wrong("metadata", "`metadata:` and `id:` are two ways to say who the client is: leave one out.")]
  return []
}

function machineProblems(given: Rec): readonly SignatureProblem[] {
  const { id, issuer, secret, key, algorithm } = given
  const problems: SignatureProblem[] = []
  if (id === undefined) problems.push(wrong("id", "`client_credentials` wants the client's `id:`.", EXAMPLE))
  if (issuer === undefined)
    problems.push(wrong("issuer", "`client_credentials` wants the `issuer:` that may see the credentials.", EXAMPLE))
  if ((secret === undefined) === (key === undefined))
    problems.push(wrong("secret", "`client_credentials` has one of `secret:` and `key:`.", EXAMPLE))
  if (
    (key === undefined) !== (algorithm === undefined) ||
    (key !== undefined && !ALGORITHMS.includes(String(algorithm)))
  )
    problems.push(
      wrong("algorithm", `\`key:\` goes with an \`algorithm:\` of ${ALGORITHMS.join(", ")}.`, "algorithm: ES256"),
    )
  return problems
}

function serverProblems(url: Value | undefined): readonly SignatureProblem[] {
  if (typeof url !== "string") return [wrong("oauth", "OAuth is for a server at a `url:`.", "url: https://…")]
  const to = URL.parse(url)
  if (to === null || isSafe(to)) return []
  return [wrong("oauth", `A token would be sent in clear text to ${to.origin}.`, "Write https://…")]
}

/** May a token go there? By https; by http to this machine alone. Source: OAuth 2.1, 1.5; RFC 8252, 8.3. */
export function isSafe({ protocol, hostname }: URL): boolean {
  if (protocol === "https:") return true
  if (protocol !== "http:") return false
  if (hostname === "localhost" || hostname.endsWith(".localhost")) return true
  return hostname === "[::1]" || (/^127(\.\d{1,3}){3}$/.test(hostname) && reachOf(hostname) === "private")
}

/** What a run must be granted beside the server's host: secrets, and the authorization server where the file names it. */
export const oauthNeeds = (who: OAuth): readonly string[] => [
  ...(who.oauth === "client_credentials" ? [netNeed(new URL(who.issuer).host)] : []),
  ...[who.secret, who.oauth === "client_credentials" ? who.key : undefined].flatMap((name) =>
    name === undefined ? [] : [secretNeed(name)],
  ),
]

/** The same for the host, with the secrets put in, now, in this process. Fails with `NoSecret`. */
export function oauthAddress(who: OAuth, server: string, services: Services): Rec {
  const { secret, ...more } = who
  const key = who.oauth === "client_credentials" ? who.key : undefined
  return {
    ...more,
    server,
    ...(secret === undefined ? {} : { secret: secretValue(secret, services) }),
    ...(key === undefined ? {} : { key: secretValue(key, services) }),
  }
}
