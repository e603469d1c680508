/** The door of `plan`: the instruction table, plans in memory and as bytes. */
export * from "./decode.ts"
export { encodePlan, planHash } from "./encode.ts"
export * from "./error.ts"
export * from "./ops.ts"
export * from "./plan.ts"
