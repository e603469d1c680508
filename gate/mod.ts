/** The door of `gate`: the hold-out test that a stand-in for a tool must pass, its cases and its bounds. */
export { ALPHA, alphaOf, casesFor, errorBound } from "./bound.ts"
export { Draw } from "./draw.ts"
export { GateError, type GateReason } from "./errors.ts"
export * from "./gate.ts"
export type { Mutant } from "./mutants.ts"
export type { Controls, Finding, Loader, Target } from "./trial.ts"
