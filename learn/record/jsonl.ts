/**
 * Calls from a file: one JSON object a line, `{ "args": …, "result": … }`, with `ok: false` and `failure` for a call that
 * failed, and `at`, `ms`, `version` where somebody knows them. Every broken line is named; what happens then is the
 * caller's to say: nothing of the file is used, or all but those lines.
 */
import { type Failure, isRecord, readJson, type Value } from "../../graph/mod.ts"
import type { CallOutcome, RecordedCall } from "./call.ts"

/** A line that is no call. */
export interface BrokenLine {
  /** From 1. */
  readonly line: number
  readonly problem: string
}

export interface Imported {
  readonly calls: readonly RecordedCall[]
  readonly broken: readonly BrokenLine[]
  /** Lines that hold nothing of a call, as logs have them: neither used nor broken. */
  readonly others: number
}

export interface ImportOptions {
  readonly space: string
  /** What the calls are of. */
  readonly tool: string
  /** Of lines that name none. */
  readonly version: string
  /** Of lines that say no time. */
  readonly at: number
}

const KEYS = ["args", "result", "ok", "failure", "at", "ms", "version"]

/** Reads the lines of a file of calls. Empty lines are nothing. Never throws. */
export function readCalls(text: string, options: ImportOptions): Imported {
  const calls: RecordedCall[] = []
  const broken: BrokenLine[] = []
  for (const [i, line] of linesOf(text).entries()) {
    if (line.trim() === "") continue
    const call = callOf(line, options)
    if (typeof call === "string") broken.push({ line: i + 1, problem: call })
    else calls.push(call)
  }
  return { calls, broken, others: 0 }
}

/** The lines of a text, without their ends. */
export const linesOf = (text: string): readonly string[] => {
  const lines = text.split("\n")
  if (lines.at(-1) === "") lines.pop()
  return lines
}

/** The call of a line, or what is wrong with it. */
function callOf(line: string, { space, tool, version, at }: ImportOptions): RecordedCall | string {
  let read: Value
  try {
    read = readJson(line, { uniqueKeys: true })
  } catch (cause) {
    return (cause as Failure).message
  }
  if (!isRecord(read)) return `wanted an object { "args": …, "result": … }, found ${kindOf(read)}`
  const strange = Object.keys(read).find((key) => !KEYS.includes(key))
  if (strange !== undefined) return `"${strange}" is no key of a call; it has ${KEYS.join(", ")}`
  if (!Object.hasOwn(read, "args")) return 'it has no "args"'
  const outcome = outcomeOf(read)
  if (typeof outcome === "string") return outcome
  const when = read["at"] ?? at
  if (!isTime(when)) return `"at" must be milliseconds since 1970, found ${JSON.stringify(read["at"])}`
  const ms = read["ms"] ?? null
  if (ms !== null && !isTime(ms)) return `"ms" must be a number from 0, found ${JSON.stringify(read["ms"])}`
  const of = read["version"] ?? version
  if (typeof of !== "string" || of === "") return '"version" must be a text that is not empty'
  return { space, tool, version: of, args: read["args"]!, outcome, at: when, ms, source: "import" }
}

function outcomeOf(read: { readonly [key: string]: Value }): CallOutcome | string {
  const failure = read["failure"]
  const failed = read["ok"] === false || failure !== undefined
  if (read["ok"] !== undefined && typeof read["ok"] !== "boolean") return '"ok" must be true or false'
  if (!failed) return Object.hasOwn(read, "result") ? { ok: true, value: read["result"]! } : 'it has no "result"'
  if (read["ok"] === true) return 'it says "ok": true and has a "failure"'
  if (!isRecord(failure) || typeof failure["code"] !== "string" || failure["code"] === "")
    return 'a call that failed has "failure": { "code": …, "message"?: …, "data"?: … }'
  const { code, message = "", data = null } = failure
  if (typeof message !== "string") return '"failure.message" must be a text'
  return { ok: false, code, message, data }
}

const isTime = (x: unknown): x is number => typeof x === "number" && Number.isFinite(x) && x >= 0
const kindOf = (x: Value): string => (Array.isArray(x) ? "a list" : x === null ? "null" : `a ${typeof x}`)
