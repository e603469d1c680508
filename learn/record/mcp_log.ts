/**
 * Calls out of the message log of an MCP server or client: lines with JSON-RPC messages, alone, behind a time and a word
 * of the logger, or inside an envelope. What is no message is passed over, as logs hold other things too; a line that
 * begins one and breaks off is named.
 */
import { type Failure, isRecord, type Rec, readJson, type Value } from "../../graph/mod.ts"
import type { RecordedCall } from "./call.ts"
import { type Imported, linesOf } from "./jsonl.ts"
import { idKey, McpWatch, type McpWatchOptions } from "./mcp.ts"

export interface McpLogImported extends Imported {
  /** Calls that nobody answered, and calls of tools that the log never lists: neither is used. */
  readonly unanswered: number
  readonly unlisted: number
}

export interface McpLogOptions extends Omit<McpWatchOptions, "source"> {
  /** The version of tools that the log never lists; without one their calls are not used. */
  readonly version?: string | undefined
  /** The time of lines that say none. */
  readonly at: number
}

/** Methods by which a server asks its client: their answers come from the client, under ids of the server's own. */
const OF_SERVER = new Set(["sampling/createMessage", "elicitation/create", "roots/list"])

/** Reads a log of messages, both directions in one file. Never throws. */
export function readMcpLog(text: string, options: McpLogOptions): McpLogImported {
  const watch = new McpWatch({ ...options, source: "import" })
  const calls: RecordedCall[] = []
  const broken: { line: number; problem: string }[] = []
  const asked = new Set<string>()
  const serverAsked = new Set<string>()
  let others = 0
  for (const [i, line] of linesOf(text).entries()) {
    if (line.trim() === "") continue
    const found = messagesIn(line)
    if (typeof found === "string") broken.push({ line: i + 1, problem: found })
    else if (found.messages.length === 0) others++
    else {
      const moment = { now: found.at ?? options.at, tick: found.at ?? null }
      for (const m of found.messages) {
        const id = Object.hasOwn(m, "id") ? idKey(m["id"]!) : undefined
        if (typeof m["method"] === "string") {
          if (OF_SERVER.has(m["method"])) {
            if (id !== undefined) serverAsked.add(id)
          } else if (m["method"].startsWith("notifications/")) calls.push(...watch.fromServer(m, moment))
          else {
            watch.fromClient(m, moment)
            if (m["method"] === "tools/call" && id !== undefined) asked.add(id)
          }
        } else if (id !== undefined) {
          // The ids of both sides may be the same numbers: an answer to the server looks otherwise than a tool's result.
          if (serverAsked.has(id) && !(asked.has(id) && isToolAnswer(m))) serverAsked.delete(id)
          else {
            calls.push(...watch.fromServer(m, moment))
            asked.delete(id)
          }
        }
      }
    }
  }
  const { version } = options
  // A log that begins after the handshake lists nothing; whoever names the version says what the tools were.
  if (version !== undefined) calls.push(...watch.listAs(version))
  watch.end()
  return { calls, broken, others, unanswered: asked.size, unlisted: watch.unlisted }
}

const isToolAnswer = ({ result, error }: Rec): boolean =>
  error !== undefined ||
  (isRecord(result) && (Array.isArray(result["content"]) || result["structuredContent"] !== undefined))

/** The messages of a line and the time that it says, or what is wrong with it. */
function messagesIn(line: string): { readonly messages: readonly Rec[]; readonly at: number | undefined } | string {
  const start = line.search(/[[{]\s*["{]/)
  if (start === -1) return { messages: [], at: undefined }
  let read: Value
  try {
    read = readJson(line.slice(start).trim())
  } catch (cause) {
    return line.includes('"jsonrpc"') ? (cause as Failure).message : { messages: [], at: undefined }
  }
  return {
    messages: unwrapped(read, 0),
    at: timeIn(read) ?? timeOf(/\d{4}-\d\d-\d\d[T ][\d:.,]+Z?/.exec(line.slice(0, start))?.[0]),
  }
}

/** Envelopes that are looked into: one in another, no deeper. */
const ENVELOPES = 2

function unwrapped(value: Value, depth: number): readonly Rec[] {
  if (Array.isArray(value)) return value.flatMap((v: Value) => unwrapped(v, depth))
  if (!isRecord(value)) return []
  if (value["jsonrpc"] === "2.0") return [value]
  if (depth >= ENVELOPES) return []
  return Object.values(value).flatMap((inner) => {
    if (typeof inner !== "string" || !inner.includes('"jsonrpc"')) return unwrapped(inner, depth + 1)
    try {
      return unwrapped(readJson(inner), depth + 1)
    } catch {
      return []
    }
  })
}

const timeIn = (value: Value): number | undefined => {
  if (!isRecord(value) || value["jsonrpc"] !== undefined) return undefined
  for (const key of ["timestamp", "time", "ts", "at", "@timestamp"]) {
    const found = timeOf(value[key])
    if (found !== undefined) return found
  }
  return undefined
}

/** Milliseconds since 1970, from a number of them or of seconds, or from ISO 8601. */
function timeOf(x: unknown): number | undefined {
  if (typeof x === "number" && x > 0) return x < 1e11 ? x * 1_000 : x
  if (typeof x !== "string") return undefined
  const found = Date.parse(x.replace(" ", "T").replace(",", "."))
  return Number.isNaN(found) ? undefined : found
}
