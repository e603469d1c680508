/**
 * Plans that are served where they were brought to: a bundle holds their bytes, what they are granted and the pins of their
 * tools. Nothing happens while the program loads, for some hosts allow neither chance nor work there: the first request, or
 * the first run, admits them.
 */
import * as Data from "effect/Data"
import {
  acceptStrict,
  hasPatterns,
  type NodeKind,
  type Rec,
  registry,
  type Services,
  type Type,
  type Value,
  WITH_PATTERNS,
} from "../../graph/mod.ts"
import type { LedgerStore } from "../../kernel/mod.ts"
import { builtinsOf, decodePlan, type Plan } from "../../plan/mod.ts"
import { Engine, type EngineOptions, type Ready, type RunOptions, type RunResult } from "../engine.ts"
import { systemChance } from "../services/chance.ts"
import { systemClock } from "../services/clock.ts"
import { type AppLimits, answer, barred } from "./app.ts"

/** A plan with what it is granted here. */
export interface EdgeGraph {
  /** As `shadowgraph compile` writes it. */
  readonly plan: Uint8Array | ArrayBuffer
  /** Capabilities of its runs. */
  readonly grants?: readonly string[]
  /** What the project's lock pins of its tools, by key. */
  readonly pins?: { readonly [key: string]: Rec }
}

export interface EdgeOptions
  extends Omit<EngineOptions, "registry" | "services" | "store" | "recorder" | "parks" | "space"> {
  readonly graphs: readonly EdgeGraph[]
  /** The kinds of node that the plans name. */
  readonly kinds?: readonly NodeKind[]
  /** What the host lends, beside a clock and chance. */
  readonly services?: Partial<Omit<Services, "granted">>
  /** Where runs are on record. Default: in memory, for as long as the host keeps this program. */
  readonly store?: LedgerStore | (() => Promise<LedgerStore>)
  /** SHA-256 of each bearer token that may run graphs, lower-case hex. Left out, whoever reaches the host may. */
  readonly tokens?: readonly string[]
  readonly limits?: Partial<AppLimits>
  /** Hears of errors that are none of the graphs' and none of the callers'. */
  readonly onDefect?: (cause: unknown) => void
}

export type EdgeReason =
  /** No graph of that name is here. */
  | "unknown-graph"
  /** Two plans have one name. */
  | "twice"
  /** The plan names a kind of node that was not brought along. */
  | "kind"
  /** The plan holds a pattern, and the engine for patterns was not brought along. */
  | "patterns"

export class EdgeError extends Data.TaggedError("EdgeError")<{
  readonly reason: EdgeReason
  readonly message: string
}> {}

/** A graph that is ready here. */
export interface EdgeReady {
  readonly name: string
  readonly needs: readonly string[]
  readonly input: Type
  readonly output: Type
  readonly engine: Engine
  readonly ready: Ready
}

export interface Edge {
  /** Answers a request; what `export default { fetch }` of a worker wants. Never rejects. */
  readonly fetch: (request: Request) => Promise<Response>
  /** Runs a graph in this program. Fails with `EdgeError`, `AdmissionError`, and `Failure` `WrongInput` where the input does not fit. */
  readonly run: (graph: string, input?: Rec, options?: RunOptions) => Promise<RunResult>
  /** The answer to a request that carries no right token; undefined where it does, or nobody asks for one. For ways of one's own. */
  readonly barred: (request: Request) => Response | undefined
  /** Every graph, admitted. Fails with `EdgeError` or `AdmissionError`. */
  readonly graphs: () => Promise<ReadonlyMap<string, EdgeReady>>
  /** Lets runs that go on end, and gives back what was opened. */
  readonly close: () => Promise<void>
}

export function edge(options: EdgeOptions): Edge {
  let opened: Promise<Opened> | undefined
  const open = (): Promise<Opened> => {
    opened ??= openAll(options).catch((cause: unknown) => {
      // A store that was away at the first request may be there at the next one.
      opened = undefined
      throw cause
    })
    return opened
  }
  const graphs = async () => (await open()).graphs
  return {
    graphs,
    fetch: (request) => answer(request, { ...options, graphs }),
    barred: (request) => barred(request, options.tokens)?.response(),
    run: async (name, input = {}, run = {}) => {
      const found = (await graphs()).get(name)
      if (found === undefined)
        throw new EdgeError({ reason: "unknown-graph", message: `Cannot run "${name}": there is no such graph here` })
      return await found.ready.run(acceptStrict(found.input)(input as Value), run)
    },
    close: async () => (await opened)?.engine.close(),
  }
}

interface Opened {
  readonly engine: Engine
  readonly graphs: ReadonlyMap<string, EdgeReady>
}

async function openAll(options: EdgeOptions): Promise<Opened> {
  const { graphs, kinds = [], services, store, tokens: _, limits: __, onDefect: ___, ...rest } = options
  const plans = graphs.map((graph) => {
    const bytes = new Uint8Array(graph.plan)
    const plan = decodePlan(bytes)
    const lack = lackOf(plan, kinds)
    if (lack !== undefined) throw lack
    return { bytes, plan, graph }
  })
  const engine = new Engine({
    ...rest,
    registry: registry(...kinds),
    services: { clock: systemClock, chance: systemChance, ...services },
    ...(store === undefined ? {} : { store: typeof store === "function" ? await store() : store }),
  })
  const ready = new Map<string, EdgeReady>()
  for (const { bytes, plan, graph } of plans) {
    const { grants = [], pins } = graph
    const { name, needs, types } = plan
    if (ready.has(name)) throw new EdgeError({ reason: "twice", message: `Cannot serve two graphs called "${name}"` })
    const pin = pins === undefined ? {} : { pins: (key: string) => (Object.hasOwn(pins, key) ? pins[key] : undefined) }
    ready.set(name, {
      name,
      needs,
      input: types[plan.input]!,
      output: types[plan.output]!,
      engine,
      ready: await engine.prepare(bytes, { grants, ...pin }),
    })
  }
  return { engine, graphs: ready }
}

/** What was not brought along for the plan. Admission would refuse the first as well, but not say what to do. */
function lackOf(plan: Plan, kinds: readonly NodeKind[]): EdgeError | undefined {
  const kind = plan.externs.find((x) => !kinds.some((k) => k.kind === x.kind))?.kind
  if (kind !== undefined)
    return new EdgeError({
      reason: "kind",
      message: `Cannot serve "${plan.name}": it has nodes of the kind "${kind}"; hand it over in \`kinds\``,
    })
  if (hasPatterns() || ![...builtinsOf(plan)].some((name) => WITH_PATTERNS.has(name))) return undefined
  return new EdgeError({
    reason: "patterns",
    message: `Cannot serve "${plan.name}": it holds patterns; import "shadowgraph/graph/patterns" where the program begins`,
  })
}
