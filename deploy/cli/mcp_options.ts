/** What the projects of served graphs say of MCP, read alike by every command that serves it. */
import type { Served } from "../http/app.ts"
import { rolesOf } from "../mcp/roles.ts"
import type { McpServing } from "../mcp/serving.ts"
import type { Named } from "./check.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"

/** Signs what MCP clients hold between two rounds of a call that asks a person: the same on all servers of one store. */
const MCP_KEY = "SHADOWGRAPH_MCP_KEY"
const MCP_KEY_BYTES = 32

export type McpWords = Pick<McpServing, "roles" | "instructions"> & Partial<Pick<McpServing, "key">>

/** Which graphs are no tools, what clients are told, and the key of this server where one is given. Fails with `CliError`. */
export function mcpOf(call: Call, graphs: readonly Named[], served: readonly Served[]): McpWords {
  const files = graphs.map((g) => g.project.file.mcp)
  const { problems, ...more } = rolesOf(files, served)
  if (problems.length > 0) throw new CliError({ reason: "failed", message: problems.join("\n"), exit: EXIT.failed })
  const text = call.terminal.env[MCP_KEY]
  if (text === undefined || text === "") return more
  const key = new TextEncoder().encode(text)
  if (key.length >= MCP_KEY_BYTES) return { ...more, key }
  throw usage(`${MCP_KEY} must have at least ${MCP_KEY_BYTES} bytes, found ${key.length}`)
}
