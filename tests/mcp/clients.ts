/** The official client, connected to graphs that a real command serves: over standard streams or HTTP, in each protocol. */
import { join } from "node:path"
import {
  Client,
  type ElicitResult,
  StreamableHTTPClientTransport,
  type VersionNegotiationMode,
} from "@modelcontextprotocol/client"
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio"

const MAIN = join(import.meta.dirname, "..", "..", "deploy", "cli", "main.ts")

export const OLD: VersionNegotiationMode = "legacy"
export const NEW: VersionNegotiationMode = { pin: "2026-07-28" }

export interface Asked {
  /** What the client was asked, in order. */
  readonly forms: { readonly message: string; readonly requestedSchema: object }[]
}

export interface ClientOptions {
  readonly mode?: VersionNegotiationMode
  /** How the person at the client answers; without it the client cannot be asked. */
  readonly answer?: (message: string) => ElicitResult | Promise<ElicitResult>
  readonly token?: string
}

function clientOf({ mode = OLD, answer }: ClientOptions): { readonly client: Client } & Asked {
  const forms: { message: string; requestedSchema: object }[] = []
  const client = new Client(
    { name: "test", version: "1" },
    { capabilities: answer === undefined ? {} : { elicitation: { form: {} } }, versionNegotiation: { mode } },
  )
  if (answer !== undefined)
    client.setRequestHandler("elicitation/create", async ({ params }) => {
      forms.push(params as never)
      return await answer(params.message)
    })
  return { client, forms }
}

export async function overHttp(url: string, options: ClientOptions = {}) {
  const made = clientOf(options)
  const headers = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }
  await made.client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }))
  return made
}

export async function overStdio(folder: string, words: readonly string[] = [], options: ClientOptions = {}) {
  const made = clientOf(options)
  const args = [MAIN, "mcp", "serve", ...words]
  await made.client.connect(
    new StdioClientTransport({ command: process.execPath, args, cwd: folder, stderr: "ignore" }),
  )
  return made
}

/** The texts of an answer, and the run that it is of. */
export function toldBy(result: { readonly content?: unknown; readonly _meta?: unknown; readonly isError?: unknown }) {
  const content = (result.content ?? []) as readonly { readonly type: string; readonly text?: string }[]
  const about = (result._meta as { readonly [key: string]: { readonly run?: string } } | undefined)?.["shadowgraph/run"]
  return {
    text: content.map((c) => c.text ?? c.type).join("\n"),
    failed: result.isError === true,
    run: about?.run,
    about: about as { readonly [key: string]: unknown } | undefined,
  }
}
