/**
 * The graphs of an edge as tools of MCP, each request by itself, as on a host that forgets between two of them. A door of its own:
 * who does not serve MCP carries none of the protocol's library.
 */

import { RunSlots } from "../engine/slots.ts"
import { type McpWay, mcpWayOn } from "../http/mcp_way.ts"
import type { Way } from "../http/means.ts"
import { strangerIn } from "../http/origin.ts"
import { Answer } from "../http/problems.ts"
import { McpHttp } from "../mcp/http.ts"
import type { McpRole, McpServing } from "../mcp/serving.ts"
import { callerOf } from "./app.ts"
import type { Edge } from "./edge.ts"

export interface EdgeMcpOptions extends Pick<McpServing, "instructions" | "onRun" | "onDefect"> {
  /** Graphs that are prompts or resources instead of tools, by name. */
  readonly roles?: ReadonlyMap<string, McpRole>
  readonly runMsMax?: number
  readonly bodyBytesMax?: number
  /** Runs at once in this program. */
  readonly runsMax?: number
  /** Names that pages may come from. Default: the name that the request itself is for. */
  readonly names?: readonly string[]
}

const RUN_MS_MAX = 30_000
const BODY_BYTES_MAX = 1 << 20
const KEY_BYTES = 32

/** Answers requests for `/mcp` of a worker: `mcpAtEdge(app)(request)`. The edge's own tokens hold here too. */
export function mcpAtEdge(at: Edge, options: EdgeMcpOptions = {}): (request: Request) => Promise<Response> {
  const { roles = new Map(), runMsMax = RUN_MS_MAX, bodyBytesMax = BODY_BYTES_MAX, runsMax, names, ...more } = options
  let opened: Promise<McpHttp> | undefined
  const { clock } = at.means
  const open = async (): Promise<McpHttp> => {
    const graphs = [...(await at.graphs()).values()]
    const serving: McpServing = {
      ...more,
      graphs: () => graphs,
      roles,
      hosts: [await at.means.host()],
      clock,
      runMsMax,
      askMsMax: 0,
      slots: new RunSlots(clock, runsMax === undefined ? {} : { runsMax }),
      // Runs do not rest here, so no client carries anything between two rounds.
      key: crypto.getRandomValues(new Uint8Array(KEY_BYTES)),
    }
    return new McpHttp(serving, { sessionsMax: 0, bodyBytesMax })
  }
  return async (request) => {
    const caller = await callerOf(request, at.means)
    if (caller instanceof Answer) return caller.response()
    const stranger = strangerIn(request, names)
    if (stranger !== undefined) return stranger
    opened ??= open().catch((cause: unknown) => {
      opened = undefined
      throw cause
    })
    return await (await opened).fetch(request, caller)
  }
}

/** The same as a way of `shadowgraph/edge/http`, where runs rest and sessions last as long as the program. */
export const mcpWay = (options: McpWay): Way => mcpWayOn(async () => McpHttp, options)

export { mcpKeyFrom } from "../mcp/key.ts"
