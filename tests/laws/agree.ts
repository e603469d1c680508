// The laws of one graph: compiled is evaluated, whatever is translated, whatever passes ran, whoever was first; what a
// failed or cancelled run did is explained by its record; plans are the same bytes each time.
import { type Compiled, compile, PASSES } from "../../compile/mod.ts"
import { Evaluation } from "../../graph/eval.ts"
import {
  type CheckedGraph,
  check,
  type Evaluated,
  type Graph,
  hashValue,
  hex,
  type Node,
  type Outcome,
  outcomeHash,
  printPath,
  type Rec,
  type Scope,
  toFailure,
  type Value,
} from "../../graph/mod.ts"
import { decodePlan, encodePlan } from "../../plan/mod.ts"
import { Chance } from "./chance.ts"
import { sameFailure, unexplained } from "./replay.ts"
import { admitted, type Committed, kinds, programOf, type Ran, run } from "./runs.ts"
import { someInputValue } from "./values.ts"
import { worldOf } from "./world.ts"

/** A law that does not hold, and how it shows. */
export interface Broken {
  readonly law: string
  readonly how: string
}

export interface Verdict {
  /** Did the graph pass the checker? Otherwise nothing else was looked at. */
  readonly checked: boolean
  readonly broken: readonly Broken[]
  /** How the evaluator's run ended, for the figures of a campaign. */
  readonly ended: "value" | "failure" | "refused"
}

const REFUSED: Verdict = { checked: false, broken: [], ended: "refused" }

/** Holds a graph against every law. `seed` decides its input and who is first in each of its runs. */
export async function judge(graph: Graph, seed: string): Promise<Verdict> {
  const { checked } = check(graph, { registry: kinds })
  if (checked === undefined) return REFUSED
  const broken: Broken[] = []
  const input = someInputValue(new Chance(`${seed} input`), checked.input)
  let caught = false
  let evaluated: Evaluated
  try {
    evaluated = await evaluate(checked, input, () => {
      caught = true
    })
  } catch (cause) {
    return {
      checked: true,
      broken: [{ law: "the evaluator always ends in an outcome", how: said(cause) }],
      ended: "failure",
    }
  }
  const ended = evaluated.outcome.ok ? "value" : "failure"
  const plans = plansOf(checked, broken)
  if (plans === undefined) return { checked: true, broken, ended }
  for (const [i, { name, compiled }] of plans.entries()) {
    const plan = admitted(compiled.bytes, checked.needs)
    for (const [mode, codegen, times] of i === 0 ? MODES : SHORT) {
      const program = programOf(plan, codegen)
      for (let n = 0; n < times; n++) {
        const chance = new Chance(`${seed} ${n} ${mode}`)
        const ran = await run(program, input, chance)
        const where = `${name}, ${mode}, run ${n}`
        const how = await differs(checked, input, evaluated, caught, ran)
        if (how !== undefined) broken.push({ law: "compiled is evaluated", how: `${where}: ${how}` })
        for (const wrong of [...ran.wrong, ...overlaps(ran.effects)])
          broken.push({ law: "a run keeps order", how: `${where}: ${wrong}` })
        if (broken.length > 0) return { checked: true, broken, ended }
      }
      if (i === 0 && codegen) {
        const at = new Chance(`${seed} cancel`).below(120)
        const ran = await run(program, input, new Chance(`${seed} cancelled`), { cancelAt: at })
        const how = await unexplained(checked, input, ran, true)
        if (how !== undefined)
          broken.push({ law: "a cancelled run is explained by its record", how: `at ${at} ms: ${how}` })
        for (const wrong of [...ran.wrong, ...overlaps(ran.effects)])
          broken.push({ law: "a cancelled run keeps order", how: wrong })
      }
    }
  }
  return { checked: true, broken, ended }
}

/** Interpreted; and translated, which takes a few runs to begin. */
const MODES = [
  ["interpreted", false, 1],
  ["translated", true, 4],
] as const
const SHORT = [["translated", true, 1]] as const

/** As compiled for use, and with each pass left out that may be. */
function plansOf(
  checked: CheckedGraph,
  broken: Broken[],
): { readonly name: string; readonly compiled: Compiled }[] | undefined {
  try {
    const compiled = compile(checked, { checked: true })
    if (compile(checked).hash !== compiled.hash)
      broken.push({ law: "the same graph gives the same bytes", how: compiled.hash })
    const again = encodePlan(decodePlan(compiled.bytes))
    if (Buffer.compare(again, compiled.bytes) !== 0)
      broken.push({ law: "a plan comes back from its bytes", how: compiled.hash })
    const names = PASSES.map((p) => p.name)
    const one = new Chance(`${compiled.hash} pass`).of(names)
    return [
      { name: "all passes", compiled },
      { name: "only the passes that must be", compiled: compile(checked, { checked: true, without: names }) },
      { name: `without ${one}`, compiled: compile(checked, { checked: true, without: [one] }) },
    ]
  } catch (cause) {
    broken.push({ law: "a checked graph compiles", how: said(cause) })
    return undefined
  }
}

const said = (cause: unknown): string =>
  cause instanceof Error ? (cause.stack ?? cause.message) : toFailure(cause).message

/** The reference evaluator; `met` is told when a failure was met that another order of events may replace by another. */
async function evaluate(checked: CheckedGraph, input: Value, met: () => void): Promise<Evaluated> {
  return await new Watched(checked, worldOf(met), met).run(input)
}

class Watched extends Evaluation {
  readonly #met: () => void
  /** Bodies that meet the failure of something with parts: which part failed first depends on time. */
  readonly #handlers = new Set<Scope>()
  constructor(checked: CheckedGraph, world: ReturnType<typeof worldOf>, met: () => void) {
    super(checked, world)
    this.#met = met
    for (const node of checked.nodes.keys()) {
      const handler = node.scopes["catch"]
      const parts = Object.keys(node.scopes).length > 1 || node.graph !== undefined
      if (handler !== undefined && parts) this.#handlers.add(handler)
    }
  }
  override async scope(...args: Parameters<Evaluation["scope"]>): Promise<Value> {
    if (this.#handlers.has(args[0])) this.#met()
    return super.scope(...args)
  }
}

/** How a run differs from what the evaluator says of it; undefined where the law holds. */
async function differs(
  checked: CheckedGraph,
  input: Value,
  evaluated: Evaluated,
  caught: boolean,
  ran: Ran,
): Promise<string | undefined> {
  const strict = evaluated.outcome.ok && !caught
  if (!strict) {
    if (!evaluated.outcome.ok && !caught && ran.outcome.ok && !hasCatches(checked.graph.body))
      return `the evaluator fails with ${told(evaluated.outcome)}, the run gives a value`
    return await unexplained(checked, input, ran, false)
  }
  if (!sameEnd(evaluated.outcome, ran.outcome))
    return `the evaluator gives ${told(evaluated.outcome)}, the run ${told(ran.outcome)}`
  const effects = sameEffects(evaluated, ran.effects)
  if (effects !== undefined) return effects
  return evaluated.trace === ran.trace ? undefined : "the trace hashes differ"
}

function sameEnd(a: Outcome, b: Outcome): boolean {
  if (a.ok && b.ok) return hex(hashValue(a.value)) === hex(hashValue(b.value))
  return !a.ok && !b.ok && sameFailure(a.failure, b.failure)
}

/** Each effect once, none besides, conflicting ones in one order. */
function sameEffects({ effects }: Evaluated, ran: readonly Committed[]): string | undefined {
  const byPath = new Map(ran.map((e) => [printPath(e.path), e]))
  for (const e of effects) {
    const at = printPath(e.path)
    const other = byPath.get(at)
    if (other === undefined) return `the run did not commit ${at}`
    if (hex(hashValue(e.args)) !== other.input) return `${at} was called with other arguments`
    if (hex(outcomeHash(e.outcome)) !== other.hash)
      return `${at} was recorded with another outcome: ${told(e.outcome)}, not ${told(other.outcome)}`
  }
  if (ran.length > effects.length) return `the run committed ${ran.length} effects, the evaluator ${effects.length}`
  const place = new Map(effects.map((e, i) => [printPath(e.path), i]))
  for (const a of ran) {
    for (const b of ran) {
      const first = place.get(printPath(a.path))! < place.get(printPath(b.path))!
      if (first && conflicting(a, b) && a.kept > b.began)
        return `${printPath(b.path)} began before ${printPath(a.path)} was on record`
    }
  }
  return undefined
}

const meets = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)
/** Two effects that need an order. A tool and what its own bodies do are one piece of work. */
function conflicting(a: Committed, b: Committed): boolean {
  if (a === b || a.resource === null || b.resource === null) return false
  if ((a.effect !== "write" && b.effect !== "write") || !meets(a.resource, b.resource)) return false
  const inside = (x: Committed, y: Committed) =>
    y.path.length < x.path.length && y.path.every((p, i) => x.path[i] === p)
  return !inside(a, b) && !inside(b, a)
}

/** Conflicting effects that were at work at the same time. */
function overlaps(effects: readonly Committed[]): string[] {
  const out: string[] = []
  effects.forEach((a, i) => {
    for (const b of effects.slice(i + 1)) {
      if (conflicting(a, b) && a.began < b.kept && b.began < a.kept)
        out.push(`${printPath(a.path)} and ${printPath(b.path)} on ${a.resource} were at work at the same time`)
    }
  })
  return out
}

function hasCatches(scope: Scope): boolean {
  return scope.nodes.some(
    (n: Node) =>
      n.scopes["catch"] !== undefined ||
      n.kind === "agent" ||
      Object.values(n.scopes).some(hasCatches) ||
      (n.graph !== undefined && hasCatches(n.graph.body)),
  )
}

const told = (o: Outcome): string =>
  o.ok ? text(o.value) : `${o.failure.code} ${text({ data: o.failure.data, message: o.failure.message } as Rec)}`
const text = (v: Value): string =>
  (JSON.stringify(v, (_, x) => (typeof x === "bigint" ? `${x}n` : x)) ?? "nothing").slice(0, 400)
