/**
 * A body while it is being written: the nodes yielded so far, their names, and the order of their effects. Bodies run
 * synchronously and inside one another, so the innermost open one is kept in a variable.
 */
import type { Expr } from "../expr.ts"
import { freeNames, ref } from "../expr.ts"
import { type Node as IrNode, NODE_NAME, RESERVED_NAMES, type Scope, type Settings } from "../ir.ts"
import type { Type } from "../type.ts"
import type { Rec, Value } from "../value.ts"
import { refuse } from "./failure.ts"
import { joinTouches, Order, type Touch } from "./order.ts"
import { type Home, isPort, type PortState, portOf, rememberNode, stateOf } from "./port.ts"
import type { FnBinding, PortOf } from "./types.ts"

/** What a node will be, before it has a place in a scope. */
export interface Draft {
  readonly kind: string
  readonly about?: string
  readonly config: Rec
  readonly args: PortState
  readonly scopes: { readonly [role: string]: Scope }
  readonly graph?: IrNode["graph"]
  readonly grants?: IrNode["grants"]
  /** Goes into the IR: a declared output type. */
  readonly output?: Type
  readonly settings: Settings
  /** Type of the port that the node gives. */
  readonly type: Type
  readonly touches: readonly Touch[]
  /** Nodes that go with it: one before whose value it takes, one after that looks at its value and gives the port. */
  readonly before?: { readonly name: string; readonly draft: Draft } | undefined
  readonly after?: (value: PortState) => { readonly name: string; readonly draft: Draft } | undefined
}

/** What all bodies of one graph share. */
export interface Sheet {
  readonly graph: string
  readonly code: Map<string, FnBinding>
  readonly resources: { [section: string]: { [name: string]: Value } }
}

let innermost: Recorder | undefined

/** The body that is being written; `what` is said to be misplaced when there is none. */
export function currentScope(what: string): Recorder {
  if (innermost === undefined)
    return refuse("scope", `Cannot make ${what} here: nodes are made inside the body of a graph`)
  return innermost
}
/** The port's home for an expression made now: constants and operators may also be made outside every body. */
export const anyScope = (): Recorder | undefined => innermost

export class Recorder implements Home {
  readonly depth: number
  readonly label: string
  readonly sheet: Sheet
  readonly parent: Recorder | undefined
  readonly params = new Set<string>()
  readonly nodes: IrNode[] = []
  readonly touches: (readonly Touch[])[] = []
  readonly made = new Set<Made>()
  readonly #names = new Set<string>()
  readonly #order = new Order()

  constructor(label: string, sheet: Sheet, parent: Recorder | undefined) {
    this.label = label
    this.sheet = sheet
    this.parent = parent
    this.depth = parent === undefined ? 0 : parent.depth + 1
  }

  open(): boolean {
    for (let r = innermost; r !== undefined; r = r.parent) if (r === this) return true
    return false
  }

  /** Adds a node under a name and gives its port. `role`: the only node of a body, named after the body's role. */
  add(made: Made, role?: string): PortOf<unknown> {
    const name = role ?? made.name
    made.settle()
    if (role === undefined) this.#take(name, made)
    const { draft } = made
    if (draft.args.home !== null && !draft.args.home.open())
      refuse("scope", `Cannot add node "${name}" here: its input belongs to ${draft.args.home.label}`)
    if (draft.before !== undefined) this.add(new Made(draft.before.name, draft.before.draft, this))
    const given = draft.settings.after ?? []
    const node = irNode(name, draft, draft.settings)
    const added = this.#order.add(node, draft.touches, given)
    const after = [...new Set([...given, ...added.map((i) => this.nodes[i]!.name)])]
    this.nodes.push(after.length === given.length ? node : irNode(name, draft, { ...draft.settings, after }))
    this.touches.push(draft.touches)
    const value: PortState = { expr: ref(name), type: draft.type, home: this, maybe: false }
    const check = draft.after?.(value)
    return check === undefined
      ? portOf(value.expr, value.type, this)
      : this.add(new Made(check.name, check.draft, this))
  }

  #take(name: string, made: Made): void {
    checkName(name, `node "${name}"`)
    if (this.#names.has(name) || this.params.has(name))
      refuse(
        "name",
        `Cannot add node "${name}" to ${this.label}: the name is taken. Name one of the two: ${made.hint(nextName(name, this.#names))}`,
      )
    this.#names.add(name)
  }

  /** A variable's name: as wished, or `base` made different from the variables around. */
  param(base: string, wished: string | undefined): string {
    const taken = (name: string): boolean => {
      for (let r: Recorder | undefined = this; r !== undefined; r = r.parent) if (r.params.has(name)) return true
      return false
    }
    const name = wished ?? (taken(base) ? nextNameWhere(base, taken) : base)
    if (wished !== undefined) checkName(wished, `variable "${wished}"`)
    if (wished !== undefined && taken(wished))
      refuse("name", `Cannot call a variable "${wished}" in ${this.label}: a variable around it has that name`)
    this.params.add(name)
    return name
  }
}

const nextName = (base: string, taken: ReadonlySet<string>): string => nextNameWhere(base, (n) => taken.has(n))
function nextNameWhere(base: string, taken: (name: string) => boolean): string {
  let i = 2
  while (taken(`${base}_${i}`)) i++
  return `${base}_${i}`
}

export function checkName(name: string, what: string): void {
  if (!NODE_NAME.test(name))
    refuse(
      "name",
      `Cannot name ${what}: a name is a small letter, then small letters, digits and _, found ${JSON.stringify(name)}`,
    )
  if (RESERVED_NAMES.has(name)) refuse("name", `Cannot name ${what}: the word is reserved in expressions`)
}

const irNode = (name: string, draft: Draft, settings: Settings): IrNode => ({
  name,
  kind: draft.kind,
  ...(draft.about === undefined ? {} : { about: draft.about }),
  config: draft.config,
  args: draft.args.expr,
  scopes: draft.scopes,
  ...(draft.graph === undefined ? {} : { graph: draft.graph }),
  ...(draft.grants === undefined ? {} : { grants: draft.grants }),
  ...(draft.output === undefined ? {} : { output: draft.output }),
  settings,
})

/** What `yield*` on a node hands to the body's driver. */
class Yielded {
  readonly made: Made
  constructor(made: Made) {
    this.made = made
  }
}

/** A node that was made and waits to be yielded. */
export class Made {
  readonly name: string
  readonly #scope: Recorder
  #draft: Draft
  #settled = false

  constructor(name: string, draft: Draft, scope: Recorder) {
    this.name = name
    this.#draft = draft
    this.#scope = scope
    scope.made.add(this)
    rememberNode(this, { nodeName: name })
  }

  get draft(): Draft {
    return this.#draft
  }
  /** Changes what the node will be, as `catchError` does; refused once the node has its place. */
  revise(draft: Draft): void {
    if (this.#settled) refuse("yield", `Cannot change node "${this.name}": it was yielded already`)
    this.#draft = draft
  }
  settle(): void {
    if (this.#settled) refuse("yield", `Cannot yield node "${this.name}" twice: call the tool again, with { name }`)
    this.#settled = true
    this.#scope.made.delete(this)
  }
  /** How the author would give the node another name. */
  hint(name: string): string {
    const control = ["map", "fold", "loop", "when", "switch", "expr", "ask"].includes(this.#draft.kind)
    return control
      ? `${this.#draft.kind === "switch" ? "match" : this.#draft.kind}("${name}", …)`
      : `…(…, { name: "${name}" })`
  }

  *[Symbol.iterator](): Generator<Yielded, unknown, unknown> {
    return yield new Yielded(this)
  }
}

/** A body's scope with what its control node must know of it. */
export interface Written {
  readonly scope: Scope
  readonly type: Type
  readonly touches: readonly Touch[]
}

/** A variable that a body binds: its type, and its name or the base of one. */
export interface Param {
  readonly base: string
  readonly as?: string | undefined
  readonly type: Type
  /** The index: given as `{ index }`, and left out of the scope when the body does not use it. */
  readonly index?: boolean
}

/** Nodes that a graph's schemas add around its body. */
export interface Around {
  readonly before: (input: PortState) => { readonly name: string; readonly draft: Draft } | undefined
  readonly after: (output: PortState) => { readonly name: string; readonly draft: Draft } | undefined
}

/** The body of a graph: its nodes stand directly under the graph. */
export function writeGraph(sheet: Sheet, input: PortState, body: (input: never) => unknown, around: Around): Written {
  // A graph may be made while another one's body runs; it sees nothing of it.
  const outer = innermost
  innermost = undefined
  try {
    const recorder = new Recorder(`graph "${sheet.graph}"`, sheet, undefined)
    const insert = (state: PortState, node: ReturnType<Around["before"]>): PortState =>
      node === undefined ? state : stateOf(recorder.add(new Made(node.name, node.draft, recorder)))
    const result = inside(recorder, () => {
      const { expr, type } = insert(input, around.before(input))
      const value = drive(recorder, () => body(portOf(expr, type, recorder) as never), undefined)
      return insert(value, around.after(value))
    })
    return {
      scope: { params: [], nodes: recorder.nodes, output: result.expr },
      type: result.type,
      touches: joinTouches(recorder.touches),
    }
  } finally {
    innermost = outer
  }
}

/** The body of a control node under its role: `do`, `then`, `case:EUR`, `catch`. `apart`: it sees nothing of what is around it. */
export function writeBody(
  control: string,
  role: string,
  params: readonly Param[],
  body: (...ports: never[]) => unknown,
  { asExpression = false, apart = false }: { readonly asExpression?: boolean; readonly apart?: boolean } = {},
): Written {
  const parent = currentScope(`"${control}"`)
  const recorder = new Recorder(`${role} of "${control}"`, parent.sheet, apart ? undefined : parent)
  const names = params.map((p) => recorder.param(p.base, p.as))
  const ports = names.map((name, i) => {
    const port = portOf(ref(name), params[i]!.type, recorder)
    return params[i]!.index ? { index: port } : port
  })
  const component = role.slice(role.indexOf(":") + 1)
  const result = inside(recorder, () => drive(recorder, () => body(...(ports as never[])), component))
  let { expr } = result
  if (recorder.nodes.length === 0 && !asExpression) {
    const made = new Made(component, exprDraft(result), recorder)
    inside(recorder, () => recorder.add(made, component))
    expr = ref(component)
  }
  const single = recorder.nodes.length === 1 && recorder.nodes[0]!.name === component
  const scope: Scope = {
    ...(single || recorder.nodes.length === 0 ? {} : { name: component }),
    params: names,
    nodes: recorder.nodes,
    output: expr,
  }
  let used = params.length
  while (
    used > 0 &&
    params[used - 1]!.index &&
    params[used - 1]!.as === undefined &&
    !mentions(scope, names[used - 1]!)
  )
    used--
  return {
    scope: { ...scope, params: names.slice(0, used) },
    type: result.type,
    touches: joinTouches(recorder.touches),
  }
}

export const exprDraft = (value: PortState): Draft => ({
  kind: "expr",
  config: {},
  args: value,
  scopes: {},
  settings: {},
  type: value.type,
  touches: [],
})

function inside<X>(recorder: Recorder, use: () => X): X {
  const outer = innermost
  innermost = recorder
  try {
    return use()
  } finally {
    innermost = outer
  }
}

/** Runs a body to its end: adds what it yields, and gives the expression of what it returns. */
function drive(recorder: Recorder, body: () => unknown, role: string | undefined): PortState {
  let result = body()
  if (result instanceof Made) {
    // One node is the whole body: it takes the body's role for its name.
    const made = result
    result = recorder.add(made, role)
  } else if (isGenerator(result)) result = resume(recorder, result)
  else if (isThenable(result))
    refuse(
      "yield",
      `Cannot build ${recorder.label}: its body returned a promise or an Effect. A body is a plain function or a generator; work that waits belongs into a tool`,
    )
  if (recorder.made.size > 0) {
    const names = [...recorder.made].map((m) => `"${m.name}"`)
    refuse(
      "yield",
      `Cannot build ${recorder.label}: node${names.length > 1 ? "s" : ""} ${names.join(", ")} ${names.length > 1 ? "were" : "was"} made but not yielded. Write yield* before the call`,
    )
  }
  return stateOf(result)
}

function resume(recorder: Recorder, body: Iterator<unknown, unknown, unknown>): unknown {
  let next = body.next()
  while (next.done !== true) {
    const x = next.value
    if (x instanceof Yielded) next = body.next(recorder.add(x.made))
    else if (x instanceof Made)
      return refuse(
        "yield",
        `Cannot add node "${x.name}" to ${recorder.label}: it was yielded without a star. Write yield* instead of yield`,
      )
    else
      return refuse(
        "yield",
        `Cannot yield ${isPort(x) ? "a port" : typeof x === "object" ? "this object" : JSON.stringify(x)} in ${recorder.label}: only nodes are yielded, with yield*. An Effect runs inside a tool`,
      )
  }
  return next.value
}

const isGenerator = (x: unknown): x is Iterator<unknown, unknown, unknown> =>
  typeof x === "object" &&
  x !== null &&
  !isPort(x) &&
  Symbol.iterator in x &&
  typeof (x as { next?: unknown }).next === "function"
const isThenable = (x: unknown): boolean =>
  typeof x === "object" && x !== null && !isPort(x) && (x instanceof Promise || "~effect/Effect" in x)

/** Is a name used anywhere in a scope? */
function mentions(scope: Scope, name: string): boolean {
  return (
    refs(scope.output, name) ||
    scope.nodes.some((n) => refs(n.args, name) || Object.values(n.scopes).some((s) => mentions(s, name)))
  )
}
function refs(e: Expr, name: string): boolean {
  return freeNamesOf(e).has(name)
}

const freeCache = new WeakMap<Expr, ReadonlySet<string>>()
function freeNamesOf(e: Expr): ReadonlySet<string> {
  let names = freeCache.get(e)
  if (names === undefined) freeCache.set(e, (names = freeNames(e)))
  return names
}
