/**
 * What a step reads and writes, taken from the instruction table by operand kind, so that a new instruction needs no word
 * here. Used when a program is loaded, never while it runs.
 */
import { type Instr, OPS, type OperandKind, type PlanStep } from "../plan/mod.ts"

export interface StepIo {
  /** The slot of the value, or −1. */
  readonly to: number
  /** Strict slots in operand order (for a block: what it reads before it writes it). */
  readonly operands: readonly number[]
  readonly strict: readonly number[]
  readonly captures: readonly number[]
  readonly writes: readonly number[]
  readonly bodies: readonly number[]
  readonly after: readonly number[]
  readonly extern: number
  readonly words: number
  readonly bound: number
  readonly path: number
}

export function stepIo(step: PlanStep): StepIo {
  if (step.op[0] === "block") return blockIo(step)
  const io = {
    to: -1,
    operands: [] as number[],
    captures: [] as readonly number[],
    bodies: [] as readonly number[],
    after: [] as readonly number[],
    extern: -1,
    words: -1,
    bound: 0,
    path: -1,
  }
  const take: Readonly<Record<OperandKind, (x: never) => void>> = {
    dst: (x: number) => {
      io.to = x
    },
    src: (x: number) => {
      io.operands.push(x)
    },
    srcs: (x: readonly number[]) => {
      io.captures = x
    },
    scopes: (x: readonly number[]) => {
      io.bodies = x
    },
    steps: (x: readonly number[]) => {
      io.after = x
    },
    extern: (x: number) => {
      io.extern = x
    },
    names: (x: number) => {
      io.words = x
    },
    int: (x: number) => {
      io.bound = x
    },
    path: (x: number) => {
      io.path = x
    },
    const: () => {},
    name: () => {},
    type: () => {},
  }
  OPS[step.op[0]].operands.forEach(([kind], i) => {
    take[kind](step.op[i + 1] as never)
  })
  return { ...io, strict: io.operands, writes: [io.to] }
}

function blockIo(step: PlanStep): StepIo {
  const reads = new Set<number>()
  const writes = new Set<number>()
  for (const instr of step.instrs ?? []) {
    const { src, dst } = slotsOf(instr)
    for (const s of src) if (!writes.has(s)) reads.add(s)
    for (const d of dst) writes.add(d)
  }
  const strict = [...reads]
  return {
    to: -1,
    operands: strict,
    strict,
    captures: [],
    writes: [...writes],
    bodies: [],
    after: step.op[1] as readonly number[],
    extern: -1,
    words: -1,
    bound: 0,
    path: -1,
  }
}

/** The slots that an instruction reads and writes. `each` reads its result only after its region wrote it. */
export function slotsOf(instr: Instr): { readonly src: readonly number[]; readonly dst: readonly number[] } {
  const src: number[] = []
  const dst: number[] = []
  OPS[instr[0]].operands.forEach(([kind, name], i) => {
    const x = instr[i + 1] as number | readonly number[]
    if (kind === "dst") dst.push(x as number)
    else if (kind === "src" && !(instr[0] === "each" && name === "result")) src.push(x as number)
    else if (kind === "srcs") src.push(...(x as readonly number[]))
  })
  return { src, dst }
}
