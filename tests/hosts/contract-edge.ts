/** What a worker or a page is asked: the contract of ledgers in memory and in a Durable Object, and of what is served at the edge. */
import { SqlLedger, type SqlLedgerOptions } from "../../deploy/ledger/sql.ts"
import { type DurableObjectStorage, DurableStorage } from "../../deploy/storage/durable.ts"
import { IN_MEMORY, ledgerContract, type Place } from "../contract/ledger-store.ts"
import "../../deploy/edge/edge.test.ts"
import "../../deploy/edge/http.test.ts"
import { type Result, runAll } from "./small-test.ts"

type Whole = DurableObjectStorage & { readonly deleteAll: () => Promise<void> }

export default async function answer(_: unknown, storage?: Whole): Promise<readonly Result[]> {
  ledgerContract(storage === undefined ? [IN_MEMORY] : [IN_MEMORY, objectOf(storage)])
  return runAll()
}

/** One object, emptied for each test. */
const objectOf = (storage: Whole): Place => ({
  name: "a Durable Object",
  durable: true,
  // A value there has at most 2 MB.
  valueBytesMax: 1 << 20,
  open: async () => {
    await storage.deleteAll()
    const again = (more: Partial<SqlLedgerOptions> = {}) =>
      SqlLedger.open({ storage: new DurableStorage(storage), ...more })
    return { store: await again(), again }
  },
})
