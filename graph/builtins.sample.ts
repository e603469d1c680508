/** Every builtin on every tuple of sample types and values: what its types promise beside what it does. */
import type { Builtin, Resolved } from "./builtins.ts"
import { resolve } from "./builtins.ts"
import { Failure } from "./failure.ts"
import type { Type } from "./type.ts"
import type { Value } from "./value.ts"

export interface Row {
  readonly types: readonly Type[]
  readonly args: readonly Value[]
  readonly resolved: Resolved | undefined
  readonly outcome: Value | Failure
}

type Sample = readonly [Type, readonly Value[]]

/** All rows of `n` arguments. Three arguments take the first two values of a type only, more repeat the last type. */
export function compare(b: Builtin, n: number, samples: readonly Sample[]): readonly Row[] {
  const rows: Row[] = []
  const few = n > 2 ? samples.map(([t, vs]): Sample => [t, vs.slice(0, 2)]) : samples
  for (const chosen of tuples(few, Math.min(n, 3))) {
    while (chosen.length < n) chosen.push(chosen.at(-1)!)
    const types = chosen.map(([t]) => t)
    const resolved = resolve(b, types)
    for (const args of tuplesOf(chosen.map(([, vs]) => vs))) rows.push({ types, args, resolved, outcome: run(b, args) })
  }
  return rows
}

function run(b: Builtin, args: readonly Value[]): Value | Failure {
  try {
    return b.apply(args)
  } catch (f) {
    if (f instanceof Failure) return f
    throw f
  }
}

function tuples(samples: readonly Sample[], n: number): Sample[][] {
  return n === 0 ? [[]] : tuples(samples, n - 1).flatMap((t) => samples.map((s) => [...t, s]))
}
function tuplesOf(values: readonly (readonly Value[])[]): Value[][] {
  return values.reduce<Value[][]>((all, vs) => all.flatMap((t) => vs.map((v) => [...t, v])), [[]])
}
