/**
 * One session with an MCP server, by the official client, over stdio or streamable HTTP: opened, listed, called, closed,
 * and every way that any of it can fail told as a failure that says whether the tool may have acted.
 */
import { resolve } from "node:path"
import {
  type AuthProvider,
  Client,
  InsufficientScopeError,
  ProtocolError,
  SdkError,
  SdkHttpError,
  StreamableHTTPClientTransport,
  type Transport,
  UnauthorizedError,
} from "@modelcontextprotocol/client"
import { getDefaultEnvironment, StdioClientTransport } from "@modelcontextprotocol/client/stdio"
import { Failure, fail, type Http, isRecord, type McpConnection, type Services, type Value } from "../../graph/mod.ts"
import { blot, orAbort, saysNothing } from "../../nodes/mod.ts"
import { noLogin, noScope } from "../logins/failures.ts"
import { Logins } from "../logins/store.ts"
import { tokensFor } from "../logins/tokens.ts"
import { fetchOver } from "./fetch.ts"
import { hasProcessGroups } from "./process_group.ts"
import { StdioPipe } from "./stdio.ts"

export interface McpOptions {
  /** The graph file's folder: where stdio servers start, so that `./data` means what the file says. */
  readonly base: string
  /** The guarded HTTP service; without it, servers at a `url` are refused. */
  readonly http?: Http
  /** Is told of every token of a login, so that no log keeps it. */
  readonly hide?: (token: string) => void
}

export interface Session extends McpConnection {
  /** The server, as messages name it. */
  readonly label: string
}

/** Milliseconds from starting a server to its first answer: `npx` may have to fetch the package. */
const CONNECT_MS_MAX = 90_000
/** The client wants a limit of its own; the call's signal is what ends a call. */
const CALL_MS_MAX = 2 ** 31 - 1
/** Milliseconds that a server over HTTP gets to take leave of a session. */
const LEAVE_MS_MAX = 1000

/**
 * Which tools of a session only read. Their calls may go over a kept connection, for they may be sent again where that turns
 * out to be dead; a new one costs two or three journeys. A tool that was called as a write once is no read any more.
 */
class Effects {
  readonly #reads = new Set<string>()
  readonly #writes = new Set<string>()

  calls(tool: string, reads: boolean): void {
    ;(reads ? this.#reads : this.#writes).add(tool)
  }
  /** Does a message of this text do no harm when it is sent twice? */
  repeatable(message: string): boolean {
    const { method, params } = JSON.parse(message) as {
      readonly method?: unknown
      readonly params?: { name?: unknown }
    }
    const tool = method === "tools/call" ? params?.name : undefined
    return typeof tool === "string" && this.#reads.has(tool) && !this.#writes.has(tool)
  }
}

interface Open {
  readonly client: Client
  readonly effects: Effects
  readonly pipe: StdioPipe | undefined
  readonly label: string
  /** What must be seen in no message. */
  readonly hidden: ReadonlySet<string>
  /** Whose tokens its requests carry. */
  readonly who: Who | undefined
  alive: boolean
}

/** A server that is logged in to: what files call it, and whether a machine does that by itself. */
interface Who {
  readonly server: string
  readonly machine: boolean
}

/** Starts or reaches the server. Fails with `Unreachable`, `Unavailable`; `stop` ends the attempt. */
export async function openSession(
  server: { readonly [key: string]: Value },
  options: McpOptions,
  stop: AbortSignal,
  granted: Services["granted"],
): Promise<Session> {
  const effects = new Effects()
  const { transport, mode, pipe, label, leave, hidden, who } = wayTo(server, options, granted, effects)
  const client = new Client({ name: "shadowgraph", version: "0.1.0" }, { versionNegotiation: { mode } })
  const open: Open = { client, effects, pipe, label, hidden, who, alive: true }
  client.onclose = () => {
    open.alive = false
  }
  const close = async () => {
    await client.close()
    // The client does not wait for a process that is closing already.
    await pipe?.close()
  }
  const signal = AbortSignal.any([stop, AbortSignal.timeout(CONNECT_MS_MAX)])
  try {
    await orAbort(client.connect(transport, { signal, timeout: CONNECT_MS_MAX }), signal)
  } catch (cause) {
    await close()
    throw unreachable(open, "connect to", cause)
  }
  let tools: ReturnType<McpConnection["tools"]> | undefined
  return {
    label,
    alive: () => open.alive,
    tools: () => {
      tools ??= list(open).catch((cause: unknown) => {
        tools = undefined
        throw cause
      })
      return tools
    },
    call: (tool, args, how) => call(open, tool, args, how),
    close: async () => {
      if (open.alive) await leave()
      await close()
    },
  }
}

function unreachable(session: Open, doing: string, cause: unknown): Failure {
  const known = cause instanceof Failure ? cause : lockedOut(session, cause)
  if (known !== undefined) return known
  const { label, pipe } = session
  const why = pipe?.ended !== undefined ? `its process ended (${pipe.ended})` : messageOf(session, cause)
  const status = cause instanceof SdkHttpError ? { status: cause.status } : null
  return fail("Unreachable", `Cannot ${doing} ${label}: ${why}${said(pipe)}`, {
    data: status,
    retryable: true,
    undelivered: true,
    cause,
  })
}

/** A server that does not take the tokens of a login. */
function lockedOut({ who }: Open, cause: unknown): Failure | undefined {
  if (who === undefined) return undefined
  if (cause instanceof InsufficientScopeError) return noScope(who.server, cause.requiredScope, who.machine, cause)
  if (!(cause instanceof UnauthorizedError) && !(cause instanceof SdkHttpError && cause.status === 401))
    return undefined
  const hint = who.machine ? { hint: "its owner has to let this client in" } : {}
  return noLogin(who.server, "refused", "it does not take the token", { cause, ...hint })
}

/** A server may repeat what it was sent. */
const messageOf = ({ hidden }: Pick<Open, "hidden">, cause: unknown): string =>
  blot(cause instanceof Error ? cause.message : String(cause), [...hidden])
/** The last lines of a server's error stream. What it was given in its environment may be secret and is blotted out. */
const said = (pipe: StdioPipe | undefined): string => {
  const last = pipe === undefined ? "" : blot(pipe.tail, pipe.hidden).trim().split("\n").slice(-3).join(" · ")
  return last === "" ? "" : `; it said: ${last}`
}

interface Way {
  readonly transport: Transport
  readonly mode: "auto" | "legacy"
  readonly label: string
  readonly hidden: ReadonlySet<string>
  readonly who?: Who | undefined
  readonly pipe?: StdioPipe
  /** Takes leave of the server, where the protocol has a word for it. */
  readonly leave: () => Promise<void>
}

function wayTo(
  server: { readonly [key: string]: Value },
  options: McpOptions,
  granted: Services["granted"],
  effects: Effects,
): Way {
  const { stdio, folder, url } = server
  if (Array.isArray(stdio) && stdio.length > 0) {
    const cwd = resolve(options.base, String(folder ?? "."))
    return overStdio(stdio.map(String), texts(server["env"]), cwd)
  }
  if (typeof url !== "string" || !URL.canParse(url)) {
    throw fail("Unreachable", "Cannot connect to the server: its declaration has neither `stdio:` nor a valid `url:`", {
      undelivered: true,
    })
  }
  if (options.http === undefined) {
    throw fail("Unavailable", `Cannot connect to ${url}: this host has no HTTP`, {
      data: { service: "HTTP" },
      undelivered: true,
    })
  }
  const to = new URL(url)
  const headers = texts(server["headers"])
  const hidden = new Set(Object.values(headers).flatMap((text) => [text, text.replace(/^\S+ /, "")]))
  const hide = (token: string) => {
    hidden.add(token)
    options.hide?.(token)
  }
  const login = loginOf(server, to, { ...options, hide }, granted)
  const transport = new StreamableHTTPClientTransport(to, {
    fetch: fetchOver(options.http, to, granted, (body) => effects.repeatable(body)),
    requestInit: { headers },
    // Nobody is there in the middle of a run who could log in again, for more.
    onInsufficientScope: "throw",
    ...(login === undefined ? {} : { authProvider: login.provider }),
  })
  const leave = async () => {
    const goodbye = transport.sessionId === undefined ? undefined : transport.terminateSession()
    // A server that does not answer keeps a session that nobody uses; that is its own affair.
    await orAbort(goodbye ?? Promise.resolve(), AbortSignal.timeout(LEAVE_MS_MAX)).catch(() => undefined)
  }
  // The newest protocol is asked for on the same connection.
  return { transport, mode: "auto", leave, hidden, who: login?.who, label: `the server at ${to.origin}` }
}

/** Where its tokens come from, where it is one that is logged in to. */
function loginOf(
  { oauth }: { readonly [key: string]: Value },
  url: URL,
  { base, http, hide = () => undefined }: McpOptions,
  granted: Services["granted"],
): { readonly provider: AuthProvider; readonly who: Who } | undefined {
  if (!isRecord(oauth) || http === undefined) return undefined
  const who = { server: String(oauth["server"]), machine: oauth["oauth"] === "client_credentials" }
  return { provider: tokensFor({ url, oauth, logins: new Logins(base), http, granted, hide }), who }
}

function overStdio(words: readonly string[], given: Readonly<Record<string, string>>, cwd: string): Way {
  const [command = "", ...args] = words
  const start = { command, args, cwd, env: { ...getDefaultEnvironment(), ...given } }
  // To ask for the newest protocol would start a second process.
  const way = {
    mode: "legacy",
    label: `the server \`${words.join(" ")}\``,
    hidden: new Set<string>(),
    leave: async () => undefined,
  } as const
  if (!hasProcessGroups()) return { ...way, transport: new StdioClientTransport({ ...start, stderr: "ignore" }) }
  const pipe = new StdioPipe({ ...start, hidden: Object.values(given) })
  return { ...way, transport: pipe, pipe }
}

const texts = (r: Value | undefined): Record<string, string> =>
  isRecord(r) ? Object.fromEntries(Object.entries(r).map(([k, v]) => [k, String(v)])) : {}

async function list(session: Open): Promise<Awaited<ReturnType<McpConnection["tools"]>>> {
  // The client itself would say so on standard output.
  if (session.client.getServerCapabilities()?.tools === undefined) return []
  try {
    const { tools } = await session.client.listTools(undefined, { timeout: CONNECT_MS_MAX })
    return tools.map((t) => ({
      name: t.name,
      ...(t.description === undefined ? {} : { description: t.description }),
      inputSchema: t.inputSchema,
      ...(t.outputSchema === undefined ? {} : { outputSchema: t.outputSchema }),
      ...(t.annotations?.readOnlyHint === undefined
        ? {}
        : { annotations: { readOnlyHint: t.annotations.readOnlyHint } }),
    }))
  } catch (cause) {
    throw unreachable(session, "list the tools of", cause)
  }
}

const call: (
  session: Open,
  tool: string,
  args: unknown,
  options: Parameters<McpConnection["call"]>[2],
) => ReturnType<McpConnection["call"]> = async (session, tool, args, how) => {
  const { signal, onProgress, repeatable = false, traceparent } = how
  session.effects.calls(tool, repeatable)
  try {
    const result = await session.client.callTool(
      {
        name: tool,
        arguments: args as Record<string, unknown>,
        ...(traceparent === undefined ? {} : { _meta: { traceparent } }),
      },
      {
        signal,
        timeout: CALL_MS_MAX,
        ...(onProgress
          ? {
              onprogress: (p) =>
                onProgress(
                  [p.total === undefined ? `${p.progress}` : `${p.progress}/${p.total}`, p.message ?? ""]
                    .join(" ")
                    .trim(),
                ),
            }
          : {}),
      },
    )
    return {
      content: result.content,
      ...(result.structuredContent === undefined ? {} : { structuredContent: result.structuredContent }),
      ...(result.isError === undefined ? {} : { isError: result.isError }),
    }
  } catch (cause) {
    throw callFailure(session, tool, signal, cause)
  }
}

/** Checks that the client makes on the result itself; it reports them as if the server had. */
const CLIENT_CHECK =
  /^(Tool .* has an output schema but|Structured content does not match|Failed to validate structured)/

function callFailure(session: Open, tool: string, signal: AbortSignal, cause: unknown): Failure {
  if (cause instanceof Failure) return cause
  const what = `Cannot call "${tool}" of ${session.label}`
  if (signal.aborted) return fail("Cancelled", `${what}: the call was cancelled`, { cause })
  const out = lockedOut(session, cause)
  if (out !== undefined) return out
  const message = messageOf(session, cause)
  if (cause instanceof ProtocolError) {
    // An answer that cannot be used is one: the tool has acted.
    if (CLIENT_CHECK.test(cause.message)) return fail("BadAnswer", `${what}: ${message}`, { undelivered: false, cause })
    return fail("ToolError", `${what}: ${message}`, { data: { code: cause.code, text: message }, cause })
  }
  if (cause instanceof SdkHttpError) {
    const { status } = cause
    const retryable = status === 429 || status >= 500
    const unknown = saysNothing(status) ? { undelivered: false } : {}
    return fail("HttpStatus", `${what}: the server answered ${status}`, {
      data: { status },
      retryable,
      ...unknown,
      cause,
    })
  }
  if (cause instanceof SdkError && cause.code === "INVALID_RESULT") {
    return fail("BadAnswer", `${what}: the answer is not a tool result: ${message}`, { undelivered: false, cause })
  }
  if (!session.alive || (cause instanceof SdkError && cause.code === "CONNECTION_CLOSED")) {
    session.alive = false
    const how = session.pipe?.ended
    // The request had left: the tool may have acted before it died.
    return fail("ToolDied", `${what}: the server ended in mid-call${how ? ` (${how})` : ""}${said(session.pipe)}`, {
      retryable: true,
      undelivered: cause instanceof SdkError && cause.code === "NOT_CONNECTED",
      cause,
    })
  }
  return fail("Unreachable", `${what}: ${message}`, { retryable: true, undelivered: false, cause })
}
