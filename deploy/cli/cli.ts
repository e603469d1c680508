/**
 * The command line: finds the command, reads its words, runs it, and turns whatever comes of that into an exit code.
 * Nothing else is loaded before it is known what is wanted.
 */

import { CliError, EXIT, readCall } from "./command.ts"
import { COMMANDS } from "./commands.ts"
import { showError } from "./errors.ts"
import type { Terminal } from "./terminal.ts"

/** Runs one command line; resolves to the exit code. Never rejects. */
export async function main(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [word, ...rest] = argv
  try {
    if (word === undefined || word === "--help" || word === "-h") return await help([], terminal)
    if (word === "--version" || word === "-v") return await version(terminal)
    if (word === "help")
      return await help(
        rest.filter((w) => !w.startsWith("-")),
        terminal,
      )
    const command = COMMANDS.find((c) => c.name === word)
    if (command === undefined) {
      throw new CliError({
        reason: "usage",
        message: `There is no command "${word}"`,
        hints: [`Commands: ${COMMANDS.map((c) => c.name).join(" ")}`, "shadowgraph help"],
        exit: EXIT.usage,
        near: { word, among: COMMANDS.map((c) => c.name) },
      })
    }
    const call = readCall(command, rest, terminal)
    if (call.on("help")) return await help([command.name], terminal)
    return await (await command.load()).run(call)
  } catch (cause) {
    return showError(cause, terminal, rest.includes("--trace-errors") || !!terminal.env["SHADOWGRAPH_DEBUG"])
  }
}

const help = async (words: readonly string[], terminal: Terminal): Promise<number> => {
  const { showHelp } = await import("./help.ts")
  return showHelp(words, terminal)
}

const version = async (terminal: Terminal): Promise<number> => {
  const { versionOf } = await import("./version.ts")
  terminal.out.write(`${versionOf()}\n`)
  return EXIT.ok
}
