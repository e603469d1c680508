/**
 * What a proxy does with a message that passes: looks at it, and lets it go on as it came. In the mode `speculate` a request
 * that asks for it may be answered here first. Nothing else is ever changed, added or held back: ids, bytes and order are
 * those of client and server, because each client has a server of its own.
 */
import {
  accepts,
  type Clock,
  Failure,
  fromJsonSchema,
  isRecord,
  jsonText,
  type Rec,
  type Shadow,
  type Value,
} from "../../graph/mod.ts"
import {
  type CallLog,
  idKey,
  type ListedTool,
  McpWatch,
  outcomeOfAnswer,
  type RecordedCall,
  valueOfResult,
} from "../../learn/mod.ts"
import { mcpToolVersion } from "../record/mcp_version.ts"
import {
  boundAsked,
  EARLY,
  type EarlyAnswer,
  EarlyAnswers,
  isSame,
  saysMore,
  VERIFICATION,
  VERIFIED,
  type Verdict,
} from "./early.ts"
import { listOf, type Message, messageOf } from "./message.ts"

export type ProxyMode = "observe" | "speculate"

export interface RelayOptions {
  readonly mode: ProxyMode
  readonly space: string
  /** Where calls are recorded; undefined: nowhere. */
  readonly log: CallLog | undefined
  readonly clock: Pick<Clock, "now" | "tick">
  /** What the server is called in the names of tools. Default: what it calls itself. */
  readonly server?: string | undefined
  /** The shadow of a tool in a version, where one may serve. */
  readonly shadowFor: (tool: string, version: string) => Shadow | undefined
  /** May early answers be given for this tool? Only what reads may be answered twice. */
  readonly reads: (tool: ListedTool) => boolean
  /** A word that nobody guesses, for a handle. */
  readonly handle: () => string
  /** Texts that are never recorded. */
  readonly words?: readonly string[]
  /** Hears of every call that was recorded. */
  readonly heard?: (call: RecordedCall) => void
  /** Is told what a person at the proxy should know, once. */
  readonly warn: (text: string) => void
}

/** What is counted of everything that passed. */
export interface Passed {
  readonly calls: number
  readonly recorded: number
  readonly early: number
  readonly verified: number
  readonly refuted: number
  /** Calls that could not be recorded: their tool was never listed, or the message cannot be read exactly. */
  readonly unrecorded: number
}
export const NOTHING_PASSED: Passed = { calls: 0, recorded: 0, early: 0, verified: 0, refuted: 0, unrecorded: 0 }
export const summed = (a: Passed, b: Passed): Passed => ({
  calls: a.calls + b.calls,
  recorded: a.recorded + b.recorded,
  early: a.early + b.early,
  verified: a.verified + b.verified,
  refuted: a.refuted + b.refuted,
  unrecorded: a.unrecorded + b.unrecorded,
})

export class Relay {
  readonly #options: RelayOptions
  readonly #watch: McpWatch
  readonly #early = new EarlyAnswers()
  /** Requests of the client that are not answered: what they asked. */
  readonly #open = new Map<string, { readonly id: Value; readonly method: string }>()
  readonly #toClient: (text: string, key: string | undefined) => void
  readonly #warned = new Set<string>()
  readonly #types = new WeakMap<ListedTool, (value: unknown) => boolean>()
  #counts = { calls: 0, recorded: 0, early: 0, verified: 0, refuted: 0, unreadable: 0 }

  /** `toClient` sends a message of the proxy's own; `key` is that of the request that it belongs to. */
  constructor(options: RelayOptions, toClient: (text: string, key: string | undefined) => void) {
    this.#options = options
    this.#toClient = toClient
    const { space, server, words = [] } = options
    this.#watch = new McpWatch({ space, source: "proxy", server, words, versionOf: mcpToolVersion })
  }

  get passed(): Passed {
    const { unreadable, ...counts } = this.#counts
    return { ...counts, unrecorded: this.#watch.unlisted + unreadable }
  }

  /** A message from the client. True: it goes on to the server as it came. `scope`: ids count within it. */
  fromClient(text: string, scope = ""): boolean {
    const read = this.#read(text, "client")
    if (read === undefined) return true
    const message = read.value
    if (!Array.isArray(message) && this.#asksForVerdict(message, scope)) return false
    if (read.exact) this.#watch.fromClient(message, this.#moment(), scope)
    for (const m of listOf(message)) {
      if (m["method"] === "notifications/cancelled") this.#cancelled(m, scope)
      if (typeof m["method"] !== "string" || !Object.hasOwn(m, "id")) continue
      this.#open.set(scope + idKey(m["id"]!), { id: m["id"]!, method: m["method"] })
      if (m["method"] !== "tools/call") continue
      this.#counts.calls++
      if (!read.exact) this.#counts.unreadable++
      // A shadow would be asked of other numbers than those that the tool is given.
      if (read.exact && this.#options.mode === "speculate" && !Array.isArray(message)) this.#answerEarly(m, scope)
    }
    return true
  }

  /** A message from the server. True: it goes on to the client as it came. */
  fromServer(text: string, scope = ""): boolean {
    const read = this.#read(text, "server")
    if (read === undefined) return true
    const message = read.value
    const { log } = this.#options
    const early = listOf(message).some((m) => Object.hasOwn(m, "id") && this.isEarly(scope + idKey(m["id"]!)))
    for (const call of read.exact ? this.#watch.fromServer(message, this.#moment(), scope) : []) {
      log?.add(call)
      if (log !== undefined) {
        this.#counts.recorded++
        this.#options.heard?.(call)
      }
      if (!early) this.#told(call)
    }
    const all = listOf(message)
    let held = 0
    for (const m of all) {
      if (m["method"] === "notifications/progress" && this.#isLate(m)) held++
      if (typeof m["method"] === "string" || !Object.hasOwn(m, "id")) continue
      const key = scope + idKey(m["id"]!)
      this.#open.delete(key)
      if (this.#early.of(key) !== undefined) this.#verify(key, m, text, read.exact)
      else if (!this.#early.wasTaken(key)) continue
      held++
    }
    // Of a batch nothing is held back that is anybody's answer.
    return held === 0 || held < all.length
  }

  /** The server is gone. What the client still waits for is answered with an error that says so. */
  ended(why: string): void {
    for (const key of this.#early.keys()) this.#settled(key, "unknown")
    for (const [key, { id, method }] of [...this.#open]) {
      this.#open.delete(key)
      const message = `${why} before it answered ${method}`
      this.#toClient(
        `{"jsonrpc":"2.0","id":${idText(id)},"error":{"code":${GONE},"message":${JSON.stringify(message)}}}`,
        key,
      )
    }
    this.close()
  }

  /** Was this request answered early, and is the tool still at work? */
  isEarly(key: string): boolean {
    return this.#early.of(key) !== undefined
  }

  /** No answer will come to a request that was answered early. */
  lost(key: string): void {
    this.#settled(key, "unknown")
  }

  /** Nothing more passes. */
  close(): void {
    this.#watch.end()
    this.#options.log?.flush()
  }

  // ---- early answers

  /** A call that nobody answered early tells a shadow whose door is shut whether it would have been right. */
  #told({ tool, version, args, outcome }: RecordedCall): void {
    if (this.#options.mode !== "speculate" || !outcome.ok) return
    this.#options.shadowFor(tool, version)?.observe?.(args, undefined, outcome)
  }

  #answerEarly(m: Rec, scope: string): void {
    const params = isRecord(m["params"]) ? m["params"] : {}
    const bound = boundAsked(params)
    const name = params["name"]
    const tool = bound === undefined || typeof name !== "string" ? undefined : this.#watch.tool(name)
    if (bound === undefined || tool === undefined || !this.#options.reads(tool) || this.#early.full) return
    const shadow = this.#options.shadowFor(this.#watch.toolName(tool.name), tool.version)
    const predicted = shadow && this.#predicted(shadow, tool, params["arguments"] ?? {}, bound)
    if (shadow === undefined || predicted === undefined) return
    const key = scope + idKey(m["id"]!)
    const handle = this.#options.handle()
    const meta = params["_meta"] as Rec
    const { value, said, by, alpha, confidence } = predicted
    const form = tool.structured ? "structured" : "text"
    this.#early.add(key, {
      handle,
      shadow,
      args: params["arguments"] ?? {},
      predicted: value,
      form,
      progressToken: meta["progressToken"],
      verdict: "pending",
      answer: undefined,
      waiting: [],
    })
    this.#open.delete(key)
    this.#counts.early++
    const early = jsonText({ handle, bound: alpha, confidence, by, verify: VERIFICATION })
    const result = `{"content":[{"type":"text","text":${JSON.stringify(said)}}]${
      form === "structured" ? `,"structuredContent":${said}` : ""
    },"_meta":{${JSON.stringify(EARLY)}:${early}}}`
    this.#toClient(`{"jsonrpc":"2.0","id":${idText(m["id"]!)},"result":${result}}`, key)
  }

  /** What the tool's shadow says, where it says something that the tool itself could have said, within the bound. */
  #predicted(shadow: Shadow, tool: ListedTool, args: Value, bound: number) {
    let predicted: ReturnType<Shadow["predict"]>
    try {
      predicted = shadow.predict(args)
    } catch (cause) {
      this.#warn(`The shadow of ${tool.name} failed (${(cause as Error).message}): the tool answers by itself`)
      return undefined
    }
    if (!predicted.ok || !(predicted.alpha <= bound)) return undefined
    const { by, alpha, confidence } = predicted
    const value = predicted.value as Value
    const said = this.#fits(tool)(value) ? (tool.structured ? inJson(value) : (value as string)) : undefined
    return said === undefined ? undefined : { value, said, by, alpha, confidence }
  }

  #fits(tool: ListedTool): (value: unknown) => boolean {
    let fits = this.#types.get(tool)
    if (fits === undefined) {
      fits = tool.structured ? accepts(fromJsonSchema(tool.outputSchema).type) : (value) => typeof value === "string"
      this.#types.set(tool, fits)
    }
    return fits
  }

  /** `exact`: the answer was read as it was written; another one may look the same and is not. */
  #verify(key: string, m: Rec, text: string, exact: boolean): void {
    const early = this.#early.of(key)!
    const outcome = outcomeOfAnswer(m)
    const form = outcome.ok ? valueOfResult(m["result"] as Rec).form : "whole"
    const same = exact && isSame(early, form, outcome)
    if (same) this.#counts.verified++
    else this.#counts.refuted++
    const more = !same || saysMore(m["result"] as Rec)
    this.#settled(key, same ? "verified" : "refuted", more ? text : undefined)
    if (exact && outcome.ok) early.shadow.observe?.(early.args, early.predicted, outcome)
  }

  #settled(key: string, verdict: Verdict, text?: string): void {
    const early = this.#early.settle(key, verdict, text)
    if (early === undefined) return
    const answer = text === undefined ? "" : `,"answer":${text.trim()}`
    this.#toClient(
      `{"jsonrpc":"2.0","method":"${VERIFIED}","params":{"handle":${JSON.stringify(early.handle)},"verdict":"${verdict}"${answer}}}`,
      key,
    )
  }

  #cancelled(m: Rec, scope: string): void {
    const id = isRecord(m["params"]) ? m["params"]["requestId"] : undefined
    if (id === undefined) return
    this.#open.delete(scope + idKey(id))
    this.#settled(scope + idKey(id), "cancelled")
  }

  /** Progress of a request that the client has an answer to would be a message out of place. */
  #isLate(m: Rec): boolean {
    const token = isRecord(m["params"]) ? m["params"]["progressToken"] : undefined
    return token !== undefined && this.#early.ownsToken(token)
  }

  /** A question about an early answer: it is the proxy's to answer, in this mode only. */
  #asksForVerdict(m: Value, scope: string): boolean {
    if (this.#options.mode !== "speculate" || !isRecord(m) || m["method"] !== VERIFICATION || !Object.hasOwn(m, "id"))
      return false
    const params = isRecord(m["params"]) ? m["params"] : {}
    const early = this.#early.byHandle(String(params["handle"]))
    const id = idText(m["id"]!)
    const key = scope + idKey(m["id"]!)
    if (early === undefined) {
      const found = JSON.stringify(`There is no early answer ${JSON.stringify(params["handle"] ?? null)}`)
      this.#toClient(`{"jsonrpc":"2.0","id":${id},"error":{"code":${BAD_PARAMS},"message":${found}}}`, key)
      return true
    }
    const tell = () => this.#toClient(`{"jsonrpc":"2.0","id":${id},"result":${verdictText(early)}}`, key)
    if (params["wait"] === true && early.verdict === "pending") early.waiting.push(tell)
    else tell()
    return true
  }

  // ---- reading

  /** The message; undefined where it is none, which is nobody's affair but the client's and the server's. */
  #read(text: string, who: "client" | "server"): Message | undefined {
    if (text.trim() === "") return undefined
    const read = messageOf(text)
    if (read.value !== undefined) return read
    this.#warn(`The ${who} sent what is no message of JSON-RPC (${read.why}): it is passed on as it is`)
    return undefined
  }

  #moment() {
    return { now: this.#options.clock.now(), tick: this.#options.clock.tick() }
  }

  #warn(text: string): void {
    // A server that prints to the wrong stream does it again and again.
    const kind = text.slice(0, 40)
    if (this.#warned.has(kind)) return
    this.#warned.add(kind)
    this.#options.warn(text)
  }
}

const verdictText = ({ handle, verdict, answer }: EarlyAnswer): string =>
  `{"handle":${JSON.stringify(handle)},"verdict":"${verdict}"${answer === undefined ? "" : `,"answer":${answer.trim()}`}}`

/** Undefined for what JSON has no word for, such as NaN: no tool of MCP can have said it. */
function inJson(value: Value): string | undefined {
  try {
    return jsonText(value)
  } catch (cause) {
    if (cause instanceof Failure) return undefined
    throw cause
  }
}

/** JSON-RPC's server error for a connection that is gone, as MCP's own libraries number it; and invalid parameters. */
const GONE = -32000
const BAD_PARAMS = -32602

const idText = (id: Value): string => (typeof id === "bigint" ? String(id) : JSON.stringify(id))
