/** The door of `deploy`: what a host lends to node adapters and to the kernel. */
export { SqliteLedger, type SqliteLedgerOptions } from "./ledger_sqlite.ts"
export { type Address, createHttp, type HttpOptions } from "./services/http.ts"
export { type SqliteOptions, SqliteStorage } from "./storage_sqlite.ts"
