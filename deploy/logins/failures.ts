/**
 * What can go wrong with a login, as failures of a graph: `NoLogin` where somebody has to log in (again), `NoScope` where the
 * login is good and allows too little. Each says the command that helps; none repeats what an authorization server sent but its
 * error code, for the rest may hold anything.
 */
import { type Failure, Failure as FailureClass, fail, isRecord } from "../../graph/mod.ts"

/**
 * Why there is no token: nobody has logged in; it expired or was refused and cannot be renewed; the file with it is broken; it is
 * of another server; the authorization server is not whom it should be, says what cannot be, or turned the client away.
 */
export type NoLoginReason =
  | "none"
  | "expired"
  | "refused"
  | "unreadable"
  | "elsewhere"
  | "issuer"
  | "metadata"
  | "answer"
  | "client"

/** How a login begins, in a shell. */
export const loginCommand = (server: string, scope?: string): string =>
  `shadowgraph mcp login ${word(server)}${scope === undefined ? "" : ` --scope ${word(scope)}`}`

const word = (text: string): string => (/^[\w:./@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** `hint`: what to do; default: log in. */
export function noLogin(
  server: string,
  reason: NoLoginReason,
  why: string,
  more: { readonly cause?: unknown; readonly hint?: string | null } = {},
): Failure {
  const hint =
    more.hint === undefined ? `: run \`${loginCommand(server)}\`` : more.hint === null ? "" : `: ${more.hint}`
  return fail("NoLogin", `Cannot speak to the server ${server}: ${why}${hint}`, {
    data: { server, reason },
    undelivered: true,
    ...(more.cause === undefined ? {} : { cause: more.cause }),
  })
}

/** `scope`: what the server asks for, where it says so; `machine`: nobody logs in, the file says the scope. */
export function noScope(server: string, scope: string | undefined, machine: boolean, cause: unknown): Failure {
  const asked = scope === undefined ? "more than it allows" : `the scope ${JSON.stringify(scope)}`
  const hint = machine
    ? `say \`scope: ${scope ?? "…"}\` in its \`auth:\`, if its owner grants that`
    : `run \`${loginCommand(server, scope ?? "…")}\``
  return fail("NoScope", `Cannot call the server ${server}: the login is good, and the call wants ${asked}: ${hint}`, {
    data: { server, scope: scope ?? null },
    undelivered: true,
    cause,
  })
}

/** What a server may write into the name of an error. */
const CODE = /^[a-z_]{1,64}$/

/** What went wrong between us and an authorization server, in words that repeat nothing of its answer but an error's code. */
export async function whyOf(cause: unknown): Promise<{ readonly reason: NoLoginReason; readonly why: string }> {
  const sdk = await import("@modelcontextprotocol/client")
  if (cause instanceof sdk.IssuerMismatchError || cause instanceof sdk.AuthorizationServerMismatchError)
    return { reason: "issuer", why: cause.message }
  if (cause instanceof sdk.InsecureTokenEndpointError)
    return { reason: "metadata", why: "its token endpoint is not https" }
  if (cause instanceof sdk.RegistrationRejectedError)
    return { reason: "client", why: `the authorization server registers no client (status ${cause.status})` }
  if (cause instanceof sdk.OAuthError) {
    const code = String(cause.code)
    if (code === sdk.OAuthErrorCode.ServerError || !CODE.test(code))
      return { reason: "answer", why: "the authorization server failed" }
    const client = code === sdk.OAuthErrorCode.InvalidClient || code === sdk.OAuthErrorCode.UnauthorizedClient
    return { reason: client ? "client" : "refused", why: `the authorization server answered ${code}` }
  }
  if (cause instanceof SyntaxError || (cause as Error)?.name === "ZodError")
    return { reason: "answer", why: "the authorization server's answer is not what its protocol says" }
  const message = cause instanceof Error ? cause.message : String(cause)
  if (/dynamic (client )?registration/.test(message))
    return { reason: "client", why: "the authorization server registers nobody by itself; the file must say `id:`" }
  if (/^Protected resource /.test(message)) return { reason: "metadata", why: "its metadata are of another resource" }
  if (/^Incompatible auth server/.test(message)) return { reason: "metadata", why: message }
  return { reason: "answer", why: "logging in failed" }
}

/** The failure of asking an authorization server; what is a failure already stays one. */
export async function refusal(server: string, cause: unknown, hint?: string | null): Promise<Failure> {
  if (cause instanceof FailureClass) return cause
  const { reason, why } = await whyOf(cause)
  // What repeats an answer may repeat a token: it is no cause that somebody should read.
  return noLogin(server, reason, why, {
    ...(reason === "answer" ? {} : { cause }),
    ...(hint === undefined ? {} : { hint }),
  })
}

/** The same in the middle of a run, where an authorization server that fails may not do so the next time. */
export async function unrenewed(server: string, cause: unknown, hint?: string | null): Promise<Failure> {
  const failure = await refusal(server, cause, hint)
  if (!isRecord(failure.data) || failure.data["reason"] !== "answer") return failure
  const message = `Cannot speak to the server ${server}: its authorization server gave no token, and may do so later`
  return fail("Unreachable", message, { data: { reason: "authorization" }, retryable: true, undelivered: true })
}
