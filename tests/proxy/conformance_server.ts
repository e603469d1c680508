/**
 * The server that MCP's conformance suite looks for, made with the official library: every feature under the fixed names of
 * its scenarios. `bun conformance_server.ts http|stdio`; over HTTP it says where it listens.
 */
import { Server, type ServerContext, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server"
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio"

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
const WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="
const text = (words: string) => ({ type: "text" as const, text: words })
const image = { type: "image" as const, data: PNG, mimeType: "image/png" }
const resource = (uri: string, mimeType: string, words: string) => {
  return { type: "resource" as const, resource: { uri, mimeType, text: words } }
}
const user = <C>(content: C) => ({ role: "user" as const, content })
const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))

type Call = (args: Record<string, unknown>, context: ServerContext) => unknown
const elicited = async (context: ServerContext, message: string, requestedSchema: object) => {
  const { action, content } = await context.mcpReq.elicitInput({ message, requestedSchema } as never)
  return { content: [text(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`)] }
}
const titled = (words: readonly string[]) => words.map((title, i) => ({ const: `value${i + 1}`, title }))

const TOOLS: { readonly [name: string]: Call } = {
  test_simple_text: () => ({ content: [text("This is a simple text response for testing.")] }),
  test_image_content: () => ({ content: [image] }),
  test_audio_content: () => ({ content: [{ type: "audio", data: WAV, mimeType: "audio/wav" }] }),
  test_embedded_resource: () => ({
    content: [resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")],
  }),
  test_multiple_content_types: () => ({
    content: [
      text("Multiple content types test:"),
      image,
      resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ],
  }),
  test_tool_with_logging: async (_, { mcpReq }) => {
    for (const words of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
      await mcpReq.log("info", words)
      await wait(50)
    }
    return { content: [text("logged")] }
  },
  test_tool_with_progress: async (_, { mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined)
        await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total: 100 } })
      await wait(50)
    }
    return { content: [text("progressed")] }
  },
  test_error_handling: () => ({
    isError: true,
    content: [text("This tool intentionally returns an error for testing")],
  }),
  test_sampling: async ({ prompt }, { mcpReq }) => {
    const messages = [user(text(String(prompt)))]
    const { content } = await mcpReq.requestSampling({ messages, maxTokens: 100 })
    return { content: [text(`LLM response: ${JSON.stringify(content)}`)] }
  },
  test_elicitation: (args, context) =>
    elicited(context, String(args["message"]), {
      type: "object",
      properties: { username: { type: "string" }, email: { type: "string" } },
      required: ["username", "email"],
    }),
  test_elicitation_sep1034_defaults: (_, context) =>
    elicited(context, "Please", {
      type: "object",
      properties: {
        name: { type: "string", default: "John Doe" },
        age: { type: "integer", default: 30 },
        score: { type: "number", default: 95.5 },
        status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
        verified: { type: "boolean", default: true },
      },
    }),
  test_elicitation_sep1330_enums: (_, context) => {
    const options = ["option1", "option2", "option3"]
    return elicited(context, "Please", {
      type: "object",
      properties: {
        untitledSingle: { type: "string", enum: options },
        titledSingle: { type: "string", oneOf: titled(["First Option", "Second Option", "Third Option"]) },
        legacyEnum: {
          type: "string",
          enum: ["opt1", "opt2", "opt3"],
          enumNames: ["Option One", "Option Two", "Option Three"],
        },
        untitledMulti: { type: "array", items: { type: "string", enum: options } },
        titledMulti: { type: "array", items: { anyOf: titled(["First Choice", "Second Choice", "Third Choice"]) } },
      },
    })
  },
  test_reconnection: async (_, { http }) => {
    http?.closeSSE?.()
    await wait(100)
    return { content: [text("Reconnection test completed successfully.")] }
  },
  json_schema_2020_12_tool: () => ({ content: [text("ok")] }),
}

const SCHEMA_2020_12 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: { address: { type: "object", properties: { street: { type: "string" }, city: { type: "string" } } } },
  properties: { name: { type: "string" }, address: { $ref: "#/$defs/address" } },
  additionalProperties: false,
}

const PROMPTS: { readonly [name: string]: (args: Record<string, string>) => object } = {
  test_simple_prompt: () => ({ messages: [user(text("This is a simple prompt for testing."))] }),
  test_prompt_with_arguments: ({ arg1, arg2 }) => ({
    messages: [user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
  }),
  test_prompt_with_embedded_resource: ({ resourceUri = "" }) => ({
    messages: [
      user(resource(resourceUri, "text/plain", "Embedded resource content for testing.")),
      user(text("Please process the embedded resource above.")),
    ],
  }),
  test_prompt_with_image: () => ({ messages: [user(image), user(text("Please analyze the image above."))] }),
}
const ARGUMENTS: { readonly [prompt: string]: readonly string[] } = {
  test_prompt_with_arguments: ["arg1", "arg2"],
  test_prompt_with_embedded_resource: ["resourceUri"],
}

function read(uri: string) {
  if (uri === "test://static-binary") return { uri, mimeType: "image/png", blob: PNG }
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1]
  if (id === undefined) return { uri, mimeType: "text/plain", text: "This is the content of the static text resource." }
  return {
    uri,
    mimeType: "application/json",
    text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
  }
}

function makeServer(): Server {
  const capabilities = { tools: {}, prompts: {}, resources: { subscribe: true }, logging: {}, completions: {} }
  const server = new Server({ name: "conformance", version: "1" }, { capabilities })
  server.setRequestHandler("tools/list", () => ({
    tools: Object.keys(TOOLS).map((name) => ({
      name,
      description: `The tool ${name}`,
      inputSchema: (name === "json_schema_2020_12_tool" ? SCHEMA_2020_12 : { type: "object" }) as { type: "object" },
    })),
  }))
  server.setRequestHandler("tools/call", async ({ params }, context) => {
    const tool = TOOLS[params.name]
    if (tool === undefined) return { isError: true, content: [text(`There is no tool ${params.name}`)] }
    return (await tool(params.arguments ?? {}, context)) as { content: [] }
  })
  server.setRequestHandler("prompts/list", () => ({
    prompts: Object.keys(PROMPTS).map((name) => ({
      name,
      description: `The prompt ${name}`,
      arguments: (ARGUMENTS[name] ?? []).map((argument) => ({ name: argument, required: true, description: argument })),
    })),
  }))
  server.setRequestHandler(
    "prompts/get",
    ({ params }) => PROMPTS[params.name]!(params.arguments ?? {}) as { messages: [] },
  )
  server.setRequestHandler("resources/list", () => ({
    resources: ["test://static-text", "test://static-binary", "test://watched-resource"].map((uri) => ({
      uri,
      name: uri,
      description: uri,
    })),
  }))
  server.setRequestHandler("resources/templates/list", () => ({
    resourceTemplates: [{ uriTemplate: "test://template/{id}/data", name: "template" }],
  }))
  server.setRequestHandler("resources/read", ({ params }) => ({ contents: [read(params.uri)] as unknown as [] }))
  server.setRequestHandler("resources/subscribe", () => ({}))
  server.setRequestHandler("resources/unsubscribe", () => ({}))
  server.setRequestHandler("completion/complete", () => ({
    completion: { values: ["paris", "park"], total: 2, hasMore: false },
  }))
  return server
}

/** Events by number, with the stream that each belongs to, so that a client can take one up where it broke. */
class Memory {
  readonly #events: { readonly stream: string; readonly message: never }[] = []
  async storeEvent(stream: string, message: unknown): Promise<string> {
    this.#events.push({ stream, message: message as never })
    return String(this.#events.length - 1)
  }
  async getStreamIdForEventId(id: string): Promise<string | undefined> {
    return this.#events[Number(id)]?.stream
  }
  async replayEventsAfter(
    id: string,
    { send }: { send: (id: string, message: never) => Promise<void> },
  ): Promise<string> {
    const { stream } = this.#events[Number(id)]!
    for (let i = Number(id) + 1; i < this.#events.length; i++)
      if (this.#events[i]!.stream === stream) await send(String(i), this.#events[i]!.message)
    return stream
  }
}

const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

function serveHttp(): void {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>()
  const { port } = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: async (request) => {
      const origin = request.headers.get("origin")
      const foreign =
        !LOCAL.test(request.headers.get("host") ?? "") || (origin !== null && !LOCAL.test(new URL(origin).host))
      if (foreign) return new Response("Forbidden", { status: 403 })
      const known = sessions.get(request.headers.get("mcp-session-id") ?? "")
      if (known !== undefined) return known.handleRequest(request)
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: () => crypto.randomUUID(),
        onsessioninitialized: (id) => void sessions.set(id, transport),
        eventStore: new Memory() as never,
        retryInterval: 200,
      })
      await makeServer().connect(transport)
      return transport.handleRequest(request)
    },
  })
  console.log(`listening on port ${port}`)
}

if (process.argv[2] === "stdio") await makeServer().connect(new StdioServerTransport())
else serveHttp()
