/** What a host with files is asked: the contract of ledgers in memory and in a file, and of what is served at the edge. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SqlLedger, type SqlLedgerOptions } from "../../deploy/ledger/sql.ts"
import { SqliteStorage } from "../../deploy/storage/sqlite.ts"
import { IN_MEMORY, ledgerContract, type Place } from "../contract/ledger-store.ts"
import "../../deploy/edge/edge.test.ts"
import "../../deploy/edge/http.test.ts"
import { type Result, runAll } from "./small-test.ts"

export default async function answer(): Promise<readonly Result[]> {
  const folder = mkdtempSync(join(tmpdir(), "shadowgraph-contract-"))
  let made = 0
  const file: Place = {
    name: "SQLite",
    durable: true,
    open: async () => {
      const file = join(folder, `${made++}.db`)
      const again = (more: Partial<SqlLedgerOptions> = {}) =>
        SqlLedger.open({ storage: new SqliteStorage({ file }), ...more })
      return { store: await again(), again }
    },
  }
  ledgerContract([IN_MEMORY, file])
  try {
    return await runAll()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
