/** The door of `plan`: the instruction table, plans in memory, as bytes and as text, and the verifier. */
export * from "./decode.ts"
export { encodePlan, planHash } from "./encode.ts"
export * from "./error.ts"
export { type PlanFacts, type Rows, row, type ScopeFacts, type Touched } from "./facts.ts"
export * from "./ops.ts"
export * from "./plan.ts"
export { RULES, type Rule } from "./rules.ts"
export { verify } from "./verify.ts"
