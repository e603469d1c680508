/**
 * Claims about the signed log of heads and about redaction: what is done to a ledger by somebody who knows the format and
 * computes every hash anew is found, and what was removed is gone while the rest still verifies.
 */

import {
  auditLedger,
  type Fault,
  type HeadRow,
  type LedgerArchive,
  openLeaf,
  type RunName,
  type SignedHead,
  signedHeadOf,
} from "../../audit/mod.ts"
import { encode, hex, sha256, T } from "../../graph/mod.ts"
import { GENESIS, KernelError, openRow, type Row, type RunHead, seal } from "../../kernel/mod.ts"
import { checkProof, proveRun } from "../ledger/proof.ts"
import { SqlLedger } from "../ledger/sql.ts"
import { type LedgerKey, passingKey } from "../services/ledger_key.ts"
import { SqliteStorage } from "../storage/sqlite.ts"
import type { Checked, Claim, Depth } from "./claim.ts"
import { engineOf, nothingSeen, planOf, probe, withProbe } from "./tools.ts"

const TEXT = `graph: g
nodes:
  m: { map: '[1, 2]', as: x, do: { probe: p, with: { x: '\${x}' } } }
  w: { probe: q, effect: write, with: { x: '\${m}' } }
output: w
`

/** All that a ledger holds, as somebody who may change it sees it. */
interface Held {
  rows: readonly Row[]
  heads: readonly RunHead[]
  log: readonly HeadRow[]
}

interface House {
  readonly ledger: SqlLedger
  readonly key: LedgerKey
  readonly runs: readonly string[]
  readonly held: Held
}

async function house(count: number): Promise<House> {
  const key = await passingKey()
  const ledger = await SqlLedger.open({ storage: new SqliteStorage({ file: ":memory:" }), signer: key.signer })
  const kinds = withProbe(probe(nothingSeen()))
  const engine = engineOf(kinds, { store: ledger, parks: true })
  const { checked, bytes } = planOf(TEXT, kinds)
  const ready = await engine.prepare(bytes, { grants: checked.needs })
  const runs: string[] = []
  for (let i = 0; i < count; i++) runs.push((await ready.run({})).run)
  return { ledger, key, runs, held: await heldBy(ledger) }
}

async function heldBy({ archive }: SqlLedger): Promise<Held> {
  const log: HeadRow[] = []
  for (const name of await archive.logs()) log.push(...(await archive.logFrom(name, 0, 1e6)))
  return { rows: await archive.rowsAfter(null, 1e6), heads: await archive.headsAfter(null, 1e6), log }
}

const before = (a: RunName & { seq?: number }, b: RunName & { seq?: number }): boolean =>
  a.space !== b.space ? a.space < b.space : a.run !== b.run ? a.run < b.run : (a.seq ?? 0) < (b.seq ?? 0)
const archiveOf = ({ rows, heads, log }: Held): LedgerArchive => ({
  keptAfter: () => [],
  rowsAfter: (after, limit) => rows.filter((r) => after === null || before(after, r)).slice(0, limit),
  headsAfter: (after, limit) => heads.filter((h) => after === null || before(after, h)).slice(0, limit),
  logs: () => [...new Set(log.map((l) => l.log))],
  logFrom: (name, index, limit) => log.filter((l) => l.log === name && l.index >= index).slice(0, limit),
})

/** A run written anew from entry `at` on, with every hash computed again and the list of runs put right. */
function rewritten(held: Held, run: string, at: number, edit: (rows: readonly Row[]) => readonly Row[]): Held {
  const mine = held.rows.filter((r) => r.run === run)
  let prev = at === 0 ? GENESIS : mine[at - 1]!.hash
  const made = edit(mine.slice(at)).map((row, i) => {
    const { body, at: time, space } = openRow(row)
    const sealed = seal({ space, run, seq: at + i, prev, at: time, body }, row.data, sha256)
    prev = sealed.hash
    return sealed
  })
  const all = [...mine.slice(0, at), ...made]
  const last = all.at(-1)
  return {
    ...held,
    rows: held.rows.flatMap((r) => (r.run !== run ? [r] : r.seq === 0 ? all : [])),
    heads: held.heads.flatMap((h) =>
      h.run !== run ? [h] : last ? [{ ...h, seq: last.seq, hash: last.hash, ended: last.kind === "end" }] : [],
    ),
  }
}

/** Everything that somebody with the database, the format and no key can do to each run and each leaf. */
function* tampered({ held, runs }: House): Generator<readonly [string, Held]> {
  for (const run of runs) {
    const mine = held.rows.filter((r) => r.run === run)
    for (const [at, row] of mine.entries()) {
      yield [`${run}: entry ${at} written anew`, rewritten(held, run, at, (rows) => rows)]
      if (at > 0) yield [`${run}: cut before entry ${at}`, rewritten(held, run, at, () => [])]
      if (at > 0 && at < mine.length - 1)
        yield [`${run}: entry ${at} taken out`, rewritten(held, run, at, (rows) => rows.slice(1))]
      if (at > 0) yield [`${run}: entry ${at} twice`, rewritten(held, run, at, (rows) => [row, ...rows])]
    }
    const without = (h: Held): Held => ({
      ...h,
      rows: h.rows.filter((r) => r.run !== run),
      heads: h.heads.filter((x) => x.run !== run),
    })
    yield [`${run}: removed with all that lists it`, without(held)]
    const other = (r: Row): Row => (r.run === run ? { ...r, space: "other" } : r)
    yield [`${run}: moved to another space`, { ...held, rows: held.rows.map(other) }]
  }
  for (const [i, leaf] of held.log.entries()) {
    yield [`leaf ${i} removed`, { ...held, log: held.log.toSpliced(i, 1) }]
    yield [
      `leaf ${i} changed`,
      { ...held, log: held.log.with(i, { ...leaf, leaf: leaf.leaf.with(20, leaf.leaf[20]! ^ 1) }) },
    ]
    if (i > 0) yield [`the log cut before leaf ${i}`, { ...held, log: held.log.slice(0, i) }]
    if (leaf.signature !== null)
      yield [
        `the signature of leaf ${i} changed`,
        { ...held, log: held.log.with(i, { ...leaf, signature: leaf.signature.with(3, leaf.signature[3]! ^ 1) }) },
      ]
  }
}

async function found(h: House, held: Held, heads: readonly SignedHead[] = []): Promise<Fault | undefined> {
  const audit = await auditLedger(archiveOf(held), { digest: sha256, verify: h.key.signer.verify, heads })
  return audit.ok ? undefined : (audit.findings[0]?.fault ?? "log")
}

async function signedHeads({ thorough }: Depth): Promise<Checked> {
  const h = await house(thorough ? 8 : 3)
  const wrong: string[] = []
  let tried = 1
  const own = await found(h, h.held)
  if (own !== undefined) wrong.push(`the ledger as it was written does not verify: ${own}`)
  for (const [name, held] of tampered(h)) {
    tried++
    // A head that somebody else keeps: without one, whoever cuts the log's own end goes unnoticed.
    if ((await found(h, held, headsOf(h))) === undefined) wrong.push(`${name}: nobody noticed`)
  }
  const foreign = await passingKey()
  tried++
  const theirs = await auditLedger(archiveOf(h.held), { digest: sha256, verify: foreign.signer.verify })
  if (theirs.ok) wrong.push("the log verifies with a key that did not sign it")
  await h.ledger.close()
  return { tried, what: "changes by who knows the format", how: "every", wrong }
}

const headsOf = ({ held }: House): readonly SignedHead[] => {
  const heads = held.log.flatMap((row) => signedHeadOf(row, sha256) ?? [])
  return heads.slice(-1)
}

/** The proof of each run checks with the public key alone; with any part of it changed, or another key, it does not. */
async function proofs({ thorough }: Depth): Promise<Checked> {
  const h = await house(thorough ? 20 : 5)
  const foreign = await passingKey()
  const wrong: string[] = []
  let tried = 0
  for (const run of h.runs) {
    const proof = await proveRun(h.ledger, [h.key.publicKey], { space: "", run })
    const check = async (text: object, key: LedgerKey) => {
      tried++
      try {
        return (await checkProof(JSON.stringify(text), "proof.json", key.signer.verify)).ok
      } catch (cause) {
        if (cause instanceof KernelError) return false
        throw cause
      }
    }
    if (!(await check(proof, h.key))) wrong.push(`${run}: its proof does not check`)
    if (await check(proof, foreign)) wrong.push(`${run}: its proof checks with a key that did not sign it`)
    const entries = proof.entries
    for (const [i, entry] of entries.entries()) {
      const changed = `${entry.slice(0, 40)}${entry[40] === "A" ? "B" : "A"}${entry.slice(41)}`
      if (await check({ ...proof, entries: entries.with(i, changed) }, h.key))
        wrong.push(`${run}: entry ${i} was changed`)
      if (await check({ ...proof, entries: entries.toSpliced(i, 1) }, h.key))
        wrong.push(`${run}: entry ${i} was left out`)
    }
    if (await check({ ...proof, index: proof.index + 1 }, h.key)) wrong.push(`${run}: its leaf is said to be elsewhere`)
  }
  await h.ledger.close()
  return { tried, what: "proofs and forgeries", how: "every", wrong }
}

const SECRETS = ["Ada Lovelace", "1815-12-10", "a diagnosis"]
const ASKS = `graph: g
input: { name: string }
nodes:
  a: { probe: p, with: { x: '\${input.name}' } }
  b: { probe: q, effect: write, with: { x: '\${a}' } }
output: b
`

/** After a redaction nothing of the data is there, no guess of it can be tested, and the ledger is whole; without its note it is not. */
async function redaction(): Promise<Checked> {
  const key = await passingKey()
  const wrong: string[] = []
  let tried = 0
  for (const path of [undefined, "a"]) {
    for (const name of SECRETS) {
      tried++
      const storage = new SqliteStorage({ file: ":memory:" })
      const ledger = await SqlLedger.open({ storage, signer: key.signer })
      const kinds = withProbe(probe(nothingSeen(), { output: T.string }))
      const engine = engineOf(kinds, { store: ledger, parks: true })
      const { checked, bytes } = planOf(ASKS, kinds)
      const { run } = await (await engine.prepare(bytes, { grants: checked.needs })).run({ name })
      const where = `${path ?? "a run"} of ${name}`
      if ((await ledger.redact("", run, path)) === 0) wrong.push(`${where}: nothing was removed`)
      const gone = (rows: readonly Row[]) => rows.filter((r) => path === undefined || r.data === null)
      const { rows } = await ledger.entries("", run)
      for (const row of gone(rows)) {
        for (const guess of [encode(["ok", name]), encode({ name }), encode({ x: name }), encode(name)])
          for (const part of [row.entry, row.data, row.asked, row.told])
            if (part != null && (holds(part, guess) || holds(part, sha256(guess))))
              wrong.push(`${where}: entry ${row.seq} still tells it`)
      }
      const audit = await auditLedger(ledger.archive, { digest: sha256, verify: key.signer.verify })
      if (!audit.ok || audit.redacted === 0) wrong.push(`${where}: the ledger is not whole any more`)
      const held = await heldBy(ledger)
      const silent = { ...held, log: held.log.filter((l) => openLeaf(l.leaf).note.kind !== "redacted") }
      const unnoted = await auditLedger(archiveOf(silent), { digest: sha256, verify: key.signer.verify })
      if (unnoted.ok) wrong.push(`${where}: what was removed without a note is not missed`)
      await ledger.close()
    }
  }
  return { tried, what: "redactions", how: "every", wrong }
}

const holds = (bytes: Uint8Array, part: Uint8Array): boolean => hex(bytes).includes(hex(part))

export const SIGNED: readonly Claim[] = [
  {
    name: "signed heads",
    says: "A run written anew, cut, moved or removed by somebody who computes every hash again is found by the signed log.",
    check: signedHeads,
  },
  {
    name: "proofs of runs",
    says: "One run is shown to be on record with the public key alone; a forged proof is refused.",
    check: proofs,
  },
  {
    name: "redaction",
    says: "What was removed is gone and cannot be guessed from what is left; the ledger verifies, and not without the signed note.",
    check: redaction,
  },
]
