/**
 * Errors as people read them: what is wrong, what to do, and never a stack trace unless it was asked for. A typed error
 * carries its own words; anything else is a defect of this program, and says so.
 */
import type { Problem } from "../../graph/mod.ts"
import type { KernelError, KernelReason } from "../../kernel/mod.ts"
import { CliError, EXIT } from "./command.ts"
import type { Terminal } from "./terminal.ts"

interface Told {
  readonly _tag: string
  readonly message: string
  readonly problems?: readonly Problem[]
  readonly sources?: ReadonlyMap<string, string>
}

/** What is wrong with the store, and not with what is asked of it. */
const OF_STORE: ReadonlySet<KernelReason> = new Set<KernelReason>([
  "locked",
  "corrupt",
  "full",
  "format",
  "unavailable",
  "readonly",
  "storage",
])

/** Shows an error on the error stream; gives the exit code. */
export async function showError(cause: unknown, terminal: Terminal, traced: boolean): Promise<number> {
  const { err } = terminal
  if (cause instanceof CliError && cause.reason === "interrupted") return cause.exit
  const { red, dim } = err.colours
  if (isTold(cause)) {
    const [first = "", ...rest] = cause.message.split("\n")
    err.write(`${red("error")}  ${printable(first)}\n${rest.map((line) => `${printable(line)}\n`).join("")}`)
    if (cause.problems !== undefined) {
      const { renderProblems } = await import("../../graph/mod.ts")
      const sourceOf = (file: string) => cause.sources?.get(file)
      err.write(renderProblems(cause.problems, sourceOf, { colour: err.colours.isColorSupported }))
    }
  } else {
    const words = cause instanceof Error ? cause.message : String(cause)
    err.write(`${red("error")}  shadowgraph met a defect of its own: ${printable(words)}\n`)
    if (!traced) err.write(`       ${dim("SHADOWGRAPH_DEBUG=1 shows where; please report it.")}\n`)
  }
  if (isTold(cause) && cause._tag === "KernelError" && OF_STORE.has((cause as unknown as KernelError).reason))
    err.write(`       ${dim("--ledger memory runs without a record in a file")}\n`)
  if (cause instanceof CliError) {
    for (const line of [...(await nearLines(cause)), ...(cause.hints ?? [])])
      err.write(`       ${dim(printable(line))}\n`)
  }
  if (traced) err.write(`${dim(traceOf(cause))}\n`)
  return cause instanceof CliError ? cause.exit : EXIT.failed
}

const isTold = (x: unknown): x is Told =>
  typeof x === "object" && x !== null && typeof (x as Told)._tag === "string" && typeof (x as Told).message === "string"

async function nearLines({ near }: CliError): Promise<readonly string[]> {
  if (near === undefined) return []
  const { nearest } = await import("../../graph/mod.ts")
  const close = nearest(near.word, near.among)
  return close === undefined ? [] : [`Did you mean ${close}?`]
}

/** The stack of an error and of what caused it. */
function traceOf(cause: unknown): string {
  const lines: string[] = []
  for (let e: unknown = cause, depth = 0; e !== undefined && e !== null && depth < 8; depth++) {
    lines.push(e instanceof Error ? (e.stack ?? e.message) : String(e))
    e = (e as { cause?: unknown }).cause
  }
  return printable(lines.join("\ncaused by: "))
}

/** Line breaks and tabs stay; text from files and tools cannot move the cursor. */
export const printable = (text: string): string => text.replace(CONTROLS, "\ufffd")
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g
