/**
 * The one generator of host code from a plan: straight-line JavaScript for a run of steps, blocks and direct functions.
 * Small and deterministic, and the only place where code is made of data: it reads admitted plans only, emits operators,
 * numbered variables and JSON-escaped literals from the instruction table, and puts no text of the plan into code otherwise.
 */
import { accept, type Value } from "../graph/mod.ts"
import type { Instr, InstrName, Plan, PlanScope } from "../plan/mod.ts"
import { slotsOf } from "./io.ts"
import type { StepCode } from "./program.ts"
import {
  access,
  builtin,
  type Fuel,
  gather,
  has,
  isTwo,
  kept,
  macroOf,
  mapOf,
  outOfFuel,
  over,
  quantify,
  text,
} from "./words.ts"

/** What generated code is handed: run state, and the slow way for a function's answer. */
export interface Context {
  readonly fuel: Fuel
  /** The step and instruction that was last begun, for failures. */
  stepAt: number
  instrAt: number
  /**
   * An answer that is not simply of its port's type: judged, or, when it is a promise, kept. Returns the value, or
   * `PENDING` when the step has to wait.
   */
  readonly slow: (tool: number, answer: unknown) => unknown
}
export const PENDING: unique symbol = Symbol("pending")

/**
 * Runs steps `from` … `to` on a frame's slots. Returns the number of the step after the last one done; a step that is
 * pending is returned as its complement (~step), with everything before it done.
 */
export type Straight = (s: unknown[], x: Context) => number

/** The names that generated code may use, beside its own variables. */
const WORDS = { access, has, mapOf, text, over, gather, quantify, kept, outOfFuel }

export function translate(plan: Plan, steps: readonly StepCode[], stored: ReadonlySet<number>, from: number, to: number): Straight {
  const w = new Writing(plan, stored, steps)
  for (let i = from; i < to; i++) w.step(i)
  const source = w.source(to)
  // biome-ignore lint/security/noGlobalEval: see the head of this file; the source holds no text of the plan but JSON literals
  const make = new Function("W", "C", "F", "P", source) as (
    words: typeof WORDS,
    constants: readonly unknown[],
    fns: readonly unknown[],
    pending: symbol,
  ) => Straight
  return make(WORDS, w.constants, w.fns, PENDING)
}

class Writing {
  readonly constants: unknown[] = []
  readonly fns: unknown[] = []
  readonly plan: Plan
  readonly steps: readonly StepCode[]
  readonly #lines: string[] = []
  readonly #declared = new Set<number>()
  /** Slots that other steps or the result read: they are stored; all others are variables only. */
  readonly #stored: ReadonlySet<number>
  #fresh = 0

  constructor(plan: Plan, stored: ReadonlySet<number>, steps: readonly StepCode[]) {
    this.plan = plan
    this.steps = steps
    this.#stored = stored
  }

  source(end: number): string {
    const declared = [...this.#declared].sort((a, b) => a - b).map((v) => `v${v}`)
    const fns = this.fns.map((_, i) => `const f${i}=F[${i}];`).join("")
    const consts = this.constants.map((_, i) => `const c${i}=C[${i}];`).join("")
    return `"use strict";const {access,has,mapOf,text,over,gather,quantify,kept,outOfFuel}=W;${fns}${consts}
return function(s,x){${declared.length > 0 ? `let ${declared.join(",")};` : ""}let p=0,q=0;try{
${this.#lines.join("\n")}
return ${end}}catch(e){x.stepAt=p;x.instrAt=q;throw e}}`
  }

  step(i: number): void {
    const code = this.steps[i]!
    this.#lines.push(`p=${i};`)
    if (code.kind === "block") this.#block(code)
    else this.#invoke(code)
  }

  /** A variable that holds the slot; loaded where this code has not set it yet. */
  read(slot: number): string {
    if (!this.#declared.has(slot)) {
      this.#declared.add(slot)
      this.#lines.push(`v${slot}=s[${slot}];`)
    }
    return `v${slot}`
  }
  #write(slot: number): string {
    this.#declared.add(slot)
    return `v${slot}`
  }
  #store(slot: number): void {
    if (this.#stored.has(slot)) this.#lines.push(`s[${slot}]=v${slot};`)
  }

  #invoke(code: StepCode): void {
    const tool = code.tool!
    const arg = this.read(code.arg)
    const to = this.#write(code.to)
    const f = this.fns.push(tool.execute) - 1
    const kind = tool.output.kind
    const quick = kind === "number" || kind === "string" || kind === "boolean" ? `typeof ${to}!=="${kind}"&&` : ""
    this.#lines.push(`${to}=f${f}(${arg});if(${quick}(${to}=x.slow(${tool.index},${to}))===P)return ~${code.index};`)
    this.#store(code.to)
  }

  #block(code: StepCode): void {
    const instrs = code.step.instrs ?? []
    // Slots that a region sets are declared before it; what the block reads is loaded before any region begins.
    for (const slot of code.reads) this.read(slot)
    instrs.forEach((instr, q) => {
      this.#instr(instr, q)
    })
    const written = new Set(instrs.flatMap((instr) => slotsOf(instr).dst))
    for (const slot of written) this.#store(slot)
  }

  #instr(instr: Instr, q: number): void {
    for (const slot of slotsOf(instr).dst) this.#declared.add(slot)
    const [op] = instr
    if (FAILS.has(op)) this.#lines.push(`q=${q};`)
    this.#lines.push((EMIT[op] as (i: Instr, w: Writing) => string)(instr, this))
  }

  constant(value: unknown): string {
    return `c${this.constants.push(value) - 1}`
  }
  fresh(): string {
    return `t${this.#fresh++}`
  }
  /** What `each` regions close with, innermost last. */
  readonly open: string[] = []
}

/** Instructions that may fail: their place is noted first. */
const FAILS: ReadonlySet<InstrName> = new Set<InstrName>([
  "accept",
  "index",
  "index_or_none",
  "has",
  "map_of",
  "text",
  "call",
  "raise",
  "each",
])

const v = (slot: number): string => `v${slot}`
const list = (slots: readonly number[]): string => `[${slots.map(v).join(",")}]`
const two = (sign: string) => (i: readonly [string, number, number, number]) =>
  `${v(i[1])}=${v(i[2])}${sign}${v(i[3])};`

function literal(value: Value, w: Writing): string {
  if (value === null || typeof value === "boolean") return String(value)
  if (typeof value === "number" && Number.isFinite(value) && !Object.is(value, -0)) return `(${value})`
  if (typeof value === "string" && value.length < 64) return escaped(value)
  return w.constant(value)
}
/** JSON is JavaScript but for two line separators. */
const escaped = (s: string): string => JSON.stringify(s).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029")

/** One rule for each instruction; forgetting one does not compile. */
const EMIT: { readonly [K in InstrName]: (instr: Instr<K>, w: Writing) => string } = {
  const: ([, to, k], w) => `${v(to)}=${literal(w.plan.constants[k]!.value, w)};`,
  copy: ([, to, a]) => `${v(to)}=${v(a)};`,
  accept: ([, to, a, t], w) => {
    const type = w.plan.types[t]!
    const look = `${w.constant(accept(type))}(${v(a)})`
    const { kind } = type
    return kind === "number" || kind === "string" || kind === "boolean"
      ? `${v(to)}=typeof ${v(a)}==="${kind}"?${v(a)}:${look};`
      : `${v(to)}=${look};`
  },
  field: ([, to, a, name], w) => `${v(to)}=${v(a)}[${escaped(w.plan.constants[name]!.value as string)}];`,
  index: ([, to, a, b]) => `${v(to)}=access(${v(a)},${v(b)},false);`,
  index_or_none: ([, to, a, b]) => `${v(to)}=access(${v(a)},${v(b)},true);`,
  has: ([, to, a, name], w) => `${v(to)}=has(${v(a)},${escaped(w.plan.constants[name]!.value as string)});`,
  list: ([, to, items]) => `${v(to)}=${list(items)};`,
  record: ([, to, names, values], w) => {
    const keys = w.plan.constants[names]!.value as readonly string[]
    // In brackets `__proto__` is a name like any other.
    return `${v(to)}={${keys.map((k, i) => `${k === "__proto__" ? `[${escaped(k)}]` : escaped(k)}:${v(values[i]!)}`).join(",")}};`
  },
  map_of: ([, to, entries]) => `${v(to)}=mapOf(${list(entries)});`,
  text: ([, to, parts]) => `${v(to)}=text(${list(parts)});`,
  call: ([, to, name, args], w) =>
    `${v(to)}=${w.constant(builtin(w.plan.constants[name]!.value as string))}(${list(args)});`,
  add: two("+"),
  sub: two("-"),
  mul: two("*"),
  div: two("/"),
  neg: ([, to, a]) => `${v(to)}=-${v(a)};`,
  lt: two("<"),
  le: two("<="),
  gt: two(">"),
  ge: two(">="),
  eq: two("==="),
  ne: two("!=="),
  not: ([, to, a]) => `${v(to)}=!${v(a)};`,
  if: ([, a], w) => {
    w.open.push("}")
    return `if(${v(a)}===true){`
  },
  else: () => "}else{",
  end: (_, w) => w.open.pop()!,
  attempt: ([, to], w) => {
    w.open.push(`${v(to)}=null}catch(e){${v(to)}=kept(e)}`)
    return "try{"
  },
  is_none: ([, to, a]) => `${v(to)}=${v(a)}===null;`,
  raise: ([, a]) => `throw ${v(a)};`,
  each: ([, to, from, int, item, index, result], w) => {
    const macro = macroOf(int)
    const [o, i] = [w.fresh(), w.fresh()]
    const head = `const ${o}=over(${v(from)},${isTwo(int)});`
    const begin = `if(--x.fuel.left<0)throw outOfFuel();${v(item)}=${o}.items[${i}];${v(index)}=${o}.keys===undefined?${i}:${o}.keys[${i}];`
    if (macro === "all" || macro === "exists") {
      w.open.push(`return ${v(result)};});}`)
      return `{${head}${v(to)}=quantify("${macro}",${o}.items,(${i})=>{${begin}`
    }
    const r = w.fresh()
    const gathered = macro === "map" ? r : `gather("${macro}",${o}.items,${r})`
    w.open.push(`${r}.push(${v(result)});}${v(to)}=${gathered};}`)
    return `{${head}const ${r}=[];for(let ${i}=0;${i}<${o}.items.length;${i}++){${begin}`
  },
}

/** Slots that somebody beside a block's own instructions reads. */
export function crossing(scope: PlanScope, steps: readonly StepCode[]): ReadonlySet<number> {
  const out = new Set<number>([scope.result])
  for (const step of steps) {
    for (const slot of step.reads) out.add(slot)
    for (const body of step.bodies) for (const slot of body.captures) out.add(slot)
  }
  return out
}
