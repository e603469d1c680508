/** One tool of an MCP server over streamable HTTP, made with the official library; says on standard output where it listens. */
import { Server, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server"

export interface OneTool {
  readonly name: string
  readonly description: string
  readonly inputSchema: { readonly type: "object" }
  /** Answers with the text of the result; what it throws is the tool's error. */
  readonly call: (args: never) => string
}

export function serveTool({ call, ...tool }: OneTool): void {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>()
  const made = () => {
    const server = new Server({ name: tool.name, version: "1" }, { capabilities: { tools: {} } })
    server.setRequestHandler("tools/list", () => ({ tools: [tool] }))
    server.setRequestHandler("tools/call", ({ params }) => {
      try {
        return { content: [{ type: "text" as const, text: call(params.arguments as never) }] }
      } catch (cause) {
        return { isError: true, content: [{ type: "text" as const, text: String(cause) }] }
      }
    })
    return server
  }
  const { port } = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: async (request) => {
      const known = sessions.get(request.headers.get("mcp-session-id") ?? "")
      if (known !== undefined) return known.handleRequest(request)
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: () => crypto.randomUUID(),
        onsessioninitialized: (id) => void sessions.set(id, transport),
        enableJsonResponse: true,
      })
      await made().connect(transport)
      return transport.handleRequest(request)
    },
  })
  console.log(port)
}
