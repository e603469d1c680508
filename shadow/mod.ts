/**
 * The door of `shadow`: what a shadow is made of when it serves. It ships to the edge, so there is no training here, no
 * platform and no heavy import; what learns is in `learn`.
 */

export type { Notes } from "./encode/notes.ts"
export { EncodingRefused } from "./encode/refused.ts"
export type { FieldSpec, PartSpec, Spec } from "./encode/spec.ts"
export * from "./encode.ts"
