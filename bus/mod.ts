/** The door of `bus`: programs made of admitted plans, and the VM that runs them. */
export { type Measured, Odds } from "./odds.ts"
export { type LoadOptions, load, type Program } from "./program.ts"
export { RESTING } from "./rest.ts"
export type { RunEvent, RunSettings } from "./settings.ts"
export { type Bounds, type EarlyAnswer, SPECULATION, type Speculation } from "./speculation.ts"
export { StreamValue } from "./stream.ts"
export { mayTranslate } from "./translate.ts"
export { execute } from "./vm.ts"
