/** The door of `compile`: from a checked graph to a plan, and what each pass did. */
export { CHOICES, type Compiled, type CompileOptions, compile, PASSES, type PassReport } from "./pipeline.ts"
export { CompileError } from "./spec.ts"
