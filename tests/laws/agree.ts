// The laws of one graph: compiled is evaluated, whatever is translated, whatever passes ran, whoever was first; what a
// failed or cancelled run did is explained by its record; plans are the same bytes each time.

import type { Program } from "../../bus/mod.ts"
import { type Compiled, compile, PASSES } from "../../compile/mod.ts"
import { Evaluation } from "../../graph/eval.ts"
import {
  acceptStrict,
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
  sameBytes,
  toFailure,
  undoKey,
  undosOf,
  type Value,
} from "../../graph/mod.ts"
import { decodePlan, encodePlan } from "../../plan/mod.ts"
import { Chance } from "./chance.ts"
import { replayDiffers, wentOn } from "./crash.ts"
import { boundsOf, illDeclared } from "./declaring.ts"
import { throughFiles } from "./filing.ts"
import { sameFailure, unexplained } from "./replay.ts"
import { rested } from "./rests.ts"
import { admitted, type Committed, kinds, programOf, type Ran, run } from "./runs.ts"
import { isAgent } from "./tools.ts"
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
  /** What became of guesses in the runs that looked ahead. */
  readonly ahead: Ran["ahead"]
  /** Runs that took something back. */
  readonly undos: number
  readonly again: { readonly cut: number; readonly replayed: number; readonly rested: number }
}

const REFUSED: Verdict = {
  checked: false,
  broken: [],
  ended: "refused",
  ahead: { kept: 0, wrong: 0, discarded: 0 },
  undos: 0,
  again: { cut: 0, replayed: 0, rested: 0 },
}

/**
 * Holds a graph against the laws. `seed` decides its input and who is first in each of its runs. Thorough: also compiled with
 * passes left out, cancelled in the middle, printed and read again.
 */
export async function judge(graph: Graph, seed: string, thorough = true): Promise<Verdict> {
  const { checked } = check(graph, { registry: kinds })
  if (checked === undefined) return REFUSED
  const ill = illDeclared(graph)
  if (ill !== undefined) return { ...REFUSED, checked: true, broken: [{ law: "a name means one thing", how: ill }] }
  const trial = new Trial(checked, seed)
  if (await trial.evaluate()) {
    await trial.compiled()
    if (thorough) await trial.more()
  }
  const ended = trial.evaluated?.outcome.ok ? "value" : "failure"
  return { checked: true, broken: trial.broken, ended, ahead: trial.ahead, undos: trial.undos, again: trial.again }
}

/** What a graph came to alone and looking ahead; `how` says what was different. */
export interface Beside {
  readonly came: "refused" | "failed" | "compared"
  readonly ahead: Ran["ahead"]
  readonly how: string | undefined
}

/**
 * Runs a graph alone and looking ahead, and compares value and trace hash. Not compared: what the checker refuses, and runs that
 * fail or meet a failure which another order of events may replace by another; the laws explain those from their records.
 */
export async function besideAlone(graph: Graph, seed: string): Promise<Beside> {
  const { checked } = check(graph, { registry: kinds })
  if (checked === undefined) return { came: "refused", ahead: REFUSED.ahead, how: undefined }
  return await new Trial(checked, seed).beside()
}

/** Interpreted; and translated, twice with the same code. */
const MODES = [
  ["interpreted", false, 1],
  ["translated", true, 2],
] as const

class Trial {
  readonly checked: CheckedGraph
  readonly seed: string
  readonly input: Value
  readonly broken: Broken[] = []
  evaluated: Evaluated | undefined
  readonly ahead = { kept: 0, wrong: 0, discarded: 0 }
  /** Runs that took something back. */
  undos = 0
  readonly again = { cut: 0, replayed: 0, rested: 0 }
  /** The evaluator met a failure that another order of events may replace by another. */
  #caught = false

  constructor(checked: CheckedGraph, seed: string) {
    this.checked = checked
    this.seed = seed
    // As every caller of a graph hands it in.
    this.input = acceptStrict(checked.input)(someInputValue(new Chance(`${seed} input`), checked.input))
  }

  async evaluate(): Promise<boolean> {
    const met = () => {
      this.#caught = true
    }
    try {
      this.evaluated = await new Watched(this.checked, worldOf(this.checked.graph, met), met).run(this.input)
      return true
    } catch (cause) {
      this.broken.push({ law: "the evaluator always ends in an outcome", how: said(cause) })
      return false
    }
  }

  async compiled(): Promise<void> {
    const { bytes } = this.compile([]) ?? {}
    if (bytes === undefined) return
    const plan = admitted(bytes, this.checked.needs)
    for (const [mode, codegen, times] of MODES) {
      const program = programOf(plan, codegen)
      await this.runs(program, times, mode)
      if (codegen) await this.runs(program, 1, "looking ahead", { ahead: true })
      const ahead = new Chance(`${this.seed} told`).below(2) === 0
      if (codegen) await this.runs(program, 1, "told of", { told: true, ahead })
      if (codegen) await this.undone(program)
    }
  }

  async beside(): Promise<Beside> {
    const evaluated = await this.evaluate()
    if (!evaluated || this.#caught || !this.evaluated!.outcome.ok)
      return { came: "failed", ahead: this.ahead, how: this.broken[0]?.how }
    const program = programOf(admitted(compile(this.checked).bytes, this.checked.needs), true)
    const alone = await run(program, this.input, new Chance(`${this.seed} alone`))
    const looking = { ahead: new Chance(`${this.seed} shadows`) }
    const ran = await run(program, this.input, new Chance(`${this.seed} ahead`), looking)
    const how = !sameEnd(alone.outcome, ran.outcome)
      ? `alone it comes to ${told(alone.outcome)}, looking ahead to ${told(ran.outcome)}`
      : alone.trace === ran.trace
        ? undefined
        : "the trace hashes differ"
    return { came: "compared", ahead: ran.ahead, how }
  }

  async more(): Promise<void> {
    if (this.broken.length > 0) return
    const whole = this.compile([])!
    const again = encodePlan(decodePlan(whole.bytes))
    if (!sameBytes(again, whole.bytes)) this.broken.push({ law: "a plan comes back from its bytes", how: whole.hash })
    if (this.compile([])?.hash !== whole.hash)
      this.broken.push({ law: "the same graph gives the same bytes", how: whole.hash })
    const names = PASSES.map((p) => p.name)
    for (const without of [names, [new Chance(`${this.seed} pass`).of(names)]]) {
      const plan = this.compile(without)
      if (plan === undefined) return
      await this.runs(programOf(admitted(plan.bytes, this.checked.needs), true), 1, `without ${without.join(", ")}`)
    }
    const program = programOf(admitted(whole.bytes, this.checked.needs), true)
    await this.cancelled(program)
    await this.crashed(program)
    await this.rested(program)
    await this.filed()
  }

  /** A file says what the graph meant, and a file that is read and printed again says the same. */
  async filed(): Promise<void> {
    const first = throughFiles(this.checked, new Chance(`${this.seed} folders`))
    if (first === undefined) return
    const wrong = (how: string) => this.broken.push({ law: "a graph comes back from its file", how })
    const second = throughFiles(first, new Chance(`${this.seed} folders`))
    if (second?.hash !== first.hash) wrong(`read twice it is ${second === undefined ? "refused" : "another graph"}`)
    const { outcome } = await new Evaluation(first, worldOf(first.graph)).run(this.input)
    if (!sameEnd(outcome, this.evaluated!.outcome))
      wrong(`it gives ${told(outcome)}, not ${told(this.evaluated!.outcome)}`)
  }

  compile(without: readonly string[]): Compiled | undefined {
    try {
      return compile(this.checked, { checked: true, without })
    } catch (cause) {
      this.broken.push({ law: "a checked graph compiles", how: said(cause) })
      return undefined
    }
  }

  async runs(program: Program, times: number, mode: string, { ahead = false, told = false } = {}): Promise<void> {
    for (let n = 0; n < times && this.broken.length === 0; n++) {
      const options = { told, ...(ahead ? { ahead: new Chance(`${this.seed} ${n} shadows`) } : {}) }
      const ran = await run(program, this.input, new Chance(`${this.seed} ${n} ${mode}`), options)
      for (const key of ["kept", "wrong", "discarded"] as const) this.ahead[key] += ran.ahead[key]
      const where = `${mode}, run ${n}`
      const how = await differs(this.checked, this.input, this.evaluated!, this.#caught, ran)
      if (how !== undefined) this.broken.push({ law: "compiled is evaluated", how: `${where}: ${how}` })
      this.#order(ran, where)
    }
  }

  /** Asked for, the run takes back what it did, as the evaluator does. */
  async undone(program: Program): Promise<void> {
    if (program.plan.undos === undefined || this.broken.length > 0) return
    const asked = await new Evaluation(this.checked, worldOf(this.checked.graph)).run(this.input, { undo: true })
    const ran = await run(program, this.input, new Chance(`${this.seed} undone`), { undo: true })
    const strict = this.evaluated!.outcome.ok && !this.#caught && allUndone(this.checked, asked)
    const how = strict ? await differs(this.checked, this.input, asked, false, ran) : undefined
    if (how !== undefined) this.broken.push({ law: "undone is evaluated", how })
    this.#order(ran, "undone")
    if (ran.effects.some((e) => e.path.at(-1) === "undo")) this.undos++
  }

  async cancelled(program: Program): Promise<void> {
    const at = new Chance(`${this.seed} cancel`).below(120)
    const ahead = new Chance(`${this.seed} cancelled shadows`)
    const options = { cancelAt: at, ...(ahead.percent(50) ? { ahead } : {}) }
    const ran = await run(program, this.input, new Chance(`${this.seed} cancelled`), options)
    const how = await unexplained(this.checked, this.input, ran, true)
    if (how !== undefined)
      this.broken.push({ law: "a cancelled run is explained by its record", how: `at ${at} ms: ${how}` })
    this.#order(ran, "cancelled")
    await this.replays(program, ran, "cancelled")
  }

  /** A run that died after any entry of its record goes on from there; and its whole record says again what it said. */
  async crashed(program: Program): Promise<void> {
    const chance = () => new Chance(`${this.seed} crash ${this.broken.length}`)
    const c = new Chance(`${this.seed} cut`)
    const whole = await run(program, this.input, chance())
    await this.replays(program, whole, "a run")
    const last = whole.rows.length - 1
    for (const cut of new Set([last, c.between(1, last), c.between(1, last)])) {
      if (this.broken.length > 0) return
      this.again.cut++
      const ran = await wentOn(program, whole, cut, chance())
      const where = `cut after ${cut} of ${whole.rows.length} entries`
      const how = await differs(this.checked, this.input, this.evaluated!, this.#caught, ran)
      if (how !== undefined) this.broken.push({ law: "a crash changes nothing", how: `${where}: ${how}` })
      this.#order(ran, where)
      await this.replays(program, ran, where)
    }
  }

  /** A run that rests for days, in one process after another, comes to what it would have come to at once. */
  async rested(program: Program): Promise<void> {
    if (this.broken.length > 0) return
    const ran = await rested(program, this.input, new Chance(`${this.seed} rests`))
    this.again.rested += ran.rests
    const where = `resting ${ran.rests} times`
    // Of a write that nobody knows of a person says more than its tool did; and a tool that does not keep what its bodies
    // gave waits until its time is up for what another process would know.
    const said = this.evaluated!.effects.some(({ how }) => how === "uncertain")
    const waits = [...this.checked.nodes.keys()].some(
      (n) => isAgent(n.kind) && n.config["effect"] !== "pure" && (n.kind === "agent" || n.config["effect"] === "write"),
    )
    const how = waits ? undefined : await differs(this.checked, this.input, this.evaluated!, this.#caught || said, ran)
    if (how !== undefined) this.broken.push({ law: "rest changes nothing", how: `${where}: ${how}` })
    this.#order(ran, where)
    await this.replays(program, ran, where)
  }

  async replays(program: Program, ran: Ran, where: string): Promise<void> {
    if (ran.rows.length === 0) return
    this.again.replayed++
    const how = await replayDiffers(program, ran, new Chance(`${this.seed} replay`))
    if (how !== undefined) this.broken.push({ law: "a record says again what it said", how: `${where}: ${how}` })
  }

  #order(ran: Ran, where: string): void {
    for (const wrong of [...ran.wrong, ...overlaps(ran.effects), ...crowded(this.checked.graph, ran)])
      this.broken.push({ law: "a run keeps order", how: `${where}: ${wrong}` })
  }
}

/** Resources of which more was at work, or more began within a second, than the graph's files allow. */
function crowded(graph: Graph, { under }: Ran): string[] {
  const out: string[] = []
  for (const [resource, { concurrent, perSecond }] of boundsOf(graph)) {
    const { most, starts } = under.get(resource) ?? { most: 0, starts: [] }
    if (most > concurrent) out.push(`${most} calls of ${resource} were on their way at once, and ${concurrent} may be`)
    const early = starts.find((at, i) => i >= perSecond && at - starts[i - perSecond]! < 1000)
    if (early !== undefined) out.push(`more than ${perSecond} calls of ${resource} began within a second`)
  }
  return out
}

const said = (cause: unknown): string =>
  cause instanceof Error ? (cause.stack ?? cause.message) : toFailure(cause).message

/** The reference evaluator, which tells when a failure was met that another order of events may replace by another. */
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

/** Was every write with an undo taken back? Where one could not be, what else was depends on which was the last. */
function allUndone(checked: CheckedGraph, { effects }: Evaluated): boolean {
  const undoable = new Set(undosOf(checked).map(({ path }) => undoKey(path)))
  const done = effects.filter((e) => e.effect === "write" && e.how !== "refused" && undoable.has(undoKey(e.path)))
  return done.every((e) =>
    effects.some((u) => u.how === "delivered" && printPath(u.path) === `${printPath(e.path)}.undo`),
  )
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
      isAgent(n.kind) ||
      Object.values(n.scopes).some(hasCatches) ||
      (n.graph !== undefined && hasCatches(n.graph.body)),
  )
}

const told = (o: Outcome): string =>
  o.ok ? text(o.value) : `${o.failure.code} ${text({ data: o.failure.data, message: o.failure.message } as Rec)}`
const text = (v: Value): string =>
  (JSON.stringify(v, (_, x) => (typeof x === "bigint" ? `${x}n` : x)) ?? "nothing").slice(0, 400)
