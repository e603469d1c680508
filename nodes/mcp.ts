/**
 * The node kind `mcp`: one call of a tool of an MCP server that the file declares once. The tool's schemas are pinned
 * in the lock, so arguments are type-checked before anything runs and a server that changed under us is an error and
 * not a surprise. A tool writes until its author, or a server that the user trusts, says that it only reads.
 */
import {
  type Call,
  type Executor,
  type Failure,
  fail,
  fromJsonSchema,
  hashValue,
  hex,
  isRecord,
  type McpConnection,
  type NodeKind,
  type NodeView,
  type Rec,
  readJson,
  type Services,
  type Signature,
  type SignatureProblem,
  secretWays,
  T,
  type Type,
  type Value,
} from "../graph/mod.ts"
import { need } from "./lack.ts"
import { orAbort } from "./or-abort.ts"
import { differences, toJson } from "./plain-json.ts"
import { schemaMeaning } from "./schema-meaning.ts"
import { serverAddress, serverLimits, serverNeeds, serverProblems } from "./server.ts"
import { toolSinks } from "./sinks.ts"

export const mcp: NodeKind = {
  kind: "mcp",
  about: "Calls a tool of an MCP server that the file declares.",
  main: { form: "static", type: T.string, required: true, about: "The tool, as <server>/<tool>." },
  fields: {
    parse: {
      form: "static",
      type: T.enum("json", "text"),
      about: "Takes the answer's text, as it is or as JSON, instead of its structured content.",
    },
    effect: {
      form: "static",
      type: T.enum("read", "write"),
      about: "`read` where the tool changes nothing. The default is `write`.",
    },
  },
  takesWith: true,
  moved: {
    section: "servers",
    declared: (declared, from) => {
      if (!isRecord(declared) || declared["stdio"] === undefined) return declared
      const { folder, ...server } = declared
      const moved = from(String(folder ?? "./"))
      // Where it starts without saying so: the same server, declared in the outermost file.
      return moved === "." ? server : { ...server, folder: moved }
    },
  },
  sign,
  lock: async (config, resources, services) => {
    const { server, tool } = toolOf(config)
    const name = `${server}/${tool}`
    const declared = resources["servers"]?.[server]
    if (!isRecord(declared)) throw fail("Unavailable", `Cannot pin ${name}: the server is not declared`)
    const service = need(services.mcp, `pin ${name}`, "way to reach MCP servers")
    const connection = await service.connect(
      serverAddress(server, declared, services),
      new AbortController().signal,
      services.granted,
    )
    try {
      return { [toolPinKey(server, tool)]: withHash(toolPin(found(await connection.tools(), tool, name))) }
    } finally {
      await connection.close()
    }
  },
  // Connects at the first call: then a server that never answers can be given up by that call's timeout.
  open: (config, resources, services, signature) => {
    const { server, tool } = toolOf(config)
    const declared = resources["servers"]?.[server]
    if (!isRecord(declared)) throw fail("Unavailable", `Cannot call ${server}/${tool}: the server is not declared`)
    return new Opened(server, tool, declared, services, signature).executor(config)
  },
}

/** The key under which `shadowgraph.lock` pins a tool: `{ input, output?, hash, readOnlyHint? }`, schemas as JSON Schema. */
export const toolPinKey = (server: string, tool: string): string => `mcp:${server}/${tool}`

/** What of a server's own description a pin holds, and a drift is measured against. */
export function toolPin(tool: Awaited<ReturnType<McpConnection["tools"]>>[number]): Rec {
  const hint = tool.annotations?.readOnlyHint
  return {
    input: schemaMeaning(tool.inputSchema as Value),
    ...(tool.outputSchema === undefined ? {} : { output: schemaMeaning(tool.outputSchema as Value) }),
    ...(hint === undefined ? {} : { readOnlyHint: hint }),
  }
}

function toolOf(config: Rec): { server: string; tool: string } {
  const text = String(config["mcp"])
  const slash = text.indexOf("/")
  return slash === -1 ? { server: text, tool: "" } : { server: text.slice(0, slash), tool: text.slice(slash + 1) }
}

function sign(node: NodeView): Signature | readonly SignatureProblem[] {
  const { server, tool } = toolOf(node.config)
  if (server === "" || tool === "") {
    return [
      {
        code: "G008",
        key: "mcp",
        message: `"${node.config["mcp"]}" names no tool, wanted <server>/<tool>.`,
        fix: "Write files/read_text_file, say.",
      },
    ]
  }
  const declared = node.resources["servers"]
  const declaration = declared !== undefined && Object.hasOwn(declared, server) ? declared[server] : undefined
  if (declaration === undefined) {
    const have = Object.keys(declared ?? {})
    return [
      {
        code: "G202",
        key: "mcp",
        message: `No server is called "${server}".${have.length > 0 ? ` The file declares: ${have.join(", ")}.` : ""}`,
        fix: `Declare it: servers: { ${server}: { stdio: [npx, -y, <package>] } }`,
      },
    ]
  }
  const problems = serverProblems(server, declaration)
  if (problems.length > 0 || !isRecord(declaration)) return problems
  const pin = node.pin(toolPinKey(server, tool))
  if (pin === undefined && node.output === undefined && node.config["parse"] !== "text") {
    return [
      {
        code: "G205",
        key: "mcp",
        message: `The tool "${server}/${tool}" is not in the lock, and the node does not say what comes out.`,
        fix: "Run `shadowgraph lock`, or declare `output:`.",
      },
    ]
  }
  const limits = serverLimits(declaration)
  const input = pin === undefined ? undefined : fromJsonSchema(pin["input"]).type
  return {
    effect: effectOf(node, tool, declaration, pin),
    resource: `server:${server}`,
    needs: [`mcp:${server}/${tool}`, ...serverNeeds(declaration)],
    ...(input === undefined ? {} : { input }),
    output: outputOf(node, pin),
    sinks: toolSinks(pin?.["input"], Object.keys(node.args), sinksOf(declaration, tool)),
    ...(limits === undefined ? {} : { limits }),
    ...secretsOf(pin),
    ...(pin === undefined ? { unpinned: toolPinKey(server, tool) } : { pins: { [toolPinKey(server, tool)]: pin } }),
  }
}

/** A write until declared otherwise: by the node, by the server's declaration, or by a server that the user trusts. */
function effectOf(node: NodeView, tool: string, declaration: Rec, pin: Rec | undefined): "read" | "write" {
  const said = node.config["effect"]
  if (said === "read" || said === "write") return said
  const reads = declaration["reads"]
  if (Array.isArray(reads) && reads.includes(tool)) return "read"
  return declaration["trust"] === true && pin?.["readOnlyHint"] === true ? "read" : "write"
}

/** What the server's own schemas call secret. */
function secretsOf(pin: Rec | undefined): Pick<Signature, "secrets"> {
  if (pin === undefined) return {}
  const secrets = { input: secretWays(pin["input"]), output: secretWays(pin["output"]) }
  return secrets.input.length + secrets.output.length === 0 ? {} : { secrets }
}

const sinksOf = (declaration: Rec, tool: string): Value | undefined =>
  isRecord(declaration["sinks"]) ? declaration["sinks"][tool] : undefined

type Take = "text" | "json" | "bytes" | "structured"
/** Which part of the answer is the value. A text or bytes output takes that, whatever else the server sends. */
function takeOf(config: Rec, output: Type | undefined): Take {
  if (config["parse"] === "json" || config["parse"] === "text") return config["parse"]
  if (output?.kind === "bytes") return "bytes"
  return output?.kind === "string" || output?.kind === "enum" ? "text" : "structured"
}

function outputOf(node: NodeView, pin: Rec | undefined): Type {
  const take = takeOf(node.config, node.output)
  if (take === "text") return T.string
  if (take === "json") return T.unknown
  if (take === "bytes") return T.bytes
  const schema = pin?.["output"]
  return schema === undefined ? T.unknown : fromJsonSchema(schema).type
}

/** A connection that is made again when the server has gone, checked against the pin each time it is made. */
class Opened {
  readonly #server: string
  readonly #tool: string
  readonly #declared: Rec
  readonly #services: Services
  readonly #signature: Signature
  readonly #stop = new AbortController()
  #opening: Promise<McpConnection> | undefined

  constructor(server: string, tool: string, declared: Rec, services: Services, signature: Signature) {
    this.#server = server
    this.#tool = tool
    this.#declared = declared
    this.#services = services
    this.#signature = signature
  }

  /** The live connection; calls in parallel that all find the server gone start it once. */
  async connection(): Promise<McpConnection> {
    for (;;) {
      const opening = (this.#opening ??= this.#connect())
      const forget = () => {
        if (this.#opening === opening) this.#opening = undefined
      }
      let connection: McpConnection
      try {
        connection = await opening
      } catch (cause) {
        forget()
        throw cause
      }
      if (connection.alive()) return connection
      forget()
      await connection.close()
    }
  }

  async #connected(signal: AbortSignal): Promise<McpConnection> {
    try {
      return await orAbort(this.connection(), signal)
    } catch (cause) {
      if (!signal.aborted) throw cause
      const name = `${this.#server}/${this.#tool}`
      throw fail("Cancelled", `Cannot call ${name}: cancelled before its server answered`, { undelivered: true, cause })
    }
  }

  async #connect(): Promise<McpConnection> {
    const name = `${this.#server}/${this.#tool}`
    const service = need(this.#services.mcp, `call ${name}`, "way to reach MCP servers")
    const connection = await service.connect(
      serverAddress(this.#server, this.#declared, this.#services),
      this.#stop.signal,
      this.#services.granted,
    )
    try {
      const pin = this.#signature.pins?.[toolPinKey(this.#server, this.#tool)]
      const is = toolPin(found(await connection.tools(), this.#tool, name))
      const changed = isRecord(pin) ? differences(withoutHash(pin), is, "") : []
      if (changed.length > 0) throw drift(name, changed)
      return connection
    } catch (cause) {
      await connection.close()
      throw cause
    }
  }

  executor(config: Rec): Executor {
    const take = takeOf(config, this.#signature.output)
    const repeatable = this.#signature.effect !== "write"
    return {
      execute: async (args: Value, call: Call) => {
        const json = toJson(args, "with")
        const connection = await this.#connected(call.signal)
        const answer = await connection.call(this.#tool, json, {
          signal: call.signal,
          onProgress: call.note,
          traceparent: call.traceparent,
          repeatable,
        })
        return taken(answer, take, `${this.#server}/${this.#tool}`)
      },
      close: async () => {
        this.#stop.abort()
        const connection = await this.#opening?.catch(() => undefined)
        await connection?.close()
      },
    }
  }
}

const withoutHash = ({ hash: _, ...rest }: Rec): Rec => rest
const withHash = (pin: Rec): Rec => ({ ...pin, hash: hex(hashValue(pin)) })

type Tool = Awaited<ReturnType<McpConnection["tools"]>>[number]

function found(tools: readonly Tool[], tool: string, name: string): Tool {
  const is = tools.find((t) => t.name === tool)
  if (is !== undefined) return is
  const names = tools.map((t) => t.name)
  throw fail("UnknownTool", `Cannot use ${name}: the server has no such tool. It has: ${names.join(", ") || "none"}`, {
    data: { tool: name },
    undelivered: true,
  })
}

const drift = (name: string, changed: readonly string[]): Failure =>
  fail(
    "Drift",
    `Cannot use ${name}: it is not what the lock pinned: ${changed.join("; ")}. \`shadowgraph lock\` accepts it`,
    {
      data: { tool: name, changed },
      undelivered: true,
    },
  )

type Answer = Awaited<ReturnType<McpConnection["call"]>>

function taken(answer: Answer, take: Take, name: string): Value {
  const text = textOf(answer.content)
  if (answer.isError === true) {
    throw fail("ToolError", `The tool ${name} says: ${text || "(nothing)"}`, {
      data: { text, ...(answer.structuredContent === undefined ? {} : { details: answer.structuredContent as Value }) },
    })
  }
  if (take === "text") return text
  if (take === "json") {
    try {
      return readJson(text)
    } catch (cause) {
      throw fail("BadAnswer", `Cannot read the answer of ${name} as JSON: it is ${JSON.stringify(text.slice(0, 80))}`, {
        data: { wanted: "json" },
        cause,
      })
    }
  }
  if (take === "bytes") return bytesOf(answer.content, name)
  if (answer.structuredContent !== undefined) return answer.structuredContent as Value
  throw fail("BadAnswer", `The answer of ${name} has no structured content; say \`parse: json\` or \`parse: text\``, {
    data: { wanted: "structured" },
  })
}

/** All text of an answer, that of embedded resources too, pieces joined by a line break. */
const textOf = (content: readonly unknown[]): string =>
  content
    .flatMap((c) => {
      if (!isRecord(c)) return []
      const holder = c["type"] === "resource" && isRecord(c["resource"]) ? c["resource"] : c["type"] === "text" ? c : {}
      return typeof holder["text"] === "string" ? [holder["text"]] : []
    })
    .join("\n")

/** The bytes of the first image, sound or binary resource. */
function bytesOf(content: readonly unknown[], name: string): Uint8Array {
  for (const c of content) {
    if (!isRecord(c)) continue
    const base64 = isRecord(c["resource"]) ? c["resource"]["blob"] : c["data"]
    if (typeof base64 !== "string") continue
    try {
      return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
    } catch (cause) {
      throw fail("BadAnswer", `The answer of ${name} holds data that is not base64`, {
        data: { wanted: "bytes" },
        cause,
      })
    }
  }
  throw fail("BadAnswer", `The answer of ${name} holds no image, sound or binary resource`, {
    data: { wanted: "bytes" },
  })
}
