/**
 * A client for the suite's client scenarios, by the official library: straight to the server that the suite started, or
 * through the proxy, over HTTP or over standard streams. `bun conformance_client.ts direct|http|stdio <folder> <url>`.
 */
import { join } from "node:path"
import {
  Client,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  type Transport,
  UnauthorizedError,
} from "@modelcontextprotocol/client"
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio"
import { listening } from "./talk.ts"

const [way, folder = ".", url = ""] = process.argv.slice(2)
const MAIN = join(import.meta.dirname, "..", "..", "deploy", "cli", "main.ts")
const words = [MAIN, "mcp", "proxy", "--in", folder, "--url", url]

/** Logs in as a person would who says yes to everything: the suite's server sends the code back at once. */
class Login implements OAuthClientProvider {
  readonly redirectUrl = "http://localhost:3999/callback"
  readonly clientMetadataUrl = "https://conformance-test.local/client-metadata.json"
  readonly clientMetadata = {
    client_name: "conformance-client",
    redirect_uris: [this.redirectUrl],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
  }
  code = ""
  #client: ReturnType<OAuthClientProvider["clientInformation"]>
  #tokens: ReturnType<OAuthClientProvider["tokens"]>
  #verifier = ""
  constructor(known: { readonly client_id?: string; readonly client_secret?: string }) {
    if (known.client_id !== undefined) this.#client = known as never
  }
  clientInformation = () => this.#client
  saveClientInformation = (client: never) => void (this.#client = client)
  tokens = () => this.#tokens
  saveTokens = (tokens: never) => void (this.#tokens = tokens)
  saveCodeVerifier = (verifier: string) => void (this.#verifier = verifier)
  codeVerifier = () => this.#verifier
  redirectToAuthorization = async (at: URL) => {
    const { headers } = await fetch(at, { redirect: "manual" })
    this.code = new URL(headers.get("location")!).searchParams.get("code")!
  }
}
const authProvider = new Login(JSON.parse(process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}"))

let close = async (): Promise<void> => undefined
/** Over HTTP, where the server, or the proxy, is. */
let at = url
async function reached(): Promise<void> {
  if (way !== "http") return
  const front = await listening(
    { command: process.execPath, args: [...words, "--listen", "0"], cwd: folder },
    /serving (\S+)/,
  )
  close = front.close
  at = front.found[1]!
}
const transport = (): Transport =>
  way === "stdio"
    ? new StdioClientTransport({ command: process.execPath, args: words, stderr: "inherit" })
    : new StreamableHTTPClientTransport(new URL(at), { authProvider })

const LOGINS_MAX = 3
/** Does what a client does; where it has to log in first, it does that, and begins again. */
async function use(logins = 0): Promise<void> {
  const client = new Client(
    { name: "conformance-client", version: "1" },
    { capabilities: { elicitation: { form: { applyDefaults: true } } } },
  )
  client.setRequestHandler("elicitation/create", () => ({ action: "accept", content: {} }))
  const over = transport()
  try {
    await client.connect(over)
    const { tools } = await client.listTools()
    for (const { name, inputSchema } of tools) {
      const fields = Object.keys(inputSchema.properties ?? {})
      const args = Object.fromEntries(fields.map((field, i) => [field, i + 2]))
      await client.callTool({ name, arguments: args })
    }
    await client.close()
  } catch (cause) {
    if (!(cause instanceof UnauthorizedError) || logins >= LOGINS_MAX) throw cause
    await (over as StreamableHTTPClientTransport).finishAuth(authProvider.code)
    await use(logins + 1)
  }
}

await reached()
await use().catch((cause) => console.error(String(cause)))
await close()
process.exit(0)
