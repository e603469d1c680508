/** The part of a generated client that is the same for every server, as the text that is written. A test compiles it and runs it against a server. */
export const CLIENT_TEXT = `/** What is wrong, as the server says it (RFC 9457). */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly run?: string
  readonly graph?: string
  readonly node?: string
  readonly code?: string
  readonly [more: string]: unknown
}

/** A request was not answered as it was meant; \`problem.type\` says why. */
export class ProblemError extends Error {
  override readonly name = "ProblemError"
  readonly problem: Problem
  /** Seconds after which it is worth another try, where the server says so. */
  readonly retryAfter: number | undefined

  constructor(problem: Problem, retryAfter: number | undefined) {
    super(\`\${problem.title}: \${problem.detail}\`)
    this.problem = problem
    this.retryAfter = retryAfter
  }
}

export interface Wait {
  readonly path: string
  readonly why: string
  readonly text: string
  readonly until?: string
  /** Of an \`ask\`: what is asked, the type of the answer in the words of graph files, and words to choose from. */
  readonly question?: string
  readonly type?: string
  readonly choices?: readonly string[]
}
export interface Ledger {
  readonly position: number
  readonly head: string
}
export interface Ended<Output> {
  readonly state: "ended"
  readonly run: string
  readonly output: Output
  readonly trace: string
  readonly ledger: Ledger
  /** Paths of writes of which nobody knows whether they were done. */
  readonly uncertain?: readonly string[]
}
/** The run rests until somebody answers. */
export interface Parked {
  readonly state: "parked"
  readonly run: string
  readonly parked: readonly Wait[]
}
/** Nobody waited for its end. */
export interface Running {
  readonly state: "running"
  readonly run: string
}
export interface RunState {
  readonly run: string
  readonly graph?: string
  readonly status: "running" | "parked" | "ended" | "unfinished"
  readonly ok?: boolean
  readonly began?: string
  readonly output?: unknown
  readonly trace?: string
  readonly problem?: Problem
  readonly parked: readonly Wait[]
}
export interface Page {
  readonly runs: readonly { readonly run: string; readonly graph?: string; readonly status: string; readonly ok?: boolean }[]
  /** The run to ask for the page before, where there is one. */
  readonly before?: string
}
export type BatchResult<Output> =
  | { readonly index: number; readonly status: 200; readonly run: string; readonly output: Output }
  | (Problem & { readonly index: number })
export interface Batch<Output> {
  readonly ended: number
  readonly failed: number
  readonly unfinished: number
  readonly results: readonly BatchResult<Output>[]
}
export interface Answers {
  readonly answers?: { readonly [path: string]: unknown }
  readonly delivered?: { readonly [path: string]: unknown }
  readonly refuse?: { readonly [path: string]: string }
  readonly send?: readonly string[]
}

/** What a stream tells. \`gap\`: events that are kept no more. The last one is \`result\`, \`parked\` or \`failed\`. */
export type RunEvent<Output> =
  | { readonly event: "run"; readonly id: string; readonly data: { readonly run: string } }
  | { readonly event: "node"; readonly id: string; readonly data: { readonly phase: string; readonly path: string; readonly [more: string]: unknown } }
  | { readonly event: "item"; readonly id: string; readonly data: { readonly item: unknown } }
  | { readonly event: "early"; readonly id: string; readonly data: { readonly early: true; readonly output: Output; readonly bound: number } }
  | { readonly event: "verdict"; readonly id: string; readonly data: { readonly held: boolean } }
  | { readonly event: "gap"; readonly id: string; readonly data: { readonly missed?: number; readonly after?: string } }
  | { readonly event: "result"; readonly id: string; readonly data: Omit<Ended<Output>, "state"> }
  | { readonly event: "parked"; readonly id: string; readonly data: Omit<Parked, "state"> }
  | { readonly event: "failed"; readonly id: string; readonly data: Problem }
  | { readonly event: "unfinished"; readonly id: string; readonly data: { readonly run: string } }

export interface ClientOptions {
  /** Where the server is: \`http://127.0.0.1:8787\`. */
  readonly url: string
  readonly token?: string
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
}
export interface RunSettings {
  /** The same key with the same input is the same run. */
  readonly key?: string
  readonly signal?: AbortSignal
}

type Input<G extends keyof Graphs> = Graphs[G]["input"]
type Output<G extends keyof Graphs> = Graphs[G]["output"]

export class Client {
  readonly #url: string
  readonly #token: string | undefined
  readonly #fetch: (url: string, init: RequestInit) => Promise<Response>

  constructor(options: ClientOptions) {
    this.#url = options.url.replace(/\\/$/, "")
    this.#token = options.token
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init))
  }

  /** Runs a graph and waits for its end. @throws ProblemError */
  async run<G extends keyof Graphs>(graph: G, input: Input<G>, settings: RunSettings = {}): Promise<Ended<Output<G>> | Parked> {
    const said = await this.#post(\`/graphs/\${graph}/runs\`, { input }, settings)
    return (said.status === 202 ? { state: "parked", ...said.json } : { state: "ended", ...said.json }) as Ended<Output<G>> | Parked
  }

  /** Begins a run, waits \`waitSeconds\` at most, and leaves it to itself. @throws ProblemError */
  async begin<G extends keyof Graphs>(
    graph: G,
    input: Input<G>,
    settings: RunSettings & { readonly waitSeconds?: number } = {},
  ): Promise<Ended<Output<G>> | Parked | Running> {
    const wait = settings.waitSeconds === undefined ? "" : \`, wait=\${Math.floor(settings.waitSeconds)}\`
    const said = await this.#post(\`/graphs/\${graph}/runs\`, { input }, settings, { prefer: \`respond-async\${wait}\` })
    const state = said.status === 200 ? "ended" : "parked" in said.json ? "parked" : "running"
    return { state, ...said.json } as Ended<Output<G>> | Parked | Running
  }

  /** Runs a graph for many inputs. @throws ProblemError */
  async batch<G extends keyof Graphs>(graph: G, inputs: readonly Input<G>[], settings: RunSettings = {}): Promise<Batch<Output<G>>> {
    return (await this.#post(\`/graphs/\${graph}/batch\`, { inputs }, settings)).json as unknown as Batch<Output<G>>
  }

  /** Runs a graph and tells what happens. A connection that breaks is made again, from the last event that came. @throws ProblemError */
  async *stream<G extends keyof Graphs>(
    graph: G,
    input: Input<G>,
    settings: RunSettings & { readonly early?: boolean } = {},
  ): AsyncGenerator<RunEvent<Output<G>>, void, undefined> {
    const early = settings.early === true ? "?early=true" : ""
    const response = await this.#send("POST", \`/graphs/\${graph}/runs\${early}\`, { input }, settings, { accept: "text/event-stream" })
    const run = response.headers.get("location")?.split("/").at(-1)
    yield* this.#follow(run, response, undefined, settings.signal) as AsyncGenerator<RunEvent<Output<G>>, void, undefined>
  }

  /** What happens in a run, from after an event that came before. @throws ProblemError */
  async *events(run: string, settings: { readonly after?: string; readonly signal?: AbortSignal } = {}): AsyncGenerator<RunEvent<unknown>, void, undefined> {
    yield* this.#follow(run, undefined, settings.after, settings.signal)
  }

  async look(run: string): Promise<RunState> {
    return (await this.#get(\`/runs/\${encodeURIComponent(run)}\`)) as unknown as RunState
  }

  async runs(page: { readonly limit?: number; readonly before?: string; readonly graph?: string } = {}): Promise<Page> {
    const query = new URLSearchParams(Object.entries(page).map(([name, value]) => [name, String(value)]))
    const { next, ...rest } = await this.#get(\`/runs?\${query}\`)
    const before = typeof next === "string" ? new URLSearchParams(next.slice(next.indexOf("?"))).get("before") : null
    return { ...rest, ...(before === null ? {} : { before }) } as unknown as Page
  }

  async proof(run: string): Promise<{ readonly [key: string]: unknown }> {
    return await this.#get(\`/runs/\${encodeURIComponent(run)}/proof\`)
  }

  /** Answers what a run waits for, and goes on with it. @throws ProblemError */
  async resume(run: string, answers: Answers): Promise<Ended<unknown> | Parked> {
    const said = await this.#post(\`/runs/\${encodeURIComponent(run)}/resume\`, answers, {})
    return (said.status === 202 ? { state: "parked", ...said.json } : { state: "ended", ...said.json }) as Ended<unknown> | Parked
  }

  async cancel(run: string): Promise<void> {
    await this.#post(\`/runs/\${encodeURIComponent(run)}/cancel\`, {}, {})
  }

  async undo(run: string, options: { readonly leave?: readonly string[]; readonly cancel?: boolean } = {}): Promise<{ readonly [key: string]: unknown }> {
    return (await this.#post(\`/runs/\${encodeURIComponent(run)}/undo\`, options, {})).json
  }

  async #get(path: string): Promise<{ readonly [key: string]: unknown }> {
    return (await (await this.#send("GET", path, undefined, {}, {})).json()) as { readonly [key: string]: unknown }
  }

  async #post(path: string, body: unknown, settings: RunSettings, headers: { readonly [name: string]: string } = {}) {
    const response = await this.#send("POST", path, body, settings, headers)
    return { status: response.status, json: (await response.json()) as { readonly [key: string]: unknown } }
  }

  async #send(method: string, path: string, body: unknown, { key, signal }: RunSettings, headers: { readonly [name: string]: string }): Promise<Response> {
    const response = await this.#fetch(this.#url + path, {
      method,
      headers: {
        ...headers,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(this.#token === undefined ? {} : { authorization: \`Bearer \${this.#token}\` }),
        ...(key === undefined ? {} : { "idempotency-key": key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
    if (response.ok) return response
    const after = response.headers.get("retry-after")
    throw new ProblemError(await problemOf(response), after === null ? undefined : Number(after))
  }

  async *#follow(run: string | undefined, first: Response | undefined, after: string | undefined, signal: AbortSignal | undefined): AsyncGenerator<RunEvent<unknown>, void, undefined> {
    let last = after
    let response = first
    for (let broken = 0; ; broken++) {
      try {
        const headers: { [name: string]: string } = { accept: "text/event-stream" }
        if (last !== undefined) headers["last-event-id"] = last
        response ??= await this.#send("GET", \`/runs/\${encodeURIComponent(run ?? "")}/events\`, undefined, signal === undefined ? {} : { signal }, headers)
        for await (const event of eventsOf(response)) {
          if (event.id !== "") last = event.id
          broken = 0
          yield event
          if (LAST.has(event.event)) return
        }
      } catch (cause) {
        if (cause instanceof ProblemError || signal?.aborted === true || broken >= 5 || run === undefined) throw cause
      }
      // A stream that ended without its last event was cut: its server was stopped, or took this client for asleep.
      if (broken >= 5 || run === undefined) return
      response = undefined
      await new Promise((wake) => setTimeout(wake, 200 * 2 ** broken))
    }
  }
}

const LAST: ReadonlySet<string> = new Set(["result", "parked", "failed", "unfinished"])

async function problemOf(response: Response): Promise<Problem> {
  const { status } = response
  try {
    return (await response.json()) as Problem
  } catch {
    return { type: "about:blank", title: \`HTTP \${status}\`, status, detail: "The answer is no problem document." }
  }
}

/** Reads text/event-stream (html.spec.whatwg.org 9.2). */
async function* eventsOf(response: Response): AsyncGenerator<RunEvent<unknown>, void, undefined> {
  const reader = response.body!.getReader()
  const decoder = new TextDecoder()
  let text = ""
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      text += decoder.decode(value, { stream: true })
      for (let end = text.indexOf("\\n\\n"); end >= 0; end = text.indexOf("\\n\\n")) {
        const lines = text.slice(0, end).split("\\n")
        text = text.slice(end + 2)
        const of = (word: string) => lines.find((line) => line.startsWith(\`\${word}: \`))?.slice(word.length + 2)
        const data = of("data")
        if (data !== undefined) yield { event: of("event") ?? "message", id: of("id") ?? "", data: JSON.parse(data) } as RunEvent<unknown>
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
`
