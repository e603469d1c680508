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
 * Does steps `from` … on a frame's slots. Returns the number of the step after the last one done; a step that is pending
 * is returned as its complement (~step), with everything before it done. What a step throws is thrown, with
 * `Context.stepAt` and `instrAt` set.
 */
export type Straight = (s: unknown[], x: Context) => number

/** A step of a row. */
export interface Member {
  readonly step: StepCode
  /** Of a block; otherwise it is a function. */
  readonly block: BlockCode | undefined
  /** Its argument is what the function before it answered. */
  readonly linked: boolean
  /** Somebody but the function behind it takes its value. */
  readonly kept: boolean
}

/** The names that generated code may use, beside its own variables. */
const WORDS = { access, has, mapOf, text, over, gather, quantify, kept, outOfFuel }

/** A block as code: `run` is shared by all blocks of the same form, `params` are this one's slots and constants. */
export interface BlockCode {
  readonly run: ((s: unknown[], x: Context, p: readonly unknown[]) => void) | undefined
  readonly params: readonly unknown[]
}
type Run = NonNullable<BlockCode["run"]>

/** Blocks of at most so many instructions share code; larger ones are rarely alike, and run best with all written out. */
const SHARED_MAX = 12

/** May this host make functions of text? Hosts at the edge forbid it. */
export function mayTranslate(): boolean {
  try {
    return new Function("return true")() === true
  } catch {
    return false
  }
}

export class Translator {
  readonly #plan: Plan
  readonly #forms = new Map<string, Run>()

  constructor(plan: Plan) {
    this.#plan = plan
  }

  /** The code of a block. `stored`: slots that somebody beside it reads. */
  block(step: StepCode, stored: ReadonlySet<number>): BlockCode {
    const shared = (step.step.instrs?.length ?? 0) <= SHARED_MAX
    const w = new Writing(this.#plan, stored, shared)
    w.block(step)
    const source = w.source()
    let run = this.#forms.get(source)
    if (run === undefined) {
      run = (new Function("W", source) as (words: typeof WORDS) => Run)(WORDS)
      this.#forms.set(source, run)
    }
    return { run, params: w.params }
  }

  /**
   * Steps one after another. Each part is code of its own even where the text is the same: only so does an engine know
   * which function is called where, and need not look.
   */
  row(members: readonly Member[]): Straight {
    const given: unknown[] = []
    const names: string[] = []
    const give = (x: unknown): string => {
      const name = `g${given.push(x) - 1}`
      names.push(name)
      return name
    }
    const from = members[0]!.step.index
    const lines = members.map(({ step, block, linked, kept: stays }, i) => {
      if (block !== undefined) return `q=${i};${give(block.run)}(s,x,${give(block.params)});`
      const call = `q=${i};v=${give(step.execute)}(${linked ? "v" : `s[${step.arg}]`});`
      const quick = step.quick === "" ? "" : `typeof v!==${escaped(step.quick)}&&`
      const look = `if(${quick}(v=x.slow(${step.tool!.index},v))===PENDING)return ${~(from + i)};`
      return `${call}${look}${stays ? `s[${step.to}]=v;` : ""}`
    })
    const source = `"use strict";const [${names.join(",")}]=G;
return function(s,x){let q=0,v;x.instrAt=0;try{
${lines.join("\n")}
}catch(e){x.stepAt=${from}+q;throw e}return ${from + members.length}}`
    return (new Function("G", "PENDING", source) as (given: readonly unknown[], pending: symbol) => Straight)(
      given,
      PENDING,
    )
  }
}

class Writing {
  readonly params: unknown[] = []
  readonly plan: Plan
  /** Write slots and constants as parameters, so that the text depends on the form alone. */
  readonly shared: boolean
  /** What `each` and `attempt` regions close with, innermost last. */
  readonly open: string[] = []
  readonly #lines: string[] = []
  readonly #names = new Map<number, string>()
  readonly #stored: ReadonlySet<number>
  #fresh = 0

  constructor(plan: Plan, stored: ReadonlySet<number>, shared: boolean) {
    this.plan = plan
    this.#stored = stored
    this.shared = shared
  }

  source(): string {
    const declared = [...this.#names.values()].join(",")
    return `"use strict";const {access,has,mapOf,text,over,gather,quantify,kept,outOfFuel}=W;
return function(s,x,p){${declared === "" ? "" : `let ${declared};`}let q=0;try{
${this.#lines.join("\n")}
}catch(e){x.instrAt=q;throw e}}`
  }

  block(code: StepCode): void {
    const instrs = code.step.instrs ?? []
    // What the block reads is loaded before any region begins.
    for (const slot of code.reads) this.#lines.push(`${this.v(slot)}=s[${this.slot(slot)}];`)
    instrs.forEach((instr, q) => {
      if (FAILS.has(instr[0])) this.#lines.push(`q=${q};`)
      this.#lines.push((EMIT[instr[0]] as (i: Instr, w: Writing) => string)(instr, this))
    })
    const written = new Set(instrs.flatMap((instr) => slotsOf(instr).dst))
    for (const slot of written) if (this.#stored.has(slot)) this.#lines.push(`s[${this.slot(slot)}]=${this.v(slot)};`)
  }

  /** The variable that holds a slot inside the block, numbered in order of appearance. */
  v(slot: number): string {
    let name = this.#names.get(slot)
    if (name === undefined) this.#names.set(slot, (name = `v${this.#names.size}`))
    return name
  }
  slot(slot: number): string {
    return this.shared ? this.constant(slot) : String(slot)
  }
  /** A value that stands beside the code. */
  constant(value: unknown): string {
    return `p[${this.params.push(value) - 1}]`
  }
  fresh(): string {
    return `t${this.#fresh++}`
  }
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

const list = (slots: readonly number[], w: Writing): string => `[${slots.map((slot) => w.v(slot)).join(",")}]`
const two = (sign: string) => (i: readonly [string, number, number, number], w: Writing) =>
  `${w.v(i[1])}=${w.v(i[2])}${sign}${w.v(i[3])};`

function literal(value: Value, w: Writing): string {
  if (value === null || typeof value === "boolean") return String(value)
  if (w.shared) return w.constant(value)
  if (typeof value === "number" && Number.isFinite(value) && !Object.is(value, -0)) return `(${value})`
  if (typeof value === "string" && value.length < 64) return escaped(value)
  return w.constant(value)
}
/** JSON is JavaScript but for two line separators. */
const escaped = (s: string): string => JSON.stringify(s).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029")
const textOf = (constant: number, w: Writing): string => escaped(w.plan.constants[constant]!.value as string)

/** One rule for each instruction; forgetting one does not compile. */
const EMIT: { readonly [K in InstrName]: (instr: Instr<K>, w: Writing) => string } = {
  const: ([, to, k], w) => `${w.v(to)}=${literal(w.plan.constants[k]!.value, w)};`,
  copy: ([, to, a], w) => `${w.v(to)}=${w.v(a)};`,
  widen: ([, to, a], w) => `${w.v(to)}=${w.v(a)};`,
  accept: ([, to, a, t], w) => {
    const type = w.plan.types[t]!
    const { kind } = type
    const [from, into] = [w.v(a), w.v(to)]
    const look = `${w.constant(accept(type))}(${from})`
    const quick = kind === "number" || kind === "string" || kind === "boolean"
    return `${into}=${quick ? `typeof ${from}==="${kind}"?${from}:` : ""}${look};`
  },
  field: ([, to, a, name], w) => `${w.v(to)}=${w.v(a)}[${textOf(name, w)}];`,
  index: ([, to, a, b], w) => `${w.v(to)}=access(${w.v(a)},${w.v(b)},false);`,
  index_or_none: ([, to, a, b], w) => `${w.v(to)}=access(${w.v(a)},${w.v(b)},true);`,
  has: ([, to, a, name], w) => `${w.v(to)}=has(${w.v(a)},${textOf(name, w)});`,
  list: ([, to, items], w) => `${w.v(to)}=${list(items, w)};`,
  record: ([, to, names, values], w) => {
    const keys = w.plan.constants[names]!.value as readonly string[]
    // In brackets `__proto__` is a name like any other.
    const key = (k: string) => (k === "__proto__" ? `[${escaped(k)}]` : escaped(k))
    return `${w.v(to)}={${keys.map((k, i) => `${key(k)}:${w.v(values[i]!)}`).join(",")}};`
  },
  map_of: ([, to, entries], w) => `${w.v(to)}=mapOf(${list(entries, w)});`,
  text: ([, to, parts], w) => `${w.v(to)}=text(${list(parts, w)});`,
  call: ([, to, name, args], w) =>
    `${w.v(to)}=${w.constant(builtin(w.plan.constants[name]!.value as string))}(${list(args, w)});`,
  add: two("+"),
  sub: two("-"),
  mul: two("*"),
  div: two("/"),
  neg: ([, to, a], w) => `${w.v(to)}=-${w.v(a)};`,
  lt: two("<"),
  le: two("<="),
  gt: two(">"),
  ge: two(">="),
  eq: two("==="),
  ne: two("!=="),
  not: ([, to, a], w) => `${w.v(to)}=!${w.v(a)};`,
  if: ([, a], w) => {
    w.open.push("}")
    return `if(${w.v(a)}===true){`
  },
  else: () => "}else{",
  end: (_, w) => w.open.pop()!,
  attempt: ([, to], w) => {
    w.open.push(`${w.v(to)}=null}catch(e){${w.v(to)}=kept(e)}`)
    return "try{"
  },
  is_none: ([, to, a], w) => `${w.v(to)}=${w.v(a)}===null;`,
  raise: ([, a], w) => `throw ${w.v(a)};`,
  each: ([, to, from, int, item, index, result], w) => {
    const macro = macroOf(int)
    const [o, i] = [w.fresh(), w.fresh()]
    const head = `const ${o}=over(${w.v(from)},${isTwo(int)});`
    const bind = `${w.v(item)}=${o}.items[${i}];${w.v(index)}=${o}.keys===undefined?${i}:${o}.keys[${i}];`
    const begin = `if(--x.fuel.left<0)throw outOfFuel(x.fuel);${bind}`
    if (macro === "all" || macro === "exists") {
      w.open.push(`return ${w.v(result)};});}`)
      return `{${head}${w.v(to)}=quantify("${macro}",${o}.items,(${i})=>{${begin}`
    }
    const r = w.fresh()
    const gathered = macro === "map" ? r : `gather("${macro}",${o}.items,${r})`
    w.open.push(`${r}.push(${w.v(result)});}${w.v(to)}=${gathered};}`)
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
