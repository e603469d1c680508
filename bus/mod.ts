/** The door of `bus`: programs made of admitted plans, and the VM that runs them. */
export { type LoadOptions, load, type Program } from "./program.ts"
export { StreamValue } from "./stream.ts"
export { mayTranslate } from "./translate.ts"
export { execute, type RunEvent, type RunSettings } from "./vm.ts"
