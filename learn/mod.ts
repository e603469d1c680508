/** The door of `learn`: what is made of calls on record. Nothing here is on the way of a request. */
export * from "./errors.ts"
export { checkpointOf, resumed } from "./train/checkpoint.ts"
export { type Examples, examplesOf, type LeftOut, NOT_ASKED } from "./train/examples.ts"
export * from "./train/trainer.ts"
export * from "./train.ts"
