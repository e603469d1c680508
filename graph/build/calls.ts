/**
 * Tools of registered node kinds in TypeScript. A kind is handed in, so that this room knows no adapter: the call builds
 * the same raw node that a file's reader builds, lets the kind lift it and sign it, and so means the same thing.
 */
import "../patterns/mod.ts"
import { type Expr, lit } from "../expr.ts"
import type { Scope, Settings } from "../ir.ts"
import type { FieldSpec, NodeKind, NodeView, RawNode, Signature } from "../node.ts"
import { fromSchema, type Imported } from "../valibot.ts"
import type { Rec, Value } from "../value.ts"
import { importInput, inputTypeOf, makeCall, type Placed } from "./call.ts"
import { validNode } from "./code.ts"
import { refuse } from "./failure.ts"
import { joinTouches, type Touch } from "./order.ts"
import { type PortState, plainValue, portOf, stateOf } from "./port.ts"
import { currentScope, type Sheet, writeBody } from "./scope.ts"
import type { AnySchema, Fields, Given, Gives, Input, Needs, Ports, Tool } from "./types.ts"

/** A resource that nodes refer to by name, as a file declares it under `servers:`, `databases:`, `models:`. */
export interface Declared<Section extends string, Name extends string, D = Value> {
  readonly section: Section
  readonly name: Name
  readonly declaration: D
}
const declared =
  <Section extends string>(section: Section) =>
  <const Name extends string, const D>(name: Name, declaration: D): Declared<Section, Name, D> => ({
    section,
    name,
    declaration,
  })
/** `server("files", { stdio: ["npx", "-y", "…"] })`, `server("wiki", { url: "https://…" })` */
export const server = declared("servers")
/** `database("shop", "sqlite:./shop.db")` */
export const database = declared("databases")
/** `model("small", { … })`: what a file declares under `models:`. */
export const model = declared("models")
export type Resource = Declared<string, string, unknown>

/** What makes a tool of a node kind. */
export interface KindOptions<F extends Input, A, N extends string> {
  /** What the kind's own key holds: a request, a database, a tool. `{name}` in a text inserts an input field. */
  readonly main: string
  readonly input?: F
  readonly output?: Gives<A>
  /** Settings that are known before anything runs, by the keys of a file. */
  readonly set?: { readonly [key: string]: unknown }
  /** Settings that the input fills, by the keys of a file. Default: all input fields under `with`, where the kind takes it. */
  readonly fill?: (input: Ports<F>) => { readonly [key: string]: unknown }
  /** Texts by the keys of a file; `{name}` inserts an input field. */
  readonly texts?: { readonly [key: string]: string | undefined }
  readonly uses?: readonly Resource[]
  /** Tools and graphs that the kind may call while it runs (`NodeKind.scopes`): the tools of a language model. */
  readonly tools?: { readonly [name: string]: Callable }
  /** The capabilities that the call needs, for the type; building fails when the kind asks for more. */
  readonly needs?: readonly N[]
}

/** A tool or graph that a node may call by name, and what it is for. */
// biome-ignore lint/suspicious/noExplicitAny: the types of a tool of any kind
export type Callable = Tool<any, any, any, any> | { readonly about: string; readonly call: Tool<any, any, any, any> }

/** A tool of any node kind. Throws a `BuildError` for settings that the kind refuses, in the kind's words. */
export const toolOf = <const F extends Input = Fields, A = unknown, const N extends string = never, E = never>(
  kind: NodeKind,
  id: string,
  options: KindOptions<F, A, N>,
): Tool<Given<F>, A, E, Needs<N>> => {
  const input = importInput(options.input ?? {}, `input of "${id}"`)
  const output = options.output === undefined ? undefined : fromSchema(options.output as AnySchema, `output of "${id}"`)
  const parts: Parts = { kind, id, input, output, options: options as unknown as Parts["options"] }
  return makeCall(id, input.type, (given, sheet, name, settings) => place(parts, given, sheet, name, settings))
}

interface Parts {
  readonly kind: NodeKind
  readonly id: string
  readonly input: Imported
  readonly output: Imported | undefined
  readonly options: Omit<KindOptions<Fields, unknown, string>, "fill"> & {
    readonly fill?: (input: unknown) => { readonly [key: string]: unknown }
  }
}

function place(of: Parts, given: PortState, sheet: Sheet, name: string, settings: Settings): Placed {
  const before = validNode(of.input, `${name}_input`, `${of.id}.input`, given, sheet)
  const state: PortState =
    before === undefined
      ? given
      : { expr: { op: "ref", name: before.name }, type: of.input.type, home: currentScope(of.id), maybe: false }
  for (const r of of.options.uses ?? []) declare(sheet, r, of.id)
  const own = ownBodies(of, name)
  const { config, args } = lifted(of, rawNode(of, state, own.config))
  const output = of.output?.type
  const signature = signed(of, {
    name,
    config,
    args,
    settings,
    resources: sheet.resources,
    pin: () => undefined,
    ...(output === undefined ? {} : { output }),
  })
  const { output: check } = of
  return {
    kind: of.kind.kind,
    config,
    args: {
      expr: { op: "record", fields: Object.entries(args) },
      type: of.input.type,
      home: currentScope(of.id),
      maybe: false,
    },
    scopes: own.scopes,
    ...(output === undefined ? {} : { output }),
    type: output ?? signature.output,
    touches: joinTouches([touchesOf(signature), ...own.touches]),
    before,
    ...(check === undefined
      ? {}
      : { after: (value) => validNode(check, `${name}_output`, `${of.id}.output`, value, sheet) }),
  }
}

const touchesOf = ({ effect, resource }: Signature): readonly Touch[] =>
  resource === null || effect === "pure" ? [] : [{ resource, write: effect === "write" }]

/** The bodies that the kind calls by name: each tool as the only node of a body that binds the tool's input. */
function ownBodies(of: Parts, node: string) {
  const { scopes: form } = of.kind
  const scopes: Record<string, Scope> = {}
  const declared: Record<string, Rec> = {}
  const touches: (readonly Touch[])[] = []
  const tools = Object.entries(of.options.tools ?? {})
  if (form === undefined) {
    if (tools.length > 0) refuse("option", `Cannot give "${of.id}" tools: a node of kind ${of.kind.kind} calls none`)
    return { config: {}, scopes, touches }
  }
  for (const [name, given] of tools) {
    const { about, call } =
      "call" in given && !("id" in given) ? given : { about: undefined, call: given as Tool<unknown, unknown> }
    const type = inputTypeOf(call)
    if (type.kind !== "record")
      return refuse("option", `Cannot give "${of.id}" the tool "${name}": the input of a tool is a record`)
    const fields = Object.entries(type.fields)
    const params = fields.map(([field, f]) => ({ base: field, as: field, type: f.type }))
    const role = `${form.role}:${name}`
    const body = (...ports: unknown[]) =>
      call(Object.fromEntries(fields.map(([field], i) => [field, ports[i]])) as never)
    const written = writeBody(node, role, params, body as (...ports: never[]) => unknown)
    scopes[role] = written.scope
    touches.push(written.touches)
    declared[name] = { ...(about === undefined ? {} : { about }), input: type as unknown as Rec }
  }
  return { config: tools.length === 0 ? {} : { [form.key]: declared }, scopes, touches }
}

function declare(sheet: Sheet, r: Resource, id: string): void {
  const value = plainValue(r.declaration, `the declaration of "${r.name}"`)
  const section = (sheet.resources[r.section] ??= {})
  const there = Object.hasOwn(section, r.name) ? section[r.name] : undefined
  if (there !== undefined && JSON.stringify(there) !== JSON.stringify(value))
    refuse(
      "name",
      `Cannot use "${r.name}" in "${id}": graph "${sheet.graph}" declares another under ${r.section} by that name`,
    )
  section[r.name] = value
}

/** The node as a file's reader would hand it to the kind: static settings in `config`, what is computed in `args`. */
function rawNode(of: Parts, input: PortState, own: Rec): RawNode {
  const { kind, options } = of
  const config: Record<string, Value> = { ...own }
  const args: Record<string, Expr> = {}
  const used = new Set<string>()
  const put = (key: string, spec: FieldSpec, value: unknown): void => {
    if (spec.form === "text" || spec.form === "cel") args[key] = stateOf(value, spec.type).expr
    else config[key] = plainValue(value, `${key} of "${of.id}"`)
  }
  const { [kind.kind]: main, ...filled } = options.fill?.(portOf(input.expr, input.type, input.home)) ?? {}
  if (main === undefined && kind.main.form === "text") args[kind.kind] = fillText(of, options.main, input, used)
  else put(kind.kind, kind.main, main ?? options.main)
  for (const [key, text] of Object.entries(options.texts ?? {}))
    if (text !== undefined) args[key] = fillText(of, text, input, used)
  for (const [key, value] of Object.entries({ ...options.set, ...filled })) {
    if (value === undefined) continue
    const spec = Object.hasOwn(kind.fields, key) ? kind.fields[key] : undefined
    if (spec !== undefined) put(key, spec, value)
    else if (key !== "with" || !kind.takesWith)
      refuse(
        "option",
        `Cannot set "${key}" of "${of.id}": ${kind.kind} takes ${[...Object.keys(kind.fields), ...(kind.takesWith ? ["with"] : [])].join(", ")}`,
      )
  }
  return { config, args, with: withOf(of, filled["with"], input, used) }
}

/** The entries of `with`: as given, or every input field that the text did not take. */
function withOf(
  of: Parts,
  given: unknown,
  input: PortState,
  used: ReadonlySet<string>,
): { readonly [name: string]: Expr } {
  if (given !== undefined) {
    const state = stateOf(given)
    if (state.expr.op !== "record")
      return refuse("option", `Cannot fill "with" of "${of.id}": it is a record of arguments`)
    return Object.fromEntries(state.expr.fields)
  }
  const { type } = of.input
  const rest = type.kind === "record" ? Object.keys(type.fields).filter((f) => !used.has(f)) : []
  if (rest.length === 0 || of.options.fill !== undefined) return {}
  if (!of.kind.takesWith)
    return refuse(
      "option",
      `Cannot make "${of.id}": its input ${rest.join(", ")} goes nowhere. Write {${rest[0]}} in the text, or fill: (input) => ({ … })`,
    )
  return Object.fromEntries(rest.flatMap((f) => argument(input, f)))
}

/** One field of the input: from the record as it was written, or by access. */
function argument(input: PortState, name: string): readonly (readonly [string, Expr])[] {
  if (input.expr.op !== "record") return [[name, { op: "field", of: input.expr, name }]]
  const own = input.expr.fields.find((f) => f[0] === name)
  return own === undefined ? [] : [[name, own[1]]]
}

/** A text with `{name}` where input fields go. */
function fillText(of: Parts, text: string, input: PortState, used: Set<string>): Expr {
  const parts: Expr[] = []
  const pieces = text.split(/\{([a-z][a-zA-Z0-9_]*)\}/)
  for (const [i, piece] of pieces.entries()) {
    if (i % 2 === 1) parts.push(inserted(of, piece, input, used))
    else if (piece !== "") parts.push(lit(piece))
  }
  return pieces.length === 1 ? lit(text) : { op: "text", parts }
}

function inserted(of: Parts, field: string, input: PortState, used: Set<string>): Expr {
  const { type } = of.input
  if (type.kind !== "record" || !Object.hasOwn(type.fields, field))
    return refuse("option", `Cannot make "${of.id}": {${field}} names no field of its input`)
  used.add(field)
  const [found] = argument(input, field)
  return found === undefined
    ? refuse("option", `Cannot call "${of.id}" without ${field}: it stands in its text`)
    : found[1]
}

function lifted(of: Parts, raw: RawNode): { readonly config: Rec; readonly args: { readonly [name: string]: Expr } } {
  if (of.kind.lift === undefined) return { config: raw.config, args: { ...raw.args, ...raw.with } }
  const result = of.kind.lift(raw)
  return "config" in result ? result : refuseProblems(of, result)
}

function signed(of: Parts, view: NodeView): Signature {
  const result = of.kind.sign(view)
  if (!("effect" in result)) return refuseProblems(of, result)
  const typed = of.options.needs ?? []
  const beyond = result.needs.filter((n) => !typed.includes(n))
  if (of.options.needs !== undefined && beyond.length > 0)
    refuse(
      "option",
      `Cannot make "${of.id}": it also needs ${beyond.join(", ")}, which its type does not say. Write needs: ${JSON.stringify(result.needs)}`,
    )
  return result
}

function refuseProblems(
  of: Parts,
  problems: readonly {
    readonly key: string
    readonly message: string
    readonly fix?: string
    readonly severity?: string
  }[],
): never {
  const said = problems
    .filter((p) => p.severity !== "warning")
    .map((p) => `${p.key}: ${p.message}${p.fix === undefined ? "" : ` ${p.fix}`}`)
  return refuse("option", `Cannot make "${of.id}", a node of kind ${of.kind.kind}: ${said.join(" ")}`)
}
