/**
 * The order of the effects of one scope. Of two steps that touch one resource, or resources of which one contains the
 * other, one of them writing, the later one has to wait for the earlier one, directly or over others. Only steps that
 * are still the nearest of their kind are looked for: what lies behind a write is covered by the write.
 */
import type { PlanPlace } from "./error.ts"
import type { Touched } from "./facts.ts"
import { refuse } from "./rules.ts"

/** Elementary steps of all searches in one plan. */
export const ORDER_WORK_MAX = 1 << 22
/** What each step and instruction of the plan adds to that. */
export const ORDER_WORK_EACH = 1 << 9
/** Parts of a resource, `fs:/a/b` has three. */
export const RESOURCE_DEPTH_MAX = 256

/** What finding a place costs, in elementary steps a part. */
const PLACE_COST = 8

/** One resource as a place in the tree of resources, with the nearest steps that touched it. */
interface Place {
  readonly name: string
  readonly parent: Place | undefined
  readonly parts: Map<string, Place>
  /** Parts under which something is noted. */
  readonly noted: Set<Place>
  write: number
  reads: number[]
}

const place = (name: string, parent?: Place): Place => ({
  name,
  parent,
  parts: new Map(),
  noted: new Set(),
  write: -1,
  reads: [],
})

/** What all scopes of a plan draw on. */
export class OrderWork {
  readonly #budget: number
  #left: number
  constructor(operations: number) {
    this.#budget = ORDER_WORK_MAX + ORDER_WORK_EACH * operations
    this.#left = this.#budget
  }
  pay(steps: number, at: PlanPlace): void {
    this.#left -= steps
    if (this.#left < 0) refuse("P052", at, "the order of effects", `found in ${this.#budget} steps`, "more")
  }
}

export class EffectOrder {
  readonly #root = place("")
  readonly #work: OrderWork
  /** For each step so far, the steps it waits for. */
  readonly #waits: readonly (readonly number[])[]
  readonly #seen: number[] = []
  #round = 0

  constructor(work: OrderWork, waits: readonly (readonly number[])[]) {
    this.#work = work
    this.#waits = waits
  }

  /** Adds the next step that touches something. Refuses it where it may run at the same time as one that it must follow. */
  add(step: number, touches: readonly Touched[], at: PlanPlace): void {
    const places = touches.map((t) => this.#place(t.resource, at))
    const before = new Map<number, Place>()
    touches.forEach((t, i) => {
      this.#follow(places[i]!, t.write, before, at)
    })
    before.delete(step)
    if (before.size > 0) this.#find(step, before, at)
    touches.forEach((t, i) => {
      if (!t.write) note(places[i]!, (p) => p.reads.push(step))
    })
    touches.forEach((t, i) => {
      if (!t.write) return
      forget(places[i]!)
      note(places[i]!, (p) => {
        p.write = step
      })
    })
  }

  #place(resource: string, at: PlanPlace): Place {
    const parts = resource.split("/", RESOURCE_DEPTH_MAX + 1)
    if (parts.length > RESOURCE_DEPTH_MAX)
      refuse("P006", at, "a resource", `of at most ${RESOURCE_DEPTH_MAX} parts`, "more")
    this.#work.pay(PLACE_COST * parts.length, at)
    let p = this.#root
    for (const part of parts) {
      let next = p.parts.get(part)
      if (next === undefined) p.parts.set(part, (next = place(p === this.#root ? part : `${p.name}/${part}`, p)))
      p = next
    }
    return p
  }

  /** Collects the steps that a touch of this place must follow: those of what contains it, and of what it contains. */
  #follow(p: Place, write: boolean, into: Map<number, Place>, at: PlanPlace): void {
    const take = (q: Place) => {
      this.#work.pay(1 + (write ? q.reads.length : 0), at)
      if (q.write >= 0) into.set(q.write, q)
      if (write) for (const r of q.reads) into.set(r, q)
    }
    for (let q: Place | undefined = p; q !== undefined; q = q.parent) take(q)
    const open = [...p.noted]
    for (let q = open.pop(); q !== undefined; q = open.pop()) {
      take(q)
      for (const part of q.noted) open.push(part)
    }
  }

  /** Goes back from a step along what it waits for until all are found. Positions only grow, so the search has a floor. */
  #find(step: number, wanted: Map<number, Place>, at: PlanPlace): void {
    let floor = step
    for (const w of wanted.keys()) floor = Math.min(floor, w)
    const round = ++this.#round
    let open = [step]
    const missing = new Map(wanted)
    while (open.length > 0 && missing.size > 0) {
      const next: number[] = []
      for (const s of open) {
        const waits = this.#waits[s]!
        this.#work.pay(1 + waits.length, at)
        for (const w of waits) {
          if (w < floor || this.#seen[w] === round) continue
          this.#seen[w] = round
          missing.delete(w)
          next.push(w)
        }
      }
      open = next
    }
    for (const [w, p] of missing) {
      refuse(
        "P050",
        at,
        `its effect on ${p.name}`,
        `after step ${w} is complete`,
        `nothing that makes it wait for step ${w}`,
      )
    }
  }
}

function note(p: Place, how: (p: Place) => void): void {
  how(p)
  for (let q = p; q.parent !== undefined && !q.parent.noted.has(q); q = q.parent) q.parent.noted.add(q)
}

/** Forgets everything noted inside a place: a write there is what later steps have to follow. */
function forget(p: Place): void {
  const open = [p]
  for (let q = open.pop(); q !== undefined; q = open.pop()) {
    q.write = -1
    q.reads = []
    for (const part of q.noted) open.push(part)
    q.noted.clear()
  }
}

/** Several lists of touches as one: each resource once, a write outweighing a read, sorted by name. */
export function joinTouches(lists: readonly (readonly Touched[])[]): readonly Touched[] {
  const some = lists.filter((l) => l.length > 0)
  if (some.length <= 1) return some[0] ?? []
  const all = new Map<string, boolean>()
  for (const l of some) for (const t of l) all.set(t.resource, t.write || all.get(t.resource) === true)
  return [...all].map(([resource, write]) => ({ resource, write })).sort((a, b) => (a.resource < b.resource ? -1 : 1))
}
