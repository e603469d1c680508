/**
 * The instruction table: every instruction once, with its number, its operands and one line of meaning. The codec, the
 * text form, the generated reference and the types of handlers all derive from it; nothing else lists instructions.
 * Two levels: a scope is a list of *steps* (what the scheduler sees); a `block` step holds *instructions* of pure,
 * synchronous work on slots, with structured regions (`if … else … end`), so that order and assignment can be checked.
 */

/** How an operand of each kind stands in memory. The meaning of a kind is what it points into. */
export interface OperandOf {
  /** A slot of the frame that is written. */
  dst: number
  /** A slot that is read. */
  src: number
  srcs: readonly number[]
  /** An index into the constants; `name`: one that is a string; `names` and `path`: one that is a list of strings. */
  const: number
  name: number
  names: number
  /** A path is relative to the scope. */
  path: number
  type: number
  extern: number
  scopes: readonly number[]
  int: number
  /** Indexes of earlier steps of the same scope. */
  steps: readonly number[]
}
export type OperandKind = keyof OperandOf

type Operand = readonly [kind: OperandKind, name: string]
export interface Op {
  readonly code: number
  readonly level: "step" | "instr"
  readonly operands: readonly Operand[]
  /** `open` starts a region, `middle` ends one and starts another, `close` ends one. */
  readonly region?: "open" | "middle" | "close"
  readonly about: string
}

const instr = <const O extends readonly Operand[]>(code: number, operands: O, about: string) => ({
  code,
  level: "instr" as const,
  operands,
  about,
})
const region = <const O extends readonly Operand[]>(
  code: number,
  kind: "open" | "middle" | "close",
  operands: O,
  about: string,
) => ({ code, level: "instr" as const, operands, about, region: kind })
const step = <const O extends readonly Operand[]>(code: number, operands: O, about: string) => ({
  code,
  level: "step" as const,
  operands,
  about,
})

const D = ["dst", "to"] as const
const A = ["src", "a"] as const
const B = ["src", "b"] as const
/** What every step but a block ends with: where it stands in the trace, and steps it waits for without using their values. */
const PATH = ["path", "path"] as const
const AFTER = ["steps", "after"] as const
/** Bodies: scope indexes, then the slots they capture, one body after another. A body's parameters: its binders, then its captures. */
const BODIES = ["scopes", "bodies"] as const
const CAPTURES = ["srcs", "captures"] as const

export const OPS = {
  // — instructions: values
  const: instr(0x01, [D, ["const", "value"]], "to ← a constant"),
  copy: instr(0x02, [D, A], "to ← a"),
  accept: instr(
    0x03,
    [D, A, ["type", "type"]],
    "to ← a, looked at as a value of the type; fails with Mismatch where it is not one",
  ),
  widen: instr(
    0x05,
    [D, A, ["type", "type"]],
    "to ← a, known from here on as no more than the type, of which it certainly is one",
  ),
  field: instr(0x04, [D, A, ["name", "name"]], "to ← the field of a record that certainly has it, by its type"),
  index: instr(0x06, [D, A, B], "to ← a[b] of a list, record, map or unknown value; its absence fails with Missing"),
  index_or_none: instr(0x07, [D, A, B], "to ← a[b], or null where there is none (of null, too)"),
  has: instr(0x08, [D, A, ["name", "name"]], "to ← is the field there?"),
  list: instr(0x09, [D, ["srcs", "items"]], "to ← a list of the items"),
  record: instr(0x0a, [D, ["names", "names"], ["srcs", "values"]], "to ← a record, names in canonical order"),
  map_of: instr(0x0b, [D, ["srcs", "entries"]], "to ← a map from keys and values by turns; fails with DuplicateKey"),
  text: instr(0x0c, [D, ["srcs", "parts"]], "to ← the parts as text, joined"),
  call: instr(0x0d, [D, ["name", "function"], ["srcs", "args"]], "to ← a function of the builtin table"),
  // — instructions: float64 and comparisons, the frequent ones without a table look-up
  add: instr(0x10, [D, A, B], "to ← a + b, float64"),
  sub: instr(0x11, [D, A, B], "to ← a − b, float64"),
  mul: instr(0x12, [D, A, B], "to ← a × b, float64"),
  div: instr(0x13, [D, A, B], "to ← a ÷ b, float64 (IEEE 754: x ÷ 0 is an infinity or NaN)"),
  neg: instr(0x14, [D, A], "to ← −a, float64"),
  lt: instr(0x15, [D, A, B], "to ← a < b, float64"),
  le: instr(0x16, [D, A, B], "to ← a ≤ b, float64"),
  gt: instr(0x17, [D, A, B], "to ← a > b, float64"),
  ge: instr(0x18, [D, A, B], "to ← a ≥ b, float64"),
  eq: instr(0x19, [D, A, B], "to ← a = b, for two numbers, two strings or two booleans"),
  ne: instr(0x1a, [D, A, B], "to ← a ≠ b, for two numbers, two strings or two booleans"),
  not: instr(0x1b, [D, A], "to ← not a"),
  // — instructions: regions. Both sides of an `if` assign the slots that are used after it.
  if: region(0x20, "open", [A], "the region up to `else` when a is true, the one after it when not"),
  else: region(0x21, "middle", [], "the other side of `if`"),
  end: region(0x22, "close", [], "end of a region"),
  attempt: region(
    0x23,
    "open",
    [["dst", "failed"]],
    "do the region; failed ← the failure it ended in, or null. Slots set inside count only where `failed` is null",
  ),
  is_none: instr(0x24, [D, A], "to ← is it null (no failure)?"),
  raise: instr(0x25, [["src", "failed"]], "fail with the failure that an `attempt` caught"),
  each: region(
    0x26,
    "open",
    [D, ["src", "over"], ["int", "macro"], ["dst", "item"], ["dst", "index"], ["src", "result"]],
    "the region for each item of a list or key of a map; to ← the results gathered as the macro says",
  ),
  // — steps
  block: step(0x40, [AFTER], "pure synchronous instructions, as one unit"),
  invoke: step(
    0x41,
    [D, ["extern", "extern"], ["src", "args"], PATH, AFTER],
    "call a tool or function; effect, resource and types are the extern's",
  ),
  invoke_with: step(
    0x42,
    [D, ["extern", "extern"], ["src", "args"], ["names", "roles"], BODIES, CAPTURES, PATH, AFTER],
    "call a tool that may itself run bodies of this graph, by role (binder: the record of arguments)",
  ),
  enter: step(0x43, [D, BODIES, CAPTURES, PATH, AFTER], "run a body once (a subgraph that was not inlined)"),
  when: step(
    0x44,
    [D, ["src", "test"], BODIES, CAPTURES, PATH, AFTER],
    "the first body when test is true, the second when not",
  ),
  switch: step(
    0x45,
    [D, ["src", "on"], ["names", "cases"], BODIES, CAPTURES, PATH, AFTER],
    "the body whose case equals `on`; one body more than cases is the default",
  ),
  map: step(
    0x46,
    [D, ["src", "over"], ["int", "parallel"], BODIES, CAPTURES, PATH, AFTER],
    "the body for each item (binders: item, index), at most `parallel` at once; results in item order",
  ),
  fold: step(
    0x47,
    [D, ["src", "over"], ["src", "from"], BODIES, CAPTURES, PATH, AFTER],
    "the body for each item in order (binders: accumulator, item, index)",
  ),
  loop: step(
    0x48,
    [D, ["src", "from"], ["int", "max"], BODIES, CAPTURES, PATH, AFTER],
    "while the first body (binders: state, index) is true, state ← the second; fails with LoopBound",
  ),
  catch: step(
    0x49,
    [D, BODIES, CAPTURES, PATH, AFTER],
    "the first body; when it fails, the second (binder: the failure as a record)",
  ),
} as const satisfies Record<string, Op>

export type OpName = keyof typeof OPS
export type StepName = { [K in OpName]: (typeof OPS)[K]["level"] extends "step" ? K : never }[OpName]
export type InstrName = Exclude<OpName, StepName>

type InMemory<O extends readonly Operand[]> = { -readonly [I in keyof O]: OperandOf[O[I][0]] }
type Operands<K extends OpName> = InMemory<(typeof OPS)[K]["operands"]>
/** An instruction in memory: its name, then its operands in the table's order. */
export type Instr<K extends InstrName = InstrName> = { [N in K]: readonly [N, ...Operands<N>] }[K]
/** A step in memory. A `block` carries its instructions beside its operands (`plan.ts`). */
export type Step<K extends StepName = StepName> = { [N in K]: readonly [N, ...Operands<N>] }[K]

/** The macros of `each`, by number. */
export const MACROS = ["map", "filter", "all", "exists", "exists_one", "sort_by", "sum_by"] as const
export type Macro = (typeof MACROS)[number]
/** `each` carries its macro's number, plus this where the author's form has two variables (of a map: value and key). */
export const TWO_VARIABLES = 16

/** How many parameters a step binds in each of its bodies, before the captures: one number, or one for each body. */
const BINDERS: { readonly [K in StepName]?: number | readonly number[] } = {
  map: 2,
  fold: 3,
  loop: 2,
  catch: [0, 1],
  invoke_with: 1,
}
export const bindersOf = (op: StepName, body: number): number => {
  const b = BINDERS[op]
  return b === undefined ? 0 : typeof b === "number" ? b : (b[body] ?? 0)
}

export const opByCode: ReadonlyMap<number, OpName> = new Map(
  Object.entries(OPS).map(([name, op]) => [op.code, name as OpName]),
)
