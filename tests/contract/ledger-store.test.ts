/** The contract of ledgers in memory, in a file of SQLite and on a Postgres server, and what only a server can do to one. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SqlLedger, type SqlLedgerOptions } from "../../deploy/ledger/sql.ts"
import { PostgresStorage } from "../../deploy/storage/postgres.ts"
import { SqliteStorage } from "../../deploy/storage/sqlite.ts"
import { sha256 as digest } from "../../graph/mod.ts"
import { admit, openRun, verifyChain } from "../../kernel/mod.ts"
import { SHOP, SHOP_GRANTS, shopBytes, shopRegistry } from "../plans/shop.ts"
import { IN_MEMORY, ledgerContract, type Place, reasonOf, rowsOf, shopping } from "./ledger-store.ts"
import { type PostgresServer, postgresBinaries, startPostgres } from "./postgres-server.ts"

const plan = admit(shopBytes(), { registry: shopRegistry, grants: SHOP_GRANTS, digest })
const ORDER = { order: "A17" }

// A server on a busy machine takes its time.
setDefaultTimeout(60_000)

const folder = mkdtempSync(join(tmpdir(), "ledgers-"))
const binaries = postgresBinaries()
if ("missing" in binaries) console.log(`Skipped: the ledger on Postgres, because ${binaries.missing}`)
let server: PostgresServer | undefined
let made = 0

beforeAll(async () => {
  if ("native" in binaries) server = await startPostgres(binaries.native)
}, 60_000)
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const openPostgres = (url: string, more: Partial<SqlLedgerOptions> = {}) =>
  SqlLedger.open({ storage: new PostgresStorage({ url, timeoutMs: 3_000 }), dialect: "postgres", ...more })

const PLACES: readonly Place[] = [
  IN_MEMORY,
  {
    name: "SQLite",
    durable: true,
    open: async () => {
      const file = join(folder, `${made++}.db`)
      const again = (more: Partial<SqlLedgerOptions> = {}) =>
        SqlLedger.open({ storage: new SqliteStorage({ file }), ...more })
      return { store: await again(), again }
    },
  },
  ...("missing" in binaries
    ? []
    : [
        {
          name: "Postgres",
          durable: true,
          open: async () => {
            const url = await server!.database(`ledger_${made++}`)
            return {
              store: await openPostgres(url),
              again: (more?: Partial<SqlLedgerOptions>) => openPostgres(url, more),
            }
          },
        },
      ]),
]

ledgerContract(PLACES)

describe.skipIf("missing" in binaries)("a Postgres server in the way", () => {
  const fresh = async () => {
    const url = await server!.database(`ledger_${made++}`)
    return { url, store: await openPostgres(url), other: new PostgresStorage({ url }) }
  }

  test("that ends the connection in the middle of a run: a named error, and the run goes on from what is kept", async () => {
    const { url, store, other } = await fresh()
    const rows = await rowsOf(3)
    for (const row of rows.slice(0, 3)) await store.append(row)
    const record = openRun(plan, { store, digest, clock: { now: () => 0 }, run: "r2", space: "acme", input: ORDER })
    await record.read(["a"], SHOP.lookup, ORDER, 1, 1)
    await server!.kill()
    expect(await reasonOf(() => record.read(["b"], SHOP.lookup, ORDER, 1, 1))).toBe("unavailable")
    expect(await reasonOf(() => store.append(rows[3]!))).toBe("unavailable")
    expect(await reasonOf(() => store.entries("acme", "r1"))).toBe("unavailable")
    await server!.start()
    // The record of that run stays broken; the store connects again by itself, for other runs and for whoever resumes.
    expect(await reasonOf(() => record.read(["c"], SHOP.lookup, ORDER, 1, 1))).toBe("unavailable")
    expect((await store.entries("acme", "r1")).rows).toEqual(rows.slice(0, 3))
    expect((await store.entries("acme", "r2")).rows.map((r) => r.kind)).toEqual(["start", "read"])
    for (const row of rows.slice(3)) await store.append(row)
    const verdict = verifyChain(await store.entries("acme", "r1"), { digest, space: "acme", run: "r1" })
    expect(verdict).toMatchObject({ ok: true, ended: true })
    await store.close()
    await other.close()
    const again = await openPostgres(url)
    expect((await again.runs("acme", 9)).map((h) => h.run)).toEqual(["r2", "r1"])
    await again.close()
  }, 30_000)

  test("that is not there, knows no such database, or is named by a text that is no URL, is unavailable", async () => {
    const url = new URL(await server!.database(`ledger_${made++}`))
    const at = (change: (u: URL) => void) => {
      const u = new URL(url)
      change(u)
      return reasonOf(() => openPostgres(u.href))
    }
    expect(await at((u) => (u.port = "1"))).toBe("unavailable")
    expect(await at((u) => (u.pathname = "/nowhere"))).toBe("unavailable")
    expect(await reasonOf(() => openPostgres("mysql://localhost/x"))).toBe("unavailable")
    const refused = await openPostgres(url.href.replace("shadowgraph@", "nobody:secret@")).catch((e) => String(e))
    expect(refused).toContain("nobody@127.0.0.1")
    expect(refused).not.toContain("secret")
  })

  test("refuses to change or delete an entry, whoever asks, and a ledger of another version", async () => {
    const { url, store, other } = await fresh()
    await shopping(store, "r1")
    expect(await reasonOf(() => other.batch([["UPDATE ledger SET kind = 'note'", []]]))).toBe("conflict")
    expect(await reasonOf(() => other.batch([["DELETE FROM ledger", []]]))).toBe("conflict")
    await other.batch([["UPDATE shadowgraph_format SET format = 99", []]])
    expect(await reasonOf(() => openPostgres(url))).toBe("format")
    await store.close()
    await other.close()
  })

  test("that lets this connection only read is readonly", async () => {
    const url = await server!.database(`ledger_${made++}`)
    expect(await reasonOf(() => openPostgres(`${url}?default_transaction_read_only=on`))).toBe("readonly")
  })
})
