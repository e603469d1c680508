/**
 * Labels through the instructions of a block: each works on labels as it does on values, both sides of an `if` are walked,
 * and what was decided on has a say in what comes out. One pass: nothing in a block goes round.
 */
import { callLabel, gathered, type Label, label as lb } from "../graph/mod.ts"
import { type Instr, type InstrName, MACROS, TWO_VARIABLES } from "./ops.ts"
import type { Plan } from "./plan.ts"

/** Everything that a part of a plan took or gave: what a failure in it may tell. */
export class Seen {
  all: Label = lb.CLEAN
  add(label: Label): void {
    if (label.any !== 0n) this.all = lb.join(this.all, lb.whole(label))
  }
}

interface Region {
  readonly kind: "if" | "else" | "attempt" | "each"
  readonly instr: Instr
  /** What was decided on, or gone over. */
  readonly on: Label
  /** What slots held when the region first wrote them. */
  readonly before: Map<number, Label | undefined>
  /** Of `else`: what the other side made, and whether it always fails. */
  readonly then: ReadonlyMap<number, Label | undefined>
  readonly thenDead: boolean
  /** Of `attempt`: all that was read in it. */
  readonly seen: Seen
}

const NOTHING: ReadonlyMap<number, Label | undefined> = new Map()

/** Walks a block, and leaves the labels of what it wrote in `slots`. */
export function blockLabels(plan: Plan, instrs: readonly Instr[], slots: Map<number, Label>, seen: Seen): void {
  const walk = new BlockLabels(plan, slots, seen)
  for (const instr of instrs) walk.instr(instr)
}

type Regional = "if" | "else" | "end" | "attempt" | "each" | "raise"
type Plain = Exclude<InstrName, Regional>
type LabelRule<K extends Plain> = (walk: BlockLabels, instr: Instr<K>) => Label
type Two = readonly [string, number, number, number]
type One = readonly [string, number, number, ...unknown[]]

const both = (walk: BlockLabels, [, , a, b]: Two): Label =>
  lb.textless(lb.join(lb.whole(walk.read(a)), lb.whole(walk.read(b))))
const same = (walk: BlockLabels, [, , a]: One): Label => walk.read(a)
const bit = (walk: BlockLabels, [, , a]: One): Label => lb.textless(walk.read(a))
const under = (walk: BlockLabels, [, , a, b]: Two): Label => lb.under(walk.read(a), walk.read(b))

const LABELS: { readonly [K in Plain]: LabelRule<K> } = {
  const: (walk, [, , value]) => lb.written(walk.plan.constants[value]!.value),
  copy: same,
  widen: same,
  accept: (walk, [, , a, type]) => lb.narrow(walk.read(a), walk.plan.types[type]!),
  field: (walk, [, , a, name]) => lb.fieldOf(walk.read(a), walk.text(name)),
  index: under,
  index_or_none: under,
  has: bit,
  is_none: bit,
  not: bit,
  neg: bit,
  list: (walk, [, , items]) => lb.listOf(lb.joinAll(items.map((slot) => walk.read(slot)))),
  record: (walk, [, , names, values]) => {
    const words = walk.plan.constants[names]!.value as readonly string[]
    return lb.ofParts(new Map(words.map((word, i) => [word, walk.read(values[i]!)])))
  },
  map_of: (walk, [, , entries]) => {
    const labels = entries.map((slot) => walk.read(slot))
    const keys = lb.joinAll(labels.filter((_, i) => i % 2 === 0).map(lb.whole))
    return lb.mapOf(keys, lb.joinAll(labels.filter((_, i) => i % 2 === 1)))
  },
  text: (walk, [, , parts]) => lb.joinAll(parts.map((slot) => lb.whole(walk.read(slot)))),
  call: (walk, [, , fn, args]) => {
    const labels = args.map((slot) => walk.read(slot))
    return callLabel(walk.text(fn), labels)
  },
  add: both,
  sub: both,
  mul: both,
  div: both,
  lt: both,
  le: both,
  gt: both,
  ge: both,
  eq: both,
  ne: both,
}

class BlockLabels {
  readonly plan: Plan
  readonly #slots: Map<number, Label>
  readonly #seen: Seen
  readonly #regions: Region[] = []
  /** Nothing can get here: a failure was raised on every way. */
  #dead = false

  constructor(plan: Plan, slots: Map<number, Label>, seen: Seen) {
    this.plan = plan
    this.#slots = slots
    this.#seen = seen
  }

  text(constant: number): string {
    return this.plan.constants[constant]!.value as string
  }

  read(slot: number): Label {
    const label = this.#slots.get(slot) ?? lb.CLEAN
    this.#note(label)
    return label
  }

  #note(label: Label): void {
    this.#seen.add(label)
    for (const region of this.#regions) if (region.kind === "attempt") region.seen.add(label)
  }

  #set(slot: number, label: Label | undefined): void {
    const region = this.#regions[this.#regions.length - 1]
    if (region !== undefined && !region.before.has(slot)) region.before.set(slot, this.#slots.get(slot))
    this.#put(slot, label)
  }

  #put(slot: number, label: Label | undefined): void {
    if (label === undefined) this.#slots.delete(slot)
    else this.#slots.set(slot, label)
  }

  instr(instr: Instr): void {
    switch (instr[0]) {
      case "if":
        return this.#open("if", instr, this.read(instr[1]))
      case "attempt":
        return this.#open("attempt", instr, lb.CLEAN)
      case "each": {
        const over = this.read(instr[2])
        this.#open("each", instr, over)
        this.#set(instr[4], lb.overOf(over))
        return this.#set(instr[5], lb.positionOf(over))
      }
      case "else":
        return this.#else()
      case "end":
        return this.#close()
      case "raise":
        this.read(instr[1])
        this.#dead = true
        return
      default: {
        const rule = LABELS[instr[0]] as (walk: BlockLabels, instr: Instr) => Label
        this.#set(instr[1] as number, rule(this, instr))
      }
    }
  }

  #open(kind: Region["kind"], instr: Instr, on: Label): void {
    this.#regions.push({ kind, instr, on, before: new Map(), then: NOTHING, thenDead: false, seen: new Seen() })
  }

  /** Puts back what was there before the region; gives what the region had made of it. */
  #undo(region: Region): Map<number, Label | undefined> {
    const made = new Map<number, Label | undefined>()
    for (const [slot, before] of region.before) {
      made.set(slot, this.#slots.get(slot))
      this.#put(slot, before)
    }
    return made
  }

  #else(): void {
    const region = this.#regions.pop()!
    const then = this.#undo(region)
    this.#regions.push({ ...region, kind: "else", before: new Map(), then, thenDead: this.#dead })
    this.#dead = false
  }

  #close(): void {
    const region = this.#regions.pop()!
    const made = this.#undo(region)
    if (region.kind === "else") return this.#join(region, made)
    if (region.kind === "attempt") {
      // Read only where the attempt has succeeded, so as it was left.
      for (const [slot, label] of made) this.#set(slot, label)
      this.#set((region.instr as Instr<"attempt">)[1], region.seen.all)
    } else {
      const [, to, , macro, , , result] = region.instr as Instr<"each">
      const body = made.get(result) ?? this.#slots.get(result) ?? lb.CLEAN
      this.#note(body)
      this.#set(to, gathered(MACROS[macro % TWO_VARIABLES]!, region.on, body))
    }
    this.#dead = false
  }

  /** Two ways meet: what either made, and a say in it for whoever decided. A way that always fails makes nothing. */
  #join({ then, thenDead, on }: Region, other: ReadonlyMap<number, Label | undefined>): void {
    const elseDead = this.#dead
    this.#dead = elseDead && thenDead
    for (const slot of new Set([...then.keys(), ...other.keys()])) {
      const a = then.has(slot) ? then.get(slot) : this.#slots.get(slot)
      const b = other.has(slot) ? other.get(slot) : this.#slots.get(slot)
      const left = thenDead || a === undefined ? b : elseDead || b === undefined ? a : lb.join(a, b)
      this.#set(slot, left === undefined ? undefined : lb.influenced(left, on.any))
    }
  }
}
