/**
 * Claims about where records are kept: every store takes entries in order and from one writer, gives back every byte and
 * keeps tenants apart; and rights that are handed on to a token are never more than there were.
 */
import { hex, sameBytes, sha256 } from "../../graph/mod.ts"
import {
  AdmissionError,
  GENESIS,
  KernelError,
  type LedgerStore,
  type Row,
  seal,
  verifyChain,
} from "../../kernel/mod.ts"
import { replay } from "../engine/again.ts"
import { MemoryLedger } from "../ledger/memory.ts"
import { SqlLedger } from "../ledger/sql.ts"
import { systemChance } from "../services/chance.ts"
import { PostgresStorage } from "../storage/postgres.ts"
import { SqliteStorage } from "../storage/sqlite.ts"
import type { Checked, Claim, Depth } from "./claim.ts"
import { engineOf, nothingSeen, planOf, probe, withProbe } from "./tools.ts"

const TEXT = `graph: g
nodes:
  m: { map: '[1, 2, 3]', as: x, do: { probe: p, with: { x: '\${x}' } } }
  w: { probe: q, effect: write, with: { x: '\${m}' } }
output: w
`

/** Entries of a run, sealed by hand. */
function chainOf(space: string, run: string, count: number): readonly Row[] {
  const rows: Row[] = []
  let prev = GENESIS
  for (let seq = 0; seq < count; seq++) {
    const data = new Uint8Array(seq === 0 ? 1 : seq * 37).fill(seq)
    const input = sha256(data)
    const body =
      seq === 0
        ? ({ kind: "start", graph: "g", plan: "p", pins: null, input } as const)
        : ({
            kind: "read",
            path: ["n", seq],
            resource: null,
            input,
            outcome: input,
            message: null,
            attempts: 1,
            cachedMs: null,
            spent: null,
          } as const)
    const row = seal({ space, run, seq, prev, at: 1_700_000_000_000 + seq, body }, data, sha256)
    rows.push(row)
    prev = row.hash
  }
  return rows
}

const ENTRIES = 12
/** One store held against the contract. `again`: opened a second time. */
async function held(name: string, open: () => Promise<LedgerStore>, again: boolean, wrong: string[]): Promise<number> {
  const store = await open()
  let tried = 0
  const says = (ok: boolean, what: string) => {
    tried++
    if (!ok) wrong.push(`${name}: ${what}`)
  }
  const refused = async (row: Row): Promise<boolean> => {
    try {
      await store.append(row)
      return false
    } catch (cause) {
      if (cause instanceof KernelError) return true
      throw cause
    }
  }
  // A server may have what other checks left: nothing is ever removed from a ledger.
  const run = `verify-${hex(systemChance.bytes(8))}`
  const rows = chainOf("verify", run, ENTRIES)
  for (const [i, row] of rows.entries()) {
    if (i + 1 < rows.length) says(await refused(rows[i + 1]!), `entry ${i + 1} was taken before entry ${i}`)
    await store.append(row)
    says(await refused(row), `entry ${i} was taken twice`)
    says(
      await refused({ ...row, entry: row.entry.with(-1, 0), hash: sha256(row.entry.with(-1, 0)) }),
      `another entry ${i} was taken`,
    )
  }
  const other = chainOf("verify-other", run, 2)
  for (const row of other) await store.append(row)
  const readers = again ? [store, await open()] : [store]
  for (const reader of readers) {
    const chain = await reader.entries("verify", run)
    const same =
      chain.rows.length === rows.length &&
      rows.every((r, i) => sameBytes(r.entry, chain.rows[i]!.entry) && sameBytes(r.data!, chain.rows[i]!.data!))
    says(same, "what was kept does not come back byte for byte")
    says(verifyChain(chain, { digest: sha256, space: "verify", run }).ok, "what comes back does not verify")
    says((await reader.entries("verify-other", run)).rows.length === other.length, "a space holds what is of another")
  }
  const kinds = withProbe(probe(nothingSeen()))
  const engine = engineOf(kinds, { store, parks: true, space: "verify" })
  const { checked, bytes } = planOf(TEXT, kinds)
  const ran = await (await engine.prepare(bytes, { grants: checked.needs })).run({})
  const back = await replay(engine, ran.run)
  says(back.same && back.trace === ran.trace, "a run is not computed again from what was kept")
  for (const reader of readers.toReversed()) await reader.close()
  return tried
}

async function embedded(): Promise<Checked> {
  const wrong: string[] = []
  let tried = await held("memory", async () => new MemoryLedger(), false, wrong)
  tried += await held(
    "SQLite",
    () => SqlLedger.open({ storage: new SqliteStorage({ file: ":memory:" }) }),
    false,
    wrong,
  )
  return { tried, what: "rules of stores", how: "every", wrong }
}

async function postgres({ postgres: url }: Depth): Promise<Checked> {
  if (url === undefined) {
    const skipped = "no server was named: --postgres postgres://user:password@host/database"
    return { tried: 0, what: "rules of stores", how: "every", wrong: [], skipped }
  }
  const wrong: string[] = []
  const open = () => SqlLedger.open({ storage: new PostgresStorage({ url }), dialect: "postgres" })
  const tried = await held("Postgres", open, true, wrong)
  return { tried, what: "rules of stores", how: "every", wrong }
}

const PLACES = ["a", "b", "c", "d"] as const
/** Every set of grants against every list of a token: what runs is what both have. */
async function tokens(): Promise<Checked> {
  const wrong: string[] = []
  let tried = 0
  const rights = (bits: number) => PLACES.filter((_, i) => (bits >> i) & 1).map((place) => `app:place:${place}`)
  const all = 2 ** PLACES.length
  for (const [used, places] of [
    [["a"], "{ probe: a }"],
    [["b", "c"], "{ probe: b }\n  m: { probe: c }"],
  ] as const) {
    const output = used.length > 1 ? "'[n, m]'" : "n"
    const { bytes } = planOf(`graph: g\nnodes:\n  n: ${places}\noutput: ${output}\n`, withProbe(probe(nothingSeen())))
    for (let has = 0; has < all; has++) {
      for (let token = 0; token < all; token++) {
        tried++
        const seen = nothingSeen()
        const kinds = withProbe(probe(seen))
        const engine = engineOf(kinds)
        const may = used.every((place) => rights(has & token).includes(`app:place:${place}`))
        const where = `grants ${rights(has)}, a token with ${rights(token)}`
        try {
          await (await engine.prepare(bytes, { grants: rights(has), within: [rights(token)] })).run({})
          if (!may) wrong.push(`${where}: it ran`)
        } catch (cause) {
          if (!(cause instanceof AdmissionError)) throw cause
          if (may) wrong.push(`${where}: ${cause.message}`)
          if (seen.opened > 0 || seen.calls.length > 0) wrong.push(`${where}: a tool was touched`)
        } finally {
          await engine.close()
        }
      }
    }
  }
  return { tried, what: "grants × tokens", how: "every", wrong }
}

export const STORES: readonly Claim[] = [
  {
    name: "tokens",
    says: "A token runs what both it and the host have, and nothing that either lacks.",
    check: tokens,
  },
  {
    name: "stores",
    says: "A store takes entries in order and from one writer, gives every byte back and keeps tenants apart.",
    check: embedded,
  },
  { name: "Postgres", says: "A Postgres server does so, too, for every process that opens it.", check: postgres },
]
