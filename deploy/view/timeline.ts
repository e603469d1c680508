/**
 * What a run has done so far, as rows: one for each node, however often a `map` runs it. Fed with the engine's events;
 * knows nothing of terminals, so that the live view, the last word of a run and a web page can all show the same.
 */
import type { RunEvent } from "../../bus/mod.ts"
import type { Effect, Path } from "../../graph/mod.ts"
import type { Plan, PlanStep } from "../../plan/mod.ts"
import { effectOf, operandsOf, wordsOf } from "./steps.ts"

export interface Row {
  /** The path without indexes: `cost.do`. */
  readonly name: string
  /** What does the work: `http rates.example.com`, `pure map`. */
  readonly what: string
  readonly effect: Effect
  /** Calls begun, and of these: still running, failed, answered from the cache. */
  readonly calls: number
  readonly running: number
  readonly failed: number
  readonly cached: number
  /** Items that a `map` has gone over, or is at. */
  readonly items: number
  /** Attempts after the first ones. */
  readonly retries: number
  /** Milliseconds since the run began; `end` only while nothing of the row is running. */
  readonly start?: number
  readonly end?: number
  /** Guesses of its calls that were made, and how many of them the tool refuted. */
  readonly guesses: number
  readonly wrong: number
  /** Which inference made the last of them, and why that one. */
  readonly ran?: string
  /** The last progress that a tool told. */
  readonly note?: string
}

export interface Totals {
  readonly nodes: number
  readonly reads: number
  readonly writes: number
  readonly ms: number
  /**
   * Milliseconds that the calls took in all, with what lay between them. One after another they might take less: calls
   * beside one another share the machine, and wait for the same connection.
   */
  readonly serialMs: number
}

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

export class Timeline {
  readonly #rows = new Map<string, Mutable<Row>>()
  readonly #heads: readonly string[]
  /** Begun calls by their full path. */
  readonly #open = new Map<string, number>()
  readonly #begun: number
  #serial = 0
  #busy = 0
  #busySince = 0
  #ended: number | undefined

  /**
   * @param begun Monotonic milliseconds, on the clock of the events.
   * @param order The nodes' names in the order to show them, where it is not the plan's: the author's.
   */
  constructor(plan: Plan, begun: number, order: readonly string[] = []) {
    this.#begun = begun
    for (const row of plannedRows(plan)) this.#rows.set(row.name, { ...row })
    const planned = [...this.#rows.keys()]
    const said = order.filter((name) => this.#rows.has(name))
    this.#heads = [...said, ...planned.filter((name) => !said.includes(name))]
  }

  add(event: RunEvent): void {
    const at = event.at - this.#begun
    const row = this.#row(event)
    if (row === undefined) return
    if (event.type === "note") {
      row.note = event.text
      return
    }
    if (event.type === "by") {
      row.ran = event.why === null ? event.by : `${event.by}: ${event.why}`
      return
    }
    if (event.type === "guess") {
      this.#guess(row, event)
      return
    }
    if (event.type === "items") {
      row.items += event.count
      return
    }
    const key = event.path.join("\u0000")
    if (event.type === "start") {
      if (this.#open.has(key)) {
        row.retries++
        return
      }
      if (this.#open.size === 0) this.#busySince = at
      this.#open.set(key, at)
      row.calls++
      row.running++
      row.start ??= at
      delete row.end
      return
    }
    const start = this.#open.get(key) ?? at
    if (!this.#open.delete(key)) row.calls++
    else {
      row.running--
      if (this.#open.size === 0) this.#busy += at - this.#busySince
    }
    row.start ??= start
    if (event.type === "discarded") {
      // It was called on a guess: its own call is still to come, or never will.
      row.calls--
      return
    }
    this.#serial += at - start
    if (!event.ok) row.failed++
    if (event.cached) row.cached++
    if (row.running === 0) {
      row.end = at
      delete row.note
    }
  }

  #guess(row: Mutable<Row>, { verdict, why }: Extract<RunEvent, { type: "guess" }>): void {
    if (verdict === "open") {
      row.guesses++
      if (why === null) delete row.ran
      else row.ran = why
    } else if (verdict === "wrong") row.wrong++
  }

  /** Nothing follows. `at` is on the clock of the events. */
  end(at: number): void {
    this.#ended = at - this.#begun
  }

  /** In the order of the plan; nodes inside another one below it, as they began. */
  rows(): readonly Row[] {
    const rank = (name: string) => {
      const head = name.split(".")[0]!
      const at = this.#heads.indexOf(head)
      return at === -1 ? this.#heads.length : at
    }
    const rows = [...this.#rows.values()]
    // A control node is shown by what it did; by itself only where that is nothing.
    const parents = new Set(rows.filter((r) => r.name.includes(".")).map((r) => r.name.split(".")[0]!))
    return rows
      .filter((r) => r.calls > 0 || !parents.has(r.name))
      .map((row, i) => ({ row, i, rank: rank(row.name) }))
      .sort((a, b) => a.rank - b.rank || a.i - b.i)
      .map(({ row }) => row)
  }

  totals(now: number): Totals {
    const ms = this.#ended ?? now - this.#begun
    const calls = (effect: Effect) =>
      [...this.#rows.values()].reduce((n, r) => n + (r.effect === effect ? r.calls : 0), 0)
    const between = Math.max(0, ms - this.#busy)
    return {
      nodes: this.#heads.length,
      reads: calls("read"),
      writes: calls("write"),
      ms,
      serialMs: between + this.#serial,
    }
  }

  #row(event: RunEvent): Mutable<Row> | undefined {
    const name = rowName(event.path)
    const known = this.#rows.get(name)
    if (known !== undefined || event.type !== "start") return known
    const row = {
      name,
      what: whatOf(event.kind, event.resource),
      effect: event.effect,
      calls: 0,
      running: 0,
      failed: 0,
      cached: 0,
      items: 0,
      retries: 0,
      guesses: 0,
      wrong: 0,
    }
    this.#rows.set(name, row)
    return row
  }
}

const rowName = (path: Path): string => path.filter((p) => typeof p === "string").join(".")

/** `http rates.example.com` of kind `http` and resource `host:rates.example.com`. */
function whatOf(kind: string, resource: string | null): string {
  const place = resource === null ? "" : resource.slice(resource.indexOf(":") + 1)
  return place === "" || place === kind ? kind : `${kind} ${place}`
}

/** The nodes of the graph's own body, as far as the plan still has them, in its order. */
function plannedRows(plan: Plan): readonly Row[] {
  const idle = { calls: 0, running: 0, failed: 0, cached: 0, items: 0, retries: 0, guesses: 0, wrong: 0 }
  const rows = new Map<string, Row>()
  for (const step of plan.scopes[0]!.steps) {
    for (const path of pathsOf(plan, step)) {
      const name = path[0]
      // What belongs to the graph itself (its output) has no name. A tool's arguments are a block of the tool's name.
      if (name === undefined || (rows.has(name) && step.op[0] === "block")) continue
      // Where it stands is where its own step stands, not what is made ready for it.
      rows.delete(name)
      rows.set(name, { ...idle, name, ...workOf(plan, step) })
    }
  }
  return [...rows.values()]
}

/** Of a block the nodes that are fused in it, of any other step its own. */
const pathsOf = (plan: Plan, step: PlanStep): readonly (readonly string[])[] =>
  step.op[0] === "block" ? (step.nodes ?? []).map((n) => wordsOf(plan, n)) : [wordsOf(plan, operandsOf(step).path)]

function workOf(plan: Plan, step: PlanStep): Pick<Row, "what" | "effect"> {
  const [name] = step.op
  if (name === "block") return { what: "pure", effect: "pure" }
  const { extern, bodies } = operandsOf(step)
  if (name === "catch") {
    // What a `catch:` guards is the node itself: it stands inside without a name of its own.
    const guarded = plan.scopes[bodies[0]!]!.steps.find(
      (inner) => inner.op[0] !== "block" && wordsOf(plan, operandsOf(inner).path).length === 0,
    )
    if (guarded !== undefined) return workOf(plan, guarded)
  }
  if (extern === undefined) return { what: effectOf(plan, step) === "pure" ? `pure ${name}` : name, effect: "pure" }
  const { kind, effect, resource } = plan.externs[extern]!
  return { what: effect === "pure" ? `pure ${kind}` : whatOf(kind, resource), effect }
}
