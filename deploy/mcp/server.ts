/**
 * A server of the official library with graphs behind it: tools, prompts, resources, completions. One is made for each
 * connection or, where there are none, for each request; what they share is in `McpServing`. Nothing here opens a gate:
 * who calls, what that grants, and what a run may do is decided where it is for every other way to a run.
 */
import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  createRequestStateCodec,
  inputRequired,
  ProtocolError,
  ProtocolErrorCode,
  type RequestStateCodec,
  ResourceNotFoundError,
  Server,
  type ServerContext,
} from "@modelcontextprotocol/server"
import type { Caller } from "../http/callers.ts"
import { annotationsOf } from "./annotations.ts"
import type { ToolAnswer } from "./answers.ts"
import { type Asked, callGraph, type GraphCall, showGraph } from "./calls.ts"
import { contentsOf, holdsFiles } from "./content.ts"
import { completions, inputOfTexts, isTemplate, matched, messagesOf, promptArguments } from "./roles.ts"
import { findRun, listRuns, RUN_TEMPLATES, readRun, runOf } from "./runs.ts"
import { inputSchema, outputSchema, type Schema } from "./schemas.ts"
import { externsOf, graphsFor, listsOf, type McpGraph, type McpServing } from "./serving.ts"
import type { Watch } from "./watch.ts"

export interface Connection {
  readonly serving: McpServing
  /** Where somebody can be told of what changes later: a connection that lasts. */
  readonly watch?: Watch
  /** Who is at the other end of a request. */
  readonly callerOf: (context: ServerContext) => Caller
  /** `modern`: protocol revisions without sessions, where a call that asks is answered, and comes again with what was said. */
  readonly era: "legacy" | "modern"
}

const NAME = "shadowgraph"
const VERSION = "0.1.0"
/** A client has so long to come back with what its person said. The run itself rests as long as its graph says. */
const STATE_SECONDS = 24 * 3600
const LOG_OFF = () => {}

/** A server for one connection or one request; whoever makes it connects and closes it. */
export function makeServer(connection: Connection): Server {
  const { serving } = connection
  const codec = createRequestStateCodec<State>({
    key: serving.key,
    ttlSeconds: STATE_SECONDS,
    // What one token's holder was asked, no other answers.
    bind: (context) => `${context.mcpReq.method} ${connection.callerOf(context).holder?.name ?? ""}`,
  })
  // Only who keeps a connection, or listens, can be told.
  const lists =
    serving.changes === undefined || (connection.era === "legacy" && !connection.watch) ? [] : listsOf(serving)
  const told = (list: (typeof lists)[number]) => (lists.includes(list) ? { listChanged: true } : {})
  const server = new Server(
    { name: NAME, version: VERSION, title: "Shadowgraph" },
    {
      capabilities: {
        ...{ tools: { ...told("tools") }, prompts: { ...told("prompts") } },
        ...{ resources: { subscribe: true, ...told("resources") }, logging: {}, completions: {} },
      },
      ...(serving.instructions === undefined ? {} : { instructions: serving.instructions }),
      inputRequired: { legacyShim: false },
      requestState: { verify: codec.verify },
    },
  )
  const surface = new Surface(server, connection, codec)
  surface.tools()
  surface.prompts()
  surface.resources()
  surface.completions()
  if (connection.watch !== undefined && lists.length > 0) tellChanges(server, serving, lists)
  return server
}

/** On a connection that lasts: told from when the client is ready until it goes. */
function tellChanges(server: Server, serving: McpServing, lists: ReturnType<typeof listsOf>): void {
  const tell = {
    tools: "sendToolListChanged",
    prompts: "sendPromptListChanged",
    resources: "sendResourceListChanged",
  } as const
  const off = serving.changes!(() => {
    for (const list of lists) server[tell[list]]().catch(LOG_OFF)
  })
  const before = server.onclose
  server.onclose = () => {
    off()
    before?.()
  }
}

/** What a client holds for the server between two rounds. */
interface State {
  readonly run: string
  readonly graph: string
}

class Surface {
  readonly #server: Server
  readonly #serving: McpServing
  readonly #connection: Connection
  readonly #codec: RequestStateCodec<State>

  constructor(server: Server, connection: Connection, codec: RequestStateCodec<State>) {
    this.#server = server
    this.#serving = connection.serving
    this.#connection = connection
    this.#codec = codec
  }

  #caller(context: ServerContext): Caller {
    return this.#connection.callerOf(context)
  }

  // ---- tools

  tools(): void {
    this.#server.setRequestHandler("tools/list", (_, context) => ({
      tools: graphsFor(this.#serving, this.#caller(context), "tool").map(toolOf) as never,
    }))
    this.#server.setRequestHandler("tools/call", async ({ params }, context) => {
      const graph = graphsFor(this.#serving, this.#caller(context), "tool").find((g) => g.name === params.name)
      if (graph === undefined) throw invalid(`Unknown tool: ${params.name}`)
      const call = { ...this.#callOf(graph, context), ask: this.#askBy(context) }
      const state = context.mcpReq.requestState<State>()
      if (state !== undefined && state.graph !== graph.name) throw invalid("The call went on with another tool")
      const given =
        state === undefined
          ? { args: params.arguments ?? {} }
          : { run: state.run, responses: context.mcpReq.inputResponses ?? {} }
      const came = await this.#sound(callGraph(this.#serving, call, given))
      if ("forms" in came) return (await this.#asked(came, graph, context)) as never
      return this.#server.projectCallToolResult(came as never, schemasOf(graph).outputSchema)
    })
  }

  async #asked({ run, forms }: Asked, graph: McpGraph, context: ServerContext) {
    const requestState = await this.#codec.mint({ run, graph: graph.name }, context)
    const requests = Object.entries(forms).map(([path, form]) => [path, inputRequired.elicit(form as never)])
    return inputRequired({ inputRequests: Object.fromEntries(requests), requestState })
  }

  /** How the person at the client can be asked, by what the client says of itself. */
  #askBy(context: ServerContext): GraphCall["ask"] {
    if (this.#connection.era === "modern") {
      const envelope = context.mcpReq.envelope as { readonly [key: string]: unknown } | undefined
      const able = envelope?.[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined
      return takesForms(able?.elicitation) ? "later" : undefined
    }
    if (!takesForms(this.#server.getClientCapabilities()?.elicitation)) return undefined
    const timeout = this.#serving.askMsMax
    return (form, signal) => context.mcpReq.elicitInput({ mode: "form", ...form } as never, { signal, timeout })
  }

  #callOf(graph: McpGraph, context: ServerContext): Omit<GraphCall, "ask"> {
    const { _meta, notify, log, signal } = context.mcpReq
    const token = _meta?.progressToken
    // A client that has gone hears nothing more; that is no defect.
    const quietly = (sent: Promise<void>) => void sent.catch(LOG_OFF)
    return {
      graph,
      caller: this.#caller(context),
      signal,
      heard: {
        progress:
          token === undefined
            ? undefined
            : (progress, message) =>
                quietly(
                  notify({ method: "notifications/progress", params: { progressToken: token, progress, message } }),
                ),
        log: (level, data) => quietly(log(level, data, graph.name)),
      },
    }
  }

  // ---- prompts

  prompts(): void {
    this.#server.setRequestHandler("prompts/list", (_, context) => ({
      prompts: graphsFor(this.#serving, this.#caller(context), "prompt").map((graph) => ({
        name: graph.name,
        description: about(graph),
        arguments: promptArguments(graph),
      })),
    }))
    this.#server.setRequestHandler("prompts/get", async ({ params }, context) => {
      const graph = graphsFor(this.#serving, this.#caller(context), "prompt").find((g) => g.name === params.name)
      if (graph === undefined) throw invalid(`Unknown prompt: ${params.name}`)
      const { value, uri } = await this.#shown(graph, params.arguments ?? {}, context)
      return { description: about(graph), messages: messagesOf(value, uri) as never }
    })
  }

  /** The value of a graph that is run to be shown. Fails with `ProtocolError`. */
  async #shown(graph: McpGraph, texts: { readonly [name: string]: string }, context: ServerContext) {
    let args: unknown
    try {
      args = inputOfTexts(graph, texts)
    } catch (cause) {
      throw invalid(`${graph.name}: ${(cause as Error).message}`)
    }
    const came = await this.#sound(showGraph(this.#serving, this.#callOf(graph, context), args))
    if ("value" in came) return came
    throw new ProtocolError(ProtocolErrorCode.InternalError, wordsOf(came))
  }

  // ---- resources

  resources(): void {
    this.#server.setRequestHandler("resources/list", async ({ params }, context) => {
      const caller = this.#caller(context)
      const at = cursorOf(params?.cursor)
      const fixed = at > 0 ? [] : this.#addressed(caller).filter(({ uri }) => !isTemplate(uri))
      const { resources, next } = await this.#sound(listRuns(this.#serving, caller, at))
      return {
        resources: [
          ...fixed.map(({ graph, uri }) => ({ uri, name: graph.name, description: about(graph) })),
          ...resources,
        ] as never,
        ...(next === undefined ? {} : { nextCursor: String(next) }),
      }
    })
    this.#server.setRequestHandler("resources/templates/list", (_, context) => {
      const own = this.#addressed(this.#caller(context)).filter(({ uri }) => isTemplate(uri))
      return {
        resourceTemplates: [
          ...own.map(({ graph, uri }) => ({ uriTemplate: uri, name: graph.name, description: about(graph) })),
          ...RUN_TEMPLATES,
        ],
      }
    })
    this.#server.setRequestHandler("resources/read", async ({ params: { uri } }, context) => {
      const run = await this.#sound(readRun(this.#serving, uri, this.#caller(context)))
      if (run !== undefined) return { contents: [run] as never }
      const found = this.#resourceAt(uri, this.#caller(context))
      if (found === undefined) throw new ResourceNotFoundError(uri, `There is no resource ${uri}`)
      const { value } = await this.#shown(found.graph, found.texts, context)
      return { contents: [contentsOf(value, uri)] as never }
    })
    this.#subscriptions()
  }

  #addressed(caller: Caller) {
    return graphsFor(this.#serving, caller, "resource").flatMap((graph) => {
      const role = this.#serving.roles.get(graph.name)
      return role?.as === "resource" ? [{ graph, uri: role.uri }] : []
    })
  }

  #resourceAt(uri: string, caller: Caller) {
    for (const { graph, uri: template } of this.#addressed(caller)) {
      const texts = matched(template, uri)
      if (texts !== undefined) return { graph, texts }
    }
    return undefined
  }

  /** Of the older protocol; the newest has one request for all of them, which the library answers. */
  #subscriptions(): void {
    const { watch } = this.#connection
    const held = new Map<string, () => void>()
    let off: (() => void) | undefined
    const close = () => {
      for (const drop of held.values()) drop()
      held.clear()
      off?.()
      off = undefined
    }
    const before = this.#server.onclose
    this.#server.onclose = () => {
      close()
      before?.()
    }
    this.#server.setRequestHandler("resources/subscribe", async ({ params: { uri } }, context) => {
      const caller = this.#caller(context)
      const of = runOf(uri)
      const known =
        of === undefined
          ? this.#resourceAt(uri, caller)
          : await this.#sound(findRun(this.#serving.hosts, of.run, caller))
      if (known === undefined) throw new ResourceNotFoundError(uri, `There is no resource ${uri}`)
      if (watch === undefined || held.has(uri)) return {}
      if (held.size >= SUBSCRIPTIONS_MAX)
        throw invalid(`No more than ${SUBSCRIPTIONS_MAX} subscriptions for one connection`)
      held.set(uri, of === undefined ? LOG_OFF : watch.ask(of.run))
      off ??= watch.listen((changed) => {
        for (const mine of held.keys())
          if (mine === changed || runOf(mine)?.run === runOf(changed)?.run)
            this.#server.sendResourceUpdated({ uri: mine }).catch(LOG_OFF)
      })
      return {}
    })
    this.#server.setRequestHandler("resources/unsubscribe", ({ params: { uri } }) => {
      held.get(uri)?.()
      held.delete(uri)
      if (held.size === 0) close()
      return {}
    })
  }

  // ---- completions

  completions(): void {
    this.#server.setRequestHandler("completion/complete", async ({ params: { ref, argument } }, context) => {
      const caller = this.#caller(context)
      const values = await this.#words(ref as Ref, argument, caller)
      const shown = values.slice(0, COMPLETIONS_MAX)
      return { completion: { values: shown, total: values.length, hasMore: values.length > shown.length } }
    })
  }

  async #words(ref: Ref, { name, value }: { readonly name: string; readonly value: string }, caller: Caller) {
    if (ref.type === "ref/prompt") {
      const graph = graphsFor(this.#serving, caller, "prompt").find((g) => g.name === ref.name)
      if (graph === undefined) throw invalid(`Unknown prompt: ${ref.name}`)
      return completions(graph, name, value)
    }
    const graph = this.#addressed(caller).find(({ uri }) => uri === ref.uri)?.graph
    if (graph !== undefined) return completions(graph, name, value)
    if (!RUN_TEMPLATES.some(({ uriTemplate }) => uriTemplate === ref.uri)) throw invalid(`Unknown resource: ${ref.uri}`)
    const { resources } = await this.#sound(listRuns(this.#serving, caller, 0))
    return resources.flatMap(({ uri }) => runOf(uri)?.run ?? []).filter((run) => run.startsWith(value))
  }

  /** What goes wrong in here is told to whoever runs the server, and to the client only that it did. */
  async #sound<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (cause) {
      if (cause instanceof ProtocolError) throw cause
      this.#serving.onDefect?.(cause)
      throw new ProtocolError(ProtocolErrorCode.InternalError, "The server met a defect of its own")
    }
  }
}

type Ref =
  | { readonly type: "ref/prompt"; readonly name: string }
  | { readonly type: "ref/resource"; readonly uri: string }
const SUBSCRIPTIONS_MAX = 1_000
const COMPLETIONS_MAX = 100

const invalid = (message: string): ProtocolError => new ProtocolError(ProtocolErrorCode.InvalidParams, message)

function cursorOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0
  if (/^\d{1,6}$/.test(cursor)) return Number(cursor)
  throw invalid("The cursor is none of this server's")
}

/** A client that says nothing of modes takes forms: they were there first. */
function takesForms(elicitation: { readonly form?: unknown; readonly url?: unknown } | undefined): boolean {
  return elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined)
}

const about = ({ about: text, name }: McpGraph): string => text ?? `Runs the graph ${name}.`

const wordsOf = ({ content }: ToolAnswer): string =>
  content.flatMap((c) => (c.type === "text" ? [c.text] : [])).join("\n")

interface Schemas {
  readonly inputSchema: Schema
  readonly outputSchema: Schema | undefined
}
const schemas = new WeakMap<McpGraph, Schemas>()

/** Of a graph that gives files there is no schema of what it gives. */
function schemasOf(graph: McpGraph): Schemas {
  const known = schemas.get(graph)
  if (known !== undefined) return known
  const made = {
    inputSchema: inputSchema(graph.input),
    outputSchema: holdsFiles(graph.output) ? undefined : outputSchema(graph.output),
  }
  schemas.set(graph, made)
  return made
}

function toolOf(graph: McpGraph): object {
  const { inputSchema: takes, outputSchema: gives } = schemasOf(graph)
  return {
    name: graph.name,
    description: about(graph),
    inputSchema: takes,
    ...(gives === undefined ? {} : { outputSchema: gives }),
    annotations: annotationsOf(externsOf(graph)),
  }
}
