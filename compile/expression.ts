/**
 * Expressions to instructions. One block at a time: values that stay inside it live in temporary slots, which are used
 * again as soon as their last reader is through.
 */
import {
  BUILTINS,
  compareKeys,
  type Expr,
  infer,
  isRecord,
  lit,
  resolveCall,
  sameType,
  subtype,
  T,
  type Type,
  typeOfValue,
  type Value,
  withParts,
} from "../graph/mod.ts"
import { comesBack, type Instr, MACROS, TWO_VARIABLES } from "../plan/mod.ts"
import { certain, elementTypes, entryType, fieldType } from "./access.ts"
import type { Tables } from "./tables.ts"

/** A value in a slot, with the type that the plan's own rules give it. */
export interface Held {
  readonly slot: number
  readonly type: Type
  /** The slot goes back when the reader is through. */
  readonly temp: boolean
}

/** What an operation wants written. */
export interface Written {
  readonly expr: Expr
  readonly path: readonly string[]
  /** The value is looked at as this type. */
  readonly accept: Type | undefined
  /** The type that the operation's name stands for. */
  readonly type: Type
}

export class BlockWriter {
  readonly instrs: Instr[] = []
  /** For each instruction the constant of its node's path. */
  readonly nodes: number[] = []
  #path = 0
  #next: number
  highest: number
  readonly #free: number[] = []
  readonly #tables: Tables
  readonly #types: ReadonlyMap<string, Type>
  readonly #lookUp: (name: string) => Held
  readonly #locals = new Map<string, Held>()
  #notes = new Map<Expr, Type>()

  /** `temps`: the first slot that the block may use for itself. */
  constructor(tables: Tables, types: ReadonlyMap<string, Type>, lookUp: (name: string) => Held, temps: number) {
    this.#tables = tables
    this.#types = types
    this.#lookUp = lookUp
    this.#next = temps
    this.highest = temps
  }

  temp(): number {
    const slot = this.#free.pop() ?? this.#next++
    this.highest = Math.max(this.highest, this.#next)
    return slot
  }
  release(held: Held): void {
    if (held.temp) this.#free.push(held.slot)
  }

  /** Writes an operation's expression. The value ends in `to`, or in a slot of the block's choice. */
  value({ expr, path, accept, type }: Written, to: number | undefined): Held {
    this.#path = this.#tables.texts(path)
    const own = fresh(expr)
    this.#notes = new Map()
    const found = infer(own, this.#types, (e, t) => this.#notes.set(e, t)).type
    if (accept !== undefined) return this.#as("accept", accept, this.#into(own, undefined), to)
    // What its author declared, or what folding has narrowed: others rely on the type that the checker saw.
    if (!sameType(found, type)) return this.#as("widen", type, this.#into(own, undefined), to)
    // A second name for a value gets a slot of its own: the first one's may be used again before this one's readers are through.
    return own.op === "ref" && to === undefined ? { ...this.#into(own, this.temp()), temp: true } : this.#into(own, to)
  }

  #as(op: "accept" | "widen", type: Type, raw: Held, to: number | undefined): Held {
    this.release(raw)
    const slot = to ?? this.temp()
    this.#emit([op, slot, raw.slot, this.#tables.type(type)])
    return { slot, type, temp: to === undefined }
  }

  #emit(instr: Instr): void {
    this.instrs.push(instr)
    this.nodes.push(this.#path)
  }

  /** The expression's value in `to`; where that is left open, wherever it is already, or in a temporary slot. */
  #into(e: Expr, to: number | undefined): Held {
    if (e.op === "ref") return this.#reference(e, to)
    return this.#written(e, to)
  }

  #written(e: Exclude<Expr, { op: "ref" }>, to: number | undefined): Held {
    const type = this.#notes.get(e) ?? T.unknown
    const target = () => to ?? this.temp()
    const held = (slot: number): Held => ({ slot, type, temp: to === undefined })
    switch (e.op) {
      case "const": {
        if (!comesBack(e.value, typeOfValue(e.value))) return this.#into(this.#built(e.value), to)
        const slot = target()
        this.#emit(["const", slot, this.#tables.constant(e.value)])
        return { slot, type: typeOfValue(e.value), temp: to === undefined }
      }
      case "field":
        return this.#field(e, type, to)
      case "index": {
        const [of, key] = [this.#into(e.of, undefined), this.#into(e.at, undefined)]
        this.release(key)
        this.release(of)
        const slot = target()
        this.#emit([e.optional === true ? "index_or_none" : "index", slot, of.slot, key.slot])
        return held(slot)
      }
      case "has": {
        const of = this.#into(e.of, undefined)
        this.release(of)
        const slot = target()
        this.#emit(["has", slot, of.slot, this.#tables.text(e.name)])
        return held(slot)
      }
      case "call":
        return this.#call(e, type, to)
      case "if":
        return this.#choice(e, type, to)
      case "and":
      case "or":
        return this.#logic(e, to)
      case "list": {
        const items = e.items.map((x) => this.#into(x, undefined))
        for (const x of items) this.release(x)
        const slot = target()
        this.#emit(["list", slot, items.map((x) => x.slot)])
        return held(slot)
      }
      case "record": {
        const fields = e.fields.map(([name, x]) => ({ name, x: this.#into(x, undefined) }))
        fields.sort((a, b) => compareKeys(a.name, b.name))
        for (const { x } of fields) this.release(x)
        const slot = target()
        this.#emit(["record", slot, this.#tables.texts(fields.map((f) => f.name)), fields.map((f) => f.x.slot)])
        return held(slot)
      }
      case "map": {
        const entries = e.entries.flatMap(([k, x]) => [this.#into(k, undefined), this.#into(x, undefined)])
        for (const x of entries) this.release(x)
        const slot = target()
        this.#emit(["map_of", slot, entries.map((x) => x.slot)])
        return held(slot)
      }
      case "text": {
        const parts = e.parts.map((x) => this.#into(x, undefined))
        for (const x of parts) this.release(x)
        const slot = target()
        this.#emit(["text", slot, parts.map((x) => x.slot)])
        return held(slot)
      }
      case "each":
        return this.#each(e, type, to)
    }
  }

  /** A constant in parts, each of which comes back from its bytes as it was. */
  #built(v: Value): Expr {
    const made: Expr = Array.isArray(v)
      ? { op: "list", items: v.map((x) => this.#built(x)) }
      : isRecord(v)
        ? { op: "record", fields: Object.entries(v).map(([k, x]) => [k, this.#built(x)] as const) }
        : { op: "const", value: v }
    this.#notes.set(made, typeOfValue(v))
    return made
  }

  /** A name. Where the flow has narrowed its type, the value is looked at once more: slots keep the type they were made with. */
  #reference(e: Extract<Expr, { op: "ref" }>, to: number | undefined): Held {
    const held = this.#locals.get(e.name) ?? this.#lookUp(e.name)
    const known = this.#notes.get(e)
    if (known !== undefined && subtype(held.type, known) !== "yes") {
      const slot = to ?? this.temp()
      this.#emit(["accept", slot, held.slot, this.#tables.type(known)])
      return { slot, type: known, temp: to === undefined }
    }
    if (to === undefined) return { ...held, temp: false }
    this.#emit(["copy", to, held.slot])
    return { slot: to, type: held.type, temp: false }
  }

  #field(e: Extract<Expr, { op: "field" }>, type: Type, to: number | undefined): Held {
    const of = this.#into(e.of, undefined)
    if (e.optional !== true && certain(of.type, e.name)) {
      this.release(of)
      const slot = to ?? this.temp()
      this.#emit(["field", slot, of.slot, this.#tables.text(e.name)])
      return this.#narrow({ slot, type: fieldType(of.type, e.name), temp: to === undefined }, type)
    }
    const key = this.temp()
    this.#emit(["const", key, this.#tables.constant(e.name)])
    this.#free.push(key)
    this.release(of)
    const slot = to ?? this.temp()
    const or = e.optional === true
    this.#emit([or ? "index_or_none" : "index", slot, of.slot, key])
    return this.#narrow({ slot, type: entryType(of.type, e.name, or), temp: to === undefined }, type)
  }

  /** A value whose type the flow has narrowed is looked at in place. */
  #narrow(held: Held, type: Type): Held {
    if (subtype(held.type, type) === "yes") return held
    this.#emit(["accept", held.slot, held.slot, this.#tables.type(type)])
    return { ...held, type }
  }

  #call(e: Extract<Expr, { op: "call" }>, type: Type, to: number | undefined): Held {
    const given = e.args.map((x) => this.#notes.get(x) ?? T.unknown)
    // A whole number that is written beside an int64 is one.
    const whole = given.some((t) => t.kind === "int64") && resolveCall(BUILTINS.get(e.fn)!, given) === undefined
    const args = e.args.map((x) => this.#into(whole ? int64Constant(x) : x, undefined))
    for (const x of args) this.release(x)
    const slot = to ?? this.temp()
    const quick = QUICK[e.fn]
    const fits =
      quick !== undefined && args.length === quick.args && args.every((x) => quick.takes(x.type, args[0]!.type))
    if (fits && args.length === 1) this.#emit([quick.op as "neg", slot, args[0]!.slot])
    else if (fits) this.#emit([quick.op as "add", slot, args[0]!.slot, args[1]!.slot])
    else this.#emit(["call", slot, this.#tables.text(e.fn), args.map((x) => x.slot)])
    return { slot, type, temp: to === undefined }
  }

  #boolean(e: Expr): Held {
    const held = this.#into(e, undefined)
    if (held.type.kind === "boolean" || held.type.kind === "never") return held
    this.release(held)
    const slot = this.temp()
    this.#emit(["accept", slot, held.slot, this.#tables.type(T.boolean)])
    return { slot, type: T.boolean, temp: true }
  }

  #choice(e: Extract<Expr, { op: "if" }>, type: Type, to: number | undefined): Held {
    const test = this.#boolean(e.test)
    this.release(test)
    const slot = to ?? this.temp()
    this.#emit(["if", test.slot])
    this.#into(e.then, slot)
    this.#emit(["else"])
    this.#into(e.else, slot)
    this.#emit(["end"])
    return { slot, type, temp: to === undefined }
  }

  /** Short circuit; where the left side may fail, its failure is kept until the right side has had its say. */
  #logic(e: Extract<Expr, { op: "and" | "or" }>, to: number | undefined): Held {
    const decides = e.op === "or"
    const slot = to ?? this.temp()
    const result: Held = { slot, type: T.boolean, temp: to === undefined }
    if (!this.#mayFail(e.left)) {
      const left = this.#boolean(e.left)
      this.release(left)
      this.#emit(["if", left.slot])
      const right = () => this.#booleanInto(e.right, slot)
      const decided = () => this.#emit(["const", slot, this.#tables.constant(decides, T.boolean)])
      if (decides) decided()
      else right()
      this.#emit(["else"])
      if (decides) right()
      else decided()
      this.#emit(["end"])
      return result
    }
    const [failed, fine, left, failed2, fine2, right] = [
      this.temp(),
      this.temp(),
      this.temp(),
      this.temp(),
      this.temp(),
      this.temp(),
    ]
    const undecided: boolean = !decides
    this.#emit(["attempt", failed])
    this.#booleanInto(e.left, left)
    this.#emit(["end"])
    this.#emit(["is_none", fine, failed])
    // From here on `slot` says: the left side has not decided.
    this.#emit(["if", fine])
    if (undecided) this.#emit(["copy", slot, left])
    else this.#emit(["not", slot, left])
    this.#emit(["else"])
    this.#emit(["const", slot, this.#tables.constant(true, T.boolean)])
    this.#emit(["end"])
    this.#emit(["if", slot])
    this.#emit(["attempt", failed2])
    this.#booleanInto(e.right, right)
    this.#emit(["end"])
    this.#emit(["is_none", fine2, failed2])
    this.#emit(["if", fine2])
    this.#emit(["copy", slot, right])
    this.#emit(["if", slot])
    this.#whenUndecided(decides, fine, failed, slot)
    this.#emit(["else"])
    this.#whenUndecided(!decides, fine, failed, slot)
    this.#emit(["end"])
    this.#emit(["else"])
    this.#emit(["if", fine])
    this.#emit(["raise", failed2])
    this.#emit(["else"])
    this.#emit(["raise", failed])
    this.#emit(["end"])
    this.#emit(["end"])
    this.#emit(["else"])
    this.#emit(["const", slot, this.#tables.constant(decides, T.boolean)])
    this.#emit(["end"])
    for (const t of [failed, fine, left, failed2, fine2, right]) this.#free.push(t)
    return result
  }

  /** The right side has a value: it decides, or the left side's failure comes after all, or neither decided. */
  #whenUndecided(rightDecides: boolean, fine: number, failed: number, slot: number): void {
    if (rightDecides) return
    this.#emit(["if", fine])
    this.#emit(["else"])
    this.#emit(["raise", failed])
    this.#emit(["end"])
    void slot
  }

  #booleanInto(e: Expr, to: number): void {
    const held = this.#into(e, to)
    if (held.type.kind !== "boolean" && held.type.kind !== "never")
      this.#emit(["accept", to, to, this.#tables.type(T.boolean)])
  }

  #mayFail(e: Expr): boolean {
    const env = new Map(this.#types)
    for (const [name, held] of this.#locals) env.set(name, held.type)
    const found = infer(e, env)
    return found.mayFail || found.type.kind !== "boolean"
  }

  #gathered(body: Expr, own: boolean, anything: boolean): Held {
    if (!own) return anything ? this.#into(body, undefined) : this.#boolean(body)
    const slot = this.temp()
    if (anything) return { ...this.#into(body, slot), temp: true }
    this.#booleanInto(body, slot)
    return { slot, type: T.boolean, temp: true }
  }

  #each(e: Extract<Expr, { op: "each" }>, type: Type, to: number | undefined): Held {
    const over = this.#into(e.over, undefined)
    const slot = to ?? this.temp()
    const [item, index] = [this.temp(), this.temp()]
    const outer = [this.#locals.get(e.item), e.index === undefined ? undefined : this.#locals.get(e.index)] as const
    const element = elementTypes(over.type, e.index !== undefined)
    this.#locals.set(e.item, { slot: item, type: element.item, temp: false })
    if (e.index !== undefined) this.#locals.set(e.index, { slot: index, type: element.index, temp: false })
    const at = this.instrs.length
    this.#emit(["each", slot, over.slot, 0, item, index, 0])
    // What is gathered must be set anew in each round: a name from outside is copied.
    const own = e.body.op === "ref" && e.body.name !== e.item && e.body.name !== e.index
    const result = this.#gathered(e.body, own, e.macro === "map" || e.macro === "sort_by" || e.macro === "sum_by")
    this.#emit(["end"])
    this.instrs[at] = [
      "each",
      slot,
      over.slot,
      MACROS.indexOf(e.macro) + (e.index === undefined ? 0 : TWO_VARIABLES),
      item,
      index,
      result.slot,
    ]
    restore(this.#locals, e.item, outer[0])
    if (e.index !== undefined) restore(this.#locals, e.index, outer[1])
    this.release(result)
    this.#free.push(index, item)
    this.release(over)
    // The checker knows of what a filter keeps; the plan knows what it went over.
    const gathered = e.macro === "filter" ? T.list(element.item) : type
    return this.#narrow({ slot, type: gathered, temp: to === undefined }, type)
  }
}

const int64Constant = (e: Expr): Expr =>
  e.op === "const" && typeof e.value === "number" && Number.isSafeInteger(e.value) ? lit(BigInt(e.value)) : e

const restore = (locals: Map<string, Held>, name: string, was: Held | undefined): void => {
  if (was === undefined) locals.delete(name)
  else locals.set(name, was)
}

/** A copy in which no part is shared, so that each occurrence can have a type of its own. */
const fresh = (e: Expr): Expr => (e.op === "ref" || e.op === "const" ? { ...e } : deep(withParts(e, fresh), e))
const deep = (made: Expr, was: Expr): Expr => (made === was ? { ...made } : made)

interface Quick {
  readonly op: string
  readonly args: number
  readonly takes: (t: Type, first: Type) => boolean
}
const isNumber = (t: Type): boolean => t.kind === "number"
const plainKind = (t: Type): string | undefined =>
  t.kind === "number" || t.kind === "boolean" ? t.kind : t.kind === "string" || t.kind === "enum" ? "string" : undefined
const alike = (t: Type, first: Type): boolean => plainKind(t) !== undefined && plainKind(t) === plainKind(first)
const arithmetic = (op: string): Quick => ({ op, args: 2, takes: isNumber })
/** Builtins that have an instruction of their own for some types. */
const QUICK: { readonly [fn: string]: Quick } = {
  "+": arithmetic("add"),
  "-": arithmetic("sub"),
  "*": arithmetic("mul"),
  "/": arithmetic("div"),
  "<": arithmetic("lt"),
  "<=": arithmetic("le"),
  ">": arithmetic("gt"),
  ">=": arithmetic("ge"),
  neg: { op: "neg", args: 1, takes: isNumber },
  "==": { op: "eq", args: 2, takes: alike },
  "!=": { op: "ne", args: 2, takes: alike },
  "!": { op: "not", args: 1, takes: (t) => t.kind === "boolean" },
}
