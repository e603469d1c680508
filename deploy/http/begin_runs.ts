/**
 * Runs begun over HTTP: one that is waited for, one that goes on by itself, one that is told as it goes, and many at once.
 * A run for which nobody waits is on record before it is answered; one with a key is begun once, however often it is asked for.
 */
import type { Hono } from "hono"
import { encode, type Rec, sha256 } from "../../graph/mod.ts"
import { AdmissionError, KernelError } from "../../kernel/mod.ts"
import type { Ready, RunResult } from "../engine/engine.ts"
import { derivedId } from "../engine/run_ids.ts"
import { answerOf, goesOn, resultOnRecord } from "./answers.ts"
import { jsonIn, otherThanJson, takeText } from "./body.ts"
import type { Caller } from "./callers.ts"
import type { Served } from "./catalogue.ts"
import { type Flight, feedSource, takenFrom } from "./flights.ts"
import { accepted, inputIn, inputsOf } from "./input.ts"
import { type Means, placeFor, placeIn, type RunTold } from "./means.ts"
import { type Wanted, wantedOf } from "./prefer.ts"
import { Answer, problemOf, refused } from "./problems.ts"
import { recordSource } from "./record_events.ts"
import { Stop } from "./stop.ts"
import type { Source } from "./streams.ts"
import type { Work } from "./turns.ts"

/** Adds `POST /graphs/:name/runs` and `POST /graphs/:name/batch`; gives what answers the first of them. */
export function addBeginnings(
  app: Hono,
  means: Means,
): (request: Request, graph: string) => Response | Promise<Response> {
  const run = (request: Request, graph: string) => new Beginning(request, graph, means).run()
  app.post("/graphs/:name/runs", (c) => run(c.req.raw, c.req.param("name")))
  app.post("/graphs/:name/batch", (c) => new Beginning(c.req.raw, c.req.param("name"), means).batch())
  for (const path of ["/graphs/:name/runs", "/graphs/:name/batch"] as const)
    app.on(OTHERS, path, (c) =>
      problemOf("wrong-method", `${c.req.method} begins no run.`, {}, { allow: "POST" }).response(),
    )
  return run
}

/** Named one by one: a route for all methods would stand beside that for POST, and each request would pass through both. */
const OTHERS = ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"]

/** What a request for one run waits with for its body. */
interface Asked {
  readonly graph: Served
  readonly ready: Ready
  readonly wanted: Wanted
  readonly resolve: (response: Response | Promise<Response>) => void
  readonly reject: (cause: unknown) => void
}

/** One request for runs of one graph. Of one run: once its body is there, it is read, carried out, proven, written down and told, a step each. */
class Beginning implements Work {
  readonly #means: Means
  readonly #request: Request
  readonly #name: string
  readonly #caller: Caller
  readonly #tick: number
  #asked: Asked | undefined
  /** What the last step came to. */
  #came: string | Rec | RunResult | Answer | undefined
  #step: "read" | "run" | "prove" | "write" | "tell" = "read"

  constructor(request: Request, graph: string, means: Means) {
    this.#means = means
    this.#request = request
    this.#name = graph
    this.#caller = means.callers.of(request)
    this.#tick = means.onRun === undefined ? 0 : means.clock.tick()
  }

  run(): Response | Promise<Response> {
    const graph = this.#graph()
    if (graph instanceof Answer) return this.#told(graph)
    const wanted = wantedOf(this.#request)
    if (wanted instanceof Answer) return this.#told(wanted)
    const ready = this.#ready(graph)
    return ready instanceof Promise ? ready.then((r) => this.#read(graph, r, wanted)) : this.#read(graph, ready, wanted)
  }

  #read(graph: Served, ready: Ready | Answer, wanted: Wanted): Response | Promise<Response> {
    const wrong = ready instanceof Answer ? ready : otherThanJson(this.#request)
    if (wrong !== undefined) return this.#told(wrong)
    return new Promise((resolve, reject) => {
      this.#asked = { graph, ready: ready as Ready, wanted, resolve, reject }
      takeText(this.#request, this.#means.limits, (body) => {
        this.#came = body
        this.#means.worker.add(this)
      })
    })
  }

  step(): boolean {
    const asked = this.#asked!
    try {
      const came = this.#next(asked)
      if (came === undefined) return true
      asked.resolve(came)
    } catch (cause) {
      asked.reject(cause)
    }
    return false
  }

  /** The answer, or undefined while there is more to do before. */
  #next({ graph, ready, wanted }: Asked): Response | Promise<Response> | undefined {
    switch (this.#step) {
      case "read": {
        const input = inputIn(jsonIn(this.#request, this.#came as string | Answer), graph)
        if (input instanceof Answer) return this.#told(input)
        if (wanted.how !== "wait" || wanted.key !== undefined) return this.#begun(graph, ready, input, wanted)
        this.#came = input
        this.#step = "run"
        return undefined
      }
      case "run": {
        const came = this.#waited(graph, ready, this.#came as Rec)
        if (came instanceof Promise) return came.then((c) => this.#told(this.#answer(graph, c)))
        this.#came = came
        this.#step = "prove"
        return undefined
      }
      case "prove":
        this.#came = this.#answer(graph, this.#came as RunResult | Answer)
        this.#step = "write"
        return undefined
      case "write":
        ;(this.#came as Answer).text()
        this.#step = "tell"
        return undefined
      case "tell":
        return this.#told(this.#came as Answer)
    }
  }

  async batch(): Promise<Response> {
    const { limits } = this.#means
    const graph = this.#graph()
    if (graph instanceof Answer) return this.#told(graph)
    const wanted = wantedOf(this.#request)
    if (wanted instanceof Answer) return this.#told(wanted)
    const ready = await this.#ready(graph)
    if (ready instanceof Answer) return this.#told(ready)
    const inputs = await inputsOf(this.#request, limits)
    if (inputs instanceof Answer) return this.#told(inputs)
    if (inputs.length > limits.batchMax)
      return this.#told(
        problemOf("too-large", `A batch has at most ${limits.batchMax} inputs, found ${inputs.length}.`),
      )
    const answers: Answer[] = new Array(inputs.length)
    let next = 0
    const work = async (): Promise<void> => {
      for (let i = next++; i < inputs.length; i = next++) {
        const input = accepted(graph, inputs[i]!)
        const key = wanted.key === undefined ? undefined : `${wanted.key} ${i}`
        answers[i] =
          input instanceof Answer
            ? input
            : key === undefined
              ? this.#answer(graph, await this.#waited(graph, ready, input))
              : await this.#keyed(graph, ready, input, { ...wanted, how: "wait", key })
      }
    }
    await Promise.all(Array.from({ length: Math.min(limits.batchRunsMax, inputs.length) }, work))
    const results = answers.map(({ status, body: said }, index) => ({ ...said, index, status }))
    const ended = answers.filter((answer) => answer.status === 200).length
    const rest = answers.filter((answer) => answer.status === 202).length
    return this.#told(new Answer(200, { ended, unfinished: rest, failed: answers.length - ended - rest, results }))
  }

  #graph(): Served | Answer {
    const graph = this.#means.catalogue.get(this.#name)
    if (graph === undefined) return problemOf("unknown-graph", `There is no graph "${this.#name}".`)
    if (!this.#caller.may(this.#name))
      return problemOf("graph-not-allowed", `The token is not for the graph "${this.#name}".`)
    return graph
  }

  #ready(graph: Served): Ready | Answer | Promise<Ready | Answer> {
    const { holder } = this.#caller
    const admitted = (ready: Ready | AdmissionError) =>
      ready instanceof AdmissionError ? refused(graph.name, ready, holder) : ready
    return holder === undefined || graph.readyFor === undefined
      ? admitted(graph.ready)
      : graph.readyFor(holder).then(admitted)
  }

  #told(answer: Answer, more?: Readonly<Record<string, string>>): Response {
    const { onRun, clock } = this.#means
    if (onRun !== undefined) {
      const { run } = answer.body as Partial<Pick<RunTold, "run">>
      const ms = clock.tick() - this.#tick
      onRun({ graph: this.#name, status: answer.status, ms, ...(run === undefined ? {} : { run }) })
    }
    return answer.response(more)
  }

  #answer(graph: Served, came: RunResult | Answer): Answer {
    return came instanceof Answer ? came : answerOf(came, { graph: graph.name })
  }

  /** A run that is ended with whoever waits for it. */
  #waited(graph: Served, ready: Ready, input: Rec): RunResult | Answer | Promise<RunResult | Answer> {
    const full = placeIn(this.#means.slots, this.#caller.places, this.#request)
    return full instanceof Promise
      ? full.then((answer) => answer ?? this.#placed(graph, ready, input))
      : (full ?? this.#placed(graph, ready, input))
  }

  /** The same with a place at work, which it leaves. */
  #placed(graph: Served, ready: Ready, input: Rec): RunResult | Promise<RunResult | Answer> {
    // What has no tool has nothing that a signal could end, and answers before one could come.
    if (ready.admitted.externs.length > 0) return this.#stoppable(graph, ready, input)
    const { places, runs } = this.#caller
    let result: ReturnType<Ready["run"]> | undefined
    try {
      result = ready.run(input, runs)
    } finally {
      if (!(result instanceof Promise)) this.#means.slots.leave(places)
    }
    return result instanceof Promise ? result.finally(() => this.#means.slots.leave(places)) : result
  }

  async #stoppable(graph: Served, ready: Ready, input: Rec): Promise<Answer> {
    const { limits, flights, slots } = this.#means
    const { places, runs } = this.#caller
    try {
      const stop = new Stop(limits.runMsMax, this.#request.signal)
      const run = graph.engine.id()
      const done = flights.waitedFor(run, stop)
      try {
        const result = await ready.run(input, { ...runs, id: run, signal: stop.signal })
        return answerOf(result, { graph: graph.name, stop })
      } catch (cause) {
        const taken = takenFrom(cause, run)
        if (taken === undefined) throw cause
        this.#means.onDefect?.(cause)
        return taken
      } finally {
        done()
      }
    } finally {
      slots.leave(places)
    }
  }

  /** A run that goes on when its caller has gone. */
  async #begun(graph: Served, ready: Ready, input: Rec, wanted: Wanted): Promise<Response> {
    const { streams, flights, clock } = this.#means
    const { places } = this.#caller
    const applied: Record<string, string> = wanted.how === "async" ? { "preference-applied": "respond-async" } : {}
    const full = wanted.how === "stream" ? streams.full(places) : undefined
    if (full !== undefined) return this.#told(full)
    const known = await this.#flight(graph, ready, input, wanted)
    if (known instanceof Answer) return this.#told(known, applied)
    const { again, run } = known
    const replayed: Record<string, string> = again ? { "idempotency-replayed": "true" } : {}
    const { flight } = known
    if (wanted.how === "stream") {
      const source: Source =
        flight === undefined ? recordSource(graph.engine, run, 0, clock) : feedSource(flight.feed, undefined)
      return streams.response(source, places, { ...replayed, location: `/runs/${run}` })
    }
    if (flight === undefined) return this.#told(await onRecord(graph, run), { ...replayed, ...applied })
    const answer = await flights.answer(flight, wanted.how === "async" ? wanted.waitMs : undefined)
    const headers = { ...replayed, ...applied }
    // What the run that began here came to was told as it ended.
    return !again && answer !== undefined && answer === flight.ended
      ? answer.response(headers)
      : this.#told(answer ?? goesOn(run), headers)
  }

  async #keyed(graph: Served, ready: Ready, input: Rec, wanted: Wanted): Promise<Answer> {
    const known = await this.#flight(graph, ready, input, wanted)
    if (known instanceof Answer) return known
    return known.flight === undefined
      ? await onRecord(graph, known.run)
      : ((await this.#means.flights.answer(known.flight, undefined)) ?? goesOn(known.run))
  }

  /** The run that is begun, or that the key stands for; `flight` where it is on its way here. */
  async #flight(
    graph: Served,
    ready: Ready,
    input: Rec,
    { key, early }: Wanted,
  ): Promise<Answer | { readonly run: string; readonly again: boolean; readonly flight: Flight | undefined }> {
    const { flights, onRun, clock } = this.#means
    const { holder, places, runs } = this.#caller
    const { engine, name } = graph
    const run = key === undefined ? engine.id() : derivedId(["key", holder?.name ?? "", name, key])
    if (key !== undefined) {
      const before = await this.#before(graph, run, input, key)
      if (before !== undefined) return before
    }
    const leave = await placeFor(this.#means, places, this.#request)
    if (leave instanceof Answer) return leave
    const onEnd = ({ status }: Answer) => onRun?.({ graph: name, status, ms: clock.tick() - this.#tick, run })
    const flight = await flights.begin({ graph, ready, run, input, options: runs, early, leave, onEnd })
    if (flight !== undefined) return { run, again: false, flight }
    // Somebody else was quicker with the same key, here or elsewhere.
    return (await this.#before(graph, run, input, key!)) ?? { run, again: true, flight: undefined }
  }

  /** What came of a key before; undefined: nothing did. */
  async #before({ engine }: Served, run: string, input: Rec, key: string) {
    const flight = this.#means.flights.of(run)
    const hash = flight === undefined ? await recordedInput(engine, run) : sha256(encode(flight.input))
    if (hash === undefined || hash instanceof Answer) return hash
    if (!sameBytes(hash, sha256(encode(input))))
      return problemOf("idempotency-key-reused", `The key "${key}" came with another input before.`, { run })
    return { run, again: true, flight }
  }
}

async function recordedInput(engine: Served["engine"], run: string): Promise<Uint8Array | Answer | undefined> {
  if ((await engine.store.entries(engine.space, run)).rows.length === 0) return undefined
  try {
    return (await engine.history(run)).inputHash
  } catch (cause) {
    if (!(cause instanceof KernelError)) throw cause
    // What was removed from a record cannot be compared with.
    return problemOf("missing", cause.message, { run })
  }
}

/** What a run came to that is on record, and not on its way here. */
async function onRecord(graph: Served, run: string): Promise<Answer> {
  try {
    const result = resultOnRecord(await graph.engine.history(run))
    if (result !== undefined) return answerOf(result, { graph: graph.name })
  } catch (cause) {
    if (!(cause instanceof KernelError)) throw cause
    return problemOf("missing", cause.message, { run })
  }
  return problemOf("in-progress", "The run of this key goes on, elsewhere.", { run }, { "retry-after": "1" })
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i])
