/**
 * Closures in a graph: the signature that stands in the IR as data, and the binding that travels beside it. The checker,
 * the hash and the plan see the former only.
 */
import { printType, T, type Type } from "../type.ts"
import type { Imported } from "../valibot.ts"
import type { Rec } from "../value.ts"
import { refuse } from "./failure.ts"
import type { Touch } from "./order.ts"
import type { PortState } from "./port.ts"
import type { Draft, Sheet } from "./scope.ts"
import type { FnBinding } from "./types.ts"

/** The resource of code that does not say what it touches. */
export const CODE = "code"

export interface FnSignature {
  readonly effect: "pure" | "read" | "write"
  readonly resource?: string
  readonly needs: readonly string[]
  readonly input: Type
  readonly output: Type
  readonly async: boolean
  /** `input.password`, `output.token`: parts that no copy of a call may hold. */
  readonly secrets?: readonly string[]
}

/** `config` of a node of kind `fn`: everything about it but the closure. */
export const fnConfig = (code: string, s: FnSignature): Rec => ({
  code,
  effect: s.effect,
  ...(s.resource === undefined ? {} : { resource: s.resource }),
  ...(s.needs.length === 0 ? {} : { needs: s.needs }),
  input: printType(filled(s.input)),
  output: printType(filled(s.output)),
  ...(s.async ? {} : { async: false }),
  ...(s.secrets === undefined || s.secrets.length === 0 ? {} : { secrets: s.secrets }),
})

/** Defaults are put in where the call is written or around the function: as data, the fields are simply there. */
function filled(type: Type): Type {
  switch (type.kind) {
    case "record":
      return T.record(
        Object.fromEntries(
          Object.entries(type.fields).map(([k, f]) => [
            k,
            { type: filled(f.type), ...(f.optional ? { optional: true } : {}) },
          ]),
        ),
      )
    case "list":
      return T.list(filled(type.of))
    case "map":
      return T.map(filled(type.of))
    default:
      return type
  }
}

export const touchesOf = (s: FnSignature): readonly Touch[] =>
  s.effect === "pure" ? [] : [{ resource: s.resource ?? CODE, write: s.effect === "write" }]

/** Registers a closure with the graph that is being built, under the key that `config.code` names it by. */
export function bindInline(sheet: Sheet, key: string, binding: FnBinding): void {
  const there = sheet.code.get(key)
  if (there !== undefined && there !== binding)
    refuse(
      "name",
      `Cannot use "${key.slice("inline:".length)}" in graph "${sheet.graph}": another function there has the same id. Give one of them another`,
    )
  sheet.code.set(key, binding)
}

/**
 * A schema's validator as a pure node of the graph: what uses the value waits for it, in a run, in a subgraph and in
 * the evaluator alike. Where the type says it all there is none.
 */
export function validNode(
  schema: Imported,
  name: string,
  id: string,
  value: PortState,
  sheet: Sheet,
): { readonly name: string; readonly draft: Draft } | undefined {
  if (schema.validate === undefined) return undefined
  const { type } = schema
  const code = `inline:${id}`
  bindInline(sheet, code, validBinding(schema))
  const signature = { effect: "pure", needs: [], input: T.unknown, output: type, async: false } as const
  const config = fnConfig(code, signature)
  return { name, draft: { kind: "fn", config, args: value, scopes: {}, settings: {}, type, touches: [] } }
}

/** One binding for one schema, however often its validator is used. */
const validBindings = new WeakMap<Imported, FnBinding>()
function validBinding(schema: Imported): FnBinding {
  let binding = validBindings.get(schema)
  if (binding === undefined) {
    const validate = schema.validate!
    validBindings.set(schema, (binding = { call: ((x: unknown) => validate(x)) as FnBinding["call"], async: false }))
  }
  return binding
}
