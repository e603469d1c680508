/**
 * What tools and graphs share: both are functions from ports to a node, with an id, and facts that the builder keeps
 * beside the function.
 */
import type { Settings } from "../ir.ts"
import { T, type Type } from "../type.ts"
import { fromFields, fromSchema, type Imported } from "../valibot.ts"
import { type PortState, stateOf } from "./port.ts"
import { checkName, currentScope, type Draft, Made, type Sheet } from "./scope.ts"
import { aboutOf, settingsOf } from "./settings.ts"
import type { AnySchema, Input, NodeOptions, Tool } from "./types.ts"

export const isSchema = (x: Input): x is AnySchema => "~standard" in x

/** The type and validator of an `input` option: one schema, or a schema for each field. */
export function importInput(input: Input, what: string): Imported {
  return isSchema(input) ? fromSchema(input, what) : fromFields(input, what)
}

/** The input types of tools and graphs, for kinds that call them by name. */
const inputs = new WeakMap<object, Type>()
export const inputTypeOf = (tool: object): Type => inputs.get(tool) ?? T.unknown

interface Maker {
  readonly id: string
  readonly want: Type
  readonly place: (args: PortState, sheet: Sheet, name: string, settings: Settings) => Placed
}
const makers = new WeakMap<object, Maker>()
/** The same call, with something more on every node that it makes; undefined for what no `makeCall` made. */
export function callWith<C extends object>(call: C, more: Pick<Placed, "grants">): C | undefined {
  const maker = makers.get(call)
  if (maker === undefined) return undefined
  const { id, want, place } = maker
  return makeCall(id, want, (...given) => ({ ...place(...given), ...more })) as unknown as C
}

/** What a call's node will be, but for what the options of the call say. */
export type Placed = Omit<Draft, "settings" | "about">

/** Makes the callable: `place` turns the input's expression into what the node will be. */
export function makeCall<I, A, E, R>(
  id: string,
  want: Type,
  place: (args: PortState, sheet: Sheet, name: string, settings: Settings) => Placed,
): Tool<I, A, E, R> {
  checkName(id, `"${id}"`)
  const call = (input: unknown, options?: NodeOptions): unknown => {
    const scope = currentScope(`a call of "${id}"`)
    const name = options?.name ?? id
    const settings = settingsOf(options)
    return new Made(
      name,
      { ...place(stateOf(input, want), scope.sheet, name, settings), ...aboutOf(options), settings },
      scope,
    )
  }
  Object.defineProperty(call, "name", { value: id })
  inputs.set(call, want)
  makers.set(call, { id, want, place })
  return Object.assign(call, { id, types: TYPES }) as unknown as Tool<I, A, E, R>
}

/** `types` exists for the compiler only; looking into it at run time is a mistake that gets an empty record. */
const TYPES = Object.freeze({})

/** A type whose defaults are left to whoever runs the node: such a field may be absent. */
export function withoutDefaults(type: Type): Type {
  if (type.kind !== "record") return type
  return T.record(
    Object.fromEntries(
      Object.entries(type.fields).map(([name, f]) => [
        name,
        f.default === undefined ? f : { type: f.type, optional: true },
      ]),
    ),
  )
}
