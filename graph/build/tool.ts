/**
 * `fn(id, { input, output, effect, … }, impl)`: a TypeScript function as a tool. What the checker and the graph's hash
 * see is its signature, as data; the closure itself travels beside the graph and runs in this process only.
 */
import { isEffect, map as mapEffect } from "effect/Effect"
import { type CodeFacts, markCode } from "../code.ts"
import { hasDefaults } from "../live.ts"
import { fromSchema, type Imported, type Validate } from "../valibot.ts"
import { importInput, makeCall } from "./call.ts"
import { bindInline, CODE, type FnSignature, fnConfig, touchesOf } from "./code.ts"
import { refuse } from "./failure.ts"
import { secretParts } from "./secret.ts"
import type {
  Answer,
  AnswerE,
  AnswerR,
  FnBinding,
  Given,
  Input,
  Needs,
  Schema,
  Tool,
  ToolCall,
  ToolInput,
} from "./types.ts"

export interface FnOptions<F extends Input, I, A, N extends string> {
  /** A schema for each field, or one schema: `v.number()` makes a function of a plain number. */
  readonly input: F
  readonly output: Schema<I, A>
  /** `pure`: the output follows from the input alone. `read`: also from the world. The default is `write`. */
  readonly effect?: "pure" | "read" | "write"
  /** What a read or write touches: `host:rates.example.com`, `fs:/data`. The default is everything that code can touch. */
  readonly resource?: string
  /** Capabilities that a run must be granted. */
  readonly needs?: readonly N[]
  /** Say `false` of a function that never returns a promise or an Effect: it is then called without waiting. */
  readonly async?: boolean
}

/**
 * A tool from a function, which may return a value, a promise or an Effect; an Effect's errors and services become
 * part of the type of every graph that calls the tool. Throws a `BuildError` for a schema or name that cannot be used.
 */
export const fn = <const F extends Input, I, A, X extends Answer<I>, const N extends string = never>(
  id: string,
  options: FnOptions<F, I, A, N>,
  impl: (input: ToolInput<F>, call: ToolCall) => X,
): Tool<Given<F>, A, AnswerE<X>, AnswerR<X> | Needs<N>> => {
  const input = importInput(options.input, `input of "${id}"`)
  const output = fromSchema(options.output, `output of "${id}"`)
  const effect = options.effect ?? "write"
  if (effect === "pure" && (options.resource !== undefined || (options.needs?.length ?? 0) > 0))
    refuse(
      "option",
      `Cannot make "${id}" pure: a pure function has no resource and needs no capability. Say effect: "read"`,
    )
  const signature: FnSignature = {
    effect,
    ...(effect === "pure" ? {} : { resource: options.resource ?? CODE }),
    needs: options.needs ?? [],
    input: input.type,
    output: output.type,
    async: options.async ?? true,
    secrets: [
      ...secretParts(options.input).map((way) => ["input", ...way].join(".")),
      ...secretParts(options.output).map((way) => ["output", ...way].join(".")),
    ],
  }
  const binding = bindingOf(impl as unknown as Impl, input, output, signature.async)
  const touches = touchesOf(signature)
  const config = fnConfig(`inline:${id}`, signature)
  const tool = makeCall<Given<F>, A, AnswerE<X>, AnswerR<X> | Needs<N>>(id, input.type, (args, sheet) => {
    bindInline(sheet, `inline:${id}`, binding)
    return { kind: "fn", config, args, scopes: {}, type: output.type, touches }
  })
  const { code: _, ...own } = config
  return markCode(tool, { config: own, call: binding.call as CodeFacts["call"] })
}

type Impl = (input: unknown, call: ToolCall) => unknown

/** The function with validators around it, where its schemas ask for more than their types say. */
export function bindingOf(impl: Impl, input: Imported, output: Imported, async: boolean): FnBinding {
  const before = guardOf(input)
  const after = guardOf(output)
  if (before === undefined && after === undefined) return { call: impl as FnBinding["call"], async }
  return {
    call: ((value: unknown, call: ToolCall) => {
      const result = impl(before === undefined ? value : before(value), call)
      if (after === undefined) return result
      if (isEffect(result)) return mapEffect(result, after)
      return result instanceof Promise ? result.then(after) : after(result)
    }) as FnBinding["call"],
    async,
  }
}
const guardOf = (of: Imported): Validate | undefined => of.validate ?? (hasDefaults(of.type) ? of.complete : undefined)
