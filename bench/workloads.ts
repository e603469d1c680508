/**
 * The workloads of the engine bench, described once: nodes with their parents and a function each. Every contestant runs
 * the same functions in its own way and must give the same answer.
 */
export interface Task {
  readonly name: string
  /** Earlier tasks whose values it takes; none: the workload's input. */
  readonly parents: readonly number[]
  /** One parent or none: of the value. Two: of `{ a, b }`. Every task has a function object of its own. */
  readonly f: (x: never) => number
}

export interface Work {
  readonly name: string
  readonly size: number
  readonly tasks: readonly Task[]
  /** The answer: the last task's value, or the sum of the values that nothing takes. */
  readonly answer: "last" | "sum"
}

/** A function object of its own for each task, as code of its own: engines must not see one function many times. */
const own = (source: string): ((x: never) => number) => new Function("x", `return ${source}`) as (x: never) => number
const one = (i: number) => own(`(x * ${(i % 7) + 1} + ${i % 13}) % 1000003`)
const two = (i: number) => own(`(x.a * ${(i % 5) + 1} + x.b + ${i % 11}) % 1000003`)

export const chain = (size: number): Work => ({
  name: "chain",
  size,
  tasks: Array.from({ length: size }, (_, i) => ({ name: `t${i}`, parents: i === 0 ? [] : [i - 1], f: one(i) })),
  answer: "last",
})

export const fan = (size: number): Work => ({
  name: "fan-out",
  size,
  tasks: Array.from({ length: size }, (_, i) => ({ name: `t${i}`, parents: [], f: one(i) })),
  answer: "sum",
})

/** Layers of ten; each task takes two of the layer before. */
export const layered = (size: number): Work => ({
  name: "layered",
  size,
  tasks: Array.from({ length: size }, (_, i) => {
    const layer = Math.floor(i / 10)
    if (layer === 0) return { name: `t${i}`, parents: [], f: one(i) }
    const base = (layer - 1) * 10
    return { name: `t${i}`, parents: [base + (i % 10), base + ((i * 3 + 1) % 10)], f: two(i) }
  }),
  answer: "sum",
})

/** What nothing takes. */
export function leaves(work: Work): readonly number[] {
  const taken = new Set(work.tasks.flatMap((t) => t.parents))
  return work.tasks.flatMap((_, i) => (taken.has(i) ? [] : [i]))
}

/** The limit: direct synchronous calls, one after another, in a loop over the same functions. */
export function direct(work: Work): (input: number) => number {
  const fns = work.tasks.map((t) => t.f as (x: unknown) => number)
  const last = fns.length - 1
  if (
    work.tasks.every((t, i) => (i === 0 ? t.parents.length === 0 : t.parents[0] === i - 1 && t.parents.length === 1))
  ) {
    return (input) => {
      let x = input
      for (let i = 0; i < fns.length; i++) x = fns[i]!(x)
      return x
    }
  }
  const a = Int32Array.from(work.tasks, (t) => t.parents[0] ?? -1)
  const b = Int32Array.from(work.tasks, (t) => t.parents[1] ?? -1)
  const ends = leaves(work)
  return (input) => {
    const values: number[] = new Array(fns.length)
    for (let i = 0; i < fns.length; i++) {
      const x = a[i]! < 0 ? input : values[a[i]!]!
      values[i] = b[i]! < 0 ? fns[i]!(x) : fns[i]!({ a: x, b: values[b[i]!]! })
    }
    if (work.answer === "last") return values[last]!
    let sum = 0
    for (const i of ends) sum += values[i]!
    return sum
  }
}
