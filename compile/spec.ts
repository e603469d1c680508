/**
 * What is legal between passes, as a table of rules: each is a predicate over one operation in its scope. Checked after
 * every pass in tests, so that a pass that breaks something is named by the rule and by itself.
 */
import * as Data from "effect/Data"
import { type Body, bodiesOf, bodyUses, type Mid, type Op, uses } from "./mid.ts"

export class CompileError extends Data.TaggedError("CompileError")<{
  readonly reason: "broken-by-pass"
  readonly pass: string
  readonly rule: string
  readonly at: string
  readonly message: string
}> {}

interface Rule {
  readonly name: string
  /** The pass that makes it hold; left out: it always does. */
  readonly since?: string
  readonly holds: (op: Op, known: ReadonlySet<string>, mid: Mid) => boolean
}

const RULES: readonly Rule[] = [
  {
    name: "every name it uses is defined before it",
    holds: (op, known) => [...uses(op)].every((name) => known.has(name)),
  },
  { name: "it waits only for operations before it", holds: (op, known) => op.after.every((name) => known.has(name)) },
  { name: "its name is new", holds: (op, known) => !known.has(op.name) },
  { name: "its type is known", holds: (op, _, mid) => mid.types.has(op.name) },
  { name: "a tool has a signature, and only a tool", holds: (op) => (op.kind === "tool") === (op.tool !== undefined) },
  { name: "an expression is pure", holds: (op) => op.kind !== "expr" || op.effect === "pure" },
  { name: "subgraphs are inlined", since: "inline", holds: (op) => op.kind !== "enter" },
]

/** Fails with `CompileError` at the first operation that breaks a rule. `done`: the passes so far, `pass` the last of them. */
export function checkMid(mid: Mid, pass: string, done: ReadonlySet<string>): void {
  const outer = new Map<Body, ReadonlySet<string>>([[mid.body, new Set()]])
  for (const body of bodiesOf(mid)) {
    const known = new Set(outer.get(body))
    for (const b of body.binders) known.add(b.name)
    for (const op of body.ops) {
      for (const rule of RULES) {
        if (rule.since !== undefined && !done.has(rule.since)) continue
        if (!rule.holds(op, known, mid)) throw broken(pass, rule.name, op.name)
      }
      for (const { scope } of op.bodies) outer.set(scope, new Set(known))
      known.add(op.name)
    }
    if ([...bodyUses({ ...body, ops: [], binders: [] })].some((name) => !known.has(name)))
      throw broken(pass, "the output uses defined names", body.path.join("."))
  }
}

const broken = (pass: string, rule: string, at: string): CompileError =>
  new CompileError({ reason: "broken-by-pass", pass, rule, at, message: `Pass "${pass}" broke "${rule}" at ${at}` })
