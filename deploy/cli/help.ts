/** Help, made from the table of commands: for the terminal, and as the reference page docs/cli.md. */
import { CliError, COMMON, type Command, EXIT, type Option } from "./command.ts"
import { COMMANDS } from "./commands.ts"
import { EXITS } from "./pages/refusals.ts"
import type { Colours, Terminal } from "./terminal.ts"

/** Shows the list of commands, or the help of one. */
export function showHelp(words: readonly string[], terminal: Terminal): number {
  const [word] = words
  const { out } = terminal
  const columns = Math.min(out.isTerminal ? out.columns() : 100, 100)
  if (word === undefined) {
    out.write(overview(out.colours))
    return EXIT.ok
  }
  const command = COMMANDS.find((c) => c.name === word)
  if (command === undefined)
    throw new CliError({
      reason: "usage",
      message: `There is no command "${word}"`,
      hints: [`Commands: ${COMMANDS.map((c) => c.name).join(" ")}`],
      exit: EXIT.usage,
      near: { word, among: COMMANDS.map((c) => c.name) },
    })
  out.write(helpOf(command, out.colours, columns))
  return EXIT.ok
}

function overview({ bold, dim, cyan }: Colours): string {
  const width = Math.max(...COMMANDS.map((c) => c.name.length))
  return [
    `${bold("shadowgraph")}  typed tool chains: checked, compiled, run`,
    "",
    `  shadowgraph ${dim("<command> [words] [options]")}`,
    "",
    ...COMMANDS.map((c) => `  ${cyan(c.name.padEnd(width))}  ${c.about}`),
    "",
    dim("shadowgraph help <command> shows what it takes, with examples. --version shows the version."),
    "",
  ].join("\n")
}

function helpOf(command: Command, { bold, dim, cyan }: Colours, columns: number): string {
  const lines = [
    `${bold(`shadowgraph ${command.name}`)} ${command.takes}`.trimEnd(),
    "",
    ...wrap(command.about, columns, "  "),
  ]
  for (const paragraph of command.more ?? []) lines.push("", ...wrap(paragraph, columns, "  "))
  const options = [...command.options, COMMON[0]!]
  const width = Math.max(...options.map((o) => spelled(o).length))
  lines.push("", bold("options"))
  for (const option of options) {
    const [first = "", ...rest] = wrap(option.about, columns - width - 4, "")
    lines.push(
      `  ${cyan(spelled(option).padEnd(width))}  ${first}`,
      ...rest.map((line) => `${" ".repeat(width + 4)}${line}`),
    )
  }
  lines.push("", bold("examples"))
  const longest = Math.max(...command.examples.map(([line]) => line.length))
  const inline = command.examples.every(([, about]) => longest + about.length + 6 <= columns)
  for (const [line, about] of command.examples) {
    if (inline) lines.push(`  ${line.padEnd(longest)}   ${dim(about)}`)
    else lines.push(`  ${dim(`# ${about}`)}`, `  ${line}`)
  }
  return `${lines.join("\n")}\n`
}

const spelled = ({ name, short, value }: Option): string =>
  `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`

function wrap(text: string, columns: number, indent: string): readonly string[] {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(" ")) {
    if (line.length + word.length + 1 > columns && line.trim() !== "") {
      lines.push(line)
      line = indent
    }
    line += line === indent ? word : ` ${word}`
  }
  return [...lines, line]
}

/** docs/cli.md. */
export function cliReference(): string {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;")
  const sections = COMMANDS.map((c) => {
    const lines = [`## ${c.name}`, "", c.about, "", "```", `shadowgraph ${c.name} ${c.takes}`.trimEnd(), "```"]
    for (const paragraph of c.more ?? []) lines.push("", paragraph.replaceAll("<", "&lt;"))
    if (c.options.length > 0) {
      lines.push("", "| option | means |", "| --- | --- |")
      for (const o of c.options) lines.push(`| \`${spelled(o).trim().replaceAll("|", "\\|")}\` | ${cell(o.about)} |`)
    }
    lines.push("", "```sh", ...c.examples.flatMap(([line, about]) => [`# ${about}`, line]), "```")
    return lines.join("\n")
  })
  const exits = Object.entries(EXIT)
    .map(([name, code]) => `| ${code} | ${EXITS[name as keyof typeof EXIT]} |`)
    .join("\n")
  return `${[
    "# The command line",
    "",
    "Generated from the table of commands by `npm run generate`. `shadowgraph help <command>` shows the same on the terminal.",
    "",
    "| exit code | means |",
    "| --- | --- |",
    exits,
    "",
    "Errors are told in words; `--trace-errors`, or `SHADOWGRAPH_DEBUG=1`, adds where in the program they came from. Colour",
    "appears on a terminal only; `NO_COLOR=1` turns it off there, `FORCE_COLOR=1` on elsewhere.",
    "",
    sections.join("\n\n"),
  ].join("\n")}\n`
}
