/** The way to MCP of a server, which loads the protocol's library with the first request: one that nobody asks costs no start. */

import { type McpWay, mcpWayOn } from "./mcp_way.ts"
import type { Way } from "./means.ts"

export type { McpWay } from "./mcp_way.ts"

/** Adds `/mcp`. */
export const mcpWay = (options: McpWay): Way => mcpWayOn(async () => (await import("../mcp/http.ts")).McpHttp, options)
