/**
 * Graphs as tools of MCP, at `/mcp` of the server: the same tokens, grants, budgets and places as every other way to a run.
 * A page of another site is turned away by its origin. The library comes with the first request.
 * Source: Model Context Protocol 2025-11-25, "Streamable HTTP", security warning.
 */
import type { McpHttp, McpHttpOptions } from "../mcp/http.ts"
import type { McpServing } from "../mcp/serving.ts"
import type { Draining } from "./draining.ts"
import type { Way } from "./means.ts"
import { strangerIn } from "./origin.ts"

const MCP_PATH = "/mcp"
/** A question stands so long at a client before its run is left to rest. */
const ASK_MS_MAX = 10 * 60_000
const KEY_BYTES = 32

export interface McpWay extends Pick<McpServing, "roles" | "instructions" | "onRun"> {
  /** Names that this server has; pages of these may ask. Default: the name that the request itself is for. */
  readonly names?: readonly string[] | undefined
  /** Signs what clients hold between two rounds: to be the same on all servers of one store. Default: drawn at the start. */
  readonly key?: Uint8Array | undefined
  readonly http?: Partial<McpHttpOptions>
  readonly draining: Draining
}

/** Adds the route. `load`: the library and what serves by it. */
export const mcpWayOn =
  (
    load: () => Promise<typeof McpHttp>,
    { names, http, draining, key = crypto.getRandomValues(new Uint8Array(KEY_BYTES)), ...words }: McpWay,
  ): Way =>
  (app, means) => {
    const { clock, slots, hosts, limits, catalogue, onDefect } = means
    const stopping = new AbortController()
    // Runs are waited for with all others; sessions and their streams end when that is over.
    draining.holds({ drain: async () => {}, end: () => stopping.abort() })
    const serving: McpServing = {
      ...words,
      graphs: () => catalogue.all(),
      changes: (listener) => catalogue.listen(listener),
      hosts,
      clock,
      runMsMax: limits.runMsMax,
      askMsMax: ASK_MS_MAX,
      slots: { enter: (tenant, signal) => slots.enter(tenant, signal), leave: (tenant) => slots.leave(tenant) },
      key,
      http: true,
      stopping: stopping.signal,
      onDefect,
    }
    let loaded: Promise<McpHttp> | undefined
    const open = async () => new (await load())(serving, http)
    app.use(MCP_PATH, means.admit)
    app.all(MCP_PATH, async (c) => {
      const stranger = strangerIn(c.req.raw, names, means.origins)
      if (stranger !== undefined) return stranger
      loaded ??= open()
      return await (await loaded).fetch(c.req.raw, means.callerOf(c))
    })
  }
