/**
 * The door of the edge: all that runs compiled plans on a host that has `fetch` and little else, and nothing that makes
 * them. No parser, no compiler, no trainer, no platform's own modules: `tests/edge/bundle.test.ts` looks at what a bundle of it
 * holds and what it weighs.
 */
export { hasPatterns, type Rec, type Services, type Value } from "../../graph/mod.ts"
export type { LedgerStore } from "../../kernel/mod.ts"
export { ask, event, fn, fnWith, http, llm, now, random, script, settleEffect, sleep } from "../../nodes/mod.ts"
export { type ResumeRun, resume } from "../engine/again.ts"
export { Engine, type Ready, type RunOptions, type RunResult } from "../engine/engine.ts"
export { type WakerOptions, wake } from "../engine/waker.ts"
export { MemoryLedger } from "../ledger/memory.ts"
export { SqlLedger, type SqlLedgerOptions } from "../ledger/sql.ts"
export { systemChance } from "../services/chance.ts"
export { systemClock } from "../services/clock.ts"
export { secretsFrom } from "../services/secrets_from.ts"
export { type DurableObjectStorage, DurableStorage } from "../storage/durable.ts"
export {
  type Edge,
  EdgeError,
  type EdgeGraph,
  type EdgeMeans,
  type EdgeOptions,
  type EdgeReady,
  type EdgeReason,
  type EdgeTokens,
  edge,
  type LooksWith,
} from "./edge.ts"
export { type FetchOptions, fetchHttp } from "./fetch.ts"
export { type BundledModule, bundled } from "./modules.ts"
export { type Packing, tokensFrom, unpack } from "./packed.ts"
