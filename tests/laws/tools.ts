// Tools of the laws: registered kinds whose answers are a function of their settings, their arguments and the attempt, so
// that every way to run a graph meets the same world. They answer at once or late, fail for a while or for good, hang,
// throw what they like, answer what is none of their type, and run bodies of the graph.
import {
  type Call,
  type Execute,
  encode,
  Failure,
  fail,
  type Graph,
  hex,
  type NodeKind,
  Park,
  type Rec,
  type Registry,
  registry,
  type SignatureProblem,
  type Type,
  type Value,
} from "../../graph/mod.ts"
import { inCanonicalOrder } from "../../graph/type-order.ts"
import { Chance } from "./chance.ts"
import { located } from "./declaring.ts"
import { garbageFor, someValue } from "./values.ts"

/** Milliseconds that an attempt of an effect may take where its node says nothing. */
export const TIMEOUT_MS = 500

/** Kinds with bodies. A `talker` keeps what it learns on its way, so that a run may rest in them. */
export const isAgent = (kind: string): boolean => kind === "agent" || kind === "talker"

/** How a tool answers: at once, by a promise that takes time, or sometimes so and sometimes so. */
export type Mode = "now" | "later" | "mixed"

/** What a call of a tool comes to, as its arguments and the attempt decide. */
export type Fate =
  | { readonly kind: "value"; readonly value: unknown }
  /** `thrown` is what the tool throws or rejects with. */
  | { readonly kind: "throw"; readonly thrown: unknown }
  /** It never answers: the attempt's time runs out. */
  | { readonly kind: "hang" }

/** Shrinking takes settings away, too: then anything may come. */
const json = (config: Rec, key: string): Type =>
  typeof config[key] === "string" ? (JSON.parse(config[key]) as Type) : { kind: "unknown" }

/** The type that a tool answers by its registration. */
export const gives = (config: Rec): Type => json(config, "gives")

const flawOf = (config: Rec): number => Number(config["flaw"] ?? 0)
const modeOf = (config: Rec): Mode => (config["mode"] ?? "later") as Mode
const idOf = (kind: string, config: Rec): string => String(config[kind])

function chanceOf(kind: string, config: Rec, args: Value, more = ""): Chance {
  return new Chance(`${kind} ${idOf(kind, config)} ${hex(encode(args))} ${more}`)
}

/** May a call with these settings hang? Only where something ends the wait. */
const mayHang = (kind: string, config: Rec, timeoutMs: number | undefined): boolean =>
  modeOf(config) === "later" && (timeoutMs !== undefined || kind === "probe" || kind === "store")

/** What the call comes to. `timeoutMs` is the node's own. */
export function fateOf(kind: string, config: Rec, args: Value, attempt: number, timeoutMs: number | undefined): Fate {
  const c = chanceOf(kind, config, args)
  const type = gives(config)
  const value: Fate = { kind: "value", value: someValue(c, type, true) }
  if (!c.percent(flawOf(config))) return value
  const until = c.between(1, 3)
  const again = { retryable: true, ...(c.percent(40) ? { undelivered: true } : {}) }
  switch (c.below(10)) {
    case 0:
      return { kind: "throw", thrown: fail("Refused", "The tool refuses", { data: { code: c.below(3) } }) }
    case 1:
    case 2:
      return attempt <= until ? { kind: "throw", thrown: fail("Busy", `Busy, attempt ${attempt}`, again) } : value
    case 3:
      return { kind: "throw", thrown: fail("Down", "The tool is down", { data: { attempt }, ...again }) }
    case 4:
      return { kind: "throw", thrown: c.of<unknown>([new TypeError("broken"), "a text", undefined, null, 7]) }
    case 5:
      return { kind: "throw", thrown: new Tagged(c.below(4)) }
    case 6:
      return mayHang(kind, config, timeoutMs) && attempt <= until ? { kind: "hang" } : value
    case 7:
      return { kind: "throw", thrown: fail("Odd", "Not a value inside", { data: { f: () => 1 } as unknown as Value }) }
    default:
      return { kind: "value", value: garbageFor(c, type) }
  }
}

/** A typed error, as Effect's are. */
class Tagged {
  readonly _tag = "StockError"
  readonly message = "none left"
  readonly left: number
  readonly inner = { deep: [1, null] }
  constructor(left: number) {
    this.left = left
  }
}

/** The items of a stream, and what it ends in. */
export interface Flow {
  readonly items: readonly unknown[]
  readonly end: Fate | undefined
}
export function flowOf(config: Rec, args: Value, attempt: number): Flow {
  const c = chanceOf("feed", config, args)
  const type = gives(config)
  const of = type.kind === "stream" ? type.of : type
  const items = Array.from({ length: c.below(5) }, (): unknown => someValue(c, of, true))
  if (!c.percent(flawOf(config))) return { items, end: undefined }
  const thrown = (failure: unknown): Flow => ({ items, end: { kind: "throw", thrown: failure } })
  switch (c.below(4)) {
    case 0:
      return thrown(fail("Broken", "The stream broke", { data: { after: items.length } }))
    case 1:
      return attempt <= 2
        ? thrown(fail("Broken", `Broken, attempt ${attempt}`, { retryable: true }))
        : { items, end: undefined }
    case 2:
      return thrown(new TypeError("broken stream"))
    default:
      return { items: [...items, garbageFor(c, of)], end: undefined }
  }
}

/** What a tool learns on its way, and keeps. */
type Part = (asked: Value, work: () => Promise<Value>) => Promise<Value>
/** A tool of the laws met what cannot be. */
class Other extends TypeError {}

type Invoke = (role: string, args: Rec) => Promise<Value>

/**
 * What a tool with bodies does: asks some of them, one after another, and makes its answer of theirs. Some go on where a
 * body failed, the others fail with it. `met` is told of a failure that it goes on from.
 */
export async function script(
  config: Rec,
  args: Value,
  attempt: number,
  invoke: Invoke,
  met: () => void,
  part: Part = (_, work) => work(),
): Promise<unknown> {
  const kind = config["talker"] === undefined ? "agent" : "talker"
  const c = chanceOf(kind, config, args, String(flawOf(config) > 0 ? attempt : ""))
  // In an order of their own: a record has none.
  const roles = Object.entries((config["tools"] ?? {}) as { readonly [name: string]: { readonly input: Type } }).sort(
    ([a], [b]) => (a < b ? -1 : 1),
  )
  const said: Value[] = []
  const calls = roles.length === 0 ? 0 : c.below(4)
  const lenient = c.percent(40)
  for (let i = 0; i < calls; i++) {
    const [name, { input }] = c.of(roles)
    if ((await part({ turn: i }, async () => name)) !== name) throw new Other(`part ${i} was another before`)
    const given = someValue(c, inCanonicalOrder(input), false) as Rec
    try {
      said.push(await invoke(`tool:${name}`, given))
    } catch (cause) {
      if (!(cause instanceof Failure) || cause.code === "Cancelled" || !lenient) throw cause
      met()
      said.push(cause.code)
    }
  }
  if (c.percent(flawOf(config))) {
    if (c.percent(50)) throw fail("Tired", "Enough of it", { retryable: true, undelivered: true })
    return garbageFor(c, gives(config))
  }
  return someValue(new Chance(`${idOf(kind, config)} ${hex(encode(said))}`), gives(config), true)
}

/** Where a call happens: what a kind's executor asks of the run that it is part of. */
export interface Stage {
  /** A promise that resolves after some of the run's own time; rejects when the call is stopped, if the tool listens. */
  readonly pause: (call: Call | undefined) => Promise<void>
  /** Never resolves; may reject when the call is stopped. */
  readonly hang: (call: Call) => Promise<never>
  /** Answers at once, for a tool that sometimes does? */
  readonly now: () => boolean
  readonly began: (call: Call | undefined, effect: string) => void
  /** Does the answer of this call take days? Then the run rests, and it comes in another process. */
  readonly parks: (call: Call) => boolean
  /** A moment of the run's own time, so many milliseconds from now. */
  readonly later: (ms: number) => number
  /** A call is on its way to a resource, or on its way again, until what is handed back is called. */
  readonly enters: (resource: string, starts: boolean) => () => void
}

type EffectWord = "pure" | "read" | "write"
const text = { form: "static", type: { kind: "string" } } as const
const whole = { form: "static", type: { kind: "number" } } as const
const FIELDS = {
  gives: { ...text, required: true, about: "The type of the answer, as JSON." },
  takes: { ...text, about: "The type of the arguments, as JSON." },
  mode: { ...text, about: "How it answers." },
  flaw: { ...whole, about: "How many calls of a hundred go wrong." },
  resource: { ...text, about: "What it touches." },
  effect: { ...text, about: "What it does." },
  keyed: { ...whole, about: "1 where it honours a key." },
  limit: { ...whole, about: "Calls at once." },
  section: { ...text, about: "Where it is declared what the tool works on." },
  at: { ...text, about: "What the tool works on, by its name there." },
  place: { ...text, path: true, about: "A path that the tool works on." },
  settings: { ...text, about: "The node's own timeout, for tools that hang." },
} as const

function kindOf(stage: () => Stage, name: string, effectOf: (config: Rec) => EffectWord, scopes: boolean): NodeKind {
  const effect = (config: Rec) => effectOf(config)
  return {
    kind: name,
    about: "A tool of the laws.",
    main: { ...text, required: true, about: "What seeds its answers." },
    fields: FIELDS,
    schemes: ["use"],
    takesWith: true,
    ...(scopes
      ? { scopes: { key: "tools", role: "tool", about: "Its bodies.", ...(name === "talker" ? { rests: true } : {}) } }
      : {}),
    // What is declared of a database is where it lies.
    ...(name === "probe" ? { moved: { section: "databases", declared: moved } } : {}),
    sign: ({ config, resources }) =>
      lost(config, resources) ?? {
        effect: effect(config),
        resource: effect(config) === "pure" ? null : ((config["resource"] as string | undefined) ?? null),
        needs: effect(config) === "pure" ? [] : [`use:${String(config["resource"] ?? "world")}`],
        output: gives(config),
        ...(config["takes"] === undefined ? {} : { input: json(config, "takes") }),
        ...(config["keyed"] === 1 ? { keyed: true } : {}),
        ...(modeOf(config) === "now" && name !== "feed" && !scopes ? { async: false } : {}),
        ...(config["limit"] === undefined ? {} : { limits: { concurrent: Number(config["limit"]) } }),
      },
    open: (config, resources, _services, { resource }) => {
      const does = executor(stage, name, effect(config), located(name, config, resources))
      if (resource !== null) return { execute: entering(stage, resource, does) }
      return { execute: scopes ? (args, call) => does(args, call, call.invoke!) : (does as Execute) }
    },
  }
}

const moved = (declared: Value, from: (path: string) => string): Value =>
  typeof declared === "string" ? from(declared) : declared

/** A tool whose file does not declare what it works on. */
function lost({ section, at }: Rec, resources: Graph["resources"]): readonly SignatureProblem[] | undefined {
  if (typeof at !== "string" || resources[String(section)]?.[at] !== undefined) return undefined
  return [{ code: "G206", key: "at", message: `Nothing is declared as ${String(section)}.${at}.` }]
}

type Does = (args: Value, call: Call, invoke: Invoke) => unknown

/** Tells the stage how long each attempt is on its way: until it answers, or is told to stop; not while a body of its own is. */
function entering(stage: () => Stage, resource: string, execute: Does): (args: Value, call: Call) => unknown {
  return (args, call) => {
    let over = false
    let leaves = stage().enters(resource, true)
    const leave = () => {
      over = true
      leaves()
    }
    const invoke: Invoke = async (role, given) => {
      leaves()
      try {
        return await call.invoke!(role, given)
      } finally {
        if (!over) leaves = stage().enters(resource, false)
      }
    }
    let answer: unknown
    try {
      answer = execute(args, call, invoke)
    } catch (cause) {
      leave()
      throw cause
    }
    if (typeof answer !== "object" || answer === null || !("then" in answer || Symbol.asyncIterator in answer)) {
      leave()
      return answer
    }
    call.signal.addEventListener("abort", leave, { once: true })
    return answer instanceof Promise ? answer.finally(leave) : left(answer as AsyncIterable<unknown>, leave)
  }
}

async function* left(items: AsyncIterable<unknown>, leave: () => void): AsyncGenerator<unknown> {
  try {
    yield* items
  } finally {
    leave()
  }
}

function executor(stage: () => Stage, kind: string, effect: EffectWord, config: Rec): Does {
  const ownTimeout = config["settings"] === undefined ? undefined : Number(config["settings"])
  const end = (fate: Fate): unknown => {
    if (fate.kind === "throw") throw fate.thrown
    return fate.kind === "value" ? fate.value : undefined
  }
  const late = async (fate: Fate, call: Call | undefined): Promise<unknown> => {
    if (fate.kind === "hang") return stage().hang(call!)
    await stage().pause(call)
    return end(fate)
  }
  if (kind === "feed") {
    return (args, call) => {
      stage().began(call, effect)
      return flowing(stage, config, args, call)
    }
  }
  if (isAgent(kind)) {
    return async (args, call, invoke) => {
      stage().began(call, effect)
      if (modeOf(config) !== "now") await stage().pause(call)
      const keeps: Part | undefined = kind === "talker" ? (asked, work) => call.part!(asked, work) : undefined
      return await script(config, args, call.attempt, invoke, () => {}, keeps)
    }
  }
  const mode = modeOf(config)
  if (kind === "calc" && mode === "now") {
    // Takes its input and nothing else: such a function may stand in straight-line code.
    return (args: Value) => end(fateOf(kind, config, args, 1, ownTimeout))
  }
  return (args, call) => {
    stage().began(call, effect)
    const fate = fateOf(kind, config, args, call.attempt, ownTimeout)
    const due = kind === "probe" && stage().parks(call) ? dueOf(fate) : undefined
    if (due !== undefined) return new Park("sleep", {}, stage().later(DAY_MS), due)
    if (mode === "now" || (mode === "mixed" && stage().now())) return end(fate)
    return late(fate, call)
  }
}

const DAY_MS = 86_400_000

/** What a call comes to once its time has come, if that can be written down beforehand and ends it. */
function dueOf(fate: Fate): { readonly value: Value } | Failure | undefined {
  try {
    if (fate.kind === "value") encode(fate.value as Value)
    if (fate.kind === "value") return { value: fate.value as Value }
    if (fate.kind === "hang" || !(fate.thrown instanceof Failure) || fate.thrown.retryable === true) return undefined
    encode(fate.thrown.data)
    return fate.thrown
  } catch {
    return undefined
  }
}

async function* flowing(stage: () => Stage, config: Rec, args: Value, call: Call): AsyncGenerator<unknown> {
  const { items, end } = flowOf(config, args, call.attempt)
  for (const item of items) {
    if (!stage().now()) await stage().pause(call)
    yield item
  }
  if (end?.kind === "throw") throw end.thrown
}

/** The kinds, played on whatever stage is set when they are called. */
export const registryOn = (stage: () => Stage): Registry =>
  registry(
    kindOf(stage, "calc", () => "pure", false),
    kindOf(stage, "probe", () => "read", false),
    kindOf(stage, "store", () => "write", false),
    kindOf(stage, "feed", (config) => (config["effect"] === "read" ? "read" : "pure"), false),
    kindOf(stage, "agent", (config) => (config["effect"] ?? "pure") as EffectWord, true),
    kindOf(stage, "talker", (config) => (config["effect"] ?? "pure") as EffectWord, true),
  )
