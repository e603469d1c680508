/**
 * A rehearsal: one case of a graph, run through the real compiler and engine, and once more through the reference
 * evaluator, with the tools' parts spoken by a script. No tool is touched and nobody waits. Pure functions are really
 * called, twice each, to catch those that are not pure.
 */
import { compile } from "../../compile/mod.ts"
import {
  accept,
  acceptStrict,
  type CheckedGraph,
  type EffectRecord,
  type Evaluated,
  type Executor,
  evaluate,
  evaluateGraph,
  Failure,
  fail,
  type NodeKind,
  type Outcome,
  pin,
  printFailure,
  printPath,
  type Rec,
  type Registry,
  registry,
  type Services,
  type Signature,
  sameOutcome,
  sameValue,
  type Value,
} from "../../graph/mod.ts"
import { settleEffect } from "../../nodes/mod.ts"
import { Engine, type RunResult } from "../engine/engine.ts"
import type { Project } from "../project/project.ts"
import type { Case } from "./cases.ts"
import { RehearsalClock } from "./clock.ts"
import { differences } from "./differences.ts"
import { namesOf, Script, TIMEOUT_MS } from "./script.ts"

export interface Rehearsed {
  readonly case: Case
  readonly ok: boolean
  /** What is wrong, a line each. */
  readonly wrong: readonly string[]
  readonly outcome: Outcome
  readonly effects: readonly EffectRecord[]
}

/** What rehearsals of one graph share. */
export interface Stage {
  readonly checked: CheckedGraph
  readonly bytes: Uint8Array
  readonly project: Project
  readonly modules?: Services["modules"]
  readonly inline?: Services["inline"]
}

export const stageOf = (
  checked: CheckedGraph,
  project: Project,
  lent: { readonly modules?: Services["modules"]; readonly inline?: Services["inline"] },
): Stage => ({ checked, bytes: compile(checked).bytes, project, ...lent })

/** Plays one case. Never rejects for what the graph does. */
export async function rehearse(stage: Stage, own: Case): Promise<Rehearsed> {
  const wrong: string[] = []
  const notes = new Notes()
  let input: Rec
  try {
    input = acceptStrict(stage.checked.input)(own.input) as Rec
  } catch (cause) {
    const failure = cause as Failure
    return { case: own, ok: false, wrong: [`input  ${failure.message}`], outcome: { ok: false, failure }, effects: [] }
  }
  const compiled = await throughEngine(stage, own, input, notes)
  const reference = await throughEvaluator(stage, own, input, notes)
  wrong.push(
    ...notes.lines(),
    // Where a pure function is none, the two may well differ, and that has been told.
    ...(notes.impure ? [] : agreement(compiled, reference)),
    ...expectations(stage, own, input, compiled.outcome, reference.effects),
  )
  return { case: own, ok: wrong.length === 0, wrong, outcome: compiled.outcome, effects: reference.effects }
}

/** What a rehearsal noticed beside the outcome; each thing once, though both ways of running notice it. */
class Notes {
  readonly #lines = new Set<string>()
  /** Did something that is declared pure give two answers for one input? */
  impure = false
  add(line: string): void {
    this.#lines.add(line)
  }
  lines(): readonly string[] {
    return [...this.#lines]
  }
}

// ---- the two ways of running

async function throughEngine(stage: Stage, own: Case, input: Rec, notes: Notes): Promise<RunResult> {
  const script = new Script(own)
  const services = servicesOf(stage)
  const engine = new Engine({
    registry: scripted(stage.project.registry, script, services, notes),
    services,
    settle: settleEffect,
    timeoutMs: TIMEOUT_MS,
    policy: stage.project.policy,
  })
  try {
    const ready = await engine.prepare(stage.bytes, {
      grants: stage.checked.needs,
      pins: pin(stage.project.lock),
      ...(stage.inline ? { inline: stage.inline } : {}),
    })
    return await ready.run(input, { id: "rehearsal" })
  } finally {
    await engine.close()
  }
}

async function throughEvaluator(stage: Stage, own: Case, input: Rec, notes: Notes): Promise<Evaluated> {
  const script = new Script(own)
  const services = servicesOf(stage)
  const opened = new Map<object, Executor | Promise<Executor>>()
  return evaluateGraph(stage.checked, input, {
    call: async ({ node, signature, args, path, attempt, invoke }) => {
      const kind = stage.project.registry.get(node.kind)!
      const call = {
        path,
        run: "rehearsal",
        attempt,
        key: "",
        signal: new AbortController().signal,
        note: () => {},
        invoke,
      }
      if (signature.effect === "pure" || isOfHost(kind.kind, own, path, signature)) {
        const known =
          opened.get(node) ??
          kind.open(node.config, stage.checked.resources, { ...services, granted: () => true }, signature)
        opened.set(node, known)
        return (await known).execute(args, call)
      }
      const { delayMs, act } = script.decide({ path, kind: node.kind, signature, args, attempt })
      const ms = node.settings.timeoutMs ?? TIMEOUT_MS
      if (act === "hang" || (delayMs >= ms && act !== "unanswered")) {
        throw fail("Timeout", `No answer after ${ms} ms`, { data: { ms }, retryable: true })
      }
      if (act === "unanswered") return unanswered(notes, path, signature)
      if ("failure" in act) throw act.failure
      return act.value
    },
  })
}

/** Time and chance of a rehearsal are the same every day, so these two answer for themselves where a case says nothing. */
const isOfHost = (kind: string, own: Case, path: EffectRecord["path"], signature: Signature): boolean =>
  (kind === "now" || kind === "random") &&
  !namesOf(path, kind, signature).some((n) => own.tools.has(n) || own.faults.has(n))

function servicesOf(stage: Stage): Omit<Services, "granted"> {
  let seed = 1
  const next = (): number => {
    // Park and Miller's generator: the same numbers every day, and nobody's secret.
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  return {
    clock: new RehearsalClock(),
    chance: { next, bytes: (n) => Uint8Array.from({ length: n }, () => Math.floor(next() * 256)) },
    // Scripts are pure, so they run for real; their sandbox knows no time that could not pass.
    sandbox: { load: async (...args) => (await import("../sandbox/quickjs.ts")).quickJsSandbox().load(...args) },
    ...(stage.modules ? { modules: stage.modules } : {}),
    ...(stage.inline ? { inline: stage.inline } : {}),
  }
}

/** The kinds with the same signatures, whose tools are spoken by the script. */
function scripted(kinds: Registry, script: Script, services: Omit<Services, "granted">, notes: Notes): Registry {
  return registry(
    ...[...kinds.values()].map(
      (kind): NodeKind => ({
        ...kind,
        // Nobody is asked here, so no pin is missed. Answers are held against their types and `valid:`; what is installed
        // beside these may ask the world, and is not what is tested.
        sign: (node) => {
          const signed = kind.sign(node)
          if (Array.isArray(signed)) return signed
          const { unpinned: _, ...signature } = signed as Signature
          return signature
        },
        validators: () => [],
        open: async (config, resources, lent, signature) => {
          if (signature.effect === "pure") return twice(await kind.open(config, resources, lent, signature), notes)
          const real =
            kind.kind === "now" || kind.kind === "random"
              ? await kind.open(config, resources, lent, signature)
              : undefined
          return speaking(kind.kind, signature, script, services, notes, real)
        },
      }),
    ),
  )
}

function speaking(
  kind: string,
  signature: Signature,
  script: Script,
  { clock }: Omit<Services, "granted">,
  notes: Notes,
  real: Executor | undefined,
): Executor {
  return {
    execute: (args, call) => {
      const { path, attempt, signal } = call
      const { delayMs, act } = script.decide({ path, kind, signature, args, attempt })
      if (act === "unanswered")
        return real === undefined ? unanswered(notes, path, signature) : real.execute(args, call)
      const finish = (): unknown => {
        if (act === "hang")
          return new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
          )
        if ("failure" in act) throw act.failure
        return signature.output.kind === "stream" && Array.isArray(act.value)
          ? streamOf(act.value as readonly Value[])
          : act.value
      }
      if (delayMs === 0 && act !== "hang") return finish()
      if (signature.async === false) {
        notes.add(`${printPath(path)}  answers at once, so it can be neither late nor silent; let it fail instead`)
        return "failure" in (act as object) ? finish() : null
      }
      return clock.sleep(delayMs, signal).then(finish)
    },
  }
}

async function* streamOf(items: readonly Value[]): AsyncGenerator<Value> {
  yield* items
}

function unanswered(notes: Notes, path: EffectRecord["path"], signature: Signature): never {
  const name = path.some((p) => typeof p === "number")
    ? path.filter((p) => typeof p === "string").join(".")
    : printPath(path)
  notes.add(
    `${printPath(path)}  is called (${signature.effect} ${signature.resource ?? ""}), and nothing says what it answers; write tools: { ${name}: … }`,
  )
  throw fail("NoAnswer", `Nothing says what ${printPath(path)} answers`)
}

/** A pure function, called twice: an answer that differs is no function of the input. */
function twice(executor: Executor, notes: Notes): Executor {
  const compare = (first: unknown, second: unknown, path: string) => {
    try {
      if (!sameValue(first as Value, second as Value)) {
        notes.impure = true
        notes.add(`${path}  is declared pure, and gave ${text(first)} and ${text(second)} for one input`)
      }
    } catch {
      // Not values: the judge says so.
    }
    return first
  }
  return {
    ...executor,
    execute: (args, call) => {
      const first = executor.execute(args, call)
      const second = executor.execute(args, call)
      const path = printPath(call.path)
      const settled = (x: unknown) =>
        typeof x === "object" && x !== null
          ? (settleEffect(x, call.signal) ?? ("then" in x ? (x as Promise<unknown>) : undefined))
          : undefined
      const [a, b] = [settled(first), settled(second)]
      return a === undefined || b === undefined
        ? compare(first, second, path)
        : Promise.all([a, b]).then(([x, y]) => compare(x, y, path))
    },
  }
}

// ---- what is held against what

/** The compiled graph and the definition must agree; after a failure the trace may differ, since what else had begun may. */
function agreement(compiled: RunResult, reference: Evaluated): readonly string[] {
  const defect = "a defect of shadowgraph, not of the graph: please report it"
  if (!sameOutcome(compiled.outcome, reference.outcome)) {
    if (!compiled.outcome.ok && !reference.outcome.ok) return []
    return [
      `the compiled graph ends in ${ended(compiled.outcome)}, the definition in ${ended(reference.outcome)}: ${defect}`,
    ]
  }
  if (compiled.outcome.ok && compiled.trace !== reference.trace) {
    return [
      `trace ${compiled.trace.slice(0, 12)}… of the compiled graph, ${reference.trace.slice(0, 12)}… by the definition: ${defect}`,
    ]
  }
  return []
}

const ended = (o: Outcome): string => (o.ok ? text(o.value) : o.failure.code)

function expectations(
  stage: Stage,
  own: Case,
  input: Rec,
  outcome: Outcome,
  effects: readonly EffectRecord[],
): readonly string[] {
  return [
    ...outcomeWrong(stage, own, outcome),
    ...effectsWrong(stage, own, effects),
    ...checksWrong(own, input, outcome),
  ]
}

function outcomeWrong({ checked }: Stage, own: Case, outcome: Outcome): readonly string[] {
  if (own.failure !== undefined) {
    if (outcome.ok) return [`failure  expected ${own.failure.code}, found the output ${text(outcome.value)}`]
    const { code, path, data } = outcome.failure
    const wrong: string[] = []
    if (code !== own.failure.code)
      wrong.push(`failure  expected ${own.failure.code}, found ${printFailure(outcome.failure)}`)
    const at = path === undefined ? "" : printPath(path)
    if (own.failure.at !== undefined && own.failure.at !== at)
      wrong.push(`failure  expected at ${own.failure.at}, found at ${at || "the graph itself"}`)
    if (own.failure.data !== undefined)
      wrong.push(...differences(own.failure.data, data).map((d) => `failure.data  ${d}`))
    return wrong
  }
  if (!outcome.ok)
    return [
      `output  expected ${own.output === undefined ? "a value" : text(own.output.value)}, found the failure ${printFailure(outcome.failure)}`,
    ]
  if (own.output === undefined) return []
  return differences(typed(checked.output, own.output.value), outcome.value).map((d) => `output  ${d}`)
}

/** What a file says as the port has it: whole numbers as int64 where the port says so. */
function typed(type: CheckedGraph["output"], value: Value): Value {
  try {
    return accept(type)(value)
  } catch {
    return value
  }
}

function effectsWrong({ checked }: Stage, own: Case, effects: readonly EffectRecord[]): readonly string[] {
  if (own.effects === undefined) return []
  const kinds = kindsOf(checked)
  const wrong: string[] = []
  const rows = Math.max(own.effects.length, effects.length)
  for (let i = 0; i < rows; i++) {
    const want = own.effects[i]
    const found = effects[i]
    const call = found === undefined ? "nothing" : `${printPath(found.path)} ${text(found.args)}`
    if (want === undefined) wrong.push(`effects[${i}]  expected nothing more, found ${call}`)
    else if (found === undefined) wrong.push(`effects[${i}]  expected ${want.key}, found nothing more`)
    else if (!kinds(found).includes(want.key)) wrong.push(`effects[${i}]  expected ${want.key}, found ${call}`)
    else if (want.args !== undefined)
      wrong.push(...differences(want.args, found.args).map((d) => `effects[${i}] ${want.key}  ${d}`))
  }
  return wrong.length > 5 ? [...wrong.slice(0, 5), `and ${wrong.length - 5} more effects that differ`] : wrong
}

/** The names by which a case may speak of an effect that happened. */
function kindsOf(checked: CheckedGraph): (effect: EffectRecord) => readonly string[] {
  const known = new Map<string, readonly string[]>()
  for (const { path, kind, signature } of callsOf(checked)) known.set(path.join("."), namesOf(path, kind, signature))
  return ({ path }) => [printPath(path), ...(known.get(path.filter((p) => typeof p === "string").join(".")) ?? [])]
}

function checksWrong(own: Case, input: Rec, outcome: Outcome): readonly string[] {
  if (own.checks.length === 0) return []
  if (!outcome.ok) return own.failure === undefined ? [] : ["check  there is no output to check"]
  return own.checks.flatMap(({ text: source, expr }) => {
    try {
      const holds = evaluate(expr, (name) =>
        name === "output" ? outcome.value : name === "input" ? input : unknown(name),
      )
      return holds === true ? [] : [`check  ${source}  is ${text(holds)}`]
    } catch (cause) {
      return [`check  ${source}  fails: ${cause instanceof Failure ? cause.message : String(cause)}`]
    }
  })
}

const unknown = (name: string): never => {
  throw fail("Missing", `a check knows \`output\` and \`input\`, found \`${name}\``)
}

// ---- what a case may name

export interface NamedCall {
  readonly path: readonly string[]
  readonly kind: string
  readonly signature: Signature
}

/** Every tool that the graph may call, with its path. */
export function callsOf(checked: CheckedGraph): readonly NamedCall[] {
  const out: NamedCall[] = []
  const inScope = (scope: CheckedGraph["graph"]["body"], base: readonly string[]): void => {
    const here = scope.name === undefined ? base : [...base, scope.name]
    for (const node of scope.nodes) {
      const path = [...here, node.name]
      const { signature } = checked.nodes.get(node)!
      if (signature !== undefined) out.push({ path, kind: node.kind, signature })
      for (const body of Object.values(node.scopes)) inScope(body, path)
      if (node.graph !== undefined) inScope(node.graph.body, path)
    }
  }
  inScope(checked.graph.body, [])
  return out
}

const text = (value: unknown): string => {
  const all = JSON.stringify(value, (_, x) => (typeof x === "bigint" ? String(x) : x)) ?? "nothing"
  return all.length > 120 ? `${all.slice(0, 119)}…` : all
}
