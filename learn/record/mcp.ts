/**
 * Calls of tools as they pass by in the messages between an MCP client and its server: requests are paired with their
 * answers, tools with the schemas that the server gave of them. It only watches; a proxy and the reader of old logs use it.
 * Source: the Model Context Protocol, 2025-11-25, "tools/call", "tools/list"; JSON-RPC 2.0.
 */
import { isRecord, type Rec, secretWays, type Value } from "../../graph/mod.ts"
import { type CallOutcome, type CallSource, type RecordedCall, type Secrets, withoutSecrets } from "./call.ts"

export interface McpWatchOptions {
  readonly space: string
  readonly source: CallSource
  /** What the server is called in the names of its tools. Default: what it calls itself. */
  readonly server?: string | undefined
  /** What a tool is, as the lock would pin it: the hash of the schemas that the server gives of it. */
  readonly versionOf: (tool: Rec) => string
  /** Texts that are blotted out wherever they stand. */
  readonly words?: readonly string[]
}

/** When a message passed: milliseconds since the epoch, and for durations; null where nobody knows. */
export interface Moment {
  readonly now: number
  readonly tick: number | null
}

/** What an answer is, as a graph's node would take it: structured content, the one text that it is, or all of it. */
export type AnswerForm = "structured" | "text" | "whole"

/** A tool as its server lists it. */
export interface ListedTool {
  readonly name: string
  readonly version: string
  readonly readOnly: boolean
  readonly structured: boolean
  /** JSON Schema of its structured content, where it has one. */
  readonly outputSchema: Value | undefined
  readonly secrets: Secrets
}

interface Asked {
  readonly name: string
  readonly args: Value
  readonly began: number | null
  /** Which version the tool had then; undefined where it was not listed. */
  readonly version: string | undefined
}
interface Answered extends Asked {
  readonly outcome: CallOutcome
  readonly at: number
  readonly ms: number | null
}

/** Requests without an answer, and calls of tools that the server has not listed yet, that are kept in mind; then the oldest go. */
const PENDING_MAX = 10_000
const UNLISTED_MAX = 1_000

export class McpWatch {
  /** Calls that were seen and could not be told: their tool was never listed or became another meanwhile, or the oldest of too many. */
  unlisted = 0
  readonly #options: McpWatchOptions
  readonly #tools = new Map<string, ListedTool>()
  readonly #calls = new Map<string, Asked>()
  readonly #others = new Map<string, string>()
  #waiting: Answered[] = []
  #server: string | undefined
  /** The server said that its tools have changed, and has not listed them since. */
  #stale = false

  constructor(options: McpWatchOptions) {
    this.#options = options
    this.#server = options.server === undefined ? undefined : serverWord(options.server)
  }

  /** What the server is called; undefined before it said. */
  get server(): string | undefined {
    return this.#server
  }

  /** A tool as it is listed now. */
  tool(name: string): ListedTool | undefined {
    return this.#stale ? undefined : this.#tools.get(name)
  }

  toolName(name: string): string {
    return `mcp:${this.#server ?? "server"}/${name}`
  }

  /** A message from the client to the server. `scope`: ids count within it, where several clients share what is watched. */
  fromClient(message: Value, { tick }: Moment, scope = ""): void {
    for (const m of Array.isArray(message) ? message : [message]) {
      if (!isRecord(m) || typeof m["method"] !== "string" || !Object.hasOwn(m, "id")) continue
      const key = scope + idKey(m["id"]!)
      const params = isRecord(m["params"]) ? m["params"] : {}
      if (m["method"] === "tools/call" && typeof params["name"] === "string") {
        const { name } = params
        const version = this.tool(name)?.version
        keep(this.#calls, key, { name, args: params["arguments"] ?? {}, began: tick, version })
      } else keep(this.#others, key, m["method"])
    }
  }

  /** A message from the server to the client. Calls that are now known whole, without their secrets. */
  fromServer(message: Value, moment: Moment, scope = ""): readonly RecordedCall[] {
    const found: RecordedCall[] = []
    for (const m of Array.isArray(message) ? message : [message])
      if (isRecord(m)) found.push(...this.#answer(m, moment, scope))
    return found
  }

  /** Takes tools that the server never listed for what the caller says they are; nothing is known to be secret in them. */
  listAs(version: string): readonly RecordedCall[] {
    const { words = [] } = this.#options
    for (const { name } of this.#waiting) {
      const secrets = { input: [], output: [], words }
      const tool = { name, version, readOnly: false, structured: false, outputSchema: undefined, secrets }
      if (!this.#tools.has(name)) this.#tools.set(name, tool)
    }
    this.#stale = false
    const waiting = this.#waiting
    this.#waiting = []
    return waiting.flatMap((call) => this.#told(call))
  }

  /** Nothing more will come: what waited for a listing is not told any more. */
  end(): void {
    this.unlisted += this.#waiting.length
    this.#waiting = []
  }

  #answer(m: Rec, moment: Moment, scope: string): readonly RecordedCall[] {
    if (m["method"] === "notifications/tools/list_changed") this.#stale = true
    if (typeof m["method"] === "string" || !Object.hasOwn(m, "id")) return []
    const key = scope + idKey(m["id"]!)
    const asked = this.#calls.get(key)
    if (asked !== undefined) {
      this.#calls.delete(key)
      const ms = asked.began === null || moment.tick === null ? null : Math.max(0, moment.tick - asked.began)
      return this.#told({ ...asked, outcome: outcomeOfAnswer(m), at: moment.now, ms })
    }
    const method = this.#others.get(key)
    this.#others.delete(key)
    const result = m["result"]
    if (!isRecord(result)) return []
    if (method === "initialize") this.#met(result)
    return method === "tools/list" ? this.#listed(result) : []
  }

  #met(result: Rec): void {
    const info = result["serverInfo"]
    if (this.#server === undefined && isRecord(info) && typeof info["name"] === "string" && info["name"] !== "")
      this.#server = serverWord(info["name"])
  }

  #listed(result: Rec): readonly RecordedCall[] {
    const { tools } = result
    if (!Array.isArray(tools)) return []
    this.#stale = false
    for (const tool of tools as readonly Value[]) {
      if (!isRecord(tool) || typeof tool["name"] !== "string") continue
      const { name, inputSchema, outputSchema, annotations } = tool
      this.#tools.set(name, {
        name,
        version: this.#options.versionOf(tool),
        readOnly: isRecord(annotations) && annotations["readOnlyHint"] === true,
        structured: outputSchema !== undefined,
        outputSchema,
        secrets: {
          input: secretWays(inputSchema),
          output: secretWays(outputSchema),
          words: this.#options.words ?? [],
        },
      })
    }
    // Only now is known what of these is secret.
    const waiting = this.#waiting
    this.#waiting = []
    return waiting.flatMap((call) => this.#told(call))
  }

  #told(call: Answered): readonly RecordedCall[] {
    const tool = this.tool(call.name)
    if (tool === undefined) {
      this.#waiting.push(call)
      if (this.#waiting.length > UNLISTED_MAX) {
        this.#waiting.shift()
        this.unlisted++
      }
      return []
    }
    const { space, source } = this.#options
    const { args, outcome, at, ms } = call
    const { version, secrets } = tool
    // The tool became another while it worked: nobody knows whose answer this is.
    if (call.version !== undefined && call.version !== version) {
      this.unlisted++
      return []
    }
    return [withoutSecrets({ space, tool: this.toolName(call.name), version, args, outcome, at, ms, source }, secrets)]
  }
}

/** A server's name as it stands in those of its tools: there the first slash is its end. */
export const serverWord = (name: string): string => name.replaceAll("/", "-")

/** Numbers and texts are different ids: 1 and "1" may be pending at once. */
export const idKey = (id: Value): string => `${typeof id}:${String(id)}`

function keep<A>(map: Map<string, A>, key: string, value: A): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > PENDING_MAX) map.delete(map.keys().next().value!)
}

/** The outcome of an answered `tools/call`, as the node kind `mcp` has it. */
export function outcomeOfAnswer(message: Rec): CallOutcome {
  const { result, error } = message
  if (isRecord(error)) {
    const text = String(error["message"] ?? "")
    return { ok: false, code: "ToolError", message: text, data: { code: error["code"] ?? null, text } }
  }
  if (!isRecord(result)) return { ok: false, code: "BadAnswer", message: "The answer is no tool result", data: null }
  const text = textOf(result)
  if (result["isError"] === true) {
    const details = result["structuredContent"]
    return {
      ok: false,
      code: "ToolError",
      message: text ?? "",
      data: { text: text ?? "", ...(details === undefined ? {} : { details }) },
    }
  }
  return { ok: true, value: valueOfResult(result).value }
}

/** What of a tool's result is the value, and in which form. */
export function valueOfResult(result: Rec): { readonly form: AnswerForm; readonly value: Value } {
  const { structuredContent, content } = result
  if (structuredContent !== undefined) return { form: "structured", value: structuredContent }
  const only = Array.isArray(content) && content.length === 1 ? content[0] : undefined
  if (isRecord(only) && only["type"] === "text" && typeof only["text"] === "string" && Object.keys(only).length === 2)
    return { form: "text", value: only["text"] }
  return { form: "whole", value: result }
}

function textOf({ content }: Rec): string | undefined {
  if (!Array.isArray(content)) return undefined
  return (content as readonly Value[])
    .flatMap((c) => (isRecord(c) && c["type"] === "text" && typeof c["text"] === "string" ? [c["text"]] : []))
    .join("\n")
}
