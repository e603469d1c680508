/**
 * Connections to MCP servers, by the official client, over stdio and streamable HTTP. One connection serves all nodes
 * of a session that name the same server, because starting a server costs a second and a call a millisecond; it is
 * closed, and its processes ended, when the last of them lets go.
 */
import {
  Client,
  ProtocolError,
  SdkError,
  SdkHttpError,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client"
import { getDefaultEnvironment } from "@modelcontextprotocol/client/stdio"
import {
  encode,
  Failure,
  fail,
  type Http,
  hex,
  isRecord,
  type Mcp,
  type McpConnection,
  type Services,
  sha256,
  type Value,
} from "../../graph/mod.ts"
import { blot } from "../../nodes/mod.ts"
import { fetchOver } from "./fetch.ts"
import { StdioPipe } from "./stdio.ts"

export interface McpOptions {
  /** The graph file's folder: where stdio servers start, so that `./data` means what the file says. */
  readonly base: string
  /** The guarded HTTP service; without it, servers at a `url` are refused. */
  readonly http?: Http
  readonly granted?: Services["granted"]
}

/** Milliseconds from starting a server to its first answer: `npx` may have to fetch the package. */
const CONNECT_MS_MAX = 90_000
/** The client wants a limit of its own; the call's signal is what ends a call. */
const CALL_MS_MAX = 2 ** 31 - 1

interface Session {
  readonly client: Client
  readonly pipe: StdioPipe | undefined
  readonly label: string
  tools: Promise<Awaited<ReturnType<McpConnection["tools"]>>> | undefined
  alive: boolean
}
interface Shared {
  readonly session: Promise<Session>
  readonly stop: AbortController
  holders: number
}

/** The `mcp` service of a host with processes. `close` ends every connection at once, whoever holds one. */
export function mcpService(options: McpOptions): Mcp & { readonly close: () => Promise<void> } {
  const shared = new Map<string, Shared>()

  const drop = async (key: string, entry: Shared): Promise<void> => {
    if (shared.get(key) === entry) shared.delete(key)
    entry.stop.abort(new DOMException("The session was closed", "AbortError"))
    const session = await entry.session.catch(() => undefined)
    await session?.client.close()
    // The client does not wait for a process that is closing already.
    await session?.pipe?.close()
  }

  const connect = async (server: { readonly [key: string]: Value }, signal: AbortSignal): Promise<McpConnection> => {
    const key = hex(sha256(encode(server as Value)))
    let entry = shared.get(key)
    const fresh = entry === undefined
    if (entry === undefined) {
      const stop = new AbortController()
      entry = { session: open(server, options, stop.signal), stop, holders: 0 }
      shared.set(key, entry)
    }
    const mine = entry
    mine.holders++
    const release = async () => {
      mine.holders--
      if (mine.holders === 0) await drop(key, mine)
    }
    let session: Session
    try {
      session = await orAbort(mine.session, signal)
    } catch (cause) {
      if (shared.get(key) === mine && !signal.aborted) shared.delete(key)
      await release()
      throw cause
    }
    // A server that has died is forgotten at once, so that the next to connect starts a new one.
    const check = () => {
      if (!session.alive && shared.get(key) === mine) shared.delete(key)
      return session.alive
    }
    if (!check()) {
      await release()
      if (fresh) throw unreachable(session.label, session.pipe, "it ended at once")
      return connect(server, signal)
    }
    let held = true
    return {
      alive: check,
      tools: () => (session.tools ??= list(session)),
      call: (tool, args, how) => call(session, tool, args, how),
      close: async () => {
        if (!held) return
        held = false
        await release()
      },
    }
  }

  return {
    connect,
    close: async () => {
      await Promise.all([...shared].map(([key, entry]) => drop(key, entry)))
    },
  }
}

async function open(
  server: { readonly [key: string]: Value },
  options: McpOptions,
  stop: AbortSignal,
): Promise<Session> {
  const { transport, pipe, label } = transportOf(server, options)
  const client = new Client(
    { name: "shadowgraph", version: "0.1.0" },
    // Over HTTP the newest protocol is asked for on the same connection; over stdio asking would start a second process.
    { versionNegotiation: { mode: pipe === undefined ? "auto" : "legacy" } },
  )
  const session: Session = { client, pipe, label, tools: undefined, alive: true }
  client.onclose = () => {
    session.alive = false
  }
  const signal = AbortSignal.any([stop, AbortSignal.timeout(CONNECT_MS_MAX)])
  try {
    await orAbort(client.connect(transport, { signal, timeout: CONNECT_MS_MAX }), signal)
    return session
  } catch (cause) {
    await client.close()
    await pipe?.close()
    if (cause instanceof Failure) throw cause
    throw unreachable(label, pipe, cause)
  }
}

function unreachable(label: string, pipe: StdioPipe | undefined, cause: unknown): Failure {
  const why = pipe?.ended !== undefined ? `its process ended (${pipe.ended})` : messageOf(cause)
  const status = cause instanceof SdkHttpError ? { status: cause.status } : null
  return fail("Unreachable", `Cannot connect to ${label}: ${why}${said(pipe)}`, {
    data: status,
    retryable: true,
    undelivered: true,
    cause,
  })
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
/** The last lines of a server's error stream. What it was given in its environment may be secret and is blotted out. */
const said = (pipe: StdioPipe | undefined): string => {
  const last = pipe === undefined ? "" : blot(pipe.tail, pipe.hidden).trim().split("\n").slice(-3).join(" · ")
  return last === "" ? "" : `; it said: ${last}`
}

function transportOf(server: { readonly [key: string]: Value }, options: McpOptions) {
  const stdio = server["stdio"]
  if (Array.isArray(stdio) && stdio.length > 0) {
    const [command, ...args] = stdio.map(String) as [string, ...string[]]
    const pipe = new StdioPipe({
      command,
      args,
      cwd: options.base,
      env: { ...getDefaultEnvironment(), ...texts(server["env"]) },
      hidden: Object.values(texts(server["env"])),
    })
    return { transport: pipe, pipe, label: `the server \`${[command, ...args].join(" ")}\`` }
  }
  const url = server["url"]
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
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    fetch: fetchOver(options.http, new URL(url), options.granted ?? (() => false)),
    requestInit: { headers: texts(server["headers"]) },
  })
  return { transport, pipe: undefined, label: `the server at ${new URL(url).origin}` }
}

const texts = (r: Value | undefined): Record<string, string> =>
  isRecord(r) ? Object.fromEntries(Object.entries(r).map(([k, v]) => [k, String(v)])) : {}

async function list(session: Session): Promise<Awaited<ReturnType<McpConnection["tools"]>>> {
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
    session.tools = undefined
    throw fail("Unreachable", `Cannot list the tools of ${session.label}: ${messageOf(cause)}${said(session.pipe)}`, {
      retryable: true,
      undelivered: true,
      cause,
    })
  }
}

const call: (
  session: Session,
  tool: string,
  args: unknown,
  options: Parameters<McpConnection["call"]>[2],
) => ReturnType<McpConnection["call"]> = async (session, tool, args, { signal, onProgress }) => {
  try {
    const result = await session.client.callTool(
      { name: tool, arguments: args as Record<string, unknown> },
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

function callFailure(session: Session, tool: string, signal: AbortSignal, cause: unknown): Failure {
  if (cause instanceof Failure) return cause
  const what = `Cannot call "${tool}" of ${session.label}`
  if (signal.aborted) return fail("Cancelled", `${what}: the call was cancelled`, { cause })
  if (cause instanceof ProtocolError) {
    if (CLIENT_CHECK.test(cause.message)) return fail("BadAnswer", `${what}: ${cause.message}`, { cause })
    return fail("ToolError", `${what}: ${cause.message}`, { data: { code: cause.code, text: cause.message }, cause })
  }
  if (cause instanceof SdkHttpError) {
    const { status } = cause
    const retryable = status === 429 || status >= 500
    return fail("HttpStatus", `${what}: the server answered ${status}`, { data: { status }, retryable, cause })
  }
  if (cause instanceof SdkError && cause.code === "INVALID_RESULT") {
    return fail("BadAnswer", `${what}: the answer is not a tool result: ${cause.message}`, { cause })
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
  return fail("Unreachable", `${what}: ${messageOf(cause)}`, { retryable: true, cause })
}

/** The promise, or the signal's reason, whichever is first; the promise's own failure is then nobody's and stays quiet. */
function orAbort<A>(promise: Promise<A>, signal: AbortSignal): Promise<A> {
  promise.catch(() => undefined)
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason)
  if (signal.aborted) stop()
  else signal.addEventListener("abort", stop, { once: true })
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", stop))
}
