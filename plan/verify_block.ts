/**
 * Walks the instructions of one block: what each slot holds at each point, through regions, without running anything.
 * The walk keeps, for every slot that the block touches, what is known of its value; a region logs what it changes, so
 * that its end can join, drop or condition it. No recursion: regions are a stack with a bound.
 */
import { T, type Type } from "../graph/mod.ts"
import type { PlanPlace } from "./error.ts"
import { type Instr, TWO_VARIABLES } from "./ops.ts"
import type { PlanStep } from "./plan.ts"
import { refuse } from "./rules.ts"
import { INSTR_TYPES } from "./verify_instrs.ts"
import type { ScopeWalk } from "./verify_scope.ts"

/** Regions inside one another, and `each` among them. */
export const REGION_NESTING_MAX = 1024
export const EACH_NESTING_MAX = 64
/** What a slot costs at the end of each region that changed it, in elementary steps. */
const JOIN_COST = 256

/** What is known of a boolean: that it says whether a slot holds nothing. */
interface Test {
  readonly slot: number
  readonly since: number
  readonly attempt: number
  /** True when the boolean is true where there is nothing. */
  readonly none: boolean
}

/** What is known of a slot at a point of the block. */
interface Local {
  /** `outer`: still what was there before the block. `lost`: not to be read. `after`: there if the attempt succeeded. */
  readonly kind: "value" | "outer" | "lost" | "after"
  /** The instruction that assigned it; −1 before the block. */
  readonly since: number
  readonly type: Type
  /** The attempt whose failure it is (`value`), or that must have succeeded (`after`); −1 for neither. */
  readonly attempt: number
  readonly failure: boolean
  /** A failure that is certainly there. */
  readonly present: boolean
  readonly test: Test | undefined
  /** The text that it is, where a constant says so. */
  readonly text: string | undefined
}

interface Region {
  readonly kind: "if" | "else" | "attempt" | "each"
  readonly start: number
  /** What slots held when the region began, for those that it changed. */
  readonly before: Map<number, Local | undefined>
  /** Of `else`: what the other side left, and whether it ever got to its end. */
  readonly then: ReadonlyMap<number, Local | undefined>
  readonly thenDead: boolean
  /** The attempt that is known to have succeeded on this side, or −1; and the test that the other side is decided by. */
  active: number
  readonly test: Test | undefined
  /** The instruction that opened it; of an `each` the type of an item. */
  readonly instr: Instr
  readonly item: Type
}

const valueOf = (type: Type, since: number): Local => ({
  kind: "value",
  since,
  type,
  attempt: -1,
  failure: false,
  present: false,
  test: undefined,
  text: undefined,
})
const LOST: Local = { ...valueOf(T.never, -1), kind: "lost" }
const NOTHING: ReadonlyMap<number, Local | undefined> = new Map()
const untouched = (l: Local | undefined): boolean => l === undefined || l.kind === "outer"

export class BlockWalk {
  readonly scope: ScopeWalk
  readonly #place: { scope: number; step: number; instr: number }
  readonly #locals: (Local | undefined)[]
  readonly #touched: number[] = []
  readonly #regions: Region[] = []
  /** How often each attempt is known, here, to have succeeded. */
  readonly #active = new Map<number, number>()
  #each = 0
  /** Nothing can get here: a failure was raised on every way. */
  #dead = false
  /** For each slot the outermost open `each` that has read it from before itself: its depth and its start. */
  readonly #readOutside = new Map<number, { depth: number; start: number }>()
  /** For each slot the last instruction that wrote it, on whatever side of an `if`. */
  readonly #wrote = new Map<number, number>()
  /** Slots read before the block wrote them, and slots written. */
  readonly reads = new Set<number>()
  readonly writes = new Set<number>()

  constructor(scope: ScopeWalk, place: PlanPlace, locals: (Local | undefined)[]) {
    this.scope = scope
    this.#place = { scope: place.scope, step: place.step!, instr: 0 }
    this.#locals = locals
  }

  get at(): PlanPlace {
    return this.#place
  }

  /** Walks the block. Afterwards `reads` and `writes` are known, and `left` says what a slot was left with. */
  run(step: PlanStep): void {
    const { instrs = [], nodes = [] } = step
    for (let i = 0; i < instrs.length; i++) {
      this.#place.instr = i
      const instr = instrs[i]!
      this.scope.operands(instr, "instr", this.#place)
      this.scope.path(nodes[i]!, this.#place)
      this.#instr(instr, i)
    }
    if (this.#regions.length > 0) {
      refuse("P030", this.#place, "a region", "closed by the end of the block", `"${this.#top()!.instr[0]}" open`)
    }
  }

  /** The type of what the block leaves in a slot that it wrote, or undefined where that is not certain or no value. */
  left(slot: number): Type | undefined {
    const l = this.#locals[slot]
    return l !== undefined && l.kind === "value" && !l.failure ? l.type : undefined
  }

  /** Forgets the block, so that the next one finds the slots untouched. */
  forget(): void {
    for (const slot of this.#touched) this.#locals[slot] = undefined
  }

  #top(): Region | undefined {
    return this.#regions[this.#regions.length - 1]
  }

  #instr(instr: Instr, i: number): void {
    switch (instr[0]) {
      case "copy": {
        const from = this.#look(instr[2])
        return this.#assign(instr[1], { ...from, kind: "value", since: i, attempt: from.failure ? from.attempt : -1 })
      }
      case "const": {
        const { value, type } = this.scope.plan.constants[instr[2]]!
        const text = typeof value === "string" ? value : undefined
        return this.#assign(instr[1], { ...valueOf(this.scope.plan.types[type]!, i), text })
      }
      case "not": {
        const from = this.#look(instr[2])
        this.want(instr[2], T.boolean, "a")
        const test = from.test && { ...from.test, none: !from.test.none }
        return this.#assign(instr[1], { ...valueOf(T.boolean, i), test })
      }
      case "is_none": {
        const from = this.#look(instr[2])
        const test = { slot: instr[2], since: from.since, attempt: from.failure ? from.attempt : -1, none: true }
        return this.#assign(instr[1], { ...valueOf(T.boolean, i), test })
      }
      case "if": {
        this.want(instr[1], T.boolean, "a")
        return this.#openIf(instr, i)
      }
      case "else":
        return this.#else(i)
      case "attempt":
      case "each":
        return this.#open(instr, i)
      case "end":
        return this.#close(i)
      case "raise":
        return this.#raise(instr[1])
      default:
        return this.write(instr[1], this.#typeOf(instr))
    }
  }

  #typeOf<K extends keyof typeof INSTR_TYPES>(instr: Instr<K>): Type {
    const rule = INSTR_TYPES[instr[0] as K] as (walk: BlockWalk, instr: Instr<K>) => Type
    return rule(this, instr)
  }

  /** The type of a slot that must hold a value here. */
  read(slot: number): Type {
    const l = this.#look(slot)
    if (l.failure) refuse("P035", this.#place, `slot ${slot}`, "a value", "a failure")
    return l.type
  }

  /** The text that a slot is known to hold. */
  textIn(slot: number): string | undefined {
    return this.#look(slot).text
  }

  /** The type of a slot that must hold a value that certainly is one of `type`. */
  want(slot: number, type: Type, operand: string): Type {
    const found = this.read(slot)
    this.scope.certain("P040", this.#place, `"${operand}" (slot ${slot})`, found, type)
    return found
  }

  write(slot: number, type: Type): void {
    this.#assign(slot, valueOf(type, this.#place.instr))
  }

  #look(slot: number): Local {
    let l = this.#locals[slot]
    if (l === undefined) {
      l = { ...valueOf(this.scope.outer(slot, this.#place), -1), kind: "outer" }
      this.#touched.push(slot)
      this.#locals[slot] = l
    }
    if (l.kind === "outer") this.#outer(slot)
    else if (l.kind === "lost") {
      refuse(
        "P031",
        this.#place,
        `slot ${slot}`,
        "assigned on every way to here",
        "a way that does not, or that overwrote it",
      )
    } else if (l.kind === "after" && (this.#active.get(l.attempt) ?? 0) === 0) {
      const wanted = "read where its `attempt` is known to have succeeded"
      refuse("P032", this.#place, `slot ${slot}`, wanted, "a place where that is not known")
    }
    if (this.#each > 0) this.#noteOutside(slot, l.since)
    return l
  }

  /** Whoever schedules the block takes its reads from the list of instructions alone; they have to be evident there. */
  #outer(slot: number): void {
    if (this.#wrote.has(slot)) {
      const wanted = "read from before the block before any instruction writes it"
      refuse("P024", this.#place, `slot ${slot}`, wanted, `a write by instruction ${this.#wrote.get(slot)}`)
    }
    this.reads.add(slot)
  }

  /** Remembers that an `each` reads the slot from before itself: it may not write it, or its next round would see that. */
  #noteOutside(slot: number, since: number): void {
    const regions = this.#regions
    let depth = -1
    for (let d = regions.length - 1; d >= 0 && regions[d]!.start > since; d--)
      if (regions[d]!.kind === "each") depth = d
    if (depth < 0) return
    if ((this.#wrote.get(slot) ?? -1) >= regions[depth]!.start) this.#carried(slot)
    const known = this.#readOutside.get(slot)
    if (known !== undefined && known.depth <= depth && regions[known.depth]?.start === known.start) return
    this.#readOutside.set(slot, { depth, start: regions[depth]!.start })
  }

  #carried(slot: number): never {
    const wanted = "left alone inside an `each` that reads it from before itself"
    refuse("P033", this.#place, `slot ${slot}`, wanted, "a write")
  }

  #assign(slot: number, local: Local): void {
    this.scope.writable(slot, this.#place)
    const outside = this.#readOutside.get(slot)
    if (outside !== undefined && this.#regions[outside.depth]?.start === outside.start) this.#carried(slot)
    this.writes.add(slot)
    this.#wrote.set(slot, this.#place.instr)
    this.#set(slot, local)
  }

  #set(slot: number, local: Local | undefined): void {
    const old = this.#locals[slot]
    if (old === undefined) this.#touched.push(slot)
    const region = this.#top()
    if (region !== undefined && !region.before.has(slot)) region.before.set(slot, old)
    this.#locals[slot] = local
  }

  #push(instr: Instr, kind: Region["kind"], start: number, more: Partial<Region> = {}): void {
    if (this.#regions.length >= REGION_NESTING_MAX) {
      refuse("P030", this.#place, "regions", `nested at most ${REGION_NESTING_MAX} deep`, "more")
    }
    const rest = { then: NOTHING, thenDead: false, active: -1, test: undefined, item: T.never, ...more }
    this.#regions.push({ kind, start, instr, before: new Map(), ...rest })
  }

  #openIf(instr: Instr<"if">, i: number): void {
    const { test } = this.#look(instr[1])
    this.#push(instr, "if", i, { test })
    this.#know(test, true)
  }

  /** What is known on a side of an `if` whose test says whether a slot holds nothing. */
  #know(test: Test | undefined, side: boolean): void {
    if (test === undefined) return
    const none = test.none === side
    if (none && test.attempt >= 0) {
      this.#top()!.active = test.attempt
      this.#active.set(test.attempt, (this.#active.get(test.attempt) ?? 0) + 1)
    }
    const l = this.#locals[test.slot]
    if (none || l === undefined || l.since !== test.since || (l.kind !== "value" && l.kind !== "outer")) return
    this.#set(test.slot, l.failure ? { ...l, present: true } : { ...l, type: this.scope.types.withoutNull(l.type) })
  }

  #else(i: number): void {
    const region = this.#regions.pop()
    if (region?.kind !== "if") {
      refuse("P030", this.#place, "`else`", "inside an `if`", region ? `inside "${region.kind}"` : "outside")
    }
    this.#unknow(region)
    const then = this.#undo(region)
    this.#push(region.instr, "else", i, { then, thenDead: this.#dead, test: region.test })
    this.#dead = false
    this.#know(region.test, false)
  }

  #unknow(region: Region): void {
    if (region.active >= 0) this.#active.set(region.active, this.#active.get(region.active)! - 1)
  }

  /** Puts back what was there before the region; gives what the region had made of it. */
  #undo(region: Region): Map<number, Local | undefined> {
    this.scope.types.pay(JOIN_COST * region.before.size)
    const after = new Map<number, Local | undefined>()
    for (const [slot, old] of region.before) {
      after.set(slot, this.#locals[slot])
      this.#locals[slot] = old
    }
    return after
  }

  #open(instr: Instr<"attempt"> | Instr<"each">, i: number): void {
    if (instr[0] === "attempt") return this.#push(instr, "attempt", i)
    const [, , over, macro, item, index] = instr
    const types = this.scope.types.items(this.read(over), macro >= TWO_VARIABLES)
    if (types === undefined) refuse("P040", this.#place, `"over" (slot ${over})`, "a list or a map", "another type")
    if (item === index) refuse("P033", this.#place, "item and index", "two slots", `slot ${item} for both`)
    if (++this.#each > EACH_NESTING_MAX) {
      refuse("P030", this.#place, "`each`", `nested at most ${EACH_NESTING_MAX} deep`, "more")
    }
    this.#push(instr, "each", i, { item: types[0] })
    this.write(item, types[0])
    this.write(index, types[1])
  }

  #close(i: number): void {
    const region = this.#top()
    if (region === undefined) refuse("P030", this.#place, "`end`", "inside a region", "outside")
    if (region.kind === "if") refuse("P030", this.#place, "`if`", "closed after its `else`", "`end` without it")
    if (region.kind === "else") return this.#join(i)
    if (region.kind === "attempt") return this.#closeAttempt(region)
    this.#closeEach(region)
  }

  #join(i: number): void {
    const region = this.#regions.pop()!
    this.#unknow(region)
    const other = this.#undo(region)
    const elseDead = this.#dead
    this.#dead = elseDead && region.thenDead
    for (const slot of new Set([...region.then.keys(), ...other.keys()])) {
      const then = region.then.has(slot) ? region.then.get(slot) : this.#locals[slot]
      const or = other.has(slot) ? other.get(slot) : this.#locals[slot]
      this.#set(slot, region.thenDead ? or : elseDead ? then : this.#both(then, or, i))
    }
  }

  /** What is known of a slot after two ways meet. */
  #both(a: Local | undefined, b: Local | undefined, i: number): Local | undefined {
    if (a === b) return a
    if (untouched(a) && untouched(b) && (a === undefined || b === undefined)) return undefined
    if (a === undefined || b === undefined || a.kind !== b.kind || a.kind === "lost" || a.failure !== b.failure) {
      return LOST
    }
    if (a.kind === "after") return a.attempt === b.attempt && a.since === b.since ? a : LOST
    return {
      kind: a.kind,
      since: a.since === b.since ? a.since : i,
      type: a.failure ? a.type : this.scope.types.union([a.type, b.type]),
      attempt: a.attempt === b.attempt ? a.attempt : -1,
      failure: a.failure,
      present: a.present && b.present,
      test: a.test === b.test ? a.test : undefined,
      text: a.text === b.text ? a.text : undefined,
    }
  }

  #closeAttempt(region: Region): void {
    this.#regions.pop()
    const attempt = region.start
    for (const [slot, now] of this.#undo(region)) {
      const old = this.#locals[slot]
      if (now === undefined || now.kind === "outer" || now.since === old?.since) continue
      const certain = now.kind === "value" && !now.failure && !this.#dead
      this.#set(slot, certain ? { ...now, kind: "after", attempt, test: undefined } : LOST)
    }
    this.#dead = false
    const failure = { ...valueOf(T.never, this.#place.instr), attempt, failure: true }
    this.#assign((region.instr as Instr<"attempt">)[1], failure)
  }

  #closeEach(region: Region): void {
    const [, to, , macro, , , result] = region.instr as Instr<"each">
    let type: Type = T.never
    if (!this.#dead) {
      type = this.read(result)
      if (this.#locals[result]!.since < region.start) {
        refuse("P033", this.#place, `"result" (slot ${result})`, "assigned inside its `each`", "assigned before")
      }
    }
    this.#regions.pop()
    this.#each--
    this.#dead = false
    for (const [slot, now] of this.#undo(region)) {
      if (now === undefined || now.kind === "outer" || now.since === this.#locals[slot]?.since) continue
      this.#set(slot, LOST)
    }
    this.write(to, this.scope.gathered(macro, region.item, type, this.#place))
  }

  #raise(slot: number): void {
    const l = this.#look(slot)
    if (!l.failure) refuse("P034", this.#place, `slot ${slot}`, "a failure that an `attempt` caught", "a value")
    if (!l.present)
      refuse("P034", this.#place, `slot ${slot}`, "a failure that is known to be there", "one that may not be")
    if (this.#regions.length === 0) refuse("P034", this.#place, "`raise`", "inside a region", "outside")
    this.#dead = true
  }
}
