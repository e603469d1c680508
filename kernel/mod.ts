/** The door of `kernel`: admission, the judge, the record of a run, the ledger, limits and the aged cache. */
export * from "./admit.ts"
export * from "./audit.ts"
export { ALPHA, alphaOf, casesFor, errorBound } from "./bound.ts"
export * from "./budget.ts"
export { AgedCache, type CacheOptions } from "./cache.ts"
export { type Commit, type Ended, type Intent, idempotencyKey, isCommit } from "./commit.ts"
export { Draw } from "./draw.ts"
export * from "./errors.ts"
export * from "./gate.ts"
export * from "./heads.ts"
export { type History, type Known, type OpenIntent, openHistory, type Wait } from "./history.ts"
export * from "./judge.ts"
export * from "./ledger.ts"
export * from "./ledger_memory.ts"
export * from "./limits.ts"
export * from "./merkle.ts"
export type { Mutant } from "./mutants.ts"
export { openOutcome } from "./outcome.ts"
export { callAt, type Divergence, type Past, type Taking, taking } from "./past.ts"
export * from "./resume.ts"
export {
  openRun,
  type Recalled,
  type RunOptions,
  type RunRecord,
} from "./run.ts"
export * from "./slots.ts"
export * from "./storage.ts"
export type { Controls, Finding, Loader, Target } from "./trial.ts"
export { type Due, type Undone, undoDivergences } from "./undo.ts"
export type { Demands } from "./validated.ts"
export { ChainWalk, type Refused, verifyChain } from "./walk.ts"
