/** The door of `kernel`: admission, the judge, the record of a run, the ledger, budgets and the aged cache. */
export * from "./admit.ts"
export type { Aside } from "./aside.ts"
export * from "./budget.ts"
export { AgedCache, type CacheOptions } from "./cache.ts"
export { sealed } from "./chain.ts"
export { type Commit, type Ended, type Intent, idempotencyKey, isCommit } from "./commit.ts"
export * from "./errors.ts"
export { refusedOnGuess } from "./flows.ts"
export { type History, type Known, type OpenIntent, openHistory, type Wait } from "./history.ts"
export * from "./judge.ts"
export { EndRow, type ShortRun, StartRow, shortRun } from "./late.ts"
export * from "./ledger.ts"
export { openOutcome } from "./outcome.ts"
export { callAt, type Divergence, type Past, type Taking, taking } from "./past.ts"
export * from "./resume.ts"
export { openRun, type RunRecord } from "./run.ts"
export type { Recalled, RunOptions } from "./run_options.ts"
export { type Due, type Undone, undoDivergences } from "./undo.ts"
export type { Demands } from "./validated.ts"
export {
  type Broken,
  ChainWalk,
  type Redactions,
  type Refused,
  type Verdict,
  type VerifyOptions,
  verifyChain,
} from "./walk.ts"
