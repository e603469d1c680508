/**
 * `mcp`: `proxy`, a server in front of any MCP server, that records what passes and changes nothing of it; `serve`, graphs as
 * tools; and logins at the servers that graphs use.
 */
import { resolve } from "node:path"
import process from "node:process"
import { parseDuration, parseSize } from "../../graph/mod.ts"
import type { CallLog } from "../../learn/mod.ts"
import type { Back, BackEvents } from "../proxy/back.ts"
import { httpBack } from "../proxy/http_back.ts"
import { listenHttp } from "../proxy/http_front.ts"
import { Learner } from "../proxy/learner.ts"
import { startProcess } from "../proxy/process_back.ts"
import type { Passed, ProxyMode, RelayOptions } from "../proxy/relay.ts"
import { Reverse } from "../proxy/reverse.ts"
import { Sessions } from "../proxy/sessions.ts"
import { serveStdio } from "../proxy/stdio_front.ts"
import { openCallLog } from "../record/call_log.ts"
import { systemChance } from "../services/chance.ts"
import { systemClock } from "../services/clock.ts"
import type { OpenShadows } from "../shadows/serving.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"
import { printable } from "./errors.ts"
import { type Server, serverOf } from "./mcp_server.ts"
import { Stop } from "./run.ts"

/** The tenant of a command line. */
const SPACE = ""
const FRAME_BYTES_MAX = 64 << 20
const SESSIONS_MAX = 64
const IDLE_MS = 60 * 60_000

export async function run(call: Call): Promise<number> {
  const [action, ...server] = call.words
  if (action === "proxy") return proxy(call, server)
  if (action === "learn") {
    const { learn } = await import("./mcp_learn.ts")
    return learn(call, server)
  }
  if (action === "serve") {
    const { serve: serveGraphs } = await import("./mcp_serve.ts")
    return serveGraphs(call, server, { frameBytesMax: frameOf(call), timeoutMs: timeoutOf(call) })
  }
  if (action === "login" || action === "logout" || action === "logins") {
    const logins = await import("./mcp_login.ts")
    return action === "logins" ? logins.list(call) : logins[action](call, server)
  }
  throw new CliError({
    reason: "usage",
    message: action === undefined ? "mcp wants to be told what to do" : `mcp cannot "${action}"`,
    hints: ["shadowgraph mcp serve", "shadowgraph mcp proxy -- npx -y @modelcontextprotocol/server-filesystem ."],
    exit: EXIT.usage,
    ...(action === undefined
      ? {}
      : { near: { word: action, among: ["serve", "proxy", "learn", "login", "logout", "logins"] } }),
  })
}

async function proxy(call: Call, words: readonly string[]): Promise<number> {
  const server = serverOf(call, words)
  const frameBytesMax = frameOf(call)
  const listen = listenOf(call)
  const log = call.on("no-record") ? undefined : openCallLog(resolve(call.terminal.cwd, call.text("in") ?? "."))
  const stop = new Stop(call, undefined)
  let shadows: OpenShadows | undefined
  let learner: Learner | undefined
  try {
    shadows = await shadowsFor(call)
    learner =
      call.on("learn") && log !== undefined ? learnerOf(call, words, log, async () => shadows?.look()) : undefined
    const relay: RelayOptions = {
      ...relayOf(call, log, server, (tool, version) => shadows?.named(tool, version)),
      ...(learner === undefined ? {} : { heard: (recorded) => learner?.saw(recorded) }),
    }
    const open = (events: BackEvents) => openBack(call, server, frameBytesMax, events)
    if (listen !== undefined) return await serve(call, { listen, server, relay, frameBytesMax, open, stop })
    const done = await serveStdio({
      input: call.terminal.input,
      output: call.terminal.out.stream,
      relay,
      frameBytesMax,
      open,
      signal: stop.signal,
    })
    if (done.words !== undefined) say(call, `The server ended: ${done.words}`)
    tell(call, done.relay.passed)
    return stop.exit ?? done.code
  } finally {
    stop.off()
    learner?.close()
    shadows?.close()
    log?.close()
  }
}

function listenOf(call: Call): { readonly host: string; readonly port: number } | undefined {
  const text = call.text("listen")
  if (text === undefined) return undefined
  const found = /^(?:(.+):)?(\d{1,5})$/.exec(text)
  const port = Number(found?.[2])
  if (found === null || port > 65_535) throw usage(`--listen wants a port, or host:port, found "${text}"`)
  return { host: found[1] ?? "127.0.0.1", port }
}

async function openBack(call: Call, server: Server, frameBytesMax: number, events: BackEvents): Promise<Back> {
  if ("url" in server) return httpBack(server, frameBytesMax, events)
  const [command = "", ...args] = server.command
  const { cwd, env } = call.terminal
  return startProcess({ command, args, cwd, env }, frameBytesMax, events)
}

interface Serving {
  readonly listen: { readonly host: string; readonly port: number }
  readonly server: Server
  readonly relay: RelayOptions
  readonly frameBytesMax: number
  readonly open: (events: BackEvents) => Promise<Back>
  readonly stop: Stop
}

/** Over HTTP, until somebody stops it. */
async function serve(call: Call, { listen, server, relay, frameBytesMax, open, stop }: Serving): Promise<number> {
  const behind =
    "url" in server
      ? new Reverse({ ...server, relay, frameBytesMax })
      : new Sessions({ open, relay, frameBytesMax, id: relay.handle, sessionsMax: SESSIONS_MAX, idleMs: IDLE_MS })
  const front = await listenHttp(listen.host, listen.port, behind.serve)
  say(call, `serving ${front.url}`)
  await new Promise<void>((done) => {
    if (stop.signal.aborted) done()
    else stop.signal.addEventListener("abort", () => done(), { once: true })
  })
  await front.close()
  await behind.close()
  for (const passed of [behind.passed].flat()) tell(call, passed)
  return stop.exit ?? EXIT.ok
}

function timeoutOf(call: Call): number | undefined {
  const text = call.text("timeout")
  if (text === undefined) return undefined
  const read = parseDuration(text)
  if ("value" in read && read.value > 0) return read.value
  throw usage(`--timeout wants a duration, found "${text}"`, "Write 30s or 5m.")
}

function frameOf(call: Call): number {
  const text = call.text("frame")
  if (text === undefined) return FRAME_BYTES_MAX
  const read = parseSize(text)
  if ("value" in read && read.value >= 1_024) return read.value
  throw usage(`--frame wants a size of 1kB or more, found "${text}"`, "Write 16MB.")
}

/** What the proxy does with what passes. */
function relayOf(
  call: Call,
  log: CallLog | undefined,
  server: Server,
  shadows: RelayOptions["shadowFor"],
): RelayOptions {
  const mode = modeOf(call)
  const reads = call.list("reads")
  const trusted = call.on("trust")
  return {
    mode,
    space: SPACE,
    log,
    clock: systemClock,
    server: call.text("name"),
    shadowFor: shadows,
    reads: (tool) => reads.includes(tool.name) || reads.includes("*") || (trusted && tool.readOnly),
    handle: () => [...systemChance.bytes(16)].map((b) => b.toString(16).padStart(2, "0")).join(""),
    // What the server is reached with is nobody's to read later.
    words: "url" in server ? server.headers.filter((_, i) => i % 2 === 1) : [],
    warn: (text) => say(call, text),
  }
}

/** Learns beside the proxy: this very program, with the words of this command that concern it. */
function learnerOf(call: Call, server: readonly string[], log: CallLog, again: () => Promise<void>): Learner {
  if (call.list("reads").length === 0 && !call.on("trust"))
    throw usage("--learn wants to be told which tools change nothing", "--reads <tool>, or --trust")
  const { cwd, env } = call.terminal
  const valued = ["url", "in", "alpha", "steps", "hidden", "parallel"].flatMap((name) => {
    const text = call.text(name)
    return text === undefined ? [] : [`--${name}`, text]
  })
  const many = ["reads", "header"].flatMap((name) => call.list(name).flatMap((text) => [`--${name}`, text]))
  const own = [process.execPath, ...process.execArgv, process.argv[1]!]
  const more = [...valued, ...many, ...(call.on("trust") ? ["--trust"] : []), "--due", "--json"]
  return new Learner({
    command: (name) => [
      ...own,
      "mcp",
      "learn",
      "--name",
      name,
      ...more,
      ...(server.length > 0 ? ["--", ...server] : []),
    ],
    cwd,
    env,
    before: () => log.flush(),
    learned: (results) => {
      for (const { tool, hash, message } of results)
        say(
          call,
          hash === undefined ? `no shadow of ${tool}: ${message ?? ""}` : `learned ${tool}: ${hash.slice(0, 12)}`,
        )
      if (results.some(({ hash }) => hash !== undefined))
        again().catch((cause: Error) => say(call, `what was learned cannot be used: ${cause.message}`))
    },
    failed: (why) => say(call, `nothing could be learned: ${why}`),
  })
}

/** The shadows of the folder, where clients may ask for early answers; what may not serve is said once. */
async function shadowsFor(call: Call): Promise<OpenShadows | undefined> {
  if (modeOf(call) === "observe") return undefined
  const { openShadows } = await import("../shadows/serving.ts")
  return openShadows(resolve(call.terminal.cwd, call.text("in") ?? "."), ({ message }) => say(call, message))
}

function modeOf(call: Call): ProxyMode {
  const mode = call.text("mode") ?? "observe"
  if (mode === "observe" || mode === "speculate") return mode
  throw usage(`--mode must be observe or speculate, found "${mode}"`)
}

/** Standard output is the protocol's: what is said to a person goes to the error stream. */
const say = (call: Call, text: string): void => call.terminal.err.write(`shadowgraph mcp proxy: ${printable(text)}\n`)

function tell(call: Call, { calls, recorded, early, verified, refuted, unrecorded }: Passed): void {
  if (call.on("quiet")) return
  const parts = [`${calls} calls passed`, `${recorded} recorded`]
  if (unrecorded > 0) parts.push(`${unrecorded} not recorded`)
  if (early > 0) parts.push(`${early} answered early, ${verified} of them verified, ${refuted} refuted`)
  say(call, parts.join(", "))
}
