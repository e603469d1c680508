/**
 * `run`: a graph or a plan, from words to a result. A graph is checked and compiled first; a plan needs none of that, and
 * then none of it is loaded. The result goes to standard output, everything else to the terminal.
 */
import { jsonOf, parseDuration, type Rec, type Type } from "../../graph/mod.ts"
import type { Ready, RunResult } from "../engine/engine.ts"
import type { Observer } from "../engine/observe.ts"
import type { LedgerPlace } from "../ledger/place.ts"
import { LiveView } from "../view/live.ts"
import { Timeline, type Totals } from "../view/timeline.ts"
import { admitPlan } from "./admit.ts"
import { type Program, programOf } from "./bytes.ts"
import { type Call, EXIT, usage } from "./command.ts"
import { EarlyTold } from "./early.ts"
import { inputOf } from "./input.ts"
import { ledgerOf } from "./ledger_option.ts"
import { jsonResult, lastLine, showFailure, showParked, showUncertain, showValue } from "./result.ts"
import { reportsOf } from "./telemetry.ts"
import { hintUndo, showUndone } from "./undone.ts"

export async function run(call: Call): Promise<number> {
  const [named, ...words] = call.words
  if (named === undefined) throw usage("run wants a graph or a plan", "shadowgraph run quote.graph.yaml order=A17")
  const settings = settingsOf(call)
  const program = await programOf(call, named)
  if (program === undefined) return EXIT.failed
  const stop = new Stop(call, settings.timeoutMs)
  try {
    return await runProgram(call, program, words, { ...settings, stop, again: ["run", named, ...words] })
  } finally {
    stop.off()
  }
}

export interface RunSettings {
  /** Undefined: where the project's file says. */
  readonly ledger: LedgerPlace | undefined
  readonly timeoutMs: number | undefined
}

/** Fails with `CliError` (`usage`) where an option says something else. */
export function settingsOf(call: Call): RunSettings {
  const ledger = ledgerOf(call)
  const text = call.text("timeout")
  if (text === undefined) return { ledger, timeoutMs: undefined }
  const read = parseDuration(text)
  if ("value" in read && read.value > 0) return { ledger, timeoutMs: read.value }
  throw usage(`--timeout wants a duration, found "${text}"`, "Write 30s, 5m or 1h.")
}

export interface RunOnce extends RunSettings {
  readonly stop: Stop
  /** The words of this command, for the line that would grant what is missing. */
  readonly again: readonly string[]
  /** Grants given by answers so far; more are added. */
  readonly granted?: string[]
}

/** Runs a program once and shows what came of it; gives the exit code. */
export async function runProgram(
  call: Call,
  program: Program,
  words: readonly string[],
  once: RunOnce,
): Promise<number> {
  const reports = await reportsOf(call)
  try {
    return await runReported(call, program, words, once, reports.telemetry)
  } finally {
    await reports.close()
  }
}

async function runReported(
  call: Call,
  program: Program,
  words: readonly string[],
  { stop, again, ledger, granted }: RunOnce,
  observe: Observer | undefined,
): Promise<number> {
  const { terminal } = call
  const view = new View(call)
  const { session, ready } = await admitPlan(call, program.project, {
    bytes: program.bytes,
    inline: program.inline,
    ledger,
    observe,
    ...(granted ? { granted } : {}),
    again: ["shadowgraph", ...again].map(shellWord).join(" "),
    // Nobody wants to be asked for rights and then told that an input is missing.
    before: async () => {
      const { decodePlan } = await import("../../plan/mod.ts")
      const plan = decodePlan(program.bytes)
      await inputOf(call, words, plan.types[plan.input] as Input)
    },
    ...(terminal.person ? { ask: view.asking(() => stop.now(EXIT.interrupted)) } : {}),
  })
  try {
    const { plan } = ready.admitted
    const input = await inputOf(call, words, plan.types[plan.input] as Input)
    const early = call.on("early") ? new EarlyTold(call) : undefined
    const asked = early === undefined ? "speculate" : "early"
    const inVain = call.on(asked) ? session.engine.ahead.inVain(ready.admitted, early !== undefined) : undefined
    if (inVain !== undefined) terminal.err.write(`${terminal.err.colours.dim(`--${asked}: ${inVain}`)}\n`)
    const names = program.checked?.graph.body.nodes.map((n) => n.name)
    const { result, totals } = await view.watch(ready, input, stop, names, early)
    const told = await early?.end()
    if (call.on("json")) terminal.out.write(`${jsonResult(result, totals, told)}\n`)
    else if (result.parked !== undefined) showParked(call, result)
    else if (!result.outcome.ok) showFailure(call, result.outcome.failure, stop.word)
    else if (!view.streams(ready)) showValue(call, result.outcome.value)
    if (!call.on("json")) {
      showUncertain(call, result)
      if (result.undone !== undefined) showUndone(call, result)
      else if (totals.writes > 0) hintUndo(call, ready.admitted.plan, result)
    }
    if (view.live) terminal.err.write(`${terminal.err.colours.dim(lastLine(result, totals, terminal.err.columns()))}\n`)
    if (result.parked !== undefined) return EXIT.parked
    return stop.exit ?? (result.outcome.ok ? EXIT.ok : EXIT.failed)
  } finally {
    await session.close()
  }
}

type Input = Extract<Type, { kind: "record" }>

/** The terminal while a run goes on: the live view, questions, items of a stream. */
class View {
  readonly live: boolean
  readonly #call: Call
  #view: LiveView | undefined

  constructor(call: Call) {
    this.#call = call
    this.live = (call.terminal.err.isTerminal || call.on("timeline")) && !call.on("quiet")
  }

  /** Are the items of the output printed as they come? */
  streams({ admitted: { plan } }: Ready): boolean {
    return plan.types[plan.output]!.kind === "stream" && !this.#call.on("json")
  }

  async watch(
    ready: Ready,
    input: Rec,
    stop: Stop,
    order?: readonly string[],
    early?: EarlyTold,
  ): Promise<{ readonly result: RunResult; readonly totals: Totals }> {
    const { err, out } = this.#call.terminal
    const timeline = new Timeline(ready.admitted.plan, performance.now(), order)
    if (this.live) this.#view = new LiveView(err, timeline, () => performance.now())
    try {
      const result = await ready.run(input, {
        signal: stop.signal,
        onEvent: (event) => timeline.add(event),
        ...(early === undefined ? {} : { onEarly: (answer) => this.#beside(() => early.tell(answer)) }),
        ...(this.streams(ready)
          ? { onItem: (item) => out.write(`${JSON.stringify(jsonOf(item, { nonFinite: "text" }))}\n`) }
          : {}),
      })
      const now = performance.now()
      timeline.end(now)
      this.#view?.end()
      return { result, totals: timeline.totals(now) }
    } finally {
      this.#view?.pause()
    }
  }

  /** Writes something; the live view steps aside meanwhile. */
  #beside(write: () => void): void {
    this.#view?.pause()
    write()
    this.#view?.resume()
  }

  /** Asks a person; the live view steps aside meanwhile. */
  asking(interrupt: () => void) {
    let service: ReturnType<typeof import("../services/ask.ts").terminalAsk> | undefined
    return async (question: Parameters<NonNullable<typeof service>>[0]): Promise<string> => {
      service ??= (await import("../services/ask.ts")).terminalAsk({ interrupt })
      this.#view?.pause()
      try {
        return await service(question)
      } finally {
        this.#view?.resume()
      }
    }
  }
}

/** What ends a run before its time: a signal, a deadline. A second signal ends this process. */
export class Stop {
  /** The exit code of a signal that came. */
  exit: number | undefined
  /** Why the run was stopped, for a person. */
  word: string | undefined
  readonly off: () => void
  readonly #controller = new AbortController()

  constructor(call: Call, timeoutMs: number | undefined) {
    const off = call.terminal.onInterrupt((exit) => {
      if (this.exit !== undefined) call.terminal.quit(exit)
      this.now(exit)
    })
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            this.word ??= `the run did not end within ${call.text("timeout")}`
            this.#controller.abort()
          }, timeoutMs)
    this.off = () => {
      clearTimeout(timer)
      off()
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  now(exit: number): void {
    this.exit = exit
    this.word = "interrupted"
    this.#controller.abort()
  }
}

const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
