/** What the steps of a plan read, write and name, from the instruction table alone: for whoever looks at a plan without running it. */
import { type Instr, OPS, type OperandKind } from "./ops.ts"
import type { PlanStep } from "./plan.ts"

/** What a step names, by kind of operand. What a plan lacks is `undefined`: any plan that decodes can be asked. */
export interface StepIo {
  readonly writes: readonly number[]
  readonly reads: readonly number[]
  readonly bodies: readonly number[]
  readonly after: readonly number[]
  readonly extern: number | undefined
  readonly words: number | undefined
  readonly path: number | undefined
  readonly int: readonly [string, number] | undefined
}

const known = new WeakMap<PlanStep, StepIo>()

/** The operands of a step by kind. */
export function stepIo(step: PlanStep): StepIo {
  let io = known.get(step)
  if (io === undefined) known.set(step, (io = operandsOf(step)))
  return io
}

function operandsOf(step: PlanStep): StepIo {
  const of = (kind: OperandKind): (number | readonly number[])[] => {
    const layout: readonly (readonly [OperandKind, string])[] = OPS[step.op[0]].operands
    return layout.flatMap(([k], o) => (k === kind ? [step.op[o + 1] as number | readonly number[]] : []))
  }
  const layout: readonly (readonly [OperandKind, string])[] = OPS[step.op[0]].operands
  const int = layout.findIndex(([k]) => k === "int")
  return {
    writes: of("dst") as number[],
    reads: [...new Set([...(of("src") as number[]), ...of("srcs").flat()])],
    bodies: of("scopes").flat(),
    after: of("steps").flat(),
    extern: of("extern")[0] as number | undefined,
    words: of("names")[0] as number | undefined,
    path: of("path")[0] as number | undefined,
    int: int < 0 ? undefined : [layout[int]![1], step.op[int + 1] as number],
  }
}

/** Slots that a block reads before it writes them, and what it writes, in the order in which they appear. */
export function blockSlots(instrs: readonly Instr[]): {
  readonly reads: readonly number[]
  readonly writes: readonly number[]
} {
  const reads = new Set<number>()
  const writes = new Set<number>()
  for (const instr of instrs) {
    const layout: readonly (readonly [OperandKind, string])[] = OPS[instr[0]].operands
    const of = (kind: OperandKind) =>
      layout.flatMap(([k], o) => (k === kind ? [instr[o + 1] as number | number[]] : []))
    const late = instr[0] === "each" ? instr[layout.length] : undefined
    for (const s of [...of("src"), ...of("srcs")].flat()) if (s !== late && !writes.has(s)) reads.add(s)
    for (const s of of("dst").flat()) writes.add(s)
  }
  return { reads: [...reads], writes: [...writes] }
}
