/**
 * Connections to MCP servers, shared: one serves all nodes of a session that name the same server, because starting a
 * server costs a second and a call a millisecond. It is closed, and its processes ended, when the last of them lets go.
 */
import { encode, fail, hex, type Mcp, type Services, sha256, type Value } from "../../graph/mod.ts"
import { orAbort } from "../../nodes/mod.ts"
import type { McpOptions, Session } from "./mcp-session.ts"

export type { McpOptions }

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
    await session?.close()
  }

  const connect: Mcp["connect"] = async (server, signal, granted) => {
    const key = hex(sha256(encode([server as Value, reachOf(server, granted)])))
    let entry = shared.get(key)
    const fresh = entry === undefined
    if (entry === undefined) {
      const stop = new AbortController()
      entry = { session: start(server, options, stop.signal, granted), stop, holders: 0 }
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
    const alive = () => {
      if (!session.alive() && shared.get(key) === mine) shared.delete(key)
      return session.alive()
    }
    if (!alive()) {
      await release()
      if (!fresh) return connect(server, signal, granted)
      throw fail("Unreachable", `Cannot connect to ${session.label}: it ended at once`, {
        retryable: true,
        undelivered: true,
      })
    }
    let held = true
    return {
      alive,
      tools: session.tools,
      call: session.call,
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

/** The client is loaded when a server is first needed: most commands never need one, and it takes a while. */
async function start(
  server: { readonly [key: string]: Value },
  options: McpOptions,
  stop: AbortSignal,
  granted: Services["granted"],
): Promise<Session> {
  const { openSession } = await import("./mcp-session.ts")
  return openSession(server, options, stop, granted)
}

/** What a plan may reach decides what its connection may: plans with other rights do not share one. */
function reachOf(server: { readonly [key: string]: Value }, granted: Services["granted"]): Value {
  const { url } = server
  if (typeof url !== "string" || !URL.canParse(url)) return null
  const capability = `net:${new URL(url).host}`
  return [granted(capability), granted(capability, "exactly"), granted("net:private", "exactly")]
}
