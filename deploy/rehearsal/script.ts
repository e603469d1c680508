/**
 * Answers calls as a case says, in place of the tools: what the value is, what goes wrong, and when. The engine and the
 * reference evaluator each get a script of their own, so that both see the same answers whatever the order of the calls.
 */
import { evaluate, Failure, fail, type Path, printPath, type Signature, type Value } from "../../graph/mod.ts"
import type { Case, Fault } from "./cases.ts"

/** Milliseconds that an attempt may take where its node says nothing; the engine is told the same. */
export const TIMEOUT_MS = 30_000

export interface ScriptedCall {
  readonly path: Path
  readonly kind: string
  readonly signature: Signature
  readonly args: Value
  readonly attempt: number
}

/** What happens to one attempt, after so many milliseconds. */
export interface Decision {
  readonly delayMs: number
  readonly act: { readonly value: Value } | { readonly failure: Failure } | "hang" | "unanswered"
}

/** The names by which a case may speak of a call, the most exact one first. */
export const namesOf = (
  path: Path,
  kind: string,
  { needs, resource }: Pick<Signature, "needs" | "resource">,
): readonly string[] => [
  ...new Set([printPath(path), bare(path), ...needs, ...(resource === null ? [] : [resource]), kind]),
]

/** A path without indexes: `cost.do`. */
export const bare = (path: Path): string => path.filter((p) => typeof p === "string").join(".")

export class Script {
  readonly #case: Case
  readonly #calls = new Map<string, number>()

  constructor(own: Case) {
    this.#case = own
  }

  decide(call: ScriptedCall): Decision {
    const names = namesOf(call.path, call.kind, call.signature)
    const faultKey = names.find((name) => this.#case.faults.has(name))
    const fault = faultKey === undefined ? undefined : this.#case.faults.get(faultKey)!
    const bad = fault !== undefined && call.attempt <= fault.times
    const delayMs = bad ? (fault.delayMs ?? 0) : 0
    if (bad && fault.hang) return { delayMs, act: "hang" }
    const failure = bad ? failureOf(fault, call) : undefined
    return { delayMs, act: failure === undefined ? this.#answer(names, call) : { failure } }
  }

  #answer(names: readonly string[], call: ScriptedCall): Decision["act"] {
    const key = names.find((name) => this.#case.tools.has(name))
    if (key === undefined) return "unanswered"
    const answer = this.#case.tools.get(key)!
    switch (answer.kind) {
      case "value":
        return { value: answer.value }
      case "each":
        return this.#next(key, answer.values, call)
      case "expr":
        try {
          return { value: evaluate(answer.expr, (name) => (name === "args" ? call.args : unknownName(name))) }
        } catch (cause) {
          return { failure: cause instanceof Failure ? cause : fail("Threw", String(cause), { cause }) }
        }
    }
  }

  /** By the index of the item in a `map`; by the number of the call elsewhere. Attempts of one call get one answer. */
  #next(key: string, values: readonly Value[], { path }: ScriptedCall): Decision["act"] {
    const index = path.findLast((p) => typeof p === "number")
    const place = `${key} ${printPath(path)}`
    const at = typeof index === "number" ? index : (this.#calls.get(place) ?? this.#count(key, place))
    const value = values[at]
    return value === undefined ? "unanswered" : { value }
  }

  #count(key: string, place: string): number {
    const n = this.#calls.get(key) ?? 0
    this.#calls.set(key, n + 1)
    this.#calls.set(place, n)
    return n
  }
}

const unknownName = (name: string): never => {
  throw fail("Missing", `An answer knows \`args\` alone, found \`${name}\``, { data: { name } })
}

function failureOf(fault: Fault, { kind, path }: ScriptedCall): Failure | undefined {
  if (fault.fail !== undefined) {
    const { code, message, data, retryable, undelivered } = fault.fail
    return fail(code, message ?? `${bare(path)} fails in this case`, { data: data ?? null, retryable, undelivered })
  }
  if (fault.die !== true) return undefined
  // As the adapters tell it: an MCP server has died, any other connection is cut.
  return kind === "mcp"
    ? fail("ToolDied", "The server ended in mid-call", { retryable: true })
    : fail("Unreachable", "The connection was cut", { data: { reason: "cut" }, retryable: true })
}
