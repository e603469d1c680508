/** What the projects of served graphs say of MCP, read alike by every command that serves it. */
import { Failure } from "../../graph/mod.ts"
import type { Served } from "../http/app.ts"
import { mcpKeyFrom } from "../mcp/key.ts"
import { rolesOf } from "../mcp/roles.ts"
import type { McpServing } from "../mcp/serving.ts"
import type { Named } from "./check.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"

export type McpWords = Pick<McpServing, "roles" | "instructions"> & Partial<Pick<McpServing, "key">>

/** Which graphs are no tools, what clients are told, and the key of this server where one is given. Fails with `CliError`. */
export function mcpOf(call: Call, graphs: readonly Named[], served: readonly Served[]): McpWords {
  const files = graphs.map((g) => g.project.file.mcp)
  const { problems, ...more } = rolesOf(files, served)
  if (problems.length > 0) throw new CliError({ reason: "failed", message: problems.join("\n"), exit: EXIT.failed })
  try {
    return { ...more, ...mcpKeyFrom(call.terminal.env) }
  } catch (cause) {
    if (cause instanceof Failure) throw usage(cause.message)
    throw cause
  }
}
