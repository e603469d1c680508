/** `mcp serve`: the graphs of a folder as tools for one MCP client, over standard input and output. */
import { AdmissionError } from "../../kernel/mod.ts"
import { RunSlots, Tenant } from "../engine/slots.ts"
import { wake } from "../engine/waker.ts"
import type { Served } from "../http/app.ts"
import type { Caller } from "../http/callers.ts"
import { Catalogue } from "../http/catalogue.ts"
import type { McpServing } from "../mcp/serving.ts"
import type { Session } from "../project/project.ts"
import { systemChance } from "../services/chance.ts"
import { systemClock } from "../services/clock.ts"
import { missingGrants } from "./admit.ts"
import { loadAll, showProblems } from "./check.ts"
import { type Call, EXIT } from "./command.ts"
import { printable } from "./errors.ts"
import { mcpOf } from "./mcp_options.ts"
import { watchGraphs } from "./reload.ts"
import { Stop } from "./run.ts"
import { byFolder, serveAll } from "./served.ts"
import { reportsOf } from "./telemetry.ts"

const RUN_MS_MAX = 10 * 60_000
const ASK_MS_MAX = 10 * 60_000
/** One client with many agents behind it: more of its runs wait. */
const RUNS_MAX = 64
const WAITING_MAX = 256
const KEY_BYTES = 32

export interface McpServeOptions {
  readonly frameBytesMax: number
  readonly timeoutMs: number | undefined
}

export async function serve(call: Call, named: readonly string[], options: McpServeOptions): Promise<number> {
  // What a function of the user prints must not fall into the middle of the protocol.
  Object.assign(console, { log: console.error, info: console.error, debug: console.error })
  const graphs = await loadAll(call, named)
  const problems = graphs.flatMap((g) => g.problems)
  showProblems(call, problems, graphs)
  if (!graphs.every((g) => g.checked !== undefined)) return EXIT.failed
  const sessions: Session[] = []
  const stop = new Stop(call, undefined)
  const reports = await reportsOf(call)
  try {
    const { served } = await serveAll(call, graphs, sessions, undefined, reports.telemetry)
    const words = mcpOf(call, graphs, served)
    say(call, served)
    const slots = new RunSlots(systemClock, { runsMax: RUNS_MAX, waitingMax: WAITING_MAX })
    reports.slots(slots)
    const onDefect = (cause: unknown) => tell(call, `error: ${cause instanceof Error ? cause.message : String(cause)}`)
    const catalogue = new Catalogue(served)
    const serving: McpServing = {
      graphs: () => catalogue.all(),
      ...(call.on("watch") ? { changes: (listener) => catalogue.listen(listener) } : {}),
      hosts: sessions,
      clock: systemClock,
      runMsMax: options.timeoutMs ?? RUN_MS_MAX,
      askMsMax: ASK_MS_MAX,
      slots,
      key: systemChance.bytes(KEY_BYTES),
      ...words,
      stopping: stop.signal,
      onDefect,
      onRun: ({ graph, run, ended, ms }) => {
        if (!call.on("quiet")) tell(call, `${graph} ${run} ${ended}, ${Math.round(ms)} ms`)
      },
    }
    const { input, out } = call.terminal
    const { serveMcpStdio } = await import("../mcp/stdio.ts")
    const gone = new AbortController()
    const { signal } = gone
    const files = { call, words: named, catalogue, served, sessions: byFolder(graphs, sessions), signal }
    const watched = call.on("watch") ? watchGraphs(files) : undefined
    const woken = wake({ hosts: sessions, clock: systemClock, signal, onDefect })
    await serveMcpStdio(serving, {
      input,
      output: out.stream,
      frameBytesMax: options.frameBytesMax,
      caller: everybody(),
      signal: stop.signal,
    })
    gone.abort()
    await Promise.all([woken, watched])
    return stop.exit ?? EXIT.ok
  } finally {
    stop.off()
    for (const session of sessions) await session.close()
    await reports.close()
  }
}

/** Whoever started this process: what it was granted, they have. */
const everybody = (): Caller => ({ holder: undefined, places: new Tenant(), within: {}, runs: {}, may: () => true })

function say(call: Call, served: readonly Served[]): void {
  if (call.on("quiet")) return
  for (const { name, ready } of served) {
    const missing = ready instanceof AdmissionError ? missingGrants(ready) : undefined
    if (missing !== undefined) tell(call, `${name} cannot run: not granted: ${missing.join(", ")}`)
  }
  tell(call, `${served.length} graph${served.length === 1 ? "" : "s"} on standard input and output`)
}

/** Standard output is the protocol's. */
const tell = (call: Call, text: string): void => call.terminal.err.write(`shadowgraph mcp serve: ${printable(text)}\n`)
