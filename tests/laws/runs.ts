// Runs of a compiled graph on a stage of the laws, and what they left in the ledger.
import { createHash } from "node:crypto"
import {
  load,
  type NodeTold,
  Odds,
  type Program,
  RESTING,
  ResourceLimits,
  type RunEvent,
  type RunSettings,
  undo,
} from "../../bus/mod.ts"
import { TellingVm } from "../../bus/telling.ts"
import { Vm } from "../../bus/vm.ts"
import { undoes } from "../../deploy/engine/ending.ts"
import { MemoryLedger } from "../../deploy/ledger/memory.ts"
import {
  type Digest,
  type Executor,
  hex,
  type Outcome,
  type Path,
  printPath,
  type Registry,
  type Services,
  type Value,
} from "../../graph/mod.ts"
import {
  type Admitted,
  AgedCache,
  admit,
  openEntry,
  openHistory,
  openOutcome,
  openRun,
  type Row,
  type RunRecord,
  resumeRun,
  undoRun,
  verifyChain,
} from "../../kernel/mod.ts"
import type { Chance } from "./chance.ts"
import { speculationOf } from "./shadows.ts"
import { driven, Playing, type SeededClock, type Stuck, type Under } from "./stage.ts"
import { registryOn, TIMEOUT_MS } from "./tools.ts"

export const digest: Digest = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest())

let playing: Playing | undefined
/** The kinds of the laws; they play on the stage of the run at hand. */
export const kinds: Registry = registryOn(() => playing!)

/** An effect that a run committed. */
export interface Committed {
  readonly path: Path
  readonly effect: "read" | "write"
  readonly resource: string | null
  /** Hash of its arguments, hexadecimal. */
  readonly input: string
  readonly outcome: Outcome
  /** Hash of its outcome, hexadecimal. */
  readonly hash: string
  /** Place among what happened in the run when its call began, and when its outcome was kept. */
  readonly began: number
  readonly kept: number
}

export interface Ran {
  readonly outcome: Outcome
  readonly trace: string
  readonly effects: readonly Committed[]
  /** What is wrong with the run itself, whatever it was a run of. */
  readonly wrong: readonly string[]
  /** How close each resource came to its bounds. */
  readonly under: ReadonlyMap<string, Under>
  /** Its record, entry by entry. */
  readonly rows: readonly Row[]
  /** Guesses that were held against their tools, and reads that were called in vain. */
  readonly ahead: { readonly kept: number; readonly wrong: number; readonly discarded: number }
}

export function admitted(bytes: Uint8Array, needs: readonly string[]): Admitted {
  return admit(bytes, { registry: kinds, grants: needs, digest })
}

export function programOf(plan: Admitted, codegen: boolean): Program {
  const executors = plan.externs.map((x) => {
    const services = { granted: () => true } as unknown as Services
    return x.kind.open(x.claim.config, plan.plan.resources, services, x.signature) as Executor
  })
  return load(plan, executors, { codegen, eager: true })
}

export interface RunOptions {
  /** Cancel the run at this moment of its own time. */
  readonly cancelAt?: number
  /** Look ahead, with shadows that this decides. */
  readonly ahead?: Chance
  /** Tell of every node, as for a trace. */
  readonly told?: boolean
  /** Take back what was done, once the run has ended. */
  readonly undo?: boolean
}

/** A stage for the run at hand: the kinds play on it from now on. */
export function stageFor(chance: Chance, days = 0): Playing {
  playing = new Playing(chance, days)
  return playing
}

/** A ledger that tells the stage what it keeps. */
export class TellingLedger extends MemoryLedger {
  readonly #stage: Playing
  constructor(stage: Playing) {
    super({ entriesMax: 100_000 })
    this.#stage = stage
  }
  override append(row: Row): void {
    this.#stage.events.push({ what: "kept", path: [], effect: String(row.seq) })
    super.append(row)
  }
}

/** Runs a program once. Who is first among what is pending is up to `chance`. */
export async function run(program: Program, input: Value, chance: Chance, options: RunOptions = {}): Promise<Ran> {
  const stage = stageFor(chance)
  const store = new TellingLedger(stage)
  const { clock } = stage
  const cache = new AgedCache(clock)
  const record = openRun(program.admitted, { store, digest, clock, run: "r", space: "", input, cache })
  return await lived(program, input, record, stage, store, options)
}

/** A run from where its record stands to its end. */
export async function lived(
  program: Program,
  input: Value,
  record: RunRecord,
  stage: Playing,
  store: MemoryLedger,
  options: RunOptions = {},
): Promise<Ran> {
  const { clock } = stage
  const limits = new ResourceLimits(clock)
  for (const { signature } of program.admitted.externs) limits.declareFor(signature, program.plan.resources)
  const controller = new AbortController()
  const guessed = { kept: 0, wrong: 0 }
  const speculation =
    options.ahead === undefined ? undefined : speculationOf(program.admitted, options.ahead, new Odds(), guessed)
  const onEvent = (event: RunEvent) => {
    if (event.type === "discarded") stage.events.push({ what: "discarded", path: event.path, effect: "" })
  }
  const wrong: string[] = []
  const onNode = ({ path, began, at }: NodeTold) => {
    if (path.length === 0 || at < began) wrong.push(`"${printPath(path)}" is told of from ${began} to ${at}`)
  }
  const more = { limits, signal: controller.signal, speculation, onEvent, ...(options.told === true ? { onNode } : {}) }
  const vm = vmOf(program, record, stage, more)
  if (options.cancelAt !== undefined) {
    clock.sleep(options.cancelAt).then(
      () => controller.abort("stop"),
      () => {},
    )
  }
  let outcome: Outcome
  try {
    // A run that is being undone has come to what it has come to.
    const answer = record.undos?.came ?? vm.run(input)
    outcome = answer instanceof Promise ? await driven(clock, answer) : answer
  } catch (cause) {
    const ended = record.end(null) as { readonly trace: string }
    const why = (cause as Stuck).message
    return {
      outcome: { ok: true, value: null },
      trace: ended.trace,
      effects: [],
      wrong: [`no outcome: ${why}`],
      rows: [],
      under: stage.under,
      ahead: NONE,
    }
  }
  if (record.parks && (outcome === RESTING || record.unsettled.length > 0)) {
    await record.park()
    wrong.push(...(await held(limits, program, clock)))
    const { rows } = store.entries("", "r")
    return { outcome: RESTING, trace: "", effects: [], wrong, rows, under: stage.under, ahead: NONE }
  }
  const goesOn = record.undos?.came !== undefined
  const undoing = undoes(record, outcome, controller.signal) && (goesOn || (await record.undo(outcome)) !== undefined)
  if (undoing) await driven(clock, undo(program, settingsOf(record, stage, { limits })))
  wrong.push(...(await held(limits, program, clock)))
  const cut = record.unsettled.length
  let ended = record.end(outcome.ok ? outcome.value : outcome.failure) as { readonly trace: string }
  const past = () => openHistory(store.entries("", "r"), { digest, space: "", run: "r" })
  // What a graph asks for when it fails, a person asks for when it did not.
  if (options.undo === true && !undoing && past().undoable.length > 0) {
    const plan = program.admitted
    const recording = { store, digest, clock }
    await undoRun(plan, past(), recording, { by: "laws", left: [] })
    const again = resumeRun(plan, past(), recording)
    await driven(clock, undo(program, settingsOf(again, stage, { limits })))
    ended = again.end(outcome.ok ? outcome.value : outcome.failure) as { readonly trace: string }
  }
  wrong.push(...disorder(store.entries("", "r").rows))
  const chain = store.entries("", "r")
  const verdict = verifyChain(chain, { digest, space: "", run: "r" })
  if (!verdict.ok) wrong.push(`the ledger does not verify: ${verdict.message}`)
  if (outcome.ok && cut > 0) wrong.push(`${cut} writes were left open by a run that ended well`)
  wrong.push(...leaks(vm, outcome))
  for (const call of stage.open) {
    if (!call.signal.aborted) wrong.push(`the tool at ${printPath(call.path)} waits on and was not told to stop`)
  }
  const effects = effectsOf(chain.rows, stage, wrong)
  const { under } = stage
  return { outcome, trace: ended.trace, effects, wrong, rows: chain.rows, under, ahead: aheadOf(chain.rows) }
}

export const vmOf = (program: Program, record: RunRecord, stage: Playing, more: Partial<RunSettings> = {}): Vm =>
  more.onNode === undefined
    ? new Vm(program, settingsOf(record, stage, more))
    : new TellingVm(program.told(), settingsOf(record, stage, more), more.onNode)

function settingsOf(record: RunRecord, stage: Playing, more: Partial<RunSettings>): RunSettings {
  const chance = { next: () => stage.unit(), bytes: (n: number) => new Uint8Array(n) }
  return { services: { clock: stage.clock, chance }, record, timeoutMs: TIMEOUT_MS, ...more }
}

/** Places at resources that a run which is over has not given back. */
async function held(limits: ResourceLimits, { plan }: Program, clock: SeededClock): Promise<string[]> {
  const places = () =>
    plan.externs.filter(({ resource }) => resource !== null && limits.load(resource).running > 0).map((x) => x.resource)
  // What was on its way may take its time to notice.
  for (let i = 0; i < 5 && places().length > 0; i++) await driven(clock, clock.sleep(1_000))
  return places().map((resource) => `a place at ${resource} was not given back`)
}

/** Undos of what was not done, done twice, or in another order than the reverse of that of the outcomes on record. */
function disorder(rows: ReturnType<MemoryLedger["entries"]>["rows"]): string[] {
  const wrong: string[] = []
  const intents = new Map<number, string>()
  const done: string[] = []
  let undoing = false
  for (const row of rows) {
    const { body, seq } = openEntry(row.entry)
    if (body.kind === "undo") undoing = true
    if (body.kind === "intent") intents.set(seq, printPath(body.path))
    if (body.kind !== "outcome") continue
    const at = intents.get(body.intent)!
    if (!undoing) {
      if (body.how !== "refused" && rows[body.intent]!.data !== null) done.push(at)
    } else {
      const last = done.pop()
      if (`${last}.undo` !== at) wrong.push(`${at} was undone where ${last ?? "nothing"} was the last that was done`)
      if (body.how !== "delivered") done.length = 0
    }
  }
  return wrong
}

function aheadOf(rows: ReturnType<MemoryLedger["entries"]>["rows"]): Ran["ahead"] {
  const ahead = { kept: 0, wrong: 0, discarded: 0 }
  for (const row of rows) {
    const { body } = openEntry(row.entry)
    if (body.kind === "discarded") ahead.discarded++
    if (body.kind === "guess" && (body.verdict === "kept" || body.verdict === "wrong")) ahead[body.verdict]++
  }
  return ahead
}

const NONE: Ran["ahead"] = { kept: 0, wrong: 0, discarded: 0 }

/** Frames that a run which ended well has not let go of. */
function leaks(vm: Vm, outcome: Outcome): string[] {
  const out: string[] = []
  const root = vm.root
  if (outcome.ok && (root?.children?.size ?? 0) > 0)
    out.push(`${root!.children!.size} frames of bodies were not let go of`)
  if (outcome.ok && (root?.late?.size ?? 0) > 0) out.push("somebody still waits for a value of the root frame")
  return out
}

function effectsOf(rows: ReturnType<MemoryLedger["entries"]>["rows"], stage: Playing, wrong: string[]): Committed[] {
  const began = new Map<string, number>()
  const kept = new Map<number, number>()
  stage.events.forEach((event, at) => {
    const key = printPath(event.path)
    if (event.what === "began" && !began.has(key)) began.set(key, at)
    if (event.what === "discarded") began.delete(key)
    if (event.what === "kept") kept.set(Number(event.effect), at)
  })
  const intents = new Map<
    number,
    { readonly path: Path; readonly resource: string | null; readonly input: Uint8Array }
  >()
  const out: Committed[] = []
  const seen = new Set<string>()
  for (const row of rows) {
    const { body, seq } = openEntry(row.entry)
    if (body.kind === "intent") intents.set(seq, body)
    if (body.kind !== "read" && body.kind !== "outcome") continue
    // One that somebody answered, or that a run ended without, was not at work here.
    const sent = body.kind === "read" || body.attempts === 0 ? seq : body.intent
    const { path, resource, input } = body.kind === "read" ? body : intents.get(body.intent)!
    const key = printPath(path)
    if (seen.has(key)) wrong.push(`${key} was committed twice`)
    seen.add(key)
    out.push({
      path,
      effect: body.kind === "read" ? "read" : "write",
      resource,
      input: hex(input),
      outcome: openOutcome(row.data!, body.message),
      hash: hex(body.outcome),
      began: body.kind === "read" ? (began.get(key) ?? kept.get(seq)!) : kept.get(sent)!,
      kept: kept.get(seq)!,
    })
  }
  return out
}
