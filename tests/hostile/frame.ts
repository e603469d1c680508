/**
 * A frame of the machine: slots that remember who wrote them, and what steps and instructions read and write. Said by name
 * for every instruction, not taken from the table that the verifier reads.
 */
import { Failure, isRecord, Tensor, type Type, type Value } from "../../graph/mod.ts"
import type { Instr, PlanScope, PlanStep } from "../../plan/mod.ts"
import { Flow } from "./chance.ts"

/** The plan did what no plan may do. */
export class Wrong extends TypeError {}
export const wrong = (message: string): never => {
  throw new Wrong(message)
}

export type Held = Value | Flow | Failure
export interface Cell {
  readonly value: Held
  /** The node that put it there, by its place in the list; −1 once it is not to be read. */
  readonly by: number
  /** The instructions' own time, for what was written inside a block. */
  readonly block: object | undefined
}

export class Frame {
  readonly scope: PlanScope
  readonly params: number
  readonly cells: (Cell | undefined)[]
  readonly #makers: Int32Array[] = []

  constructor(scope: PlanScope) {
    this.scope = scope
    this.params = scope.params.length
    this.cells = new Array(scope.slots).fill(undefined)
  }

  /** For each slot the node that wrote it last before step `s` of the list. Plainly, from the start, each time. */
  makers(s: number): Int32Array {
    const known = this.#makers[s]
    if (known !== undefined) return known
    const makers = new Int32Array(this.scope.slots).fill(-1)
    for (let p = 0; p < this.params; p++) makers[p] = p
    for (let k = 0; k < s; k++) for (const slot of written(this.scope.steps[k]!)) makers[slot] = this.params + k
    this.#makers[s] = makers
    return makers
  }

  expect(slot: number, maker: number): Cell {
    const cell = this.cells[slot]
    if (cell === undefined || cell.by !== maker) {
      return wrong(`slot ${slot} holds what node ${cell?.by ?? "nobody"} left there, and ${maker} should have`)
    }
    return cell
  }
}

/** The slots that a step reads when it starts, those it hands on, and the steps it waits for. */
export function reads(step: PlanStep): {
  readonly strict: readonly number[]
  readonly captures: readonly number[]
  readonly after: readonly number[]
} {
  const { op } = step
  const none: readonly number[] = []
  switch (op[0]) {
    case "block":
      return { strict: outerReads(step.instrs ?? []), captures: none, after: op[1] }
    case "invoke":
      return { strict: [op[3]], captures: none, after: op[5] }
    case "invoke_with":
      return { strict: [op[3]], captures: op[6], after: op[8] }
    case "enter":
    case "catch":
      return { strict: none, captures: op[3], after: op[5] }
    case "when":
      return { strict: [op[2]], captures: op[4], after: op[6] }
    case "switch":
      return { strict: [op[2]], captures: op[5], after: op[7] }
    case "map":
      return { strict: [op[2]], captures: op[5], after: op[7] }
    case "fold":
      return { strict: [op[2], op[3]], captures: op[5], after: op[7] }
    case "loop":
      return { strict: [op[2]], captures: op[5], after: op[7] }
  }
}

const written = (step: PlanStep): readonly number[] =>
  step.instrs === undefined ? [step.op[1] as number] : step.instrs.flatMap((i) => slotsOf(i).to)

/** Slots that an instruction reads and writes, by name. */
function slotsOf(instr: Instr): { readonly from: readonly number[]; readonly to: readonly number[] } {
  switch (instr[0]) {
    case "else":
    case "end":
      return { from: [], to: [] }
    case "if":
    case "raise":
      return { from: [instr[1]], to: [] }
    case "attempt":
      return { from: [], to: [instr[1]] }
    case "each":
      return { from: [instr[2]], to: [instr[1], instr[4], instr[5]] }
    case "const":
      return { from: [], to: [instr[1]] }
    case "list":
    case "map_of":
    case "text":
      return { from: instr[2], to: [instr[1]] }
    case "record":
    case "call":
      return { from: instr[3], to: [instr[1]] }
    case "index":
    case "index_or_none":
    case "add":
    case "sub":
    case "mul":
    case "div":
    case "lt":
    case "le":
    case "gt":
    case "ge":
    case "eq":
    case "ne":
      return { from: [instr[2], instr[3]], to: [instr[1]] }
    case "copy":
    case "accept":
    case "widen":
    case "field":
    case "has":
    case "neg":
    case "not":
    case "is_none":
      return { from: [instr[2]], to: [instr[1]] }
  }
}

/** What a block reads from before itself: slots that an instruction reads before any in the list has written them. */
function outerReads(instrs: readonly Instr[]): readonly number[] {
  const reads = new Set<number>()
  const wrote = new Set<number>()
  for (const instr of instrs) {
    const { from, to } = slotsOf(instr)
    for (const slot of from) if (!wrote.has(slot)) reads.add(slot)
    for (const slot of to) wrote.add(slot)
  }
  return [...reads]
}

/** Is the value one of the type, with defaults put in? */
export function conforms(v: Held, t: Type): boolean {
  if (t.kind === "stream") return v instanceof Flow && v.items.every((x) => conforms(x, t.of))
  if (t.kind === "union") return t.of.some((m) => conforms(v, m))
  if (v instanceof Failure || v instanceof Flow || v === undefined) return false
  switch (t.kind) {
    case "unknown":
      return true
    case "never":
      return false
    case "null":
      return v === null
    case "int64":
      return typeof v === "bigint" || Number.isInteger(v)
    case "bytes":
      return v instanceof Uint8Array
    case "tensor":
      return v instanceof Tensor && v.dtype === t.dtype
    case "enum":
      return t.values.some((w) => w === v)
    case "list":
      return Array.isArray(v) && v.every((x) => conforms(x as Value, t.of))
    case "map":
      return isRecord(v) && Object.values(v).every((x) => conforms(x, t.of))
    case "record": {
      if (!isRecord(v)) return false
      for (const [name, f] of Object.entries(t.fields)) {
        if (!Object.hasOwn(v, name)) {
          if (f.optional !== true || f.default !== undefined) return false
        } else if (!conforms(v[name]!, f.type)) return false
      }
      return true
    }
    default:
      return typeof v === t.kind
  }
}
