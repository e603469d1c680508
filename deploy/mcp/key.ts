/** The key that signs what MCP clients hold between two rounds of a call that asks a person: the same on all servers of one store. */
import { fail } from "../../graph/mod.ts"

export const MCP_KEY = "SHADOWGRAPH_MCP_KEY"
const BYTES = 32

/** From the variable SHADOWGRAPH_MCP_KEY; nothing where that is not set, and then each program draws its own. Fails with `Failure` `BadKey`. */
export function mcpKeyFrom(env: { readonly [name: string]: unknown }): { readonly key?: Uint8Array } {
  const text = env[MCP_KEY]
  if (text === undefined || text === null || text === "") return {}
  const key = new TextEncoder().encode(String(text))
  if (key.length >= BYTES) return { key }
  throw fail("BadKey", `${MCP_KEY} must have at least ${BYTES} bytes, found ${key.length}`)
}
