/**
 * The door of `shadow`: what a shadow is made of when it serves. It ships to the edge, so there is no training here, no
 * platform and no heavy import; what learns is in `learn`.
 */

export type { Notes } from "./encode/notes.ts"
export { EncodingRefused } from "./encode/refused.ts"
export type { FieldSpec, PartSpec, Spec } from "./encode/spec.ts"
export * from "./encode.ts"
export { kernelBytes, Net, type NetOptions } from "./infer/net.ts"
export * from "./infer.ts"
export { type About, type ModelFile, readModel, writeModel } from "./model/file.ts"
export * from "./model/mlp.ts"
export { ModelRefused } from "./model/refused.ts"
