/** Graphs over MCP inside this process: the server's own handler with the way to MCP on it, and clients that call it as a function. */
import { Client, StreamableHTTPClientTransport, type VersionNegotiationMode } from "@modelcontextprotocol/client"
import type { Engine } from "../../deploy/engine/engine.ts"
import { graphsApp, type Served } from "../../deploy/http/app.ts"
import { Catalogue } from "../../deploy/http/catalogue.ts"
import { Draining } from "../../deploy/http/draining.ts"
import { type Holder, TokenError } from "../../deploy/http/holder.ts"
import { type McpWay, mcpWay } from "../../deploy/http/mcp.ts"
import type { Type } from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import { GRANTS, ledger, World } from "../durable/house.ts"
import { OLD } from "./clients.ts"

export const TEXTS = {
  double: `graph: double
about: Looks twice.
input: { x: number }
nodes:
  once: { look: input.x }
  twice: { look: once }
output: { twice: twice, said: "'looked'" }
`,
  asks: `graph: asks
input: { x: number }
nodes:
  sure: { ask: "Send \${ input.x }?", output: boolean }
  sent: { when: sure, then: { send: input.x }, else: { expr: "0.0" } }
output: sent
`,
  whole: `graph: whole
input: { n: int64 }
nodes:
  next: { expr: "input.n + int64(1)" }
output: next
`,
  form: `graph: form
nodes:
  who: { ask: Who?, output: { name: string, age: int64 = 30, sex?: f | m | x } }
output: who
`,
}

export interface InApp {
  readonly engine: Engine
  readonly served: readonly Served[]
  readonly catalogue: Catalogue
  readonly world: World
  readonly fetch: (request: Request) => Promise<Response>
  readonly defects: unknown[]
  readonly connect: (options?: {
    readonly mode?: VersionNegotiationMode
    readonly token?: string
    readonly answer?: (form: { readonly message: string; readonly requestedSchema: object }) => object
  }) => Promise<Client>
  readonly close: () => Promise<void>
}

/** `of`: another server on the same store. */
export async function inApp(
  options: {
    readonly way?: Partial<McpWay>
    readonly holders?: { readonly [token: string]: Holder }
    readonly of?: Pick<InApp, "engine" | "world">
    readonly limits?: object
    readonly origins?: readonly string[]
  } = {},
): Promise<InApp> {
  const world = options.of?.world ?? new World()
  const store = options.of?.engine.store ?? ledger()
  const engine = world.engine(store)
  const served: Served[] = []
  for (const [name, text] of Object.entries(TEXTS)) {
    const bytes = world.plan(text)
    const ready = await engine.prepare(bytes, { grants: GRANTS })
    const { plan } = ready.admitted
    served.push({
      name,
      needs: plan.needs,
      input: plan.types[plan.input] as Type,
      output: plan.types[plan.output]!,
      engine,
      ready,
      readyFor: async ({ grants }) => {
        try {
          return await engine.prepare(bytes, { grants: GRANTS, within: [grants] })
        } catch (cause) {
          if (cause instanceof AdmissionError) return cause
          throw cause
        }
      },
    })
  }
  const defects: unknown[] = []
  const draining = new Draining()
  const { holders } = options
  const catalogue = new Catalogue(served)
  const app = graphsApp({
    graphs: catalogue,
    runs: [{ engine, grants: GRANTS }],
    ways: [mcpWay({ roles: new Map(), draining, names: ["localhost"], ...options.way })],
    hosts: ["localhost"],
    origins: options.origins ?? [],
    draining,
    limits: { runMsMax: 5_000, ...options.limits },
    onDefect: (cause) => defects.push(cause),
    ...(holders === undefined
      ? {}
      : {
          holderOf: async (request) => {
            const found = holders[request.headers.get("authorization")?.replace(/^Bearer /, "") ?? ""]
            if (found !== undefined) return found
            throw new TokenError({ reason: "token-unknown", message: "The token is none of this server's." })
          },
        }),
  })
  const fetch = async (request: Request): Promise<Response> => {
    if (request.headers.get("host") === null) request.headers.set("host", "localhost")
    return await app.fetch(request)
  }
  return {
    engine,
    served,
    catalogue,
    world,
    fetch,
    defects,
    connect: async ({ mode = OLD, token, answer } = {}) => {
      const client = new Client(
        { name: "test", version: "1" },
        { capabilities: answer === undefined ? {} : { elicitation: {} }, versionNegotiation: { mode } },
      )
      if (answer !== undefined)
        client.setRequestHandler("elicitation/create", ({ params }) => answer(params as never) as { action: "accept" })
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const own = (url: string | URL, init?: RequestInit) => fetch(new Request(url, init))
      await client.connect(
        new StreamableHTTPClientTransport(new URL("http://localhost/mcp"), { fetch: own, requestInit: { headers } }),
      )
      return client
    },
    close: async () => {
      await draining.stop(100)
      await engine.close(100)
    },
  }
}
