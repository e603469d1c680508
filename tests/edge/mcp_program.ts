/** What a host is asked: to serve a plan as a tool of MCP, without sessions, and to answer these messages in turn. */
import { mcpAtEdge } from "../../deploy/edge/mcp.ts"
import { edge } from "../../deploy/edge/mod.ts"

export interface Question {
  /** Base64. */
  readonly plan: string
  readonly tokens?: readonly string[]
  readonly requests: readonly { readonly headers: Readonly<Record<string, string>>; readonly body: string }[]
}

export default async function answer({ plan, tokens, requests }: Question) {
  const bytes = Uint8Array.from(atob(plan), (c) => c.charCodeAt(0))
  const app = edge({ graphs: [{ plan: bytes }], ...(tokens ? { tokens } : {}) })
  const mcp = mcpAtEdge(app, { instructions: "At the edge." })
  const told: { readonly status: number; readonly text: string }[] = []
  for (const { headers, body } of requests) {
    const type = { "content-type": "application/json", accept: "application/json, text/event-stream" }
    const request = new Request("https://graphs.example.com/mcp", {
      method: "POST",
      headers: { ...type, ...headers },
      body,
    })
    const response = await mcp(request)
    told.push({ status: response.status, text: await response.text() })
  }
  return told
}
