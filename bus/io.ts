/**
 * What a step or instruction names, taken from the instruction table by operand kind, so that a new one needs no word
 * here. Used when a program is loaded, never while it runs; who waits for whom is the verifier's finding (`plan/facts.ts`).
 */
import { type Instr, OPS, type OperandKind, type PlanStep } from "../plan/mod.ts"

export interface StepOperands {
  /** The slot of the value, or −1. */
  readonly to: number
  /** Strict slots in the table's order. */
  readonly src: readonly number[]
  readonly bodies: readonly number[]
  /** Steps that it waits for without using their values. */
  readonly after: readonly number[]
  readonly extern: number
  readonly words: number
  readonly bound: number
  readonly path: number
}

const NONE: StepOperands = { to: -1, src: [], bodies: [], after: [], extern: -1, words: -1, bound: 0, path: -1 }
/** The place of each operand kind that a step has once; the others are looked at elsewhere. */
const PLACE: { readonly [K in OperandKind]?: keyof StepOperands } = {
  dst: "to",
  scopes: "bodies",
  steps: "after",
  extern: "extern",
  names: "words",
  int: "bound",
  path: "path",
}

export function operandsOf(step: PlanStep): StepOperands {
  const out: { -readonly [K in keyof StepOperands]: StepOperands[K] } = { ...NONE }
  const src: number[] = []
  OPS[step.op[0]].operands.forEach(([kind], i) => {
    const x = step.op[i + 1] as never
    const place = PLACE[kind]
    if (kind === "src") src.push(x)
    else if (place !== undefined) out[place] = x
  })
  out.src = src
  return out
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
