/**
 * A call of a tool as the call log keeps it, and its bytes. The log is for learning, not for proof: that is the ledger's
 * part. So it may forget the oldest calls, it holds no secrets, and a tool is in it only where somebody asked for that.
 */
import { decode, encode, type Failure, type Outcome, redact, type SecretWay, type Value } from "../../graph/mod.ts"
import { learnError } from "../errors.ts"

/** What a call came to. A failure keeps its code and data, which are what a program can see, and its words for people. */
export type CallOutcome =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly data: Value }

export interface RecordedCall {
  /** The tenant. */
  readonly space: string
  /** `mcp:files/read_text_file`, `fn:./tools.ts#convert`, `sql:shop#1f…`: what was called (`toolName` of `deploy`). */
  readonly tool: string
  /** What the tool was at that time, as far as its pin tells: a hash. Calls of two versions are calls of two tools. */
  readonly version: string
  readonly args: Value
  readonly outcome: CallOutcome
  /** Milliseconds since the epoch when it was answered. */
  readonly at: number
  /** Milliseconds that it took, with its retries; null where nobody measured. */
  readonly ms: number | null
  readonly source: CallSource
}

/** Where a call was seen: a run of a graph, a proxy in front of a server, a file that was imported. */
export type CallSource = "run" | "proxy" | "import"

/** A call on record. `seq` grows with every call of a log and is never used again. */
export interface KeptCall extends RecordedCall {
  readonly seq: number
}

export const outcomeOf = (outcome: Outcome): CallOutcome => (outcome.ok ? outcome : failed(outcome.failure))
const failed = ({ code, message, data }: Failure): CallOutcome => ({ ok: false, code, message, data })

/** Parts of calls that are never written: ways into the arguments and the answer, and texts wherever they stand. */
export interface Secrets {
  readonly input: readonly SecretWay[]
  readonly output: readonly SecretWay[]
  readonly words: readonly string[]
}
export const NO_SECRETS: Secrets = { input: [], output: [], words: [] }

/** The call without its secrets. A failure may quote anything: of its words and data only texts are blotted out. */
export function withoutSecrets(call: RecordedCall, { input, output, words }: Secrets): RecordedCall {
  if (input.length === 0 && output.length === 0 && words.length === 0) return call
  const { outcome } = call
  const told = [...words, ...textsAt(call.args, input)]
  return {
    ...call,
    args: redact(call.args, input, words),
    outcome: outcome.ok
      ? { ok: true, value: redact(outcome.value, output, told) }
      : {
          ok: false,
          code: outcome.code,
          message: redact(outcome.message, [], told) as string,
          data: redact(outcome.data, [], told),
        },
  }
}

/** Texts shorter than this are not looked for elsewhere: "1" as a password would blot out every 1. */
const ECHO_CHARS_MIN = 4

/** The secret texts of the arguments, which a tool may repeat in its answer. */
function textsAt(args: Value, ways: readonly SecretWay[]): readonly string[] {
  const found: string[] = []
  const visit = (value: Value, way: SecretWay): void => {
    if (typeof value === "string") {
      if (way.length === 0 && value.length >= ECHO_CHARS_MIN) found.push(value)
      return
    }
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return
    const [first, ...rest] = way
    for (const [name, part] of Object.entries(value)) {
      if (way.length === 0) visit(part as Value, [])
      else if (first === "*" || first === name) visit(part as Value, rest)
    }
  }
  for (const way of ways) visit(args, way)
  return found
}

/** The canonical bytes of what a call took and gave. Throws `ValueError` for what is no value. */
export const callBytes = ({ args, outcome }: RecordedCall): Uint8Array =>
  encode([
    args,
    outcome.ok ? ["value", outcome.value] : ["failure", outcome.code, outcome.message, outcome.data],
  ] as unknown as Value)

/** Reads `callBytes` back. Fails with `LearnError` (`log`) for bytes that are none. */
export function openCall(bytes: Uint8Array): Pick<RecordedCall, "args" | "outcome"> {
  try {
    const [args, outcome] = decode(bytes) as unknown as readonly [Value, readonly Value[]]
    if (outcome[0] === "value") return { args, outcome: { ok: true, value: outcome[1]! } }
    const [, code, message, data] = outcome as readonly string[]
    return { args, outcome: { ok: false, code: code!, message: message!, data: data as Value } }
  } catch (cause) {
    throw learnError("log", `Cannot read a call of ${bytes.length} bytes: ${(cause as Error).message}`, cause)
  }
}
