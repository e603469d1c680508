// Rolling back, at points that chance chooses: wherever a guess turned out wrong, the state of the run is held against that
// of a run that never looked ahead and has learnt the same, made from its record up to there. And what was sent, and when,
// against what the observer of the world knows.
import { load, Odds, SPECULATION } from "../../bus/mod.ts"
import { Vm } from "../../bus/vm.ts"
import { compile } from "../../compile/mod.ts"
import { MemoryLedger } from "../../deploy/ledger/memory.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { type Executor, hashValue, hex, type Outcome, printProblemShort, type Shadow, sha256 } from "../../graph/mod.ts"
import {
  type Admitted,
  admit,
  answerRun,
  openEntry,
  openHistory,
  openRun,
  replayRun,
  resumeRun,
} from "../../kernel/mod.ts"
import { Chance } from "../laws/chance.ts"
import { driven, SeededClock } from "../laws/stage.ts"
import { kindsOf } from "../machine/machine.ts"
import { graphOf, type Made } from "./graphs.ts"
import { stateOf } from "./state.ts"
import { type Sent, World } from "./world.ts"

export interface Tally {
  runs: number
  /** Rollbacks whose state was held against that of a run that never looked ahead. */
  points: number
  mismatches: number
  /** Writes that were sent with arguments of no such run, or before what they rest on was answered. */
  unverifiedWrites: number
  writes: number
  guesses: number
  discarded: number
  /** Seeds, and what was wrong. */
  readonly wrong: string[]
}

let playing: World | undefined
const kinds = kindsOf(World.tools(() => playing!))

/** Runs of one graph: `runs` times, each with its own world and shadows. */
export async function rollBacks(seed: string, runs: number, tally: Tally): Promise<void> {
  const trial = trialOf(seed)
  for (let i = 0; i < runs; i++) await trial.run(`${seed}.${i}`, tally)
}

function trialOf(seed: string): Trial {
  const made = graphOf(new Chance(`${seed} graph`))
  const { checked, problems } = checkFile({ file: "rollback.graph.yaml", text: made.text }, { registry: kinds })
  if (checked === undefined)
    throw new RangeError(`${seed}: ${problems.map(printProblemShort).join("\n")}\n${made.text}`)
  const admitted = admit(compile(checked).bytes, { registry: kinds, grants: checked.needs, digest: sha256 })
  return new Trial(admitted, made)
}

/** Runs that die while they look ahead, at an entry that chance chooses, and go on, some of them looking ahead again. */
export async function deaths(seed: string, runs: number): Promise<readonly string[]> {
  const trial = trialOf(seed)
  const wrong: string[] = []
  for (let i = 0; i < runs; i++) wrong.push(...(await trial.dies(`${seed}.${i}`)))
  return wrong
}

interface Point {
  /** Entries of the ledger by then. */
  readonly entries: number
  readonly state: string
}

class Trial {
  readonly #admitted: Admitted
  readonly #program: ReturnType<typeof load>
  readonly #made: Made

  constructor(admitted: Admitted, made: Made) {
    this.#admitted = admitted
    this.#made = made
    const executors = admitted.externs.map((x) => x.kind.open(x.claim.config, {}, {} as never, x.signature) as Executor)
    this.#program = load(admitted, executors, { codegen: true, eager: true })
  }

  async run(seed: string, tally: Tally): Promise<void> {
    const input = { x: new Chance(`${seed} input`).below(50) }
    const alone = await this.#once(`${seed} alone`, input, false)
    const ahead = await this.#once(`${seed} ahead`, input, true)
    tally.runs++
    tally.writes += ahead.world.sent.length
    tally.discarded += ahead.discarded
    tally.guesses += ahead.guesses
    const wrong = (what: string) => tally.wrong.push(`${seed}: ${what}`)
    if (same(ahead.outcome) !== same(alone.outcome) || ahead.trace !== alone.trace) {
      tally.mismatches++
      wrong("it comes to something else than the run that never looked ahead")
    }
    const order = (sent: readonly Sent[]) => sent.map(({ path, n }) => `${path} ${n}`).join("\n")
    if (order(ahead.world.sent) !== order(alone.world.sent)) {
      tally.unverifiedWrites++
      wrong("something else was written, or in another order")
    }
    for (const what of ahead.early) {
      tally.unverifiedWrites++
      wrong(what)
    }
    for (const { entries, state } of ahead.points) {
      tally.points++
      if ((await this.#learnt(ahead.store, entries, input)) === state) continue
      tally.mismatches++
      wrong(`rolled back at entry ${entries}, it is not in the state of a run that never looked ahead`)
    }
  }

  async #once(seed: string, input: { readonly x: number }, looksAhead: boolean) {
    const c = new Chance(seed)
    const clock = new SeededClock(c)
    const world = new World(c, clock)
    playing = world
    const store = new MemoryLedger()
    const record = openRun(this.#admitted, { store, digest: sha256, clock, run: "r", space: "", input })
    let rolledBack = false
    let guesses = 0
    let discarded = 0
    const speculation = looksAhead
      ? {
          ...SPECULATION,
          costs: false,
          odds: new Odds(),
          depth: c.of([1, 3, 16]),
          calls: c.of([1, 4, 16]),
          shadows: this.#shadows(world, c, (right) => {
            guesses++
            if (!right) rolledBack = true
          }),
        }
      : undefined
    const vm = new Vm(this.#program, {
      services: { clock, chance: { next: () => c.unit(), bytes: (n) => new Uint8Array(n) } },
      record,
      speculation,
      onEvent: (event) => {
        if (event.type === "discarded") discarded++
      },
    })
    const early: string[] = []
    world.onWrite = (write) => early.push(...this.#tooEarly(write, world, store))
    const points: Point[] = []
    // Time goes on only when everything else has gone as far as it can: then the state is looked at.
    const step = clock.step.bind(clock)
    clock.step = () => {
      if (rolledBack) points.push({ entries: rowsOf(store).length, state: stateOf(vm) })
      rolledBack = false
      return step()
    }
    const answer = vm.run(input)
    const outcome = answer instanceof Promise ? await driven(clock, answer) : answer
    const { trace } = record.end(outcome.ok ? outcome.value : outcome.failure) as { readonly trace: string }
    return { outcome, trace, world, store, points, early, guesses, discarded }
  }

  /** What is wrong with a run that stopped in the middle and went on. */
  async dies(seed: string): Promise<readonly string[]> {
    const input = { x: new Chance(`${seed} input`).below(50) }
    const whole = await this.#once(`${seed} whole`, input, true)
    const c = new Chance(`${seed} death`)
    const rows = rowsOf(whole.store).slice(0, 1 + c.below(rowsOf(whole.store).length - 1))
    const store = new MemoryLedger()
    for (const row of rows) store.append(row)
    const options = { digest: sha256, space: "", run: "r" }
    const open = openHistory(store.entries("", "r"), options)
    // Of what was on its way then, nobody knows what came of it: such a run waits for a person.
    if (open.open.size > 0) return []
    const clock = new SeededClock(c)
    await answerRun(this.#admitted, open, { store, digest: sha256, clock }, [], "test")
    const history = openHistory(store.entries("", "r"), options)
    const record = resumeRun(this.#admitted, history, { store, digest: sha256, clock })
    const world = new World(c, clock)
    world.sent.push(
      ...whole.world.sent.slice(0, [...history.known.values()].filter((k) => k.effect === "write").length),
    )
    const known = world.sent.length
    playing = world
    const speculation = c.percent(70)
      ? { ...SPECULATION, costs: false, odds: new Odds(), shadows: this.#shadows(world, c, () => {}) }
      : undefined
    const services = { clock, chance: { next: () => c.unit(), bytes: (n: number) => new Uint8Array(n) } }
    const answer = new Vm(this.#program, { services, record, speculation }).run(input)
    const outcome = answer instanceof Promise ? await driven(clock, answer) : answer
    const { trace } = record.end(outcome.ok ? outcome.value : outcome.failure) as { readonly trace: string }
    const at = `${seed}, died after entry ${rows.length - 1}`
    const order = (sent: readonly Sent[]) => sent.map(({ path, n }) => `${path} ${n}`).join("\n")
    return [
      ...(same(outcome) === same(whole.outcome) && trace === whole.trace ? [] : [`${at}: it comes to something else`]),
      ...(order(world.sent) === order(whole.world.sent)
        ? []
        : [`${at}: it wrote something else, after ${known} writes`]),
    ]
  }

  #shadows(world: World, c: Chance, verified: (right: boolean) => void): readonly (Shadow | undefined)[] {
    const speaks = c.of([100, 80])
    return this.#admitted.externs.map(({ claim }) => {
      if (claim.effect !== "read") return undefined
      return world.shadow(String(claim.config["read"]), c.of([100, 80, 50, 20]), speaks, verified)
    })
  }

  /** What a write rests on must have been answered when it is sent, and be on record. */
  #tooEarly({ path, n }: Sent, world: World, store: MemoryLedger): string[] {
    const node = path.split(".")[0]!
    const out: string[] = []
    if (!Number.isInteger(n) && !Number.isInteger(n * 2)) out.push(`${path} was sent with ${n}, which no tool gave`)
    const known = new Set<string>()
    for (const row of rowsOf(store)) {
      const { body } = openEntry(row.entry)
      if (body.kind === "read") known.add(String(body.path[0]))
    }
    for (const name of this.#made.rests.get(node)!) {
      if (!this.#calls(name) || known.has(name)) continue
      if (!world.sent.some((s) => s.path.split(".")[0] === name))
        out.push(`${path} was sent before ${name} was on record`)
    }
    return out
  }

  /** Does the node certainly call a tool? */
  #calls(name: string): boolean {
    return new RegExp(`^ {2}${name}: \\{ (read|write): `, "m").test(this.#made.text)
  }

  /** The state of a run that never looked ahead and has learnt what stands in these entries. */
  async #learnt(store: MemoryLedger, entries: number, input: { readonly x: number }): Promise<string> {
    const clock = new SeededClock(new Chance("replay"))
    const rows = rowsOf(store).slice(0, entries)
    const history = openHistory({ before: null, rows }, { digest: sha256, space: "", run: "r" })
    const record = replayRun(this.#admitted, history, { digest: sha256, clock })
    const vm = new Vm(this.#program, {
      services: { clock, chance: { next: () => 0.5, bytes: (n) => new Uint8Array(n) } },
      record,
    })
    const answer = vm.run(input)
    if (answer instanceof Promise) await driven(clock, answer)
    return stateOf(vm)
  }
}

const rowsOf = (store: MemoryLedger) => store.entries("", "r").rows
const same = (outcome: Outcome): string =>
  outcome.ok ? hex(hashValue(outcome.value)) : `${outcome.failure.code} ${hex(hashValue(outcome.failure.data))}`

export const emptyTally = (): Tally => ({
  runs: 0,
  points: 0,
  mismatches: 0,
  unverifiedWrites: 0,
  writes: 0,
  guesses: 0,
  discarded: 0,
  wrong: [],
})
