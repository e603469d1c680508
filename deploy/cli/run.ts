/**
 * `run`: a graph or a plan, from words to a result. A graph is checked and compiled first; a plan needs none of that, and
 * then none of it is loaded. The result goes to standard output, everything else to the terminal.
 */
import { type Failure, jsonOf, parseDuration, printPath, type Services, type Type } from "../../graph/mod.ts"
import type { RunResult } from "../engine.ts"
import { openProject, type Project } from "../project.ts"
import { bytesOf, findSource, type Source } from "../source.ts"
import { printMs } from "../view/bars.ts"
import { LiveView } from "../view/live.ts"
import { Timeline, type Totals } from "../view/timeline.ts"
import { prettyJson, resultText } from "../view/value.ts"
import { admitPlan } from "./admit.ts"
import { type Call, EXIT, usage } from "./command.ts"
import { printable } from "./errors.ts"
import { inputOf } from "./input.ts"

export async function run(call: Call): Promise<number> {
  const { terminal } = call
  const [named, ...words] = call.words
  if (named === undefined) throw usage("run wants a graph or a plan", "shadowgraph run quote.graph.yaml order=A17")
  const timeout = timeoutOf(call)
  const ledger = ledgerOf(call)
  const source = await findSource(named, terminal.cwd)
  const folder = call.text("in")
  const { resolve } = await import("node:path")
  const project = await openProject(folder === undefined ? source.folder : resolve(terminal.cwd, folder))
  const program = await programOf(call, source, project)
  if (program === undefined) return EXIT.failed

  const live: { view?: LiveView } = {}
  const stop = new AbortController()
  const interrupt = interruption(call, stop)
  try {
    const { session, ready } = await admitPlan(call, project, {
      bytes: program.bytes,
      inline: program.inline,
      ledger,
      again: ["shadowgraph", "run", named, ...words].map(shellWord).join(" "),
      ...(terminal.person ? { ask: personOf(live, () => stop.abort()) } : {}),
    })
    try {
      const { plan } = ready.admitted
      const input = await inputOf(call, words, plan.types[plan.input] as Extract<Type, { kind: "record" }>)
      const begun = performance.now()
      const timeline = new Timeline(plan, begun)
      const showing = terminal.err.isTerminal && !call.on("quiet")
      if (showing) live.view = new LiveView(terminal.err, timeline, () => performance.now())
      const deadline = timeout === undefined ? undefined : setTimeout(() => interrupt.expire(), timeout)
      const streamed = streams(plan.types[plan.output]!) && !call.on("json")
      const result = await ready.run(input, {
        signal: stop.signal,
        onEvent: (event) => timeline.add(event),
        ...(streamed
          ? { onItem: (item) => terminal.out.write(`${JSON.stringify(jsonOf(item, { nonFinite: "text" }))}\n`) }
          : {}),
      })
      clearTimeout(deadline)
      const now = performance.now()
      timeline.end(now)
      live.view?.end()
      const totals = timeline.totals(now)
      const exit = interrupt.exit ?? (result.outcome.ok ? EXIT.ok : EXIT.failed)
      if (call.on("json")) terminal.out.write(`${jsonResult(result, totals)}\n`)
      else if (result.outcome.ok) {
        if (!streamed) showValue(call, result.outcome.value)
      } else showFailure(call, result.outcome.failure, interrupt.word)
      if (showing) terminal.err.write(`${terminal.err.colours.dim(lastLine(result, totals))}\n`)
      return exit
    } finally {
      live.view?.pause()
      await session.close()
    }
  } finally {
    interrupt.off()
  }
}

interface Program {
  readonly bytes: Uint8Array
  readonly inline?: Services["inline"]
}

/** The plan's bytes; undefined where the graph has problems, which are then shown. */
async function programOf(call: Call, source: Source, project: Project): Promise<Program | undefined> {
  if (source.kind === "plan") return { bytes: new Uint8Array(await bytesOf(source)) }
  const [{ loadGraph }, { compile }, { showProblems }] = await Promise.all([
    import("../source.ts"),
    import("../../compile/mod.ts"),
    import("./check.ts"),
  ])
  const graph = await loadGraph(source, project, { cwd: call.terminal.cwd })
  const { checked, problems, inline } = graph
  if (checked === undefined) {
    showProblems(call, problems, [graph])
    return undefined
  }
  if (call.terminal.err.isTerminal && !call.on("quiet")) showProblems(call, problems, [graph])
  return { bytes: compile(checked).bytes, ...(inline ? { inline } : {}) }
}

/** The first signal stops the run, a second one this process. */
function interruption(call: Call, stop: AbortController) {
  const state: { exit?: number; word?: string } = {}
  const off = call.terminal.onInterrupt((exit) => {
    if (state.exit !== undefined) process.exit(exit)
    state.exit = exit
    state.word = "interrupted"
    stop.abort()
  })
  return {
    off,
    get exit() {
      return state.exit
    },
    get word() {
      return state.word
    },
    expire: () => {
      state.word = `the run did not end within ${call.text("timeout")}`
      stop.abort()
    },
  }
}

function timeoutOf(call: Call): number | undefined {
  const text = call.text("timeout")
  if (text === undefined) return undefined
  const read = parseDuration(text)
  if ("value" in read && read.value > 0) return read.value
  throw usage(`--timeout wants a duration, found "${text}"`, "Write 30s, 5m or 1h.")
}

function ledgerOf(call: Call): "file" | "memory" {
  const text = call.text("ledger") ?? "file"
  if (text === "file" || text === "memory") return text
  throw usage(`--ledger is file or memory, found "${text}"`)
}

/** Asks on the terminal; the live view steps aside meanwhile. */
function personOf(live: { readonly view?: LiveView }, interrupt: () => void) {
  let service: Services["ask"]
  return async (question: Parameters<NonNullable<Services["ask"]>>[0]): Promise<string> => {
    service ??= (await import("../services/ask.ts")).terminalAsk({ interrupt })
    live.view?.pause()
    try {
      return await service(question)
    } finally {
      live.view?.resume()
    }
  }
}

const streams = (type: Type): boolean => type.kind === "stream"

function showValue(call: Call, value: Parameters<typeof resultText>[0]): void {
  const { out } = call.terminal
  const text = resultText(value, out.isTerminal ? out.columns() : Number.POSITIVE_INFINITY)
  if (typeof text !== "string") out.stream.write(text)
  else out.write(text.endsWith("\n") ? text : `${text}\n`)
}

function showFailure(call: Call, failure: Failure, word: string | undefined): void {
  const { err } = call.terminal
  const { red, bold, dim } = err.colours
  if (word !== undefined) {
    err.write(`${red("stopped")}  ${word}\n`)
    return
  }
  const at = failure.path === undefined ? "" : ` at ${bold(printPath(failure.path))}`
  err.write(
    `${red("failed")}  ${failure.code}${at}\n        ${printable(failure.message).replaceAll("\n", "\n        ")}\n`,
  )
  if (failure.data !== null) {
    err.write(
      `        ${dim(printable(prettyJson(jsonOf(failure.data, { nonFinite: "text" }), err.columns() - 8, "        ")))}\n`,
    )
  }
}

function jsonResult({ run, outcome, trace, ledger }: RunResult, { ms, reads, writes }: Totals): string {
  const said = outcome.ok
    ? { output: jsonOf(outcome.value, { nonFinite: "text" }) }
    : {
        failure: {
          code: outcome.failure.code,
          message: outcome.failure.message,
          data: jsonOf(outcome.failure.data, { nonFinite: "text" }),
          ...(outcome.failure.path ? { path: printPath(outcome.failure.path) } : {}),
        },
      }
  return JSON.stringify({
    run,
    ok: outcome.ok,
    ...said,
    trace,
    ledger,
    reads,
    writes,
    ms: Math.round(ms * 1000) / 1000,
  })
}

function lastLine({ run, trace }: RunResult, { nodes, reads, writes, ms, serialMs }: Totals): string {
  const some = (n: number, word: string) => `${n} ${word}${n === 1 ? "" : "s"}`
  const saved = reads + writes > 1 ? `, one after another ${printMs(serialMs)}` : ""
  return `${some(nodes, "node")} · ${some(reads, "read")}, ${some(writes, "write")} · ${printMs(ms)}${saved} · run ${run.slice(0, 10)}… · trace ${trace.slice(0, 6)}…`
}

const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
