/**
 * Plans that are served where they were brought to: a bundle holds their bytes, what they are granted and the pins of their
 * tools. Nothing happens while the program loads, for some hosts allow neither chance nor work there: the first request, or
 * the first run, admits them.
 */
import * as Data from "effect/Data"
import {
  type Awaitable,
  acceptStrict,
  type Clock,
  hasPatterns,
  type NodeKind,
  type Policy,
  type Rec,
  registry,
  type Services,
  type Value,
  WITH_PATTERNS,
} from "../../graph/mod.ts"
import { AdmissionError, type LedgerStore } from "../../kernel/mod.ts"
import { builtinsOf, decodePlan, type Plan } from "../../plan/mod.ts"
import { Engine, type EngineOptions, type Ready, type RunOptions, type RunResult } from "../engine/engine.ts"
import type { Looking } from "../engine/looking.ts"
import type { Speculate } from "../engine/speculate.ts"
import { Callers, type CallersOptions } from "../http/callers.ts"
import { byGrants, type Served } from "../http/catalogue.ts"
import type { RunsHost } from "../http/means.ts"
import { type TokenEntry, TokenList } from "../http/token_list.ts"
import { systemChance } from "../services/chance.ts"
import { systemClock } from "../services/clock.ts"
import type { Preparable } from "../triggers/start.ts"
import { type AppLimits, answer } from "./app.ts"

/** A plan with what it is granted here. */
export interface EdgeGraph {
  /** What it is for, in a line. */
  readonly about?: string | undefined
  /** As `shadowgraph compile` writes it. */
  readonly plan: Uint8Array | ArrayBuffer
  /** Capabilities of its runs. */
  readonly grants?: readonly string[]
  /** What the project's lock pins of its tools, by key. */
  readonly pins?: { readonly [key: string]: Rec }
}

/** Entries of a file of tokens; a text is the SHA-256 of a token that may do all that is granted here, lower-case hex. */
export type EdgeTokens = readonly (string | TokenEntry)[]

export interface EdgeOptions
  extends Omit<EngineOptions, "registry" | "services" | "store" | "recorder" | "parks" | "space"> {
  /** What stands in for tools, where runs look ahead (`speculate`): `shadowgraph/edge/shadows`. Default: runs look ahead nowhere. */
  readonly shadows?: LooksWith
  readonly graphs: readonly EdgeGraph[]
  /** The kinds of node that the plans name. */
  readonly kinds?: readonly NodeKind[]
  /** What the host lends, beside a clock and chance. */
  readonly services?: Partial<Omit<Services, "granted" | "shadows">>
  /** Where runs are on record. Default: in memory, for as long as the host keeps this program. */
  readonly store?: LedgerStore | (() => Promise<LedgerStore>)
  /** May runs rest, and be answered while this program or, with a store that lasts, another one is there? Whoever says yes serves them: `shadowgraph/edge/http`. Default: no. */
  readonly parks?: boolean
  /** Who may run graphs; a function is asked with every request, and fails with `TokenError`. Left out, whoever reaches the host may. */
  readonly tokens?: EdgeTokens | (() => Awaitable<EdgeTokens>)
  readonly limits?: Partial<AppLimits>
  /** Hears of errors that are none of the graphs' and none of the callers'. */
  readonly onDefect?: (cause: unknown) => void
}

/** Makes what looks ahead, within bounds and by the policy. */
export type LooksWith = (bounds: Speculate | undefined, policy: Policy | undefined) => Looking

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
export interface EdgeReady extends Served, Preparable {
  readonly ready: Ready
  readonly readyFor: NonNullable<Served["readyFor"]>
}

export interface Edge {
  /** Answers a request; what `export default { fetch }` of a worker wants. Never rejects. */
  readonly fetch: (request: Request) => Promise<Response>
  /** Runs a graph in this program. Fails with `EdgeError`, `AdmissionError`, and `Failure` `WrongInput` where the input does not fit. */
  readonly run: (graph: string, input?: Rec, options?: RunOptions) => Promise<RunResult>
  /** Every graph, admitted. Fails with `EdgeError` or `AdmissionError`. */
  readonly graphs: () => Promise<ReadonlyMap<string, EdgeReady>>
  /** What further ways to serve its graphs are made with. */
  readonly means: EdgeMeans
  /** Lets runs that go on end, and gives back what was opened. */
  readonly close: () => Promise<void>
}

export interface EdgeMeans {
  readonly clock: Clock
  /** Who makes a request, by its token. */
  readonly callers: Callers
  readonly holderOf: CallersOptions["holderOf"]
  /** The engine of its runs. Fails as `graphs` does. */
  readonly host: () => Promise<RunsHost>
  readonly onDefect: ((cause: unknown) => void) | undefined
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
  const { limits, onDefect } = options
  const clock = options.services?.clock ?? systemClock
  const holderOf = holdersOf(options, clock)
  const callers = new Callers(holderOf === undefined ? {} : { holderOf }, clock)
  return {
    graphs,
    fetch: (request) => answer(request, { graphs, callers, limits, onDefect }),
    run: async (name, input = {}, run = {}) => {
      const found = (await graphs()).get(name)
      if (found === undefined)
        throw new EdgeError({ reason: "unknown-graph", message: `Cannot run "${name}": there is no such graph here` })
      return await found.ready.run(acceptStrict(found.input)(input as Value), run)
    },
    means: { clock, callers, holderOf, host: async () => (await open()).host, onDefect },
    close: async () => (await opened)?.engine.close(),
  }
}

/** Who holds a token; the list is read anew where another one is handed over. */
function holdersOf({ tokens, graphs, digest }: EdgeOptions, clock: Clock): CallersOptions["holderOf"] {
  if (tokens === undefined) return undefined
  const grants = [...new Set(graphs.flatMap((graph) => graph.grants ?? []))]
  const entryOf = (token: string | TokenEntry): TokenEntry =>
    typeof token === "string" ? { name: token.slice(0, 8), sha256: token, grants, created: "" } : token
  let given: EdgeTokens | undefined
  let list = new TokenList([])
  return async (request) => {
    const now = typeof tokens === "function" ? await tokens() : tokens
    if (now !== given) {
      list = new TokenList(now.map(entryOf), digest)
      given = now
    }
    return list.holder(request.headers.get("authorization"), clock.now())
  }
}

interface Opened {
  readonly engine: Engine
  readonly host: RunsHost
  readonly graphs: ReadonlyMap<string, EdgeReady>
}

async function openAll(options: EdgeOptions): Promise<Opened> {
  const { graphs, kinds = [], services, store, shadows, speculate, ...more } = options
  const { tokens: _, limits: __, onDefect: ___, ...rest } = more
  const plans = graphs.map((graph) => {
    const bytes = new Uint8Array(graph.plan)
    const plan = decodePlan(bytes)
    const lack = lackOf(plan, kinds)
    if (lack !== undefined) throw lack
    return { bytes, plan, graph }
  })
  const given: EngineOptions = {
    ...rest,
    registry: registry(...kinds),
    services: { clock: systemClock, chance: systemChance, ...services },
    ...(store === undefined ? {} : { store: typeof store === "function" ? await store() : store }),
  }
  const engine = new Engine(given, shadows?.(speculate, rest.policy))
  const ready = new Map<string, EdgeReady>()
  for (const { bytes, plan, graph } of plans) {
    const { grants = [], pins, about } = graph
    const { name, needs, types } = plan
    if (ready.has(name)) throw new EdgeError({ reason: "twice", message: `Cannot serve two graphs called "${name}"` })
    const pin = pins === undefined ? {} : { pins: (key: string) => (Object.hasOwn(pins, key) ? pins[key] : undefined) }
    const prepare: Preparable["prepare"] = (more = {}) =>
      engine.prepare(bytes, { grants, ...pin, ...more }).catch(refusal)
    ready.set(name, {
      name,
      about,
      needs,
      input: types[plan.input]!,
      output: types[plan.output]!,
      engine,
      ready: await engine.prepare(bytes, { grants, ...pin }),
      readyFor: byGrants(prepare),
      prepare,
    })
  }
  const grantsOf = new Map(plans.map(({ plan, graph }) => [plan.name, graph.grants ?? []]))
  return { engine, graphs: ready, host: { engine, grants: (name) => grantsOf.get(name) ?? [] } }
}

function refusal(cause: unknown): AdmissionError {
  if (cause instanceof AdmissionError) return cause
  throw cause
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
