/**
 * One seed lived through: runs are started in a process that may die, taken up by the next one, answered by a person who
 * looks at what the tools really did, until all have ended. Then checkers that know nothing of how it was done compare the
 * ledger, the world and a life without faults.
 */

import { compile } from "../../compile/mod.ts"
import { cancel, resume, undo } from "../../deploy/engine/again.ts"
import type { Engine } from "../../deploy/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import {
  printPath,
  printProblemShort,
  type Registry,
  registry,
  type Shadow,
  type Shadows,
  sha256,
} from "../../graph/mod.ts"
import { AdmissionError, type History, KernelError, openHistory, type Reply } from "../../kernel/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"
import { Chance } from "../laws/chance.ts"
import { checked, compared, isUndo } from "./checks.ts"
import { Disk } from "./disk.ts"
import { engineOn, GRANTS } from "./engines.ts"
import { someSimGraph, textOf } from "./graphs.ts"
import { FAULTS, type Fault, Process, type Stop, type Strike, World } from "./world.ts"

export interface Scenario {
  readonly seed: string
  readonly nodes: readonly string[]
  /** One run for each. */
  readonly inputs: readonly number[]
  readonly strikes: readonly Strike[]
  /** A capability that is not granted. */
  readonly withheld: string | undefined
  /** When runs are undone: when they fail by themselves, or when they have ended and a person asks. */
  readonly undo: "never" | "on failure" | "asked"
  /** Runs look ahead, on shadows that are right, wrong and silent by turns. */
  readonly ahead: boolean
  /** Runs that somebody wants to end in the middle. */
  readonly stops?: readonly Stop[]
  /** Whoever goes on with a run now and then has a rival, who has the same in mind at the same moment. */
  readonly rivals?: boolean
  /** What a run took and gave is removed when all is over. */
  readonly redacts?: boolean
}

export interface Lived {
  readonly wrong: readonly string[]
  readonly processes: number
  readonly applied: number
  /** Writes that were taken back. */
  readonly undone: number
  /** Runs that somebody ended, and those who found out that another goes on with theirs. */
  readonly stopped: number
  readonly rivals: number
  /** Guesses that tools confirmed, and refuted. */
  readonly guesses: { readonly kept: number; readonly wrong: number }
  readonly ended: { readonly value: number; readonly failure: number; readonly refused: number }
}

const PROCESSES_MAX = 60
const TRIES_MAX = 40
const LOSSES: ReadonlySet<Fault> = new Set(["disk torn", "disk half", "disk forgotten"])

export function scenarioOf(seed: string): Scenario {
  const chance = new Chance(seed)
  // Of a chance of its own: the worlds are those that they were before runs looked ahead.
  const looks = new Chance(`${seed} ahead`)
  const ahead = looks.percent(50)
  const { nodes: plain } = someSimGraph(chance)
  const nodes = ahead ? plain.map((node) => marked(node, looks)) : plain
  const inputs = Array.from({ length: chance.between(1, 3) }, () => chance.between(0, 20))
  const span = 15 + nodes.length * inputs.length * 8
  const strikes = Array.from({ length: chance.below(9) }, () => ({
    at: chance.below(span),
    fault: FAULTS[chance.below(FAULTS.length)]!,
  }))
  const withheld = chance.percent(8) ? GRANTS[chance.below(GRANTS.length)] : undefined
  const undo = (["never", "on failure", "asked"] as const)[chance.below(3)]!
  const more = new Chance(`${seed} more`)
  const stops = inputs.flatMap((_, i) => (more.percent(12) ? [{ at: more.below(span), run: `run-${i}` }] : []))
  const [rivals, redacts] = [more.percent(40), more.percent(30)]
  return { seed, nodes, inputs, strikes, withheld, undo, ahead, stops, rivals, redacts }
}

/** Some of the reads may be called on guesses. */
const marked = (node: string, looks: Chance): string =>
  node.replace(/\{ look: /g, (found) => (looks.percent(75) ? "{ speculate: true, look: " : found))

/** Shadows of the one tool that reads: what they say depends on seed and argument alone, and is wrong three times of ten. */
const shadowsOf = (seed: string, guesses: { kept: number; wrong: number }): Shadows => {
  const shadow: Shadow = {
    predict: (args) => {
      const { look } = args as { readonly look: number }
      const turn = new Chance(`${seed} ${look}`).below(10)
      if (turn === 9) return { ok: false, why: "support" }
      if (turn === 8) throw new RangeError("a shadow that throws")
      const value = turn === 7 ? "no number" : look + (turn < 3 ? 2 : 1)
      return { ok: true, value, by: "of a world", alpha: 0.01, confidence: 0.9 }
    },
    observe: (_, predicted, real) => {
      if (predicted === undefined) return
      if (real.ok && real.value === predicted) guesses.kept++
      else guesses.wrong++
    },
  }
  return { of: ({ kind }) => (kind === "look" ? shadow : undefined) }
}

/** Lives a scenario. What is wrong is told, never thrown. */
export async function live(scenario: Scenario): Promise<Lived> {
  const calm = await lifeOf({ ...scenario, strikes: [], stops: [], rivals: false, ahead: false })
  const life = await lifeOf(scenario)
  const wrong = [...calm.wrong.map((w) => `without faults: ${w}`), ...life.wrong]
  if (life.refused || calm.refused) {
    if (life.refused !== calm.refused) wrong.push("refused with faults or without, not both")
  } else if (wrong.length === 0) for (const run of life.histories.keys()) wrong.push(...compared(run, life, calm))
  const ends = [...life.histories.values()].map((h) => h.end?.outcome.ok)
  return {
    wrong,
    processes: life.processes,
    applied: life.world.applied.length,
    undone: life.world.applied.filter(isUndo).length,
    stopped: life.world.stopped.size,
    rivals: life.world.rivals,
    guesses: life.guesses,
    ended: {
      value: ends.filter((ok) => ok === true).length,
      failure: ends.filter((ok) => ok === false).length,
      refused: life.refused ? 1 : 0,
    },
  }
}

export interface Life {
  readonly world: World
  readonly wrong: string[]
  readonly histories: ReadonlyMap<string, History>
  readonly processes: number
  readonly refused: boolean
  readonly guesses: Lived["guesses"]
}

async function lifeOf(scenario: Scenario): Promise<Life> {
  const disk = new Disk(scenario.strikes.some(({ fault }) => LOSSES.has(fault)))
  const world = new World(disk, scenario.strikes, scenario.stops)
  const { wrong } = world
  const grants = GRANTS.filter((grant) => grant !== scenario.withheld)
  const plan = planOf(scenario, registry(...standardKinds.values(), ...world.kinds(new Process())))
  const runs = scenario.inputs.map((n, i) => ({ id: `run-${i}`, n }))
  const guesses = { kept: 0, wrong: 0 }
  let processes = 0
  let refused = false
  try {
    for (;;) {
      if (++processes > PROCESSES_MAX) {
        wrong.push(`not every run has ended after ${PROCESSES_MAX} processes`)
        break
      }
      const process = new Process()
      const chance = new Chance(`${scenario.seed} process ${processes}`)
      const kinds = registry(...standardKinds.values(), ...world.kinds(process))
      const work = inProcess(world, process, {
        ...{ plan, grants, kinds, chance, runs },
        ...{ undo: scenario.undo, shadows: scenario.ahead ? shadowsOf(scenario.seed, guesses) : undefined },
        rivals: scenario.rivals === true,
      })
      const how = await world.clock.until(Promise.race([work, process.died]))
      if (how === "ended") break
      if (how === undefined) {
        wrong.push("nothing goes on, and nothing is waited for")
        break
      }
      world.clock.forget()
    }
    return { world, wrong, processes, refused, guesses, histories: await checked(world, scenario, plan, runs) }
  } catch (cause) {
    if (cause instanceof AdmissionError) {
      refused = true
      if (scenario.withheld === undefined) wrong.push(`refused with every grant: ${cause.message}`)
      if (world.applied.length + world.reads.length > 0) wrong.push("a tool was called by a run that was refused")
      return { world, wrong, processes, refused, guesses, histories: new Map() }
    }
    wrong.push(`${(cause as Error).name}: ${(cause as Error).message}`)
    return { world, wrong, processes, refused, guesses, histories: new Map() }
  } finally {
    disk.close()
  }
}

function planOf(scenario: Scenario, kinds: Registry): Uint8Array {
  const text = textOf(scenario.nodes, scenario.undo === "on failure")
  const { checked: sound, problems } = checkFile({ file: "sim.graph.yaml", text }, { registry: kinds })
  if (sound === undefined) throw new RangeError(`${problems.map(printProblemShort).join("\n")}\n${text}`)
  return compile(sound).bytes
}

interface Work {
  readonly plan: Uint8Array
  readonly grants: readonly string[]
  readonly kinds: Registry
  readonly chance: Chance
  readonly runs: readonly { readonly id: string; readonly n: number }[]
  readonly undo: Scenario["undo"]
  readonly shadows: Shadows | undefined
  readonly rivals: boolean
}

/** What one process does: every run that has not ended is begun or taken up, until it has. */
async function inProcess(world: World, process: Process, work: Work): Promise<"ended" | "again"> {
  const engine = await stubborn(() => engineOn(world, process, work))
  const { grants } = work
  const ready = await stubborn(() => engine.prepare(work.plan, { grants }))
  const rival = work.rivals ? await stubborn(() => engineOn(world, process, work)) : undefined
  await Promise.all(
    work.runs.map(async ({ id, n }) => {
      const stop = new AbortController()
      world.hear.set(id, () => stop.abort("a person"))
      const { signal } = stop
      for (let i = 0; i < TRIES_MAX; i++) {
        try {
          const found = await engine.store.entries("", id)
          if (found.rows.length === 0) {
            await ready.run({ n }, { id, signal })
            continue
          }
          const history = openHistory(found, { digest: sha256, space: "", run: id })
          if (history.end !== undefined) {
            if (!(await askedToUndo(engine, history, work))) return
            continue
          }
          if (world.stopped.has(id) && history.undoing === undefined) {
            await cancel(engine, id)
            continue
          }
          const replies = repliesOf(world, history)
          const goesOn = { grants, replies, by: "person", signal }
          // What came of a write one person says, and not two.
          const alone = rival === undefined || replies.some(({ how }) => how !== "answered")
          const both = [engine, ...(alone ? [] : [rival])].map((each) => resume(each, id, goesOn))
          for (const ended of await Promise.allSettled(both))
            if (ended.status === "rejected") {
              if (!(ended.reason instanceof KernelError)) throw ended.reason
              if (ended.reason.reason === "conflict") world.rivals++
            }
        } catch (cause) {
          // What the disk refused did not happen; the run is where its record is.
          if (!(cause instanceof KernelError)) throw cause
        }
      }
      world.wrong.push(`${id} has not ended after ${TRIES_MAX} times`)
    }),
  )
  return "ended"
}

/** A person who wants it undone asks until it is, and lets stay what only they could undo. Is there more to do? */
async function askedToUndo(engine: Engine, { run, end }: History, { undo: when, grants }: Work): Promise<boolean> {
  if (when === "never" || (when === "on failure" && end!.outcome.ok)) return false
  try {
    const { undone } = await undo(engine, run, { grants })
    const stuck = undone?.stuck
    const only = stuck?.failure.code === "NoAnswer" || stuck?.failure.code === "Bad"
    if (only) await undo(engine, run, { grants, left: [printPath(stuck!.path)] })
    return true
  } catch (cause) {
    if (cause instanceof KernelError && cause.reason === "undone") return false
    throw cause
  }
}

/** The disk may refuse once or twice. */
async function stubborn<A>(work: () => Promise<A>): Promise<A> {
  for (let i = 0; ; i++) {
    try {
      return await work()
    } catch (cause) {
      if (!(cause instanceof KernelError) || i >= TRIES_MAX) throw cause
    }
  }
}

/** A person who looks before answering; and time that passes until something is due. */
function repliesOf(world: World, history: History): Reply[] {
  const replies: Reply[] = []
  const waits = [...history.waits.values()]
  for (const { path, why, until } of waits) {
    if (why === "ask") replies.push({ path, how: "answered", value: true })
    else if (why === "uncertain") replies.push(...uncertain(world, history, path))
    else if (until !== null && until > world.clock.now()) world.clock.wall += until - world.clock.now()
  }
  for (const [at, { path }] of history.open)
    if (!history.waits.has(at)) replies.push(...uncertain(world, history, path))
  return replies
}

function uncertain(world: World, { run }: History, path: Reply["path"]): Reply[] {
  if (world.flies(run, path)) return []
  const done = world.truth(run, path)
  return [done === undefined ? { path, how: "again" } : { path, how: "delivered", value: done.arg + 1 }]
}
