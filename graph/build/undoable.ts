/**
 * `undoable`: a write with the call that takes it back. That call sees the answer of the write and its arguments, and
 * nothing of the graph around: it may be made another day, by a process that knows the record of the run and no more.
 */
import { T, type Type } from "../type.ts"
import { UNDO, UNDO_PARAMS } from "../undo.ts"
import { refuse } from "./failure.ts"
import { joinTouches } from "./order.ts"
import type { PortState } from "./port.ts"
import { Made, writeBody } from "./scope.ts"
import type { Call, In, Node, NodeOptions, PortOf, Step } from "./types.ts"

/**
 * Calls a tool that writes, and says how to take it back: `undoable(book, { seat }, (out) => cancel({ id: out.id }))`. When
 * the run undoes (`onFailure: "undo"`, or somebody asks), every write that was delivered is taken back, the latest first.
 * `args` is what the tool's kind is called with: of a function its input, of a request what its address and body insert.
 * What the undo needs to be granted joins the type; what it may fail with is reported, and is no failure of the graph.
 */
export const undoable = <I, A, E, R, S extends Step<unknown, unknown>>(
  tool: Call<I, A, E, R>,
  input: In<I>,
  // biome-ignore lint/suspicious/noExplicitAny: what a node is resumed with is given by the builder
  undo: (out: PortOf<A>, args: PortOf<I>) => { [Symbol.iterator](): Iterator<S, unknown, any> },
  options?: NodeOptions,
): Node<A, E, R | (S extends Step<unknown, infer R2> ? R2 : never)> => {
  const made = tool(input, options) as unknown
  if (!(made instanceof Made))
    return refuse("yield", "Cannot make this undoable: it must be a tool, undoable(tool, { … }, (out) => other({ … }))")
  const { draft, name } = made
  if (draft.scopes[UNDO] !== undefined) refuse("option", `Cannot say twice how to undo "${name}"`)
  const types = [draft.type, argsType(draft.args)]
  const params = UNDO_PARAMS.map((base, i) => ({ base, as: base, type: types[i]! }))
  const written = writeBody(name, UNDO, params, undo as (...ports: never[]) => unknown, { apart: true })
  if (written.scope.name !== undefined || written.scope.nodes[0]?.kind === "expr")
    refuse(
      "option",
      `Cannot undo "${name}" so: an undo is one call of a tool, whose schemas need no check of their own`,
    )
  made.revise({
    ...draft,
    scopes: { ...draft.scopes, [UNDO]: written.scope },
    touches: joinTouches([draft.touches, written.touches]),
  })
  return made as unknown as never
}

/** The arguments as the kind takes them: they may have other names than the tool's input. */
function argsType({ expr, type }: PortState): Type {
  if (expr.op !== "record") return type
  const known = type.kind === "record" ? type.fields : {}
  return T.record(
    Object.fromEntries(expr.fields.map(([name]) => [name, Object.hasOwn(known, name) ? known[name]! : T.unknown])),
  )
}
