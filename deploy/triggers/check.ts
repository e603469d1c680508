/**
 * Whether what starts runs fits the graphs that it starts: they are there, an input that is written down is of the input's
 * type, and one that is computed has the type wanted. What a sender will say is known only when it says it, so its parts may
 * be of any type until then, unless the hook's `"body"` says more.
 */
import {
  accept,
  acceptStrict,
  type Code,
  type Expr,
  evaluate,
  Failure,
  infer,
  isRecord,
  mismatchText,
  nearest,
  type Problem,
  parsePath,
  type Rec,
  type Span,
  subtype,
  T,
  type Type,
  type Value,
} from "../../graph/mod.ts"
import { type Given, HEADERS, type Hook, type Schedule, TICK, type Triggers } from "./read.ts"
import type { At } from "./reading.ts"

/** A graph that may be started. */
export interface Startable {
  readonly name: string
  readonly input: Type
}

/** Steps that an expression of a trigger may take. */
const FUEL = 100_000

/** Every problem of the triggers with these graphs; those of graphs that are not among them are left out where `partly` says so. */
export function checkTriggers(triggers: Triggers, graphs: readonly Startable[], partly = false): readonly Problem[] {
  const { schedules, hooks, reading } = triggers
  reading.problems.length = 0
  const check = new TriggerCheck(triggers, graphs, partly)
  for (const schedule of schedules) check.schedule(schedule)
  for (const hook of hooks) check.hook(hook)
  return [...reading.problems]
}

class TriggerCheck {
  readonly #triggers: Triggers
  readonly #graphs: readonly Startable[]
  readonly #partly: boolean

  constructor(triggers: Triggers, graphs: readonly Startable[], partly: boolean) {
    this.#triggers = triggers
    this.#graphs = graphs
    this.#partly = partly
  }

  schedule(schedule: Schedule): void {
    const at = ["schedules", schedule.name]
    const graph = this.#graph(schedule, at)
    if (graph !== undefined) this.#input(schedule.input, graph, tickEnv, [...at, "input"])
  }

  hook(hook: Hook): void {
    const at = ["hooks", hook.name]
    const env = new Map([
      ["body", hook.body],
      ["headers", HEADERS],
    ])
    if (hook.when !== undefined) this.#wanted(hook.when, env, T.boolean, "when", [...at, "when"])
    this.#wanted(hook.delivery, env, KEY, "delivery", [...at, "delivery"])
    const graph = this.#graph(hook, at)
    if (graph !== undefined) this.#input(hook.input, graph, env, [...at, "input"])
  }

  #graph({ graph }: Schedule | Hook, at: At): Startable | undefined {
    const found = this.#graphs.find((g) => g.name === graph)
    if (found !== undefined || this.#partly) return found
    const names = this.#graphs.map((g) => g.name)
    const near = nearest(graph, names)
    const fix = near === undefined ? `There are: ${names.join(", ") || "none"}.` : `Write "${near}".`
    this.#refuse([...at, "graph"], `There is no graph "${graph}" in the project's folder.`, fix, "G402")
    return undefined
  }

  #input(input: Given, graph: Startable, env: ReadonlyMap<string, Type>, at: At): void {
    if (input.kind === "expr") {
      const sound = input.inserted.map(({ at, expr }) => this.#sound(expr, env, at)).every((is) => is)
      const { type } = infer(input.expr, env)
      if (sound && subtype(type, graph.input) === "no")
        this.#refuse(at, mismatchText(`the input of ${graph.name}`, type, graph.input), undefined, "G101")
      return
    }
    try {
      acceptStrict(graph.input)(input.value)
    } catch (cause) {
      if (!(cause instanceof Failure)) throw cause
      const path = isRecord(cause.data) ? parsePath(String(cause.data["path"])) : undefined
      this.#refuse(
        [...at, ...(path ?? [])],
        `The input does not fit ${graph.name}. ${cause.message}.`,
        undefined,
        "G101",
      )
    }
  }

  /** An expression whose value is to be of a type. */
  #wanted(expr: Expr, env: ReadonlyMap<string, Type>, want: Type, what: string, at: At): void {
    const { type } = infer(expr, env)
    if (this.#sound(expr, env, at) && subtype(type, want) === "no")
      this.#refuse(at, mismatchText(what, type, want), undefined, "G101")
  }

  #sound(expr: Expr, env: ReadonlyMap<string, Type>, at: At): boolean {
    const problems = infer(expr, env).problems.filter((p) => p.severity !== "warning")
    for (const p of problems) this.#refuse(at, p.message, p.fix, p.code, p.span)
    return problems.length === 0
  }

  #refuse(at: At, message: string, fix?: string, code?: Code, span?: Span): void {
    this.#triggers.reading.refuse(at, message, fix, code, span)
  }
}

const tickEnv: ReadonlyMap<string, Type> = new Map([["tick", TICK]])
const KEY: Type = T.union(T.string, T.number, T.int64)

/** The input that a trigger gives. Fails with `Failure`: what the expression fails with, or `Mismatch`. */
export function inputOf(given: Given, input: Type, env: { readonly [name: string]: Value }): Rec {
  const value = given.kind === "value" ? given.value : valueOf(given.expr, env)
  return (given.kind === "value" ? acceptStrict : accept)(input)(value) as Rec
}

/** Fails with `Failure`. */
export const valueOf = (expr: Expr, env: { readonly [name: string]: Value }): Value =>
  evaluate(expr, (name) => env[name] ?? null, { left: FUEL })
