/**
 * What a host is asked: the trace hash of each plan, run by the runtime that ships to the edge. Random plans play the tools of
 * the laws; runs that were recorded elsewhere, with whatever took part in them, are computed again from their record.
 */
import "../../graph/patterns/mod.ts"
import { mayTranslate } from "../../bus/mod.ts"
import { replay } from "../../deploy/engine/again.ts"
import { Engine } from "../../deploy/engine/engine.ts"
import { MemoryLedger } from "../../deploy/ledger/memory.ts"
import { systemChance } from "../../deploy/services/chance.ts"
import { systemClock } from "../../deploy/services/clock.ts"
import { decode, type Registry, registry, type Value } from "../../graph/mod.ts"
import type { EntryKind, Row } from "../../kernel/mod.ts"
import { ask, fnWith, http, llm, mcp, readFile, sql, writeFile } from "../../nodes/mod.ts"
import { Chance } from "../laws/chance.ts"
import { driven, Playing } from "../laws/stage.ts"
import { registryOn, TIMEOUT_MS } from "../laws/tools.ts"

/** Bytes are in base64 everywhere. */
export interface Case {
  readonly seed: string
  readonly plan: string
  readonly needs: readonly string[]
  readonly input: string
}
export interface Recorded {
  readonly run: string
  readonly rows: readonly RowText[]
  readonly blobs: readonly (readonly [hash: string, bytes: string])[]
}
export interface RowText {
  readonly seq: number
  readonly kind: EntryKind
  readonly entry: string
  readonly data: string | null
  readonly hash: string
  /** Of salted entries. */
  readonly asked: string | null
  readonly told: string | null
}
export interface Question {
  readonly cases: readonly Case[]
  readonly recorded: readonly Recorded[]
}
export interface Answer {
  /** Are plans made into code here, or interpreted? */
  readonly translates: boolean
  readonly traces: readonly string[]
  /** Of the runs that were recorded; the word `differs` where something is not as it was. */
  readonly replayed: readonly string[]
}

export default async function answer({ cases, recorded }: Question): Promise<Answer> {
  const traces: string[] = []
  for (const each of cases) traces.push(await traceOf(each))
  const replayed: string[] = []
  for (const each of recorded) replayed.push(await replayedTrace(each))
  return { translates: mayTranslate(), traces, replayed }
}

let playing: Playing
const kinds: Registry = registryOn(() => playing)

async function traceOf({ seed, plan, needs, input }: Case): Promise<string> {
  playing = new Playing(new Chance(seed))
  const { clock } = playing
  const chance = { next: () => playing.unit(), bytes: (n: number) => new Uint8Array(n) }
  const engine = new Engine({ registry: kinds, services: { clock, chance }, timeoutMs: TIMEOUT_MS })
  const ready = await engine.prepare(bytesOf(plan), { grants: needs })
  const result = ready.run(decode(bytesOf(input)) as Value, { id: "run" })
  return (result instanceof Promise ? await driven(clock, result) : result).trace
}

const STANDARD = registry(ask, fnWith(), http, llm, mcp, readFile, sql, writeFile)

async function replayedTrace({ run, rows, blobs }: Recorded): Promise<string> {
  const store = new MemoryLedger({ entriesMax: 100_000 })
  for (const [hash, bytes] of blobs) store.putBlob(hash, bytesOf(bytes))
  for (const row of rows) store.append(rowOf(run, row))
  const engine = new Engine({ registry: STANDARD, services: { clock: systemClock, chance: systemChance }, store })
  const again = await replay(engine, run)
  return again.same ? again.trace : `differs: ${again.divergences.map((d) => JSON.stringify(d)).join("; ")}`
}

function rowOf(run: string, { seq, kind, entry, data, hash, asked, told }: RowText): Row {
  return {
    space: "",
    run,
    seq,
    kind,
    entry: bytesOf(entry),
    data: data === null ? null : bytesOf(data),
    hash: bytesOf(hash),
    ...(asked === null ? {} : { asked: bytesOf(asked) }),
    ...(told === null ? {} : { told: bytesOf(told) }),
  }
}

const bytesOf = (text: string): Uint8Array => Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
