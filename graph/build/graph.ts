/**
 * `graph(id, { input }, body)`: runs the body once, with ports for the input, and keeps what it yields as the graph's IR.
 * The result is a value, and a call: inside another graph's body it makes a `graph` node.
 */
import { ref } from "../expr.ts"
import type { Graph as IrGraph, Scope } from "../ir.ts"
import { type Limit, readLimit, statedLimit } from "../limit.ts"
import { UNDO } from "../undo.ts"
import { fromSchema } from "../valibot.ts"
import type { Value } from "../value.ts"
import { importInput, makeCall, withoutDefaults } from "./call.ts"
import { bindInline, validNode } from "./code.ts"
import { refuse } from "./failure.ts"
import type { PortState } from "./port.ts"
import { checkName, type Sheet, writeGraph } from "./scope.ts"
import type { AnySchema, Body, BodyA, BodyE, BodyR, FnBinding, Given, Gives, Graph, Input, Ports } from "./types.ts"

/** What stands where a declared output and the body's value do not fit. */
export interface DoesNotGive<O> {
  readonly "the body's value must fit the declared output": O
}
export interface GraphOptions<F extends Input, O> {
  /** A schema for each field, or one schema of a record. */
  readonly input: F
  readonly about?: string
  /** What a run does when it fails: `undo` takes back what was delivered of its `undoable` writes, the latest first. */
  readonly onFailure?: "undo"
  /**
   * Bounds on calls by resource, as a file says them under `limits:`: `{ "host:api.example.com": { concurrent: 4, perSecond: 10 } }`.
   * They hold over all runs of a host; of several for one resource the tightest.
   */
  readonly limits?: { readonly [resource: string]: Limit }
  /** Declared output; inferred from the body where it is left out. */
  readonly output?: Gives<O>
}

/**
 * Builds a graph. The body is a plain function, or a generator that yields nodes; it runs once, now. Throws a
 * `BuildError` for what TypeScript could not see.
 */
export const graph = <const F extends Input, B extends Body, O = BodyA<B>>(
  id: string,
  options: GraphOptions<F, O>,
  body: (input: Ports<F>) => B & ([BodyA<B>] extends [O] ? unknown : DoesNotGive<O>),
): Graph<Given<F>, O, BodyE<B>, BodyR<B>> => {
  checkName(id, `graph "${id}"`)
  const input = importInput(options.input, `input of graph "${id}"`)
  const inputType = input.type
  if (inputType.kind !== "record")
    return refuse(
      "schema",
      `Cannot make graph "${id}": its input is a record, found ${inputType.kind}. Write input: { name: schema, … }`,
    )
  const output =
    options.output === undefined ? undefined : fromSchema(options.output as AnySchema, `output of graph "${id}"`)
  const sheet: Sheet = { graph: id, code: new Map(), resources: limitsOf(id, options.limits) }
  const start: PortState = { expr: ref("input"), type: inputType, home: null, maybe: false }
  const written = writeGraph(sheet, start, body as (input: never) => unknown, {
    before: (port) => validNode(input, "valid_input", `${id}.input`, port, sheet),
    after: (value) => output && validNode(output, "valid_output", `${id}.output`, value, sheet),
  })
  refuseHidden(written.scope, id, new Map())
  const ir: IrGraph = {
    name: id,
    ...(options.about === undefined ? {} : { about: options.about }),
    types: {},
    input: inputType,
    resources: sheet.resources,
    body: written.scope,
    ...(output === undefined ? {} : { output: output.type }),
    ...(options.onFailure === undefined ? {} : { onFailure: options.onFailure }),
  }
  const outputType = output?.type ?? written.type
  const call = makeCall<Given<F>, O, BodyE<B>, BodyR<B>>(
    id,
    withoutDefaults(inputType),
    (args, into, name, settings) => {
      const foreign = Object.keys(settings).filter((key) => key !== "after")
      if (foreign.length > 0)
        refuse(
          "option",
          `Cannot set ${foreign.join(", ")} on "${name}": a graph does nothing outside by itself. Set it on the tools inside`,
        )
      for (const [key, binding] of sheet.code) bindInline(into, key, binding)
      return { kind: "graph", config: {}, args, scopes: {}, graph: ir, type: outputType, touches: written.touches }
    },
  )
  return Object.assign(call, { ir, code: sheet.code as ReadonlyMap<string, FnBinding>, accept: input.complete })
}

/** The bounds as a graph declares them. Whether something touches the resource is the checker's to say. */
function limitsOf(graph: string, limits: GraphOptions<Input, unknown>["limits"] = {}): Sheet["resources"] {
  const stated = Object.entries(limits).map(([resource, limit]) => {
    const read = readLimit(limit as Value, "perSecond")
    if ("wrong" in read) return refuse("option", `Cannot limit "${resource}" in graph "${graph}": ${read.wrong}`)
    return [resource, statedLimit(read)] as const
  })
  return stated.length === 0 ? {} : { limits: Object.fromEntries(stated) }
}

/** No name of an inner scope may hide an outer one, whichever was written first. */
function refuseHidden(scope: Scope, graph: string, outer: ReadonlyMap<string, string>, role?: string): void {
  // The only node of a body is named after its role, and nothing can refer to it.
  const nodes = role !== undefined && scope.name === undefined ? [] : scope.nodes.map((n) => n.name)
  const names = new Map(outer)
  for (const [list, what] of [
    [scope.params, "variable"],
    [nodes, "node"],
  ] as const) {
    for (const name of list) {
      const hidden = outer.get(name)
      if (hidden !== undefined)
        refuse(
          "name",
          `Cannot build graph "${graph}": the ${what} "${name}" in ${role} hides the ${hidden} around it. Give one of them another name`,
        )
      names.set(name, `${what} "${name}"`)
    }
  }
  for (const n of scope.nodes)
    for (const [inner, s] of Object.entries(n.scopes))
      if (inner !== UNDO) refuseHidden(s, graph, names, `${n.name}.${inner}`)
}
