/**
 * Ports at run time of the builder: proxies that stand for an expression and its type. Reading a field makes a longer
 * expression; everything that would need the value now (text, arithmetic, spreading, JSON, awaiting) is refused with
 * the words that say what to write instead.
 */
import type { Expr } from "../expr.ts"
import { printType, T, type Type, unionOf } from "../type.ts"
import { type Rec, Tensor, type Value } from "../value.ts"
import { bounded } from "./extent.ts"
import { refuse } from "./failure.ts"
import type { Port, PortOf } from "./types.ts"

/** Where a port may be used: a body that is being written, inside its parent's. */
export interface Home {
  readonly depth: number
  /** Still being written, and this body or one of those around it. */
  readonly open: () => boolean
  readonly label: string
}

export interface PortState {
  readonly expr: Expr
  readonly type: Type
  /** `null`: constant, may be used anywhere. */
  readonly home: Home | null
  /** May the last step find nothing? Then `or`, `has` and optional fields ask for it as an optional value. */
  readonly maybe: boolean
}

const states = new WeakMap<object, PortState>()

export const isPort = (x: unknown): x is Port<unknown> => typeof x === "object" && x !== null && states.has(x)

export function portState(port: Port<unknown>): PortState {
  const state = states.get(port)
  if (state === undefined) return refuse("port", "Cannot use a value as a port: it was not made by a graph")
  if (state.home !== null && !state.home.open())
    return refuse(
      "scope",
      `Cannot use ${show(state)} here: it belongs to ${state.home.label}, which is not around this`,
    )
  return state
}

export function portOf(expr: Expr, type: Type, home: Home | null, maybe = false): PortOf<unknown> {
  const state: PortState = { expr: bounded(expr), type, home, maybe }
  const port = new Proxy(Object.create(null) as object, new Traps(state))
  states.set(port, state)
  return port as PortOf<unknown>
}

/** A field by its name, also where the name has a meaning of its own on ports: `then`, `at`, `length`. */
export function fieldOf(port: Port<unknown>, name: string): PortOf<unknown> {
  const state = portState(port)
  const type = plain(state.type)
  if (type.kind === "record" && !Object.hasOwn(type.fields, name))
    return refuse("port", `Cannot read "${name}" of ${show(state)}: it has ${fieldList(type)}`)
  if (type.kind !== "record" && type.kind !== "map" && type.kind !== "unknown" && type.kind !== "union")
    return refuse("port", `Cannot read "${name}" of ${show(state)}: a ${printType(type)} has no fields`)
  return step(state, type, name)
}

/** `expr` with every step that may find nothing asked for as an optional value: `a.b[k]` becomes `a.?b[?k]`. */
export function optionalExpr(state: PortState): Expr {
  const walk = (e: Expr): Expr => {
    if (e.op === "field") {
      const maybe = optionalSteps.has(e)
      return { ...e, of: walk(e.of), ...(maybe ? { optional: true } : {}) }
    }
    if (e.op === "index") return { ...e, of: walk(e.of), optional: true }
    return e
  }
  return state.maybe ? walk(state.expr) : state.expr
}
/** The `field` steps that may find nothing; an `index` always may. */
const optionalSteps = new WeakSet<Expr>()
/** Those of them whose type says so: the checker takes them only where they are asked for as optional. */
const declaredOptional = new WeakSet<Expr>()
export const mayBeAbsent = (e: Expr): boolean =>
  declaredOptional.has(e) || ((e.op === "field" || e.op === "index") && mayBeAbsent(e.of))

class Traps implements ProxyHandler<object> {
  readonly #state: PortState
  constructor(state: PortState) {
    this.#state = state
  }
  get(_target: object, key: string | symbol): unknown {
    const state = this.#state
    if (typeof key === "symbol") return symbolOf(state, key)
    const type = plain(state.type)
    if (type.kind === "record" && Object.hasOwn(type.fields, key) && key !== "then") return step(state, type, key)
    if (type.kind === "list" || type.kind === "map" || type.kind === "unknown") {
      if (key === "at") return (index: unknown) => indexed(state, type, index)
      if (key === "length") return portOf({ op: "call", fn: "size", args: [state.expr] }, T.number, state.home)
    }
    if (Object.hasOwn(WRONG, key)) return refuse("port", WRONG[key]!(show(state)))
    if (key === "constructor" || key === "__proto__" || key === "prototype") return undefined
    if (type.kind === "unknown" || type.kind === "union") return step(state, type, key)
    if (type.kind === "record")
      return refuse("port", `Cannot read "${key}" of ${show(state)}: it has ${fieldList(type)}`)
    if (type.kind === "map")
      return refuse(
        "port",
        `Cannot read "${key}" of ${show(state)}: keys of a map are only known in a run. Write .at("${key}")`,
      )
    if (type.kind === "list" && /^\d+$/.test(key))
      return refuse(
        "port",
        `Cannot read [${key}] of ${show(state)}: it has no items until the graph runs. Write .at(${key})`,
      )
    if (type.kind === "list" || type.kind === "stream")
      return refuse(
        "port",
        `Cannot call .${key} of ${show(state)}: it has no items until the graph runs. Write map(name, port, …), fold(name, port, …), or an operator`,
      )
    return refuse("port", `Cannot read "${key}" of ${show(state)}: a ${printType(type)} has no fields`)
  }
  set(): boolean {
    return refuse("port", `Cannot assign to a field of ${show(this.#state)}: ports are read only`)
  }
  deleteProperty(): boolean {
    return refuse("port", `Cannot delete a field of ${show(this.#state)}: ports are read only`)
  }
  defineProperty(): boolean {
    return refuse("port", `Cannot define a field of ${show(this.#state)}: ports are read only`)
  }
  ownKeys(): string[] {
    return refuse("port", `Cannot spread or list ${show(this.#state)}: write its fields one by one, { a: port.a, … }`)
  }
  has(_target: object, key: string | symbol): boolean {
    return refuse("port", `Cannot ask whether ${String(key)} is in ${show(this.#state)}: use has(port.field)`)
  }
}

const NO_VALUE = "it has no value until the graph runs"
/** What programs do to values by habit, and what to write instead. */
const WRONG: Readonly<Record<string, (port: string) => string>> = {
  then: (p: string) => `Cannot await ${p}: ${NO_VALUE}. A field called "then" is field(port, "then")`,
  toJSON: (p: string) => `Cannot turn ${p} into JSON: ${NO_VALUE}. Put the port itself where the value belongs`,
  toString: (p: string) => `Cannot turn ${p} into text: ${NO_VALUE}. Write text\`… \${port} …\``,
  valueOf: (p: string) => `Cannot compute with ${p}: ${NO_VALUE}. Write num\`…\`, or add, sub, mul, eq, lt, …`,
  toLocaleString: (p: string) => `Cannot turn ${p} into text: ${NO_VALUE}. Write text\`… \${port} …\``,
}

function symbolOf(state: PortState, key: symbol): unknown {
  if (key === Symbol.toPrimitive)
    return (hint: string) =>
      refuse(
        "port",
        hint === "number"
          ? WRONG["valueOf"]!(show(state))
          : hint === "string"
            ? WRONG["toString"]!(show(state))
            : `Cannot add or compare ${show(state)}: ${NO_VALUE}. Write num\`…\` or text\`…\`, or add, eq, lt, …`,
      )
  if (key === Symbol.iterator)
    return refuse(
      "port",
      `Cannot spread, destructure or yield ${show(state)}: ${NO_VALUE}. Only nodes are yielded; items of a list are .at(i)`,
    )
  if (key === Symbol.toStringTag) return "Port"
  if (key.description === "nodejs.util.inspect.custom") return () => show(state)
  return undefined
}

function step(state: PortState, type: Type, key: string): PortOf<unknown> {
  const [inner, maybe] = fieldType(type, key)
  const expr: Expr = { op: "field", of: state.expr, name: key }
  if (maybe) optionalSteps.add(expr)
  if (maybe && type.kind !== "map" && type.kind !== "unknown") declaredOptional.add(expr)
  return portOf(expr, inner, state.home, maybe || state.maybe)
}

function indexed(state: PortState, type: Type, index: unknown): PortOf<unknown> {
  const of = type.kind === "list" || type.kind === "map" ? type.of : T.unknown
  const at = stateOf(index)
  // A key that is known is a field of the map: expressions have one form for each meaning.
  if (at.expr.op === "const" && typeof at.expr.value === "string") {
    const expr: Expr = { op: "field", of: state.expr, name: at.expr.value }
    optionalSteps.add(expr)
    return portOf(expr, of, state.home, true)
  }
  return portOf({ op: "index", of: state.expr, at: at.expr }, of, deeper(state.home, at.home), true)
}

/** The type of a field, and whether it may be absent; seen through unions of records. */
function fieldType(type: Type, name: string): readonly [Type, boolean] {
  if (type.kind === "record") {
    const field = Object.hasOwn(type.fields, name) ? type.fields[name]! : undefined
    return field === undefined ? [T.never, true] : [field.type, field.optional === true && field.default === undefined]
  }
  if (type.kind === "map") return [type.of, true]
  if (type.kind === "union") {
    const sides = type.of.map((t) => fieldType(t, name))
    return [unionOf(sides.map((s) => s[0])), sides.some((s) => s[1])]
  }
  return type.kind === "unknown" ? [T.unknown, true] : [T.never, true]
}

/** A type without `null`: fields may be read of what may be null; the failure is `Missing` when it is. */
function plain(type: Type): Type {
  return type.kind === "union" ? unionOf(type.of.filter((t) => t.kind !== "null")) : type
}

const fieldList = (type: Extract<Type, { kind: "record" }>): string =>
  Object.entries(type.fields)
    .map(([k, f]) => `${k} (${printType(f.type)})`)
    .join(", ") || "no fields"

export const deeper = (a: Home | null, b: Home | null): Home | null =>
  a === null ? b : b === null ? a : a.depth >= b.depth ? a : b

/** How a port is named in messages: `lines.at(0).name (string)`. */
function show(state: PortState): string {
  return `port ${label(state.expr)} (${printType(state.type)})`
}
function label(e: Expr): string {
  switch (e.op) {
    case "ref":
      return e.name
    case "field":
      return `${label(e.of)}.${e.name}`
    case "index":
      return `${label(e.of)}.at(…)`
    case "const":
      return "constant"
    default:
      return "…"
  }
}

/** Nodes are values too, wrongly: the builder says what they are, so that the message can. */
export interface NodeLike {
  readonly nodeName: string
}
const nodes = new WeakMap<object, NodeLike>()
export const rememberNode = (node: object, like: NodeLike): void => {
  nodes.set(node, like)
}

const NOTHING: PortState = { expr: { op: "const", value: null }, type: T.null, home: null, maybe: false }

/**
 * The expression of a mixture of values and ports. `want` is the type of the place it goes to: a field that may be
 * absent there takes a port that may find nothing, and a field with a default gets it.
 */
export function stateOf(x: unknown, want?: Type): PortState {
  if (x === null) return NOTHING
  switch (typeof x) {
    case "string":
      return constant(x, T.enum(x))
    case "number":
      return constant(x, T.number)
    case "boolean":
      return constant(x, T.boolean)
    case "bigint":
      return constant(x, T.int64)
    case "undefined":
      return refuse("value", "Cannot use undefined as a value: leave the field out, or write null")
    case "object":
      break
    default:
      return refuse(
        "value",
        `Cannot use a ${typeof x} as a value of a graph${typeof x === "function" ? ": call it and yield* the node" : ""}`,
      )
  }
  if (isPort(x)) {
    const state = portState(x)
    return want?.kind === "record" ? withDefaults(state, want) : state
  }
  const node = nodes.get(x)
  if (node !== undefined)
    return refuse("yield", `Cannot use node "${node.nodeName}" as a value: write yield* before it to get its port`)
  if (x instanceof Uint8Array) return constant(x, T.bytes)
  if (x instanceof Tensor) return constant(x, { kind: "tensor", dtype: x.dtype, shape: x.shape })
  if (Array.isArray(x)) return listState(x, want)
  const proto = Object.getPrototypeOf(x)
  if (proto !== Object.prototype && proto !== null)
    return refuse(
      "value",
      `Cannot use a ${proto?.constructor?.name ?? "foreign object"} as a value of a graph: a value is null, a boolean, a number, text, bytes, a tensor, a list or a record`,
    )
  return recordState(x as Record<string, unknown>, want)
}

const constant = (value: Value, type: Type): PortState => ({
  expr: { op: "const", value },
  type,
  home: null,
  maybe: false,
})

function listState(items: readonly unknown[], want: Type | undefined): PortState {
  const of = want?.kind === "list" ? want.of : undefined
  const states = items.map((x) => stateOf(x, of))
  return {
    expr: { op: "list", items: states.map((s) => s.expr) },
    type: T.list(unionOf(states.map((s) => s.type))),
    home: states.reduce<Home | null>((h, s) => deeper(h, s.home), null),
    maybe: false,
  }
}

function recordState(record: Record<string, unknown>, want: Type | undefined): PortState {
  const wanted = want?.kind === "record" ? want.fields : {}
  const fields: (readonly [string, Expr])[] = []
  const types: Record<string, Type> = {}
  let home: Home | null = null
  for (const [name, x] of Object.entries(record)) {
    if (x === undefined) continue
    const place = Object.hasOwn(wanted, name) ? wanted[name] : undefined
    const state = stateOf(x, place?.type)
    fields.push([name, place?.optional && state.maybe ? optionalExpr(state) : state.expr])
    Object.defineProperty(types, name, { value: state.type, enumerable: true })
    home = deeper(home, state.home)
  }
  for (const [name, place] of Object.entries(wanted)) {
    if (place.default !== undefined && !fields.some((f) => f[0] === name))
      fields.push([name, { op: "const", value: place.default }])
  }
  return { expr: { op: "record", fields }, type: T.record(types), home, maybe: false }
}

/** A whole record as one port: where the target has defaults that the port's type lacks, fields are written out. */
function withDefaults(state: PortState, want: Extract<Type, { kind: "record" }>): PortState {
  const type = plain(state.type)
  if (type.kind !== "record") return state
  const lacking = Object.entries(want.fields).filter(
    ([name, f]) => f.default !== undefined && !Object.hasOwn(type.fields, name),
  )
  if (lacking.length === 0) return state
  const own = Object.keys(type.fields).filter((name) => Object.hasOwn(want.fields, name))
  const fields = own.map((name) => [name, { op: "field", of: state.expr, name } as Expr] as const)
  return {
    ...state,
    expr: {
      op: "record",
      fields: [...fields, ...lacking.map(([n, f]) => [n, { op: "const", value: f.default! } as Expr] as const)],
    },
  }
}

/** A constant as a plain value; refuses what is no value. For settings and configuration. */
export function plainValue(x: unknown, what: string): Value {
  const state = stateOf(x)
  const value = constantValue(state.expr)
  return value === undefined
    ? refuse("value", `Cannot use a port in ${what}: it must be known before anything runs`)
    : value
}
function constantValue(e: Expr): Value | undefined {
  if (e.op === "const") return e.value
  if (e.op === "list") {
    const items = e.items.map(constantValue)
    return items.every((x) => x !== undefined) ? (items as Value[]) : undefined
  }
  if (e.op === "record") {
    const out: Record<string, Value> = {}
    for (const [name, x] of e.fields) {
      const v = constantValue(x)
      if (v === undefined) return undefined
      Object.defineProperty(out, name, { value: v, enumerable: true, configurable: true, writable: true })
    }
    return out as Rec
  }
  return undefined
}
