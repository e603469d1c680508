/**
 * Draws plans by hand for tests: types, constants and paths are named by what they are and become indexes by themselves.
 * Nothing is checked here: a sketch can be of a wrong plan, which is half of what it is for.
 */
import { type Rec, T, type Type, type Value } from "../../graph/mod.ts"
import {
  type Constant,
  type Extern,
  type Instr,
  PLAN_FORMAT,
  type Plan,
  type PlanScope,
  type PlanStep,
  SEMANTICS,
  type Step,
} from "../../plan/mod.ts"

export class Sketch {
  readonly types: Type[] = []
  readonly constants: Constant[] = []
  readonly externs: Extern[] = []
  readonly scopes: (PlanScope | undefined)[] = []
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
  type(t: Type): number {
    return place(this.types, t)
  }
  const(value: Value, type: Type): number {
    return place(this.constants, { type: this.type(type), value })
  }
  text(s: string): number {
    return this.const(s, T.string)
  }
  /** A constant that is a list of texts: a path, names of a record, cases. */
  texts(...words: string[]): number {
    return this.const(words, T.list(T.string))
  }
  extern(x: Partial<Omit<Extern, "input" | "output">> & { input?: Type; output: Type; config?: Rec }): number {
    this.externs.push({
      kind: x.kind ?? "fn",
      config: x.config ?? { name: `f${this.externs.length}` },
      effect: x.effect ?? "pure",
      resource: x.resource ?? null,
      needs: x.needs ?? [],
      input: x.input === undefined ? -1 : this.type(x.input),
      output: this.type(x.output),
      async: x.async ?? true,
      settings: x.settings ?? {},
    })
    return this.externs.length - 1
  }
  block(node: string, instrs: readonly Instr[], after: readonly number[] = []): PlanStep {
    const path = this.texts(node)
    return { op: ["block", after], instrs, nodes: instrs.map(() => path) }
  }
  /** Scopes are numbered in the order in which they are asked for; fill one in later with `at`. */
  reserve(): number {
    this.scopes.push(undefined)
    return this.scopes.length - 1
  }
  scope(s: {
    params: readonly Type[]
    slots: number
    result: number
    type: Type
    steps: readonly (PlanStep | Step)[]
    at?: number
  }): number {
    const at = s.at ?? this.reserve()
    this.scopes[at] = {
      params: s.params.map((t) => this.type(t)),
      slots: s.slots,
      result: s.result,
      type: this.type(s.type),
      steps: s.steps.map((step) => ("op" in step ? step : { op: step })),
    }
    return at
  }
  plan(input: Type, output: Type, more: Partial<Plan> = {}): Plan {
    const needs = [...new Set(this.externs.flatMap((x) => x.needs))].sort()
    return {
      format: PLAN_FORMAT,
      semantics: SEMANTICS,
      name: this.name,
      graph: "ab".repeat(32),
      input: this.type(input),
      output: this.type(output),
      needs,
      resources: {},
      types: this.types,
      constants: this.constants,
      externs: this.externs,
      scopes: this.scopes.map((s, i) => {
        if (s === undefined)
          throw new RangeError(`Cannot finish "${this.name}": scope ${i} must be filled in, found nothing`)
        return s
      }),
      ...more,
    }
  }
}

function place<A>(into: A[], x: A): number {
  const key = JSON.stringify(x)
  const i = into.findIndex((y) => JSON.stringify(y) === key)
  return i >= 0 ? i : into.push(x) - 1
}
