/**
 * A call of a tool: a run of its graph, made, watched, cancelled and asked about over MCP, with what the caller's token
 * grants and not a right more. A run that asks a person rests meanwhile, so it holds no place and survives a restart; where
 * the client cannot ask, it goes on resting, and the answer says who can go on with it, and how.
 */
import { acceptStrict, Failure, printPath, readJson, type Value } from "../../graph/mod.ts"
import { AdmissionError, KernelError, type Reply, type Wait } from "../../kernel/mod.ts"
import { decodePlan } from "../../plan/mod.ts"
import { cancel, graphOf, resume } from "../engine/again.ts"
import type { Ready, RunOptions, RunResult } from "../engine/engine.ts"
import type { Caller } from "../http/callers.ts"
import { type ToolAnswer, toldEnd, toldRefusal } from "./answers.ts"
import { answerOf, type Form, formOf, type Question, questionsOf } from "./asking.ts"
import { type Heard, hearing } from "./progress.ts"
import { grantsOf, type McpGraph, type McpServing, outputUri } from "./serving.ts"

export interface GraphCall {
  readonly graph: McpGraph
  readonly caller: Caller
  /** Aborted when the client takes the call back. */
  readonly signal: AbortSignal
  readonly heard: Omit<Heard, "tick">
  /**
   * How the client's person can be asked: a function asks while the call stands, and fails where nobody answers; `later`: the
   * call is answered with the questions and comes again with what was said; undefined: not at all.
   */
  readonly ask: ((form: Form, signal: AbortSignal) => Promise<unknown>) | "later" | undefined
}

/** Forms that the client is to have filled in, each under the path of the node that asks; then the call comes again. */
export interface Asked {
  readonly run: string
  readonly forms: { readonly [path: string]: Form }
}

/** What a client brought back to a run that had asked, by path. */
export interface Brought {
  readonly run: string
  readonly responses: { readonly [path: string]: unknown }
}

/** How often one question is put while a call stands. Then the run is left to rest. */
const TRIES = 3

/** Runs the graph, or goes on with a run. What goes wrong is an answer, so that a model can do better; only defects are thrown. */
export async function callGraph(
  serving: McpServing,
  call: GraphCall,
  given: { readonly args: unknown } | Brought,
): Promise<ToolAnswer | Asked> {
  const begun = serving.clock.tick()
  const legs = new Legs(serving, call)
  try {
    const came = "args" in given ? await legs.first(given.args) : await legs.again(given)
    if ("forms" in came) return came
    const { result, late } = came
    const answer = toldEnd(serving, call.graph, result, late)
    const { outcome, parked, run } = result
    const ended = outcome.ok ? "ok" : parked !== undefined ? "parked" : call.signal.aborted ? "cancelled" : "failed"
    serving.onRun?.({ graph: call.graph.name, run, ended, ms: serving.clock.tick() - begun })
    return answer
  } catch (cause) {
    const told = toldRefusal(call, cause)
    if (told === undefined) throw cause
    return told
  }
}

/** A run that is made to show something: its value, and where that can be read again. Fails as the run does, with what a caller may know. */
export async function showGraph(
  serving: McpServing,
  call: Omit<GraphCall, "ask">,
  args: unknown,
): Promise<{ readonly value: Value; readonly uri: string } | ToolAnswer> {
  const asking = { ...call, ask: undefined }
  try {
    const came = await new Legs(serving, asking).first(args)
    if ("forms" in came) throw gone(came.run, call.graph.name)
    const { outcome, run } = came.result
    if (outcome.ok) return { value: outcome.value, uri: outputUri(run) }
    return toldEnd(serving, call.graph, came.result, came.late)
  } catch (cause) {
    const told = toldRefusal(asking, cause)
    if (told === undefined) throw cause
    return told
  }
}

/** What a leg of a run came to; `late`: it took longer than a run may. */
interface Came {
  readonly result: RunResult
  readonly late: boolean
}

/** A run goes in legs: from its beginning, and from every answer, to its end or to the next rest. */
class Legs {
  readonly #serving: McpServing
  readonly #call: GraphCall
  readonly #by: string

  constructor(serving: McpServing, call: GraphCall) {
    this.#serving = serving
    this.#call = call
    this.#by = call.caller.holder?.name ?? "mcp"
  }

  async first(args: unknown): Promise<Came | Asked> {
    const { graph, caller } = this.#call
    const ready = await readyFor(graph, caller)
    if (ready instanceof AdmissionError) throw ready
    // Once more through our own reader: depth, names and numbers are as strict here as in a body of HTTP.
    const input = acceptStrict(graph.input)(readJson(JSON.stringify(args ?? {})))
    return await this.#rest(await this.#leg((options) => ready.run(input, options)))
  }

  async again({ run, responses }: Brought): Promise<Came | Asked> {
    const { graph } = this.#call
    const { engine } = graph
    if ((await graphOf(engine, run)) !== graph.name) throw gone(run, graph.name)
    const { waits } = await engine.history(run)
    const questions = await this.#questions(run, [...waits.values()])
    const { replies, problems, dismissed } = read(questions, (path) => responses[path])
    if (replies.length === 0 && problems.size > 0) return { run, forms: forms(questions, problems) }
    // Somebody else may have answered meanwhile: what the run has come to is what counts.
    try {
      const came = await this.#go(run, replies)
      return dismissed ? came : await this.#rest(came)
    } catch (cause) {
      return { run, forms: forms(questions, refusedBy(cause, questions)) }
    }
  }

  /** The end of a run, or what the client is to be asked next. */
  async #rest(first: Came): Promise<Came | Asked> {
    const { ask, signal } = this.#call
    let came = first
    let problems: ReadonlyMap<string, string> = new Map()
    for (let tries = 0; tries < TRIES; tries++) {
      const { result } = came
      const questions = result.parked === undefined ? [] : await this.#questions(result.run, result.parked)
      if (ask === undefined || questions.length === 0) return came
      if (ask === "later") return { run: result.run, forms: forms(questions, problems) }
      const said = await this.#ask(questions, problems, ask)
      if (signal.aborted) return { result: await this.#cancelled(result), late: false }
      const found = read(questions, (path) => said[path])
      problems = found.problems
      if (found.replies.length === 0 && problems.size === 0) return came
      if (found.replies.length === 0) continue
      try {
        came = await this.#go(result.run, found.replies)
        if (found.dismissed) return came
        tries = -1
      } catch (cause) {
        problems = refusedBy(cause, questions)
      }
    }
    return came
  }

  /** What a run asks: a run that rests has its plan kept. */
  async #questions(run: string, waits: readonly Wait[]): Promise<readonly Question[]> {
    const { engine } = this.#call.graph
    const bytes = await engine.store.getBlob((await engine.history(run)).plan)
    return bytes === undefined ? [] : questionsOf(decodePlan(bytes), waits)
  }

  /** Puts the questions one after another; one that is not answered ends it. */
  async #ask(
    questions: readonly Question[],
    problems: ReadonlyMap<string, string>,
    ask: Exclude<GraphCall["ask"], "later" | undefined>,
  ): Promise<{ readonly [path: string]: unknown }> {
    const said: { [path: string]: unknown } = {}
    for (const [path, form] of Object.entries(forms(questions, problems))) {
      try {
        said[path] = await ask(form, this.#call.signal)
      } catch {
        // A client that goes, takes too long, or sends what is no answer, leaves the run to rest.
        break
      }
    }
    return said
  }

  #go(run: string, replies: readonly Reply[]): Promise<Came> {
    const { graph, caller } = this.#call
    const { engine } = graph
    const how = { grants: grantsOf(this.#serving, graph), ...caller.within, replies, by: this.#by }
    return this.#leg((options) => resume(engine, run, { ...options, ...how }))
  }

  /** A run that asked is ended with the call that it was made for. */
  async #cancelled(result: RunResult): Promise<RunResult> {
    try {
      return await cancel(this.#call.graph.engine, result.run, this.#by)
    } catch (cause) {
      // Answered from elsewhere at that very moment: it goes on there.
      if (cause instanceof KernelError && (cause.reason === "conflict" || cause.reason === "closed")) return result
      throw cause
    }
  }

  async #leg(go: (options: RunOptions) => RunResult | Promise<RunResult>): Promise<Came> {
    const { slots, runMsMax, stopping, clock } = this.#serving
    const { caller, signal, heard } = this.#call
    await slots.enter(caller.places, signal)
    const late = AbortSignal.timeout(runMsMax)
    try {
      const any = AbortSignal.any([late, signal, ...(stopping ? [stopping] : [])])
      const onEvent = hearing({ ...heard, tick: () => clock.tick() })
      const result = await go({ signal: any, onEvent, ...caller.runs })
      return { result, late: late.aborted && !result.outcome.ok && result.parked === undefined }
    } finally {
      slots.leave(caller.places)
    }
  }
}

const readyFor = async (graph: McpGraph, { holder }: Caller): Promise<Ready | AdmissionError> =>
  holder === undefined ? graph.ready : await (graph.readyFor?.(holder) ?? graph.ready)

const gone = (run: string, graph: string): Failure =>
  new Failure({ code: "NoSuchRun", message: `There is no run ${run} of ${graph} to go on with`, data: null as Value })

const pathOf = ({ wait }: Question): string => printPath(wait.path)

const forms = (questions: readonly Question[], problems: ReadonlyMap<string, string>): Asked["forms"] =>
  Object.fromEntries(questions.map((q) => [pathOf(q), formOf(q, problems.get(pathOf(q)))]))

/** Answers that the kernel did not take, as the problem of each question; anything else is thrown on. */
function refusedBy(cause: unknown, questions: readonly Question[]): ReadonlyMap<string, string> {
  if (!(cause instanceof KernelError) || cause.reason !== "answer") throw cause
  return new Map(questions.map((question) => [pathOf(question), cause.message]))
}

/** What was said to the questions. `dismissed`: the person looked away from one of them, and is not asked again. */
function read(questions: readonly Question[], said: (path: string) => unknown) {
  const replies: Reply[] = []
  const problems = new Map<string, string>()
  let dismissed = false
  for (const question of questions) {
    const answer = answerOf(question, said(pathOf(question)))
    if ("reply" in answer) replies.push(answer.reply)
    else if ("problem" in answer) problems.set(pathOf(question), answer.problem)
    else dismissed = true
  }
  return { replies, problems, dismissed }
}
