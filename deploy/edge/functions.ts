/**
 * What modules of functions take from the package, where they come along in a deployment: the builder's names and those of tensors,
 * and nothing of what runs graphs. The bundler puts it in place of the package.
 */
export * from "../../graph/build/mod.ts"
export { Failure, GraphProblems, numbersOf, Tensor, tensorOf } from "../../graph/mod.ts"
