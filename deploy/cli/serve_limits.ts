/** What `serve` takes on, as its options say it: how large, how long, how many. */
import { parseDuration, parseSize } from "../../graph/mod.ts"
import type { HttpLimits } from "../http/app.ts"
import { LEASE_MS_MAX } from "../ledger/held.ts"
import { type Call, usage } from "./command.ts"

export function limitsOf(call: Call): Partial<HttpLimits> {
  const said: { -readonly [K in keyof HttpLimits]?: number | undefined } = {
    bodyBytesMax: sizeOf(call, "body"),
    runMsMax: durationOf(call, "timeout"),
    backgroundMsMax: durationOf(call, "background"),
    runsMax: countOf(call, "concurrent", 1),
    waitingMax: countOf(call, "waiting", 0),
    tokenRunsMax: countOf(call, "per-token", 1),
    batchMax: countOf(call, "batch", 1),
    streamsMax: countOf(call, "streams", 1),
  }
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
}

export function durationOf(call: Call, name: string): number | undefined {
  const text = call.text(name)
  const read = text === undefined ? undefined : parseDuration(text)
  if (read === undefined || "value" in read) return read?.value
  throw usage(`--${name} wants a duration, found "${text}"`, "Write 30s or 5m.")
}

function sizeOf(call: Call, name: string): number | undefined {
  const text = call.text(name)
  const read = text === undefined ? undefined : parseSize(text)
  if (read === undefined || "value" in read) return read?.value
  throw usage(`--${name} wants a size, found "${text}"`, "Write 100kB or 5MB.")
}

function countOf(call: Call, name: string, least: 0 | 1): number | undefined {
  const text = call.text(name)
  if (text === undefined || (/^\d{1,6}$/.test(text) && Number(text) >= least))
    return text === undefined ? undefined : Number(text)
  throw usage(`--${name} wants a whole number, found "${text}"`)
}

export function portOf(call: Call): number {
  const text = call.text("port") ?? "8787"
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port
  throw usage(`--port wants a number up to 65535, found "${text}"`)
}

export function leaseOf(call: Call): number | undefined {
  const ms = durationOf(call, "lease")
  if (ms === undefined || (ms >= 500 && ms <= LEASE_MS_MAX)) return ms
  throw usage(`--lease wants a duration from 500ms to 10m, found "${call.text("lease")}"`)
}

/** Origins as browsers write them. */
export function originsOf(call: Call): readonly string[] {
  for (const origin of call.list("cors")) {
    const url = URL.parse(origin)
    if (url === null || url.origin !== origin || !/^https?:$/.test(url.protocol))
      throw usage(`--cors wants an origin, found "${origin}"`, "Write https://app.example.com, and nothing behind it.")
  }
  return call.list("cors")
}
