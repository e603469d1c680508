/**
 * A plan as text: one line a step, and with `verbose` one line an instruction. What a line says comes from the operand
 * kinds of the instruction table, so a new instruction prints by itself. The text is for people and for golden tests; it
 * is stable, and it prints any plan that decodes, right or wrong: what points at nothing is printed as `?`.
 */
import { printCel, printDuration, printType, type Value } from "../graph/mod.ts"
import { type Instr, MACROS, OPS, type OperandKind, TWO_VARIABLES } from "./ops.ts"
import type { Extern, Plan, PlanScope, PlanStep } from "./plan.ts"
import { show } from "./shape.ts"
import { type At, type Marks, marksOf } from "./speculation.ts"
import { blockSlots, type StepIo, stepIo } from "./step_io.ts"

export interface DisasmOptions {
  /** Print the instructions of blocks, too. */
  readonly verbose?: boolean
}

/** The whole plan. `hash` is its `planHash`; the first twelve digits are printed. */
export function disasm(plan: Plan, hash: string, options: DisasmOptions = {}): string {
  const steps = plan.scopes.reduce((n, s) => n + s.steps.length, 0)
  const facts = [`format ${plan.format}`, `${steps} steps  ${plan.scopes[0]?.slots ?? 0} slots`]
  if (plan.needs.length > 0) facts.push(`needs ${plan.needs.join(" ")}`)
  for (const { at, grants } of plan.narrowed ?? [])
    facts.push(`within ${at.join(".")} only ${grants.join(" ") || "nothing"}`)
  if (plan.onFailure !== undefined) facts.push(`on failure ${plan.onFailure}`)
  const lines = [`plan ${plan.name} ${hash.slice(0, 12)}…   ${facts.join("   ")}`]
  const listing = new Listing(plan, options.verbose === true)
  for (let i = 0; i < plan.scopes.length; i++) listing.scope(i, lines)
  for (const { path, extern, args } of plan.undos ?? []) {
    const x = plan.externs[extern]
    const said = [x?.resource ?? "", settings(x)].filter((s) => s !== "").join("   ")
    lines.push("", `undo ${path.join(".")}   ${x?.kind ?? "?"} ← ${printCel(args)}   ${said}`.trimEnd())
  }
  return `${lines.join("\n")}\n`
}

/** One instruction: `v3 ← add v1 v2`. Slots are named as in `scope`. */
export const printInstr = (plan: Plan, scope: number, instr: Instr): string => print(plan, scope, instr)

class Listing {
  readonly #plan: Plan
  readonly #verbose: boolean
  readonly #effects: readonly string[]
  readonly #labels: readonly (readonly string[])[]
  readonly #marks: readonly (readonly Marks[])[] | undefined
  /** For each scope the label of the step that it is a body of, and how that names it. */
  readonly #owners = new Map<number, string>()

  constructor(plan: Plan, verbose: boolean) {
    this.#plan = plan
    this.#verbose = verbose
    this.#effects = scopeEffects(plan)
    this.#labels = labelsOf(plan, this.#effects)
    this.#marks = marksOf(plan)
  }

  #effect(step: PlanStep): string {
    return stepEffect(this.#plan, step, this.#effects)
  }

  scope(index: number, lines: string[]): void {
    const scope = this.#plan.scopes[index]!
    const carried = carriedSlots(scope)
    const rows = scope.steps.map((step, s) => this.#row(index, scope, step, s, carried))
    const widths = [0, 1, 2, 3].map((c) => rows.reduce((w, r) => Math.max(w, Math.min(WIDE, r[c]!.length)), 0))
    if (index > 0) {
      const params = scope.params.map((t, p) => `${slotName(index, scope, p)} ${typeName(this.#plan, t)}`)
      lines.push("", `scope ${index} of ${this.#owners.get(index) ?? "?"}   ${params.join("  ")}`.trimEnd())
    }
    rows.forEach((row, s) => {
      lines.push(
        row
          .map((cell, c) => (c < 4 ? cell.padEnd(widths[c]!) : cell))
          .join("  ")
          .trimEnd(),
      )
      if (this.#verbose) for (const line of this.#instrs(index, scope.steps[s]!)) lines.push(line)
    })
    lines.push(`    return ${slotName(index, scope, scope.result)}`)
  }

  /** Label, effect, what it is, slots, and what else there is to say. */
  #row(index: number, scope: PlanScope, step: PlanStep, s: number, carried: ReadonlySet<number>): readonly string[] {
    const io = stepIo(step)
    const label = this.#labels[index]![s]!
    const block = step.instrs === undefined ? undefined : blockSlots(step.instrs)
    const reads = block?.reads ?? io.reads
    const writes = block?.writes.filter((w) => carried.has(w)) ?? io.writes
    const slots = (xs: readonly number[]) => xs.map((x) => slotName(index, scope, x)).join(" ")
    io.bodies.forEach((body, b) => {
      const words = this.#words(io.words)
      const as = words[b] ?? (words.length > 0 ? "otherwise" : undefined)
      if (body > index) this.#owners.set(body, `${label}${as === undefined ? "" : ` ${as}`}`)
    })
    const rest = [
      this.#words(io.path).join("."),
      io.extern === undefined ? "" : (this.#plan.externs[io.extern]?.resource ?? ""),
      io.extern === undefined ? "" : settings(this.#plan.externs[io.extern]),
      marked(this.#marks?.[index]?.[s], this.#labels, index),
      io.bodies.length === 0 ? "" : `→ ${io.bodies.map((b) => `scope ${b}`).join(" ")}`,
      io.after.length === 0 ? "" : `after ${io.after.map((a) => this.#labels[index]![a] ?? "?").join(" ")}`,
    ]
    return [
      label,
      this.#effect(step),
      this.#what(step, io),
      `${slots(writes)} ← ${slots(reads)}`.trim(),
      rest.filter((r) => r !== "").join("   "),
    ]
  }

  #what(step: PlanStep, io: StepIo): string {
    const kind = io.extern === undefined ? step.op[0] : (this.#plan.externs[io.extern]?.kind ?? "?")
    if (step.instrs !== undefined) return `${kind} ${step.instrs.length}`
    return io.int === undefined ? kind : `${kind} ${SIGNS[io.int[0]] ?? `${io.int[0]} `}${io.int[1]}`
  }

  #words(constant: number | undefined): readonly string[] {
    const value = constant === undefined ? undefined : this.#plan.constants[constant]?.value
    return Array.isArray(value) ? value.map((w) => (typeof w === "string" ? w : "?")) : []
  }

  #instrs(index: number, step: PlanStep): string[] {
    let depth = 0
    let before = ""
    return (step.instrs ?? []).map((instr, i) => {
      const region = "region" in OPS[instr[0]] ? (OPS[instr[0]] as { region: string }).region : ""
      if (region === "middle" || region === "close") depth = Math.max(0, depth - 1)
      const node = this.#words(step.nodes?.[i]).join(".")
      const text = `      ${"  ".repeat(Math.min(depth, 40))}${print(this.#plan, index, instr)}`
      const line = node === before ? text : `${text.padEnd(56)} ; ${node}`
      before = node
      if (region === "middle" || region === "open") depth++
      return line
    })
  }
}

/** Labels of steps: `e0` touches the world, `b0` is pure, numbered over the whole plan. */
export function labelsOf(plan: Plan, effects = scopeEffects(plan)): readonly (readonly string[])[] {
  let touching = 0
  let pure = 0
  return plan.scopes.map((s) =>
    s.steps.map((step) => (stepEffect(plan, step, effects) === "pure" ? `b${pure++}` : `e${touching++}`)),
  )
}

/** What looking ahead may do with each step, a line each, in words. Nothing where no read may be called on a guess. */
export function explainMarks(plan: Plan): readonly { readonly at: string; readonly what: string }[] {
  const labels = labelsOf(plan)
  return (marksOf(plan) ?? []).flatMap((row, index) =>
    row.flatMap(({ guess, again, early, waits }, s) => {
      const path = stepIo(plan.scopes[index]!.steps[s]!).path
      const words = path === undefined ? [] : (plan.constants[path]?.value as readonly string[])
      const redone = namesOf(
        again.map((step) => ({ scope: index, step })),
        labels,
      )
      const what = [
        ...(early ? ["may be called on a guess"] : []),
        ...(guess
          ? [
              `may be guessed; after a wrong guess ${redone || "what follows"} ${again.length === 1 ? "is" : "are"} done again`,
            ]
          : []),
        ...(waits.length > 0
          ? [`waits until ${namesOf(waits, labels)} ${waits.length === 1 ? "is" : "are"} certain`]
          : []),
      ].join("; ")
      return what === "" ? [] : [{ at: `${labels[index]![s]} ${words.join(".")}`, what }]
    }),
  )
}

/** Where the outcome may be guessed: what is done again when the guess was wrong. Where a write waits: for what. */
function marked(marks: Marks | undefined, labels: readonly (readonly string[])[], scope: number): string {
  if (marks === undefined) return ""
  const { guess, again, waits } = marks
  const said = [
    guess
      ? `guess ↺ ${
          fewSteps(
            again.map((step) => ({ scope, step })),
            labels,
          ) || "what follows"
        }`
      : "",
    waits.length > 0 ? `certain ${fewSteps(waits, labels)}` : "",
  ]
  return said.filter((s) => s !== "").join("   ")
}

const namesOf = (steps: readonly At[], labels: readonly (readonly string[])[]): string =>
  steps.map(({ scope, step }) => labels[scope]![step]).join(" ")
const fewSteps = (steps: readonly At[], labels: readonly (readonly string[])[]): string =>
  steps.length > 6 ? `${steps.length} steps` : namesOf(steps, labels)

/** Columns are not made wider than this by one long cell. */
const WIDE = 40
const SIGNS: { readonly [operand: string]: string } = { parallel: "×", max: "≤" }

const RANK: { readonly [effect: string]: number } = { pure: 0, read: 1, write: 2 }
const greatest = (a: string, b: string): string => (RANK[a]! >= RANK[b]! ? a : b)

/** The greatest effect of each scope; bodies have greater indexes, anything else counts as `pure` here. */
function scopeEffects(plan: Plan): readonly string[] {
  const effects: string[] = plan.scopes.map(() => "pure")
  for (let i = plan.scopes.length - 1; i >= 0; i--) {
    effects[i] = plan.scopes[i]!.steps.reduce((e, step) => greatest(e, stepEffect(plan, step, effects)), "pure")
  }
  return effects
}

function stepEffect(plan: Plan, step: PlanStep, scopes: readonly string[]): string {
  const io = stepIo(step)
  const own = io.extern === undefined ? "pure" : (plan.externs[io.extern]?.effect ?? "pure")
  return io.bodies.reduce((e, body) => greatest(e, scopes[body] ?? "pure"), own as string)
}

/** Slots that some step reads at its start, or that the scope ends in: a block's other slots are its own affair. */
function carriedSlots(scope: PlanScope): ReadonlySet<number> {
  const carried = new Set([scope.result])
  for (const step of scope.steps) {
    const reads = step.instrs === undefined ? stepIo(step).reads : blockSlots(step.instrs).reads
    for (const slot of reads) carried.add(slot)
  }
  return carried
}

function slotName(index: number, scope: PlanScope | undefined, slot: number): string {
  if (slot < (scope?.params.length ?? 0)) return index === 0 ? "in" : `p${slot}`
  return `v${slot}`
}

const typeName = (plan: Plan, type: number): string => {
  const t = plan.types[type]
  return t === undefined ? "?" : printType(t)
}

/** How an operand of each kind is written in an instruction. */
const WRITTEN: { readonly [K in OperandKind]: (x: number, plan: Plan, scope: number) => string } = {
  dst: (x, plan, scope) => slotName(scope, plan.scopes[scope], x),
  src: (x, plan, scope) => slotName(scope, plan.scopes[scope], x),
  srcs: (x, plan, scope) => slotName(scope, plan.scopes[scope], x),
  const: (x, plan) => literal(plan.constants[x]?.value),
  name: (x, plan) => literal(plan.constants[x]?.value),
  names: (x, plan) => literal(plan.constants[x]?.value),
  path: (x, plan) => literal(plan.constants[x]?.value),
  type: (x, plan) => typeName(plan, x),
  extern: (x, plan) => plan.externs[x]?.kind ?? "?",
  scopes: (x) => `scope ${x}`,
  int: (x) =>
    MACROS[x % TWO_VARIABLES] === undefined ? `${x}` : `${MACROS[x % TWO_VARIABLES]}${x >= TWO_VARIABLES ? "2" : ""}`,
  steps: (x) => `step ${x}`,
}

function literal(v: Value | undefined): string {
  if (v === undefined) return "?"
  if (!Array.isArray(v) || v.length > 8) return show(v)
  return `[${v.map((x) => show(x)).join(" ")}]`
}

function print(plan: Plan, scope: number, instr: Instr): string {
  const layout: readonly (readonly [OperandKind, string])[] = OPS[instr[0]].operands
  const several = layout.filter(([kind]) => kind === "dst").length > 1
  const to: string[] = []
  const rest: string[] = []
  layout.forEach(([kind, operand], o) => {
    const x = instr[o + 1] as number | readonly number[]
    const text = (Array.isArray(x) ? x : [x]).map((n) => WRITTEN[kind](n, plan, scope)).join(" ")
    if (kind === "dst" && to.length === 0) to.push(`${text} ←`)
    else rest.push(several && (kind === "dst" || kind === "src") ? `${operand} ${text}` : text)
  })
  return [...to, instr[0], ...rest].filter((t) => t !== "").join(" ")
}

/** What an extern's settings say, in the order in which people ask. */
function settings(extern: Extern | undefined): string {
  if (extern === undefined) return ""
  const { timeoutMs, retry, cacheMs, shadow, speculate, valid } = extern.settings
  const said = [
    timeoutMs === undefined ? "" : `timeout ${printDuration(timeoutMs)}`,
    retry === undefined ? "" : `retry ${retry.times}`,
    cacheMs === undefined ? "" : `cache ${printDuration(cacheMs)}`,
    shadow === undefined ? "" : `shadow ≤${Number((shadow.error * 100).toPrecision(6))}%`,
    speculate === true ? "speculate" : "",
    valid === undefined ? "" : `valid ${printCel(valid)}`,
  ]
  return said.filter((s) => s !== "").join("  ")
}
