/**
 * The steps of a scope as bytes. Every operand is one variable-length number: its distance from what the kind of operand
 * makes likely (a new slot follows the slot written last, a body follows the body named last), so most take one byte.
 * How an operand is written depends on its kind in the instruction table and on nothing else; no instruction is named here.
 */
import { PlanError, type PlanPlace, printPlace } from "./error.ts"
import { type Instr, OPS, type OperandKind, type OpName, opByCode, type StepName } from "./ops.ts"
import { COUNT_MAX, type PlanScope, type PlanStep } from "./plan.ts"

/** The number seen last, by what numbers of that sort point into; operands are written as distances from these. */
class Last {
  dst = -1
  const = -1
  name = -1
  names = -1
  path = -1
  type = 0
  extern = -1
  node = 0
  scopes: number
  step = 0
  constructor(scope: number) {
    this.scopes = scope
  }
}

interface Form {
  readonly list: boolean
  /** The number that takes the fewest bytes. */
  readonly likely: (last: Last) => number
  /** Where this number becomes the one seen last. */
  readonly moves?: Exclude<keyof Last, "step">
}
const FORMS: { readonly [K in OperandKind]: Form } = {
  dst: { list: false, likely: (l) => l.dst + 1, moves: "dst" },
  src: { list: false, likely: (l) => l.dst },
  srcs: { list: true, likely: (l) => l.dst },
  const: { list: false, likely: (l) => l.const + 1, moves: "const" },
  name: { list: false, likely: (l) => l.name + 1, moves: "name" },
  names: { list: false, likely: (l) => l.names + 1, moves: "names" },
  path: { list: false, likely: (l) => l.path + 1, moves: "path" },
  type: { list: false, likely: (l) => l.type, moves: "type" },
  extern: { list: false, likely: (l) => l.extern + 1, moves: "extern" },
  scopes: { list: true, likely: (l) => l.scopes + 1, moves: "scopes" },
  int: { list: false, likely: () => 0 },
  steps: { list: true, likely: (l) => l.step },
}

interface Slot {
  readonly kind: OperandKind
  readonly name: string
  readonly form: Form
}
/** For each instruction its operands with their forms, looked up once. */
const LAYOUT: ReadonlyMap<OpName, readonly Slot[]> = new Map(
  Object.entries(OPS).map(([name, op]) => [
    name as OpName,
    op.operands.map(([kind, operand]): Slot => ({ kind, name: operand, form: FORMS[kind] })),
  ]),
)

/** Bytes being written: variable-length numbers of seven bits a byte, least first, the high bit set on all but the last. */
class Bytes {
  bytes = new Uint8Array(256)
  at = 0
  varint(x: number): void {
    if (this.at + 5 > this.bytes.length) {
      const bytes = new Uint8Array(this.bytes.length * 2)
      bytes.set(this.bytes)
      this.bytes = bytes
    }
    while (x > 0x7f) {
      this.bytes[this.at++] = (x & 0x7f) | 0x80
      x >>>= 7
    }
    this.bytes[this.at++] = x
  }
  /** A signed number: 0, −1, 1, −2, 2 … become 0, 1, 2, 3, 4 … */
  signed(x: number): void {
    this.varint(x < 0 ? -2 * x - 1 : 2 * x)
  }
  done(): Uint8Array {
    return this.bytes.slice(0, this.at)
  }
}

/** Numbers of small size (types of constants), one after another. */
export function encodeNumbers(xs: readonly number[], what: string): Uint8Array {
  const out = new Bytes()
  for (let i = 0; i < xs.length; i++) out.varint(countable(xs[i]!, () => `${what} ${i}`))
  return out.done()
}

function countable(x: number, what: () => string): number {
  if (Number.isInteger(x) && x >= 0 && x <= COUNT_MAX && !Object.is(x, -0)) return x
  throw new PlanError({
    reason: "unencodable",
    message: `Cannot encode ${what()}: it must be a whole number between 0 and ${COUNT_MAX}, found ${print(x)}`,
    found: print(x),
    wanted: `a whole number between 0 and ${COUNT_MAX}`,
  })
}
const print = (x: unknown) => (typeof x === "number" ? (Object.is(x, -0) ? "-0" : String(x)) : typeof x)

/** The bytes of one scope. Throws `PlanError` with reason `unencodable` for a number outside 0 … COUNT_MAX. */
export function encodeScope(scope: PlanScope, index: number): Uint8Array {
  const out = new Bytes()
  const last = new Last(index)
  const count = (x: number, what: string) => out.varint(countable(x, () => `scope ${index} ${what}`))
  count(scope.params.length, "params")
  for (const type of scope.params) count(type, "type of a parameter")
  count(scope.slots, "slots")
  count(scope.result, "result")
  count(scope.type, "type")
  count(scope.steps.length, "steps")
  scope.steps.forEach((step, s) => {
    last.step = s
    const place: PlanPlace = { scope: index, step: s }
    encodeOp(out, step.op, last, place)
    whole(step, place)
    if (step.instrs === undefined) return
    count(step.instrs.length, "instructions")
    step.instrs.forEach((instr, i) => {
      encodeOp(out, instr, last, { ...place, instr: i })
      const node = countable(step.nodes?.[i] as number, () => `${printPlace({ ...place, instr: i })} node`)
      out.signed(node - last.node)
      last.node = node
    })
  })
  return out.done()
}

/** A block has instructions, each with its node; no other step has any. */
function whole({ op, instrs, nodes }: PlanStep, place: PlanPlace): void {
  const wanted = op[0] === HAS_INSTRS ? "instructions with a node each" : "no instructions"
  if (op[0] === HAS_INSTRS ? instrs !== undefined && instrs.length === nodes?.length : !(instrs ?? nodes)) return
  const found = `${instrs?.length ?? "no"} with ${nodes?.length ?? "no"} nodes`
  throw new PlanError({
    reason: "unencodable",
    message: `Cannot encode ${printPlace(place)}: "${op[0]}" must have ${wanted}, found ${found}`,
    found,
    wanted,
    place,
  })
}

type AnyOp = readonly [OpName, ...(number | readonly number[])[]]

function encodeOp(out: Bytes, op: AnyOp, last: Last, place: PlanPlace): void {
  const layout = LAYOUT.get(op[0])
  if (layout === undefined || op.length !== layout.length + 1) {
    const found = `"${op[0]}" with ${op.length - 1}`
    const wanted = layout === undefined ? "an instruction of the table" : `"${op[0]}" with ${layout.length} operands`
    throw new PlanError({
      reason: "unencodable",
      message: `Cannot encode ${printPlace(place)}: it must be ${wanted}, found ${found}`,
      found,
      wanted,
      place,
    })
  }
  out.varint(OPS[op[0]].code)
  for (let o = 0; o < layout.length; o++) {
    const { form, name } = layout[o]!
    const value = op[o + 1]!
    if (form.list) {
      const list = value as readonly number[]
      out.varint(countable(list.length, () => `${printPlace(place)} "${name}"`))
      for (const x of list) encodeOperand(out, x, form, last, place, name)
    } else encodeOperand(out, value as number, form, last, place, name)
  }
}

function encodeOperand(out: Bytes, x: number, form: Form, last: Last, place: PlanPlace, name: string): void {
  countable(x, () => `${printPlace(place)} "${name}"`)
  out.signed(x - form.likely(last))
  if (form.moves !== undefined) last[form.moves] = x
}

/** Bytes being read; every way of not being what is wanted is a `PlanError` with the section and the offset. */
class Reader {
  at = 0
  readonly bytes: Uint8Array
  readonly section: string
  constructor(bytes: Uint8Array, section: string) {
    this.bytes = bytes
    this.section = section
  }
  fail(found: string, wanted: string, byte = this.at, reason: PlanError["reason"] = "malformed"): PlanError {
    return new PlanError({
      reason,
      message: `Cannot decode a plan: ${this.section} byte ${byte}: it must be ${wanted}, found ${found}`,
      section: this.section,
      byte,
      found,
      wanted,
    })
  }
  varint(): number {
    const start = this.at
    let x = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const b = this.bytes[this.at++]
      if (b === undefined) throw this.fail("the end", "a number", this.at - 1)
      x |= (b & 0x7f) << shift
      if (b < 0x80) {
        if (b === 0 && shift > 0)
          throw this.fail("a longer form", "the shortest form of a number", start, "not-canonical")
        return x
      }
    }
    throw this.fail("more than 28 bits", `a number up to ${COUNT_MAX}`, start)
  }
  /** A number that at least one byte each follows; refused before anything of its size is set aside. */
  count(what: string): number {
    const start = this.at
    const n = this.varint()
    if (n > this.bytes.length - this.at) throw this.fail(`${n}`, `a number of ${what} that fit in what follows`, start)
    return n
  }
  number(what: string): number {
    const start = this.at
    return this.within(this.varint(), what, start)
  }
  distance(likely: number, what: string): number {
    const start = this.at
    const z = this.varint()
    return this.within(likely + (z & 1 ? -(z + 1) / 2 : z / 2), what, start)
  }
  within(x: number, what: string, start: number): number {
    if (x >= 0 && x <= COUNT_MAX) return x
    throw this.fail(`${x}`, `${what} between 0 and ${COUNT_MAX}`, start)
  }
  end(): void {
    if (this.at < this.bytes.length) throw this.fail(`${this.bytes.length - this.at} bytes more`, "the end")
  }
}

/** The inverse of `encodeNumbers` for `n` numbers. */
export function decodeNumbers(bytes: Uint8Array, n: number, section: string): number[] {
  const r = new Reader(bytes, section)
  const out: number[] = []
  for (let i = 0; i < n; i++) out.push(r.number("a number"))
  r.end()
  return out
}

/** One scope from its bytes. Throws `PlanError`; what comes back has the shape of a scope, and nothing else is promised. */
export function decodeScope(bytes: Uint8Array, index: number): PlanScope {
  const r = new Reader(bytes, `scopes[${index}]`)
  const last = new Last(index)
  const params: number[] = []
  for (let n = r.count("parameters"); n > 0; n--) params.push(r.number("a type"))
  const slots = r.number("a number of slots")
  const result = r.number("a slot")
  const type = r.number("a type")
  const steps: PlanStep[] = []
  for (let n = r.count("steps"); n > 0; n--) {
    last.step = steps.length
    const op = decodeOp(r, "step", last) as PlanStep["op"]
    steps.push(op[0] === HAS_INSTRS ? { op, ...decodeInstrs(r, last) } : { op })
  }
  r.end()
  return { params, slots, steps, result, type }
}

/** The step that carries instructions. */
const HAS_INSTRS: StepName = "block"

function decodeInstrs(r: Reader, last: Last): Required<Pick<PlanStep, "instrs" | "nodes">> {
  const instrs: Instr[] = []
  const nodes: number[] = []
  for (let n = r.count("instructions"); n > 0; n--) {
    instrs.push(decodeOp(r, "instr", last) as Instr)
    nodes.push((last.node = r.distance(last.node, "a node")))
  }
  return { instrs, nodes }
}

function decodeOp(r: Reader, level: "step" | "instr", last: Last): AnyOp {
  const start = r.at
  const code = r.varint()
  const name = opByCode.get(code)
  if (name === undefined || OPS[name].level !== level) {
    throw r.fail(
      `0x${code.toString(16)}${name ? ` (${name})` : ""}`,
      level === "step" ? "a step" : "an instruction",
      start,
    )
  }
  const op: [OpName, ...(number | readonly number[])[]] = [name]
  const layout = LAYOUT.get(name)!
  for (let o = 0; o < layout.length; o++) {
    const { form, name: operand } = layout[o]!
    if (form.list) {
      const list: number[] = []
      for (let n = r.count(operand); n > 0; n--) list.push(decodeOperand(r, form, last, operand))
      op.push(list)
    } else op.push(decodeOperand(r, form, last, operand))
  }
  return op
}

function decodeOperand(r: Reader, form: Form, last: Last, operand: string): number {
  const x = r.distance(form.likely(last), operand)
  if (form.moves !== undefined) last[form.moves] = x
  return x
}
