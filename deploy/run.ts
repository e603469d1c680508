/**
 * `run(graph, input)` for graphs written in TypeScript: checked and compiled in this process, admitted with the grants
 * that the program was provided with, run, and closed. A failure of the graph fails the Effect, with its own tag.
 */
import process from "node:process"
import type { Context } from "effect/Context"
import {
  acquireUseRelease,
  context,
  die,
  type Effect,
  fail,
  flatMap,
  isEffect,
  promise,
  provideContext,
  succeed,
  tryPromise,
} from "effect/Effect"
import type { RunEvent } from "../bus/mod.ts"
import { compile } from "../compile/mod.ts"
import { type Graph, grantedIn, type RunFn } from "../graph/build/mod.ts"
import {
  acceptStrict,
  check,
  Failure,
  GraphProblems,
  type Outcome,
  type Path,
  pin,
  printLock,
  type Services,
  type Type,
  toFailure,
} from "../graph/mod.ts"
import { AdmissionError, KernelError, type LedgerStore } from "../kernel/mod.ts"
import type { Observer } from "./engine/observe.ts"
import { folderOf, inFolder } from "./import.ts"
import type { LedgerPlace } from "./ledger/place.ts"
import { openProject, openSession, type Project, ProjectError, type Session } from "./project/project.ts"
import { effectTracing, traceparentIn } from "./telemetry/effect_tracing.ts"

/**
 * What a run may end in beside the graph's own errors: a graph that does not check, a plan that is not admitted (a grant
 * given as plain text may be missing), a ledger that cannot be written, a project file that cannot be read; and a
 * `Failure` that no node declares, such as `Timeout`, `Mismatch` or `Missing`.
 */
export type RunError = Failure | GraphProblems | AdmissionError | KernelError | ProjectError

export interface RunnerOptions {
  /** The folder that relative paths count from, where the lock and the project's file lie. Default: that of an imported graph's file, else the working folder. */
  readonly folder?: string
  /** Where the record is kept: `memory` (the default), `file` (`.shadowgraph/ledger.db` in the folder), a URL of Postgres, or a store of your own. */
  readonly ledger?: LedgerPlace | LedgerStore
  /** Where named secrets are looked up. Default: the environment of the process. */
  readonly env?: { readonly [name: string]: string | undefined }
  /** Hears what runs when: feed it to a view. */
  readonly onEvent?: (event: RunEvent) => void
  /** Is told the run's id, trace hash and place in the ledger. */
  readonly onEnd?: (end: {
    readonly run: string
    readonly trace: string
    readonly ledger: { readonly position: number; readonly head: string }
    /** Writes of which nobody knows what came of them; left out where there are none. */
    readonly uncertain?: readonly Path[]
  }) => void
  /** Hears of every run: `openTelemetry(…)`. Default: the tracer of the program around it, where the run stands in a span. */
  readonly telemetry?: Observer
  /** How a person is asked; without it `ask` nodes fail with `NoPerson`. */
  readonly ask?: Services["ask"]
}

/** A `run` of its own settings. */
export const runner = (options: RunnerOptions = {}): RunFn<RunError> =>
  ((graph: AnyGraph, input: unknown) =>
    flatMap(context<never>(), (given) => running(graph, input, given, options))) as RunFn<RunError>

/** Runs a graph on an input, with the grants provided by `grants(…)`. Interrupting the Effect stops the tools. */
export const run: RunFn<RunError> = runner()

// biome-ignore lint/suspicious/noExplicitAny: stands for every graph
type AnyGraph = Graph<any, unknown, unknown, unknown>

function running(
  graph: AnyGraph,
  input: unknown,
  given: Context<never>,
  options: RunnerOptions,
): Effect<unknown, unknown> {
  return acquireUseRelease(
    attempt(async () => {
      const folder = options.folder ?? folderOf(graph) ?? process.cwd()
      const project = await openProject(folder)
      const bytes = await compiled(graph, project)
      const session = await openSession(project, {
        grants: [...project.file.grants, ...grantedIn(given)],
        ledger: options.ledger ?? "memory",
        env: options.env ?? process.env,
        observe: options.telemetry ?? effectTracing(given),
        ...(options.ask ? { ask: options.ask } : {}),
      })
      return { session, bytes }
    }),
    ({ session, bytes }) =>
      flatMap(
        attempt((signal) => once(session, bytes, graph, input, given, options, signal)),
        (outcome) => (outcome.ok ? succeed(outcome.value as unknown) : fail(errorOf(outcome.failure))),
      ),
    ({ session }) => promise(() => session.close()),
  )
}

async function once(
  session: Session,
  bytes: Uint8Array,
  graph: AnyGraph,
  input: unknown,
  given: Context<never>,
  options: RunnerOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const ready = await session.prepare(bytes, closures(graph, given))
  const { plan } = ready.admitted
  // The graph's own schemas first, which fill in defaults and run validators; then the port type, as for any caller.
  const taken = acceptStrict(plan.types[plan.input] as Type)(graph.accept(input))
  const { onEvent, onEnd } = options
  const traceparent = traceparentIn(given)
  const { outcome, run, trace, ledger, uncertain } = await ready.run(taken, {
    signal,
    ...(onEvent ? { onEvent } : {}),
    ...(traceparent ? { traceparent } : {}),
  })
  onEnd?.({ run, trace, ledger, ...(uncertain === undefined ? {} : { uncertain }) })
  return outcome
}

/** Plans of graphs that were run before in this process, with the lock that they were compiled under and their folder. */
const plans = new WeakMap<AnyGraph, { readonly lock: string; readonly folder: string; readonly bytes: Uint8Array }>()

async function compiled(graph: AnyGraph, { registry, lock, policy, folder }: Project): Promise<Uint8Array> {
  const pins = printLock(lock)
  const before = plans.get(graph)
  if (before?.lock === pins && before.folder === folder) return before.bytes
  // An imported graph that is run by itself has its paths as they are written, whatever folder it is given.
  const ir = folderOf(graph) === undefined ? await inFolder(graph.ir, folder) : graph.ir
  const { checked, problems } = check(ir, { registry, pin: pin(lock), policy })
  if (checked === undefined) throw GraphProblems.of(problems.filter((p) => p.severity === "error"))
  const { bytes } = compile(checked)
  plans.set(graph, { lock: pins, folder, bytes })
  return bytes
}

/** The graph's functions; one that describes its work as an Effect gets the services of the program around it. */
function closures(graph: AnyGraph, given: Context<never>): NonNullable<Services["inline"]> {
  return (code) => {
    const found = graph.code.get(code)?.call as ReturnType<NonNullable<Services["inline"]>>
    if (found === undefined) return undefined
    const provided = (answer: unknown): unknown =>
      isEffect(answer) ? provideContext(answer as Effect<unknown, unknown>, given) : answer
    // How many parameters a function declares says whether it wants to hear about the call.
    return found.length < 2
      ? (input) => provided((found as (input: unknown) => unknown)(input))
      : (input, call) => provided(found(input, call))
  }
}

/** A typed error that a function failed with is handed back as it was; everything else as the `Failure` that it is. */
function errorOf(failure: Failure): unknown {
  const { cause, code } = failure
  const tag = typeof cause === "object" && cause !== null ? (cause as { readonly _tag?: unknown })._tag : undefined
  return tag === code ? cause : failure
}

/** A promise whose typed errors are failures; any other is a defect. */
const attempt = <A>(make: (signal: AbortSignal) => Promise<A>): Effect<A, RunError> =>
  flatMap(
    tryPromise({
      try: (signal) =>
        make(signal).then(
          (value) => ({ value }),
          (cause: unknown) => ({ cause }),
        ),
      catch: toFailure,
    }),
    (end) => ("value" in end ? succeed(end.value) : isRunError(end.cause) ? fail(end.cause) : die(end.cause)),
  )

const isRunError = (x: unknown): x is RunError =>
  x instanceof Failure ||
  x instanceof GraphProblems ||
  x instanceof AdmissionError ||
  x instanceof KernelError ||
  x instanceof ProjectError
