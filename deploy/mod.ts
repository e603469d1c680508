/** The door of `deploy`: what a host lends to node adapters. */

export { type LockResult, makeLock, type Pins } from "./lock.ts"
export { hasTerminal, type TerminalOptions, terminalAsk } from "./services/ask.ts"
export { systemChance } from "./services/chance.ts"
export { systemClock } from "./services/clock.ts"
export { fileService } from "./services/files.ts"
export { type Address, createHttp, type HttpOptions } from "./services/http.ts"
export { type McpOptions, mcpService } from "./services/mcp.ts"
export { type Bundle, moduleService } from "./services/modules.ts"
export { environmentSecrets, secretsFrom } from "./services/secrets.ts"
export { sqliteService } from "./services/sqlite.ts"
