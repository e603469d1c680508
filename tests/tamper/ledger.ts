/** A random ledger to tamper with: real runs of the shop in several spaces, some in flight, some redacted, all signed. */
import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Signer } from "../../audit/mod.ts"
import { SqlLedger } from "../../deploy/ledger/sql.ts"
import { openLedgerKey } from "../../deploy/services/ledger_key.ts"
import { SqliteStorage } from "../../deploy/storage/sqlite.ts"
import { type Digest, fail, printPath } from "../../graph/mod.ts"
import { admit, openRow, openRun, type Row } from "../../kernel/mod.ts"
import type { Chance } from "../hostile/chance.ts"
import { SHOP, SHOP_GRANTS, shopBytes, shopRegistry } from "../plans/shop.ts"

export const digest: Digest = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest())
const plan = admit(shopBytes(), { registry: shopRegistry, grants: SHOP_GRANTS, digest })
const ORDER = { order: "A17" }
const SPACES = ["", "acme", "other"]

export interface Made {
  readonly storage: SqliteStorage
  readonly ledger: SqlLedger
  readonly signer: Signer
}

/** Two keys, made once: that of the ledgers, and one that an attacker has. */
export async function keys(): Promise<{ readonly own: Signer; readonly foreign: Signer }> {
  const folder = mkdtempSync(join(tmpdir(), "keys-"))
  try {
    const [own, foreign] = [await openLedgerKey(join(folder, "own")), await openLedgerKey(join(folder, "foreign"))]
    return { own: own.signer, foreign: foreign.signer }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export async function makeLedger(chance: Chance, signer: Signer): Promise<Made> {
  const storage = new SqliteStorage({ file: ":memory:" })
  const ledger = await SqlLedger.open({ storage, signer, now: () => 1_000 })
  await ledger.putBlob(plan.hash, plan.bytes())
  const runs = 4 + chance.below(6)
  for (let i = 0; i < runs; i++) await run(ledger, chance, `r${i}`)
  for (const space of SPACES)
    for (const { run, ended } of await ledger.runs(space, 100))
      if (ended && chance.once(4)) await redact(ledger, chance, space, run)
  await ledger.sign()
  return { storage, ledger, signer }
}

async function run(ledger: SqlLedger, chance: Chance, run: string): Promise<void> {
  const salt = chance.once(8) ? undefined : (n: number) => Uint8Array.from({ length: n }, () => chance.below(256))
  const record = openRun(plan, {
    store: ledger,
    digest,
    clock: { now: () => 1_000 + chance.below(1_000) },
    run,
    space: chance.pick(SPACES)!,
    input: { order: `A${chance.below(100)}` },
    ...(salt ? { salt } : {}),
  })
  const reads = chance.once(6) ? 70 + chance.below(70) : chance.below(8)
  const waiting: unknown[] = []
  for (let i = 0; i < reads; i++) {
    const answer = chance.once(9) ? fail("NotFound", `no line ${i}`) : chance.below(50)
    waiting.push(record.read(["lines", i], SHOP.lookup, ORDER, answer, 1 + chance.below(3)))
    if (chance.once(3)) await Promise.all(waiting.splice(0))
  }
  await Promise.all(waiting)
  for (let i = 0; i < chance.below(3); i++) {
    const intent = await record.intent(["store", i], SHOP.store, ORDER)
    if (chance.once(8)) break
    await record.delivered(
      intent,
      chance.once(4) ? fail("Timeout", "no answer") : null,
      chance.once(4) ? "delivered" : "delivered",
    )
  }
  if (!chance.once(5)) await record.end(chance.once(4) ? fail("Broken", "it broke") : reads)
}

async function redact(ledger: SqlLedger, chance: Chance, space: string, run: string): Promise<void> {
  const { rows } = await ledger.entries(space, run)
  if (rows[0]!.told === undefined) return
  const paths = rows.flatMap((row) => {
    const { body } = openRow(row)
    return "path" in body ? [printPath(body.path)] : []
  })
  await ledger.redact(space, run, chance.once(2) ? undefined : chance.pick(paths))
}

/** All rows of all runs that have more than `least` entries. */
export async function runsOf({ ledger }: Made, least = 0): Promise<readonly (readonly Row[])[]> {
  const out: (readonly Row[])[] = []
  for (const space of SPACES)
    for (const head of await ledger.runs(space, 100)) {
      const { rows } = await ledger.entries(space, head.run)
      if (rows.length > least) out.push(rows)
    }
  return out
}
