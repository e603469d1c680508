/**
 * The door of `shadow`: what a shadow is made of when it serves. It ships to the edge, so there is no training here, no
 * platform and no heavy import; what learns is in `learn`.
 */

export type { Operation } from "./cells/int64.ts"
export * from "./composed.ts"
export { filled, measured } from "./encode/measured.ts"
export { narrowed } from "./encode/narrowed.ts"
export type { Notes } from "./encode/notes.ts"
export { EncodingRefused } from "./encode/refused.ts"
export { schemaNotes } from "./encode/schema-notes.ts"
export type { FieldSpec, PartSpec, Spec } from "./encode/spec.ts"
export * from "./encode.ts"
export { type ConversionStep, type FormSpec, formFor } from "./forms.ts"
export { geometryPicture, geometryTable } from "./geometry/picture.ts"
export { type Features, type Geometry, type GeometryOptions, geometryOf, type Spread } from "./geometry.ts"
export { kernelBytes, Net, type NetOptions } from "./infer/net.ts"
export * from "./infer.ts"
export { adoptModel } from "./model/adopt.ts"
export { type About, type ModelFile, readModel, writeModel } from "./model/file.ts"
export * from "./model/mlp.ts"
export { type ModelPort, type ModelPorts, readPorts } from "./model/ports.ts"
export { ModelRefused } from "./model/refused.ts"
export * from "./package.ts"
export * from "./served.ts"
export * from "./support.ts"
export * from "./watch.ts"
export { within, wrapperOf } from "./within.ts"
