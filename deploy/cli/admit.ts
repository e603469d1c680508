/**
 * From a plan's bytes to something that runs: the grants of the command line and of the project, and the question for
 * those that are missing. Where nobody can be asked, what is missing is said with the words that would grant it.
 */
import type { Question, Services } from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import type { Ready } from "../engine/engine.ts"
import type { Observer } from "../engine/observe.ts"
import type { LedgerPlace } from "../ledger/place.ts"
import { addGrants, openSession, PROJECT_FILE, type Project, type Session } from "../project/project.ts"
import type { RecordMore } from "../record/open.ts"
import { budgetsOf } from "./budget.ts"
import { type Call, CliError, EXIT } from "./command.ts"
import { printable } from "./errors.ts"
import { speculateOf } from "./speculate.ts"

export interface Admission {
  readonly session: Session
  readonly ready: Ready
}

export interface AdmissionOptions {
  readonly bytes: Uint8Array
  readonly inline?: Services["inline"] | undefined
  readonly ledger: LedgerPlace | undefined
  readonly ask?: (question: Question) => Promise<string>
  /** Grants given by answers so far; more are added. */
  readonly granted?: string[]
  /** Hears of the runs. */
  readonly observe?: Observer | undefined
  /** Tools whose calls are recorded beside those of the project's file. */
  readonly record?: RecordMore
  /** Called before anything is asked or refused for a missing grant. */
  readonly before?: () => Promise<void>
  /** The code of modules is pinned, whether or not anything is recorded: who asks wants to know which version it is. */
  readonly pinned?: boolean
  /** How the line that grants is written again: the words of this command. */
  readonly again: string
}

/** Admits a plan, asking for what is not granted. Fails with `CliError` (`grant`) or `AdmissionError`. */
export async function admitPlan(call: Call, project: Project, options: AdmissionOptions): Promise<Admission> {
  const grants = [...project.file.grants, ...call.list("grant"), ...(options.granted ?? [])]
  const { bytes, inline, ledger, ask, observe, record, pinned } = options
  const budgets = budgetsOf(call)
  for (;;) {
    const { env } = call.terminal
    const more = {
      ...speculateOf(call, project.file),
      observe,
      ...(ask ? { ask } : {}),
      ...(record ? { record } : {}),
      ...(pinned ? { pinned } : {}),
    }
    const told = (problem: string) => call.terminal.err.write(`${printable(problem)}\n`)
    const session = await openSession(project, { grants, ledger, env, budgets, told, ...more })
    try {
      return { session, ready: await session.prepare(bytes, inline) }
    } catch (cause) {
      await session.close()
      const missing = missingGrants(cause)
      if (missing === undefined) throw cause
      await options.before?.()
      if (!call.on("yes")) await askFor(call, project, missing, options.again, cause)
      grants.push(...missing)
      options.granted?.push(...missing)
    }
  }
}

/** The capabilities that are all a plan lacks, or undefined where it was refused for another reason. */
export function missingGrants(cause: unknown): readonly string[] | undefined {
  if (!(cause instanceof AdmissionError) || cause.reason !== "not-granted") return undefined
  const missing = cause.refusals.flatMap((r) => (r.capability === undefined ? [] : [r.capability]))
  return missing.length === 0 ? undefined : [...new Set(missing)].sort()
}

/** Returns when the grants were given. Fails with `CliError` where they were not. */
async function askFor(
  call: Call,
  project: Project,
  missing: readonly string[],
  again: string,
  cause: unknown,
): Promise<void> {
  const { terminal } = call
  const refused = (message: string) =>
    new CliError({
      reason: "grant",
      message,
      hints: [
        `${again} ${missing.map(grantWord).join(" ")}`,
        `or "grants": ${JSON.stringify(missing)} in ${PROJECT_FILE}`,
      ],
      exit: EXIT.grant,
      cause,
    })
  const lack = `not granted: ${missing.join(", ")}`
  if (!terminal.person) throw refused(lack)
  const { err } = terminal
  const { bold, dim } = err.colours
  const width = Math.max(...missing.map((m) => m.length))
  err.write(
    `This graph asks for\n${missing.map((m) => `  ${bold(printable(m).padEnd(width))}  ${dim(meaningOf(m))}`.trimEnd()).join("\n")}\n`,
  )
  const answer = await choose(call, "Allow?")
  if (answer === "no") throw refused(lack)
  if (answer === "always") {
    await addGrants(project.folder, missing)
    err.write(dim(`Written to ${PROJECT_FILE}.\n`))
  }
  err.write("\n")
}

const grantWord = (capability: string): string =>
  /^[\w:./@-]+$/.test(capability) ? `--grant ${capability}` : `--grant '${capability.replaceAll("'", "'\\''")}'`

type Answer = "no" | "yes" | "always"

async function choose({ terminal }: Call, message: string): Promise<Answer> {
  const { isCancel, select } = await import("@clack/prompts")
  const answer = await select<Answer>({
    message,
    options: [
      { value: "no", label: "no" },
      { value: "yes", label: "yes, this time" },
      { value: "always", label: "always, for this project", hint: `adds to ${PROJECT_FILE}` },
    ],
    input: terminal.input,
    output: terminal.err.stream,
  })
  if (isCancel(answer)) throw new CliError({ reason: "interrupted", message: "Interrupted", exit: EXIT.interrupted })
  return answer
}

/** What a capability lets a run do, in words. */
export function meaningOf(capability: string): string {
  const [kind = "", ...rest] = capability.split(":")
  const what = printable(rest.join(":"))
  switch (kind) {
    case "net":
      return what === "private" ? "speak to addresses inside this network" : `speak to ${what}`
    case "sql":
      return what.endsWith(":read")
        ? `read the database ${what.slice(0, -5)}`
        : what.endsWith(":write")
          ? `change the database ${what.slice(0, -6)}`
          : `use the database ${what}`
    case "mcp":
      return `call the tool ${what}`
    case "fs":
      return what.startsWith("read:")
        ? `read files in ${what.slice(5)}`
        : what.startsWith("write:")
          ? `write files in ${what.slice(6)}`
          : `use files in ${what}`
    case "secret":
      return `use your secret ${what}`
    case "model":
      return `ask the model ${what}`
    case "ask":
      return "ask a person"
    default:
      return ""
  }
}
