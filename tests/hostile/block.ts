/**
 * The machine's way with a block: every value is looked at before it is used, and what a region leaves behind is forgotten
 * where nobody may count on it.
 */
import {
  accept,
  accepts,
  access,
  BUILTINS,
  Failure,
  fail,
  has,
  isRecord,
  put,
  sortBy,
  sortedKeys,
  sumOf,
  textOf,
  type Value,
} from "../../graph/mod.ts"
import { type Instr, MACROS, type Plan, TWO_VARIABLES } from "../../plan/mod.ts"
import { Flow } from "./chance.ts"
import { type Frame, type Held, wrong } from "./frame.ts"

/** Runs the instructions of a block, looking at every value before it is used. */
export class Block {
  readonly #plan: Plan
  readonly #frame: Frame
  readonly #by: number
  readonly #burn: () => void
  readonly #me = {}
  #written: number[] = []

  constructor(plan: Plan, frame: Frame, by: number, burn: () => void) {
    this.#plan = plan
    this.#frame = frame
    this.#by = by
    this.#burn = burn
  }

  run(instrs: readonly Instr[]): void {
    const end = this.#region(instrs, 0)
    if (end !== instrs.length) wrong("a region is closed that nobody opened")
  }

  #get(slot: number): Held {
    const cell = this.#frame.cells[slot]
    if (cell === undefined || cell.by < 0) return wrong(`slot ${slot} is read and holds nothing`)
    if (cell.block !== this.#me && cell.by !== this.#frame.makers(this.#by - this.#frame.params)[slot]) {
      return wrong(`slot ${slot} is read and holds what another block left`)
    }
    return cell.value
  }
  #value(slot: number): Value {
    const v = this.#get(slot)
    if (v instanceof Failure || v instanceof Flow) return wrong(`slot ${slot} is no plain value`)
    return v
  }
  #number(slot: number): number {
    const v = this.#get(slot)
    return typeof v === "number" ? v : wrong(`slot ${slot} is no number`)
  }
  #boolean(slot: number): boolean {
    const v = this.#get(slot)
    return typeof v === "boolean" ? v : wrong(`slot ${slot} is no boolean`)
  }
  #set(slot: number, value: Held): void {
    if (slot < this.#frame.params) wrong(`slot ${slot} is a parameter and is written`)
    this.#frame.cells[slot] = { value, by: this.#by, block: this.#me }
    this.#written.push(slot)
  }

  #forget(slots: readonly number[]): void {
    for (const slot of slots) this.#frame.cells[slot] = { value: null, by: -1, block: this.#me }
  }

  /** Runs from `i` to the `else` or `end` of its region, and returns its index. */
  #region(instrs: readonly Instr[], i: number): number {
    while (i < instrs.length) {
      const instr = instrs[i]!
      this.#burn()
      if (instr[0] === "else" || instr[0] === "end") return i
      if (instr[0] === "if" || instr[0] === "attempt" || instr[0] === "each") {
        const middle = skip(instrs, i + 1)
        if (instr[0] === "if") {
          if (instrs[middle]?.[0] !== "else") wrong("an `if` without `else`")
          const end = skip(instrs, middle + 1)
          this.#region(instrs, this.#boolean(instr[1]) ? i + 1 : middle + 1)
          i = end + 1
          continue
        }
        if (instr[0] === "attempt") this.#attempt(instrs, i, instr[1])
        else this.#each(instrs, i, instr)
        i = middle + 1
        continue
      }
      this.#simple(instr)
      i++
    }
    return i
  }

  #attempt(instrs: readonly Instr[], i: number, to: number): void {
    let failure: Failure | null = null
    const before = this.#written
    this.#written = []
    try {
      this.#region(instrs, i + 1)
    } catch (e) {
      if (!(e instanceof Failure)) throw e
      failure = e
      this.#forget(this.#written)
    }
    this.#written = [...before, ...this.#written]
    this.#set(to, failure)
  }

  #each(instrs: readonly Instr[], at: number, [, to, from, int, item, index, result]: Instr<"each">): void {
    const macro = MACROS[int % TWO_VARIABLES] ?? wrong("no macro")
    const over = this.#value(from)
    const keys = isRecord(over) ? sortedKeys(over) : undefined
    if (!Array.isArray(over) && keys === undefined) throw fail("Mismatch", "nothing to go over")
    const all =
      keys === undefined
        ? (over as readonly Value[])
        : int >= TWO_VARIABLES
          ? keys.map((k) => (over as { [k: string]: Value })[k]!)
          : keys
    const results = all.map((x, i) => {
      let found: Value = null
      const before = this.#written
      this.#written = []
      try {
        this.#set(item, x)
        this.#set(index, keys === undefined ? i : keys[i]!)
        this.#region(instrs, at + 1)
        if (!this.#written.includes(result)) wrong("an `each` gathers what was not made in its round")
        found = this.#value(result)
      } finally {
        const wrote = this.#written
        this.#written = [...before, ...wrote]
        this.#forget(wrote)
      }
      return found
    })
    const tests = () => results.map((r) => (typeof r === "boolean" ? r : wrong("a test that is no boolean")))
    const gathered: { readonly [m in (typeof MACROS)[number]]: () => Value } = {
      map: () => results,
      filter: () => tests().flatMap((r, i) => (r ? [all[i]!] : [])),
      all: () => tests().every((r) => r),
      exists: () => tests().some((r) => r),
      exists_one: () => tests().filter((r) => r).length === 1,
      sort_by: () =>
        sortBy(
          "sortBy",
          all.map((x, i) => ({ x, k: results[i]! })),
          (p) => p.k,
        ).map((p) => p.x),
      sum_by: () => sumOf("sumBy", results),
    }
    this.#set(to, gathered[macro]())
  }

  #simple(instr: Exclude<Instr, Instr<"if" | "else" | "end" | "attempt" | "each">>): void {
    const text = (constant: number): string => {
      const { value } = this.#plan.constants[constant]!
      return typeof value === "string" ? value : wrong("a name that is no text")
    }
    switch (instr[0]) {
      case "const":
        return this.#set(instr[1], this.#plan.constants[instr[2]]!.value)
      case "copy":
        return this.#set(instr[1], this.#get(instr[2]))
      case "widen": {
        const value = this.#value(instr[2])
        if (!accepts(this.#plan.types[instr[3]]!)(value)) wrong("a value is widened to a type that it is not of")
        return this.#set(instr[1], value)
      }
      case "accept":
        return this.#set(instr[1], accept(this.#plan.types[instr[3]]!)(this.#value(instr[2])))
      case "field": {
        const of = this.#value(instr[2])
        const name = text(instr[3])
        if (!isRecord(of) || !Object.hasOwn(of, name)) return wrong(`a field "${name}" that is not there`)
        return this.#set(instr[1], of[name]!)
      }
      case "index":
      case "index_or_none":
        return this.#set(instr[1], access(this.#value(instr[2]), this.#value(instr[3]), instr[0] === "index_or_none"))
      case "has":
        return this.#set(instr[1], has(this.#value(instr[2]), text(instr[3])))
      case "list":
        return this.#set(
          instr[1],
          instr[2].map((s) => this.#value(s)),
        )
      case "record": {
        const names = this.#plan.constants[instr[2]]!.value as readonly string[]
        if (names.length !== instr[3].length) wrong("a record with names for other values")
        return this.#set(instr[1], Object.fromEntries(names.map((n, i) => [n, this.#value(instr[3][i]!)])))
      }
      case "map_of": {
        const out: { [key: string]: Value } = {}
        for (let k = 0; k < instr[2].length; k += 2) {
          const key = this.#value(instr[2][k]!)
          if (typeof key !== "string") wrong("a key that is no text")
          put(out, key, this.#value(instr[2][k + 1]!))
        }
        return this.#set(instr[1], out)
      }
      case "text":
        return this.#set(instr[1], instr[2].map((s) => textOf(this.#value(s))).join(""))
      case "call": {
        const fn = BUILTINS.get(text(instr[2])) ?? wrong("a function that is not there")
        return this.#set(instr[1], fn.apply(instr[3].map((s) => this.#value(s))))
      }
      case "neg":
        return this.#set(instr[1], -this.#number(instr[2]))
      case "not":
        return this.#set(instr[1], !this.#boolean(instr[2]))
      case "is_none":
        return this.#set(instr[1], this.#get(instr[2]) === null)
      case "raise": {
        const failure = this.#get(instr[1])
        if (!(failure instanceof Failure)) return wrong("a failure that is none is raised")
        throw failure
      }
      case "eq":
      case "ne": {
        const [a, b] = [this.#value(instr[2]), this.#value(instr[3])]
        if (typeof a !== typeof b || !["number", "string", "boolean"].includes(typeof a))
          wrong("unlike things compared")
        return this.#set(instr[1], (a === b) === (instr[0] === "eq"))
      }
      default:
        return this.#set(instr[1], NUMERIC[instr[0]](this.#number(instr[2]), this.#number(instr[3])))
    }
  }
}

const NUMERIC: {
  readonly [op in "add" | "sub" | "mul" | "div" | "lt" | "le" | "gt" | "ge"]: (a: number, b: number) => Value
} = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
}

/** The `else` or `end` that closes the region which starts at `i`. */
function skip(instrs: readonly Instr[], i: number): number {
  for (let depth = 0; i < instrs.length; i++) {
    const [op] = instrs[i]!
    if (op === "if" || op === "attempt" || op === "each") depth++
    else if (op === "end" && depth-- === 0) return i
    else if (op === "else" && depth === 0) return i
  }
  return wrong("a region that is never closed")
}
