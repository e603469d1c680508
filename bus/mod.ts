/** The door of `bus`: programs made of admitted plans, and the VM that runs them. */
export { type LoadOptions, load, type Program } from "./program.ts"
export { RESTING } from "./rest.ts"
export type { RunEvent, RunSettings } from "./settings.ts"
export { StreamValue } from "./stream.ts"
export { mayTranslate } from "./translate.ts"
export { undo } from "./undo.ts"
export { execute } from "./vm.ts"
