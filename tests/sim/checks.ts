/**
 * What must be true of every life, found out by those who know nothing of how it was done: by ledger, by log, by the tools'
 * own books, and by a life without faults.
 */
import { auditLedger } from "../../audit/mod.ts"
import { replay } from "../../deploy/engine/again.ts"
import type { SqlLedger } from "../../deploy/ledger/sql.ts"
import { type Outcome, printPath, registry, sameBytes, sha256 } from "../../graph/mod.ts"
import { type History, verifyChain } from "../../kernel/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"
import { Chance } from "../laws/chance.ts"
import { engineOn, GRANTS, signer } from "./engines.ts"
import type { Life, Scenario } from "./live.ts"
import { Process, type World } from "./world.ts"

export async function checked(
  world: World,
  scenario: Scenario,
  plan: Uint8Array,
  runs: readonly { readonly id: string }[],
): Promise<Map<string, History>> {
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
  if (scenario.redacts === true && wrong.length === 0)
    wrong.push(...(await redacted(engine.store as SqlLedger, runs[0]!.id)))
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

/** What a run took and gave is removed: the chain and the log hold, and say that it was; of other runs nothing is gone. */
async function redacted(ledger: SqlLedger, run: string): Promise<string[]> {
  const before = await ledger.entries("", run)
  const removed = await ledger.redact("", run)
  const after = await ledger.entries("", run)
  const wrong: string[] = []
  const bare = verifyChain(after, { digest: sha256, space: "", run })
  if (removed > 0 && (bare.ok || bare.reason !== "redacted")) wrong.push(`${run}: nobody is told what was removed`)
  const noted = verifyChain(after, { digest: sha256, space: "", run, redactions: await ledger.redactions("", run) })
  if (!noted.ok) wrong.push(`${run}: after a redaction the ledger is broken at entry ${noted.seq}: ${noted.message}`)
  if (after.rows.some(({ hash }, i) => !sameBytes(hash, before.rows[i]!.hash)))
    wrong.push(`${run}: a redaction changed hashes`)
  const audit = await auditLedger(ledger.archive, { digest: sha256, verify: signer.verify })
  for (const { fault, message } of audit.findings) wrong.push(`after a redaction the audit finds ${fault}: ${message}`)
  if (audit.redacted !== removed) wrong.push(`${removed} entries were redacted, the audit counts ${audit.redacted}`)
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
    const unsaid = world.stopped.has(run) && world.unsaid.has(`${run} ${path}`)
    if (!unsaid && !history.known.has(path) && !history.open.has(path))
      wrong.push(`${run} ${path}: ${tool} was done, and the ledger does not say so`)
  }
  return wrong
}

export const isUndo = ({ path }: { readonly path: string }): boolean => path.endsWith(".undo")

/** No undo without its write, in the reverse order of the writes, and all of them where the run was to be undone. */
function undosOf(world: World, history: History, { undo, stops }: Scenario): string[] {
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
  const { end } = history
  // Whoever cancels a run decides what becomes of it, also in the middle of an undo.
  const stopped = stops?.some((s) => s.run === history.run) === true
  const wanted = undo === "asked" || (undo === "on failure" && end?.outcome.ok === false && !stopped)
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
export function compared(run: string, life: Life, calm: Life): string[] {
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
