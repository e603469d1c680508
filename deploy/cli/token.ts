/** `token`: makes, lists and revokes the tokens of `serve`. A token is shown once, when it is made, and kept nowhere. */

import { resolve } from "node:path"
import { CapabilityError, parseCapability, parseDuration, schemesOf } from "../../graph/mod.ts"
import { BudgetProblem, parseBudget, readBudgets } from "../engine/budget.ts"
import { TokenError } from "../http/holder.ts"
import type { TokenEntry } from "../http/token_list.ts"
import { openProject } from "../project/project.ts"
import { systemClock } from "../services/clock.ts"
import { TOKENS_FILE, Tokens } from "../tokens.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"
import { printable } from "./errors.ts"

export async function run(call: Call): Promise<number> {
  const [word, ...names] = call.words
  const tokens = tokensOf(call)
  try {
    if (word === "add" && names.length === 1) return await add(call, tokens, names[0]!)
    if (word === "list" && names.length === 0) return await list(call, tokens)
    if (word === "revoke" && names.length === 1) return await revoke(call, tokens, names[0]!)
  } catch (cause) {
    if (!(cause instanceof TokenError)) throw cause
    throw new CliError({ reason: "failed", message: cause.message, exit: EXIT.failed, cause })
  }
  throw usage(`token is followed by add <name>, list, or revoke <name>, found "${call.words.join(" ")}"`)
}

/** The tokens of a command: those of `--tokens`, else of the folder. */
export const tokensOf = (call: Call, schemes?: ReadonlySet<string>): Tokens =>
  new Tokens(resolve(call.terminal.cwd, call.text("tokens") ?? TOKENS_FILE), schemes)

const now = (): number => systemClock.now()
const timeOf = (ms: number): string => new Date(ms).toISOString()

async function add(call: Call, tokens: Tokens, name: string): Promise<number> {
  const { terminal } = call
  if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(name))
    throw usage(`A token's name has letters, digits and . _ @ -, found "${name}"`)
  const grants = call.list("grant")
  const graphs = call.list("graph")
  const odd = graphs.find((graph) => !/^[a-z][a-z0-9_]*$/.test(graph))
  if (odd !== undefined) throw usage(`--graph wants the name of a graph, found "${odd}"`, "Say --graph once for each.")
  const { registry } = await openProject(terminal.cwd)
  for (const grant of grants) {
    const read = parseCapability(grant, schemesOf(registry))
    if (read instanceof CapabilityError) throw usage(read.message)
  }
  const wanted = call.text("expires")
  const lasts = wanted === undefined ? undefined : parseDuration(wanted)
  if (lasts !== undefined && !("value" in lasts))
    throw usage(`--expires wants a duration, found "${wanted}"`, "Write 12h or 30d.")
  const budget = budgetOf(call)
  const at = now()
  const token = await tokens.add({
    name,
    grants,
    ...(graphs.length === 0 ? {} : { graphs }),
    ...(budget === undefined ? {} : { budget }),
    created: timeOf(at),
    ...(lasts === undefined ? {} : { expires: timeOf(at + lasts.value) }),
  })
  terminal.out.write(`${token}\n`)
  const { dim } = terminal.err.colours
  terminal.err.write(
    dim(`It is shown this once. It grants ${grants.join(" ") || "nothing: graphs that need nothing run"}.\n`),
  )
  return EXIT.ok
}

/** `--budget calls=100,money=5 --per 1d`, as it stands in the file of tokens. */
function budgetOf(call: Call): TokenEntry["budget"] {
  const text = call.text("budget")
  const per = call.text("per")
  if (text === undefined && per === undefined) return undefined
  if (text === undefined || per === undefined)
    throw usage("--budget and --per go together", "Write --budget calls=1000,money=5 --per 1d.")
  try {
    parseBudget(text)
    const parts = text.split(",").map((part) => part.split("=").map((word) => word.trim()) as [string, string])
    const budget = { per, ...Object.fromEntries(parts) }
    readBudgets({ tenant: budget })
    return budget
  } catch (cause) {
    if (cause instanceof BudgetProblem) throw usage(cause.message)
    throw cause
  }
}

async function list(call: Call, tokens: Tokens): Promise<number> {
  const entries = await tokens.entries()
  const { out } = call.terminal
  if (call.on("json")) {
    const shown = entries.map(({ sha256: _, ...entry }) => ({ ...entry, state: stateOf(entry) }))
    out.write(`${JSON.stringify(shown, null, 2)}\n`)
    return EXIT.ok
  }
  const width = Math.max(0, ...entries.map((e) => e.name.length))
  for (const entry of entries) {
    const graphs = entry.graphs === undefined ? "all graphs" : entry.graphs.join(" ")
    const grants = entry.grants.join(" ") || "no grants"
    const { per, ...most } = entry.budget ?? {}
    const budget = per === undefined ? "" : `  ${Object.entries(most).map(([k, v]) => `${k}=${v}`)} per ${per}`
    out.write(
      `${printable(entry.name.padEnd(width))}  ${stateOf(entry).padEnd(7)}  ${printable(`${graphs}  ${grants}${budget}`)}\n`,
    )
  }
  return EXIT.ok
}

const stateOf = ({ revoked, expires }: Pick<TokenEntry, "revoked" | "expires">): "good" | "revoked" | "expired" =>
  revoked !== undefined ? "revoked" : expires !== undefined && now() >= Date.parse(expires) ? "expired" : "good"

async function revoke(call: Call, tokens: Tokens, name: string): Promise<number> {
  await tokens.revoke(name, timeOf(now()))
  call.terminal.err.write(`${printable(name)} is revoked; a running server knows it at the next request.\n`)
  return EXIT.ok
}
