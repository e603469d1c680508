/** The door of `deploy`: what a host lends to node adapters and to the kernel. */

export {
  Engine,
  type EngineOptions,
  type PrepareOptions,
  type Ready,
  type RunOptions,
  type RunResult,
} from "./engine.ts"
export { SqliteLedger, type SqliteLedgerOptions } from "./ledger_sqlite.ts"
export { type LockResult, makeLock } from "./lock.ts"
export { hasTerminal, type TerminalOptions, terminalAsk } from "./services/ask.ts"
export { systemChance } from "./services/chance.ts"
export { systemClock } from "./services/clock.ts"
export { hostDigest } from "./services/digest.ts"
export { fileService } from "./services/files.ts"
export { type Host, type HostOptions, openHost } from "./services/host.ts"
export { type Address, createHttp, type HttpOptions } from "./services/http.ts"
export { type McpOptions, mcpService } from "./services/mcp.ts"
export { type Bundle, moduleService } from "./services/modules.ts"
export { environmentSecrets, secretsFrom } from "./services/secrets.ts"
export { sqliteService } from "./services/sqlite.ts"
export { type SqliteOptions, SqliteStorage } from "./storage_sqlite.ts"
