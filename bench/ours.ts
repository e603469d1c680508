/**
 * The workloads as graphs of ours: built, checked, compiled, admitted and run like any other, with judging and hashing on
 * and the ledger in memory.
 */
import * as v from "valibot"
import { compile } from "../compile/mod.ts"
import { Engine, hostDigest, type Ready, systemChance, systemClock } from "../deploy/mod.ts"
import * as build from "../graph/build/mod.ts"
import { type CheckedGraph, check, type NodeKind, type Registry, registry, type Value } from "../graph/mod.ts"
import { fn, settleEffect } from "../nodes/mod.ts"
import { leaves, type Work } from "./workloads.ts"

/** The builder without its types: shapes here depend on a number. */
type Loose = (...args: unknown[]) => unknown
const { graph, expr, num, bool, sum, when } = build as unknown as {
  readonly graph: Loose
  readonly bool: Loose
  readonly expr: Loose
  readonly num: Loose
  readonly sum: Loose
  readonly when: Loose
}
const tool = build.fn as unknown as Loose

interface Built {
  readonly ir: Parameters<typeof check>[0]
  readonly code: ReadonlyMap<string, { readonly call: (input: Value) => unknown }>
}

export const kinds = (...more: readonly NodeKind[]): Registry => registry(fn, ...more)

export const engine = (kindsOf: Registry = kinds()): Engine =>
  new Engine({
    registry: kindsOf,
    services: { clock: systemClock, chance: systemChance },
    digest: hostDigest,
    settle: settleEffect,
  })

/** Checked graph and the closures beside it. */
export function checked(
  made: unknown,
  kindsOf: Registry = kinds(),
): { readonly graph: CheckedGraph; readonly built: Built } {
  const built = made as Built
  const result = check(built.ir, { registry: kindsOf })
  if (result.checked === undefined) throw new RangeError(result.problems.map((p) => p.message).join("\n"))
  return { graph: result.checked, built }
}

export async function ready(
  made: unknown,
  on: Engine = engine(),
  grants: readonly string[] = [],
  kindsOf: Registry = kinds(),
): Promise<Ready> {
  const { graph: sound, built } = checked(made, kindsOf)
  const { bytes } = compile(sound)
  return on.prepare(bytes, { grants, inline: (code) => built.code.get(code)?.call })
}

/** Runs once; the value, or a promise of it. */
export function value(of: Ready, input: Value): unknown {
  const out = (r: Awaited<ReturnType<Ready["run"]>>): unknown => {
    if (!r.outcome.ok) throw r.outcome.failure
    return r.outcome.value
  }
  const result = of.run(input)
  return result instanceof Promise ? result.then(out) : out(result)
}

/** Tasks as functions. */
export const asFunctions = (
  work: Work,
  wrap: (f: (x: never) => number) => unknown = (f) => f,
  async = false,
): unknown => {
  const tools = work.tasks.map((t) =>
    tool(
      t.name,
      {
        input: t.parents.length < 2 ? v.number() : { a: v.number(), b: v.number() },
        output: v.number(),
        effect: "pure",
        ...(async ? {} : { async: false }),
      },
      wrap(t.f),
    ),
  ) as Loose[]
  return graph(
    work.name.replaceAll("-", "_"),
    { input: { x: v.number() } },
    function* (input: { x: unknown }): Generator<unknown, unknown, unknown> {
      const ports: unknown[] = []
      for (const [i, t] of work.tasks.entries()) {
        const [a, b] = t.parents.map((p) => ports[p])
        ports.push(yield* call(tools[i]!(t.parents.length === 0 ? input.x : b === undefined ? a : { a, b })))
      }
      return work.answer === "last" ? ports[ports.length - 1] : sum(leaves(work).map((i) => ports[i]))
    },
  )
}

/** Tasks of a chain as expressions, `x * k + c`, kept small by a remainder that both sides compute alike. */
export const asExpressions = (size: number): unknown =>
  graph("expressions", { input: { x: v.number() } }, function* (input: { x: unknown }): Generator<
    unknown,
    unknown,
    unknown
  > {
    let x = input.x
    for (let i = 0; i < size; i++)
      x = yield* call(expr(`t${i}`, num(["", ` * ${coefficients(i)[0]} + ${coefficients(i)[1]}`], x)))
    return x
  })
/** Factors that keep a chain of any length finite: halving and adding. */
export const coefficients = (i: number): readonly [number, number] => [0.5, i % 13]

/** A chain of choices: each takes one of two functions by the value before. */
export const asBranches = (
  size: number,
  low: readonly ((x: number) => number)[],
  high: readonly ((x: number) => number)[],
): unknown => {
  const tools = (side: string, fns: readonly ((x: number) => number)[]) =>
    fns.map((f, i) =>
      tool(`${side}${i}`, { input: v.number(), output: v.number(), effect: "pure", async: false }, f),
    ) as Loose[]
  const [lows, highs] = [tools("low", low), tools("high", high)]
  return graph("branches", { input: { x: v.number() } }, function* (input: { x: unknown }): Generator<
    unknown,
    unknown,
    unknown
  > {
    let x = input.x
    for (let i = 0; i < size; i++) {
      const before = x
      const choice = when(
        `b${i}`,
        bool(["", " < 500000.0"], before),
        () => lows[i]!(before),
        () => highs[i]!(before),
      )
      x = yield* call(choice)
    }
    return x
  })
}

const call = (node: unknown) => node as Iterable<unknown> & { [Symbol.iterator](): Iterator<unknown, unknown, unknown> }
