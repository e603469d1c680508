/**
 * One seed lived through: runs are started in a process that may die, taken up by the next one, answered by a person who
 * looks at what the tools really did, until all have ended. Then checkers that know nothing of how it was done compare the
 * ledger, the world and a life without faults.
 */

import { auditLedger, type Signer } from "../../audit/mod.ts"
import { compile } from "../../compile/mod.ts"
import { replay, resume, undo } from "../../deploy/engine/again.ts"
import { SqlLedger } from "../../deploy/ledger/sql.ts"
import { Engine } from "../../deploy/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import {
  type Outcome,
  printPath,
  printProblemShort,
  type Registry,
  registry,
  type Shadow,
  type Shadows,
  sameBytes,
  sha256,
} from "../../graph/mod.ts"
import { AdmissionError, type History, KernelError, openHistory, type Reply, verifyChain } from "../../kernel/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"
import { Chance } from "../laws/chance.ts"
import { Disk } from "./disk.ts"
import { someSimGraph, textOf } from "./graphs.ts"
import { FAULTS, type Fault, Process, type Strike, World } from "./world.ts"

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
}

export interface Lived {
  readonly wrong: readonly string[]
  readonly processes: number
  readonly applied: number
  /** Writes that were taken back. */
  readonly undone: number
  /** Guesses that tools confirmed, and refuted. */
  readonly guesses: { readonly kept: number; readonly wrong: number }
  readonly ended: { readonly value: number; readonly failure: number; readonly refused: number }
}

const PROCESSES_MAX = 60
const TRIES_MAX = 40
const LOSSES: ReadonlySet<Fault> = new Set(["disk torn", "disk half", "disk forgotten"])
const GRANTS = ["app:look", "app:send", "app:post", "ask:person"]

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
  return { seed, nodes, inputs, strikes, withheld, undo, ahead }
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
  const calm = await lifeOf({ ...scenario, strikes: [], ahead: false })
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
    guesses: life.guesses,
    ended: {
      value: ends.filter((ok) => ok === true).length,
      failure: ends.filter((ok) => ok === false).length,
      refused: life.refused ? 1 : 0,
    },
  }
}

interface Life {
  readonly world: World
  readonly wrong: string[]
  readonly histories: ReadonlyMap<string, History>
  readonly processes: number
  readonly refused: boolean
  readonly guesses: Lived["guesses"]
}

async function lifeOf(scenario: Scenario): Promise<Life> {
  const disk = new Disk(scenario.strikes.some(({ fault }) => LOSSES.has(fault)))
  const world = new World(disk, scenario.strikes)
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
}

const SECRET = new TextEncoder().encode("of the simulated world")
/** Signs at once, as no real key does: time in a world is the world's. */
const seal = (bytes: Uint8Array): Uint8Array => sha256(new Uint8Array([...SECRET, ...bytes]))
const signer: Signer = {
  log: "sim",
  sign: async (bytes) => seal(bytes),
  verify: async (log, bytes, signature) => (log === "sim" ? sameBytes(seal(bytes), signature) : undefined),
}
const ledgerOn = (world: World, process: Process): Promise<SqlLedger> =>
  SqlLedger.open({
    storage: world.storage(process),
    signer,
    now: world.clock.now,
    keepHead: async (head) => {
      if (process.alive) world.kept = head
    },
  })

const engineOn = async (
  world: World,
  process: Process,
  { kinds, chance, shadows }: Pick<Work, "kinds" | "chance" | "shadows">,
) =>
  new Engine({
    registry: kinds,
    services: {
      clock: world.clock,
      chance: { next: () => chance.unit(), bytes: (n) => Uint8Array.from({ length: n }, () => chance.below(256)) },
      ...(shadows ? { shadows } : {}),
    },
    // In a world calls take no time: whether it pays is not the question.
    speculate: shadows ? { costs: false } : undefined,
    digest: sha256,
    store: await ledgerOn(world, process),
    parks: true,
    timeoutMs: 1_000,
  })

/** What one process does: every run that has not ended is begun or taken up, until it has. */
async function inProcess(world: World, process: Process, work: Work): Promise<"ended" | "again"> {
  const engine = await stubborn(() => engineOn(world, process, work))
  const { grants } = work
  const ready = await stubborn(() => engine.prepare(work.plan, { grants }))
  await Promise.all(
    work.runs.map(async ({ id, n }) => {
      for (let i = 0; i < TRIES_MAX; i++) {
        try {
          const found = await engine.store.entries("", id)
          if (found.rows.length === 0) {
            await ready.run({ n }, { id })
            continue
          }
          const history = openHistory(found, { digest: sha256, space: "", run: id })
          if (history.end !== undefined) {
            if (!(await askedToUndo(engine, history, work))) return
            continue
          }
          await resume(engine, id, { grants, replies: repliesOf(world, history), by: "person" })
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
    else if (why === "uncertain") replies.push(uncertain(world, history, path))
    else if (until !== null && until > world.clock.now()) world.clock.wall += until - world.clock.now()
  }
  for (const [at, { path }] of history.open) if (!history.waits.has(at)) replies.push(uncertain(world, history, path))
  return replies
}

function uncertain(world: World, { run }: History, path: Reply["path"]): Reply {
  const done = world.truth(run, path)
  return done === undefined ? { path, how: "again" } : { path, how: "delivered", value: done.arg + 1 }
}

// ---- what must be true of every life

async function checked(world: World, scenario: Scenario, plan: Uint8Array, runs: Work["runs"]) {
  const { wrong } = world
  const histories = new Map<string, History>()
  const process = new Process()
  const kinds = registry(...standardKinds.values(), ...world.kinds(process))
  // From here on nothing strikes any more.
  const calm = world.calm()
  calm.clock.wall = world.clock.now() + 1
  const engine = await engineOn(calm, process, { kinds, chance: new Chance("checks"), shadows: undefined })
  await engine.prepare(plan, { grants: GRANTS })
  for (const { id } of runs) {
    const chain = await engine.store.entries("", id)
    const verdict = verifyChain(chain, { digest: sha256, space: "", run: id })
    if (!verdict.ok) {
      wrong.push(`${id}: the ledger is broken at entry ${verdict.seq}: ${verdict.message}`)
      continue
    }
    const history = await engine.history(id)
    histories.set(id, history)
    if (history.end === undefined) wrong.push(`${id} has not ended`)
    wrong.push(...effectsOf(world, history), ...undosOf(world, history, scenario))
    const again = await calm.clock.until(replay(engine, id))
    if (again === undefined) {
      wrong.push(`${id}: its replay never ends`)
      continue
    }
    if (!again.same)
      wrong.push(
        `${id}: its replay differs: ${JSON.stringify(again.outcome)} for ${JSON.stringify(history.end?.outcome)}, ${again.divergences.length} divergences, trace ${again.sameTrace}`,
      )
  }
  wrong.push(...(await audited(world, engine.store as SqlLedger)))
  if (scenario.withheld !== undefined) {
    const tool = scenario.withheld.replace("app:", "")
    if (world.applied.some((a) => a.tool === tool)) wrong.push(`${tool} was called without a grant`)
  }
  return histories
}

/** The ledger and its signed log are whole; what the disk has forgotten is told by a head that was kept elsewhere. */
async function audited(world: World, { archive }: SqlLedger): Promise<string[]> {
  const { kept, witness, forgotten } = world
  const leaves = world.leaves()
  const lost = forgotten.some(({ index, leaf }) => leaves[index]?.leaf !== leaf)
  const own = await auditLedger(archive, { digest: sha256, verify: signer.verify })
  const wrong = own.findings.map(({ fault, message }) => `the audit finds ${fault}: ${message}`)
  const held = await auditLedger(archive, {
    digest: sha256,
    verify: signer.verify,
    heads: [witness ?? kept ?? []].flat(),
  })
  if (held.ok === lost)
    wrong.push(lost ? "nobody noticed what the disk forgot" : `against the head: ${held.findings[0]!.message}`)
  return wrong
}

/** No effect twice, and none that the ledger does not know. */
function effectsOf(world: World, history: History): string[] {
  const wrong: string[] = []
  const seen = new Set<string>()
  for (const { run, path, tool } of world.applied) {
    if (run !== history.run) continue
    if (seen.has(path)) wrong.push(`${run} ${path}: ${tool} was done twice`)
    seen.add(path)
    if (!history.known.has(path) && !history.open.has(path))
      wrong.push(`${run} ${path}: ${tool} was done, and the ledger does not say so`)
  }
  return wrong
}

const isUndo = ({ path }: { readonly path: string }): boolean => path.endsWith(".undo")

/** No undo without its write, in the reverse order of the writes, and all of them where the run was to be undone. */
function undosOf(world: World, history: History, { undo }: Scenario): string[] {
  const wrong: string[] = []
  const applied = world.applied.filter((a) => a.run === history.run)
  const place = new Map(applied.map(({ path }, i) => [path, i]))
  let last = Number.POSITIVE_INFINITY
  for (const [i, { path }] of applied.entries()) {
    if (!isUndo({ path })) continue
    const write = place.get(path.slice(0, -".undo".length))
    if (write === undefined || write > i) wrong.push(`${history.run} ${path} was undone, and never done`)
    else if (write > last) wrong.push(`${history.run} ${path} was undone after what came before it`)
    else last = write
  }
  const wanted = undo === "asked" || (undo === "on failure" && history.end?.outcome.ok === false)
  if (undo === "on failure" && history.end?.outcome.ok && applied.some(isUndo))
    wrong.push(`${history.run} did not fail, and was undone`)
  if (undo === "never" && applied.some(isUndo)) wrong.push(`${history.run} was undone, and nobody asked for it`)
  if (!wanted) return wrong
  for (const { path } of history.undoable) {
    const at = printPath(path)
    if (place.has(at) && !place.has(`${at}.undo`) && !history.left.includes(at))
      wrong.push(`${history.run} ${at} was done, and is not undone`)
  }
  return wrong
}

/** A run in which nothing failed for good is the run that would have been without faults. */
function compared(run: string, life: Life, calm: Life): string[] {
  const [one, other] = [life.histories.get(run)!, calm.histories.get(run)]
  if (other === undefined || one.end === undefined || other.end === undefined) return []
  const failed = [...one.known.values(), ...other.known.values()].some((k) => k.message !== null)
  if (failed || !one.end.outcome.ok) return []
  const wrong: string[] = []
  if (!same(one.end.outcome, other.end.outcome)) wrong.push(`${run} ends in another value than without faults`)
  if (one.end.trace !== other.end.trace) wrong.push(`${run} has another trace than without faults`)
  const done = (l: Life) =>
    l.world.applied
      .filter((a) => a.run === run)
      .map((a) => `${a.path} ${a.tool} ${a.arg}`)
      .sort()
      .join("\n")
  if (done(life) !== done(calm))
    wrong.push(`${run} did other things than without faults:\n${done(life)}\n—\n${done(calm)}`)
  return wrong
}

const same = (a: Outcome, b: Outcome): boolean => JSON.stringify(a) === JSON.stringify(b)
