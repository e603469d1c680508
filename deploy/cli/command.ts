/**
 * What a command is: a name, what it takes, examples, and the module that does the work, loaded only when it is called.
 * Help, the reference page and the reading of arguments all come from this one description.
 */
import { parseArgs } from "node:util"
import * as Data from "effect/Data"
import type { Terminal } from "./terminal.ts"

export interface Option {
  readonly name: string
  readonly short?: string
  /** What stands for the value in help; an option without one is a switch. */
  readonly value?: string
  /** May be given more than once. */
  readonly many?: boolean
  readonly about: string
}

export interface Command {
  readonly name: string
  /** One line, for the list of commands. */
  readonly about: string
  /** What follows the name: `<graph.yaml|plan> [key=value…]`. */
  readonly takes: string
  readonly options: readonly Option[]
  /** Paragraphs that say what a person should know. */
  readonly more?: readonly string[]
  readonly examples: readonly (readonly [line: string, about: string])[]
  readonly load: () => Promise<{ readonly run: (call: Call) => Promise<number> }>
}

/** One use of a command. */
export interface Call {
  readonly command: Command
  readonly words: readonly string[]
  readonly on: (option: string) => boolean
  readonly text: (option: string) => string | undefined
  readonly list: (option: string) => readonly string[]
  readonly terminal: Terminal
}

export const EXIT = { ok: 0, failed: 1, usage: 2, grant: 3, parked: 4, interrupted: 130 } as const

/** A command that cannot go on, told to a person: what is wrong, and what to write. */
export class CliError extends Data.TaggedError("CliError")<{
  readonly reason: "usage" | "input" | "grant" | "failed" | "interrupted"
  readonly message: string
  /** What to do about it; a line each. */
  readonly hints?: readonly string[]
  readonly exit: number
  /** A word that is none of `among`: whoever shows the error offers the nearest one. */
  readonly near?: { readonly word: string; readonly among: readonly string[] }
  readonly cause?: unknown
}> {}

export const usage = (message: string, ...hints: readonly string[]): CliError =>
  new CliError({ reason: "usage", message, hints, exit: EXIT.usage })

/** Options that every command takes. */
export const COMMON: readonly Option[] = [
  { name: "help", short: "h", about: "Show help." },
  { name: "trace-errors", about: "Show where in the program an error came from." },
]

/** Reads the words after a command's name. Fails with `CliError` (`usage`). */
export function readCall(command: Command, argv: readonly string[], terminal: Terminal): Call {
  const options = [...command.options, ...COMMON]
  const known = Object.fromEntries(
    options.map(({ name, short, value, many }) => [
      name,
      {
        type: value === undefined ? ("boolean" as const) : ("string" as const),
        ...(short === undefined ? {} : { short }),
        ...(many ? { multiple: true } : {}),
      },
    ]),
  )
  const names = options.map((o) => `--${o.name}`)
  const hint = `shadowgraph ${command.name} --help`
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    options: known,
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  for (const token of tokens) {
    if (token.kind !== "option") continue
    const option = options.find((o) => o.name === token.name)
    if (option === undefined) {
      throw new CliError({
        reason: "usage",
        message: `"${token.rawName}" is no option of ${command.name}`,
        hints: [`Its options: ${command.options.map((o) => `--${o.name}`).join(" ") || "none"}`, hint],
        exit: EXIT.usage,
        near: { word: token.rawName, among: names },
      })
    }
    if (option.value !== undefined && token.value === undefined)
      throw usage(`--${option.name} wants ${option.value} after it`, hint)
    if (option.value === undefined && token.value !== undefined)
      throw usage(`--${option.name} takes no value, found "${token.value}"`, hint)
  }
  const of = (option: string) => values[option] as string | boolean | readonly string[] | undefined
  return {
    command,
    words: positionals,
    on: (option) => of(option) === true,
    text: (option) => {
      const value = of(option)
      return typeof value === "string" ? value : undefined
    },
    list: (option) => {
      const value = of(option)
      return Array.isArray(value) ? value : typeof value === "string" ? [value] : []
    },
    terminal,
  }
}
