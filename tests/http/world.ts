// Graphs served to tests of the HTTP interface: tools that answer when the test says so, a ledger in memory or on the disk.
import type { GraphsOptions, Served } from "../../deploy/http/app.ts"
import { graphsApp } from "../../deploy/http/app.ts"
import type { Engine } from "../../deploy/mod.ts"
import { fail, type NodeKind, registry, T, type Type } from "../../graph/mod.ts"
import type { LedgerStore } from "../../kernel/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"
import { GRANTS, ledger, World } from "../durable/house.ts"

export const SUM = `
graph: sum
about: Adds two numbers.
input: { a: number, b: number = 1 }
nodes:
  sum: { expr: input.a + input.b }
output: { sum: sum }
`
/** Two reads one after the other, which answer when the test opens their gates. */
export const SLOW = `
graph: slow
input: { n: number }
nodes:
  first: { gate: input.n }
  second: { gate: first }
output: second
`
export const ASKS = `
graph: asks
input: { id: string }
nodes:
  sure: { ask: "Ship \${ input.id }?", output: boolean }
output: sure
`
export const FAILS = `
graph: fails
input: { at: number }
nodes:
  x: { expr: "[1, 2][input.at]" }
output: x
`

/** A world with a tool that waits for the test. */
export class Gates extends World {
  readonly #waiting = new Map<number, (go: boolean) => void>()
  gated = 0

  readonly gate: NodeKind = {
    kind: "gate",
    about: "Waits for the test.",
    main: { form: "cel", type: T.number, required: true, about: "Which." },
    fields: {},
    takesWith: false,
    sign: () => ({
      effect: "read",
      resource: "gates",
      needs: ["app:look"],
      input: T.record({ gate: T.number }),
      output: T.number,
    }),
    open: () => ({
      execute: (args, call) => {
        const { gate } = args as { readonly gate: number }
        this.gated++
        return new Promise((resolve, reject) => {
          this.#waiting.set(gate, (go) => (go ? resolve(gate + 1) : reject(fail("Broken", "it is broken"))))
          call.signal.addEventListener("abort", () => reject(call.signal.reason), { once: true })
        })
      },
    }),
  }

  override readonly kinds = registry(
    ...standardKinds.values(),
    this.kind("look", "read", false),
    this.kind("send", "write", true),
    this.kind("post", "write", false),
    this.gate,
  )

  /** Lets the call with this argument answer, once it is there. */
  async open(n: number, go = true): Promise<void> {
    for (let i = 0; i < 2_000 && !this.#waiting.has(n); i++) await new Promise((wake) => setTimeout(wake, 1))
    this.#waiting.get(n)!(go)
    this.#waiting.delete(n)
  }
}

export interface Site {
  readonly world: Gates
  readonly engine: Engine
  readonly app: ReturnType<typeof graphsApp>
  readonly ask: (path: string, init?: RequestInit) => Promise<Response>
  readonly post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Told>
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Told>
}
export interface Told {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: what a response holds is for each test to say
  readonly json: any
}

export async function site(
  graphs: readonly string[],
  options: Partial<GraphsOptions> = {},
  store: LedgerStore = ledger(),
  world: Gates = new Gates(),
): Promise<Site> {
  const engine = world.engine(store)
  const served: Served[] = []
  for (const text of graphs) {
    const ready = await engine.prepare(world.plan(text), { grants: GRANTS })
    const { plan } = ready.admitted
    const types = { input: plan.types[plan.input] as Type, output: plan.types[plan.output]! }
    served.push({ name: plan.name, about: text.match(/about: (.*)/)?.[1], needs: plan.needs, ...types, engine, ready })
  }
  const app = graphsApp({ graphs: served, runs: [{ engine, grants: GRANTS }], ...options })
  const ask = async (path: string, init?: RequestInit) => await app.fetch(new Request(`http://localhost${path}`, init))
  const told = async (response: Response): Promise<Told> => {
    const text = await response.text()
    return { status: response.status, headers: response.headers, json: text === "" ? undefined : JSON.parse(text) }
  }
  return {
    world,
    engine,
    app,
    ask,
    get: async (path, headers = {}) => told(await ask(path, { headers })),
    post: async (path, body, headers = {}) =>
      told(
        await ask(path, {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: typeof body === "string" ? body : JSON.stringify(body),
        }),
      ),
  }
}

export interface StreamEvent {
  readonly id?: string
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly data: any
}

/** Events of a response as they come; comments are left out. */
export async function* eventsOf(response: Response): AsyncGenerator<StreamEvent> {
  let text = ""
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const lines = text.slice(0, end).split("\n")
      text = text.slice(end + 2)
      const of = (word: string) => lines.find((line) => line.startsWith(`${word}: `))?.slice(word.length + 2)
      const [event, data, id] = [of("event"), of("data"), of("id")]
      if (event === undefined || data === undefined) continue
      yield { event, data: JSON.parse(data), ...(id === undefined ? {} : { id }) }
    }
  }
}

export async function all(response: Response): Promise<readonly StreamEvent[]> {
  const events: StreamEvent[] = []
  for await (const event of eventsOf(response)) events.push(event)
  return events
}
