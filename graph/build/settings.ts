/** The options of a call, as people write them, turned into the settings of a node. */
import { parseCel } from "../cel/parse.ts"
import type { Expr } from "../expr.ts"
import type { Settings } from "../ir.ts"
import { parseDuration } from "../measure.ts"
import { refuse } from "./failure.ts"
import { isPort, portState } from "./port.ts"
import type { NodeOptions } from "./types.ts"

/** Milliseconds of `10ms`, `2s`, `5m`, `1h`, `7d`. */
export function durationMs(text: string, option: string): number {
  const read = parseDuration(text)
  if ("value" in read) return read.value
  const said = read.problems.map((p) => [p.message, p.fix].filter(Boolean).join(" "))
  return refuse("option", `Cannot read ${option} ${JSON.stringify(text)}: ${said.join(" ")}`)
}

/** What `retry: 3` means beside its number; a graph file means the same. */
const RETRY = { delayMs: 200, delayMsMax: 10_000 } as const

export function settingsOf(options: NodeOptions | undefined): Settings {
  if (options === undefined) return {}
  const { timeout, retry, cache, speculate, shadow, after, valid } = options
  return {
    ...(timeout === undefined ? {} : { timeoutMs: durationMs(timeout, "timeout") }),
    ...(retry === undefined ? {} : { retry: retryOf(retry) }),
    ...(cache === undefined ? {} : { cacheMs: durationMs(cache, "cache") }),
    ...(speculate === undefined ? {} : { speculate }),
    ...(shadow === undefined ? {} : { shadow: { error: shareOf(shadow.error) } }),
    ...(after === undefined ? {} : { after: after.map(nodeName) }),
    ...(valid === undefined ? {} : { valid: conditionOf(valid) }),
  }
}

function conditionOf(text: string): Expr {
  const read = parseCel(text)
  if ("expr" in read) return read.expr
  const said = read.problems.map((p) => [p.message, p.fix].filter(Boolean).join(" "))
  return refuse("option", `Cannot read valid ${JSON.stringify(text)}: ${said.join(" ")}`)
}

export const aboutOf = (options: NodeOptions | undefined): { readonly about?: string } =>
  options?.about === undefined ? {} : { about: options.about }

function retryOf(retry: NonNullable<NodeOptions["retry"]>): NonNullable<Settings["retry"]> {
  const times = typeof retry === "number" ? retry : retry.times
  if (!Number.isInteger(times) || times < 0)
    return refuse("option", `Cannot retry ${times} times: the number of retries must be a whole number, 0 or more`)
  const given: Exclude<typeof retry, number> = typeof retry === "number" ? { times } : retry
  const delayMs = given.delay === undefined ? RETRY.delayMs : durationMs(given.delay, "retry.delay")
  const delayMsMax =
    given.delayMax === undefined ? Math.max(RETRY.delayMsMax, delayMs) : durationMs(given.delayMax, "retry.delayMax")
  if (delayMsMax < delayMs)
    return refuse(
      "option",
      `Cannot retry with delayMax below delay: ${given.delayMax} is the greatest delay that doubling may reach`,
    )
  return { times, delayMs, delayMsMax }
}

function shareOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)%$/.exec(text)
  const share = match === null ? Number.NaN : Number(match[1]) / 100
  if (!(share > 0 && share < 1))
    return refuse(
      "option",
      `Cannot read shadow.error "${text}": it must be a percentage between 0% and 100%, as in "1%"`,
    )
  return share
}

/** The node that an entry of `after` means: its name, or its port. */
function nodeName(entry: unknown): string {
  if (typeof entry === "string") return entry
  if (isPort(entry)) {
    const { expr } = portState(entry)
    if (expr.op === "ref") return expr.name
  }
  return refuse(
    "option",
    "Cannot wait for this: an entry of `after` is the port of a node, as yield* gave it, or a node's name",
  )
}
