/** An MCP server on loopback that wants a token of an authorization server, and says so as RFC 9728 wants it. */
import { createMcpHandler, Server } from "@modelcontextprotocol/server"
import type { Authority } from "./authority.ts"

export interface Wiki {
  readonly url: string
  readonly host: string
  /** Tokens that it takes no more. */
  readonly refused: Set<string>
  /** Tokens that it was shown. */
  readonly seen: string[]
  /** Of its metadata, what is other than it should be. */
  lie: { readonly [key: string]: unknown } | string | undefined
  /** What it says of where its metadata are. */
  metadataAt: string | undefined
  readonly close: () => Promise<void>
}

/** `read` wants the scope wiki:read, `write` wiki:write, `echo` says who asks. */
export function openWiki(authority: Authority): Wiki {
  const refused = new Set<string>()
  const seen: string[] = []
  const mcp = createMcpHandler(() => {
    const server = new Server({ name: "wiki", version: "1" }, { capabilities: { tools: {} } })
    const tool = (name: string) => ({ name, inputSchema: { type: "object" as const } })
    server.setRequestHandler("tools/list", () => ({ tools: ["read", "write", "echo"].map(tool) }))
    server.setRequestHandler("tools/call", ({ params }) => {
      if (params.name === "echo") throw new Error(`who are you, ${seen.at(-1)}?`)
      return { content: [{ type: "text" as const, text: `${params.name} done` }] }
    })
    return server
  })
  const http = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: async (request) => {
      const { pathname } = new URL(request.url)
      if (pathname.startsWith("/.well-known/oauth-protected-resource")) {
        if (typeof wiki.lie === "string") return new Response(wiki.lie)
        return Response.json({
          resource: wiki.url,
          authorization_servers: [authority.issuer],
          scopes_supported: ["wiki:read"],
          ...wiki.lie,
        })
      }
      if (pathname !== "/mcp") return new Response("nothing", { status: 404 })
      const at = wiki.metadataAt ?? `${wiki.url.replace("/mcp", "")}/.well-known/oauth-protected-resource/mcp`
      const token = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1]
      if (token !== undefined) seen.push(token)
      const scope = token === undefined || refused.has(token) ? undefined : await authority.scopeOf(token, wiki.url)
      if (scope === undefined) return denied(401, `Bearer resource_metadata="${at}", scope="wiki:read"`)
      const body = await request.clone().text()
      const wanted = body.includes('"tools/call"') && body.includes('"write"') ? "wiki:write" : "wiki:read"
      if (!scope.split(" ").includes(wanted))
        return denied(403, `Bearer error="insufficient_scope", scope="${wanted}", resource_metadata="${at}"`)
      return mcp.fetch(request)
    },
  })
  const wiki: Wiki = {
    url: `http://127.0.0.1:${http.port}/mcp`,
    host: `127.0.0.1:${http.port}`,
    refused,
    seen,
    lie: undefined,
    metadataAt: undefined,
    close: () => http.stop(true),
  }
  return wiki
}

const denied = (status: number, challenge: string): Response =>
  new Response("no", { status, headers: { "www-authenticate": challenge } })
