/**
 * The one shape of our micro-models: dense layers of float32 with ReLU between them, none after the last. Small enough
 * that its sums can have one fixed order on every host, and enough for functions that split into digits.
 */
import { type ModelRefused, refusedModel } from "./refused.ts"

export interface Mlp {
  /** Inputs, then the outputs of each layer: `[128, 256, 256, 64]` has three layers. */
  readonly widths: readonly number[]
  /** Of each layer `[inputs][outputs]`, row after row: the outputs are `x · weights + biases`. */
  readonly weights: readonly Float32Array[]
  readonly biases: readonly Float32Array[]
}

/** Layers, numbers in one layer's input or output, and weights of all layers (64 MiB) that a model may have. */
export const LAYERS_MAX = 32
export const MODEL_WIDTH_MAX = 65_536
export const WEIGHTS_MAX = 16_777_216

/** Weights and biases. */
export const parameters = ({ widths }: Pick<Mlp, "widths">): number =>
  widths.slice(1).reduce((sum, out, l) => sum + (widths[l]! + 1) * out, 0)

/** Whether the widths are those of a model that can be held at all; checked before anything is made for them. */
export function checkWidths(widths: readonly number[]): ModelRefused | undefined {
  const say = (place: string, want: string, found: string, next: string, reason: ModelRefused["reason"] = "shape") =>
    refusedModel(reason, "hold", place, want, found, next)
  if (widths.length < 2) return say("the model", "a layer", "none", "give at least two widths")
  if (widths.length - 1 > LAYERS_MAX) {
    return say("the model", `at most ${LAYERS_MAX} layers`, `${widths.length - 1}`, "leave some out", "too-large")
  }
  for (const [i, width] of widths.entries()) {
    if (!Number.isSafeInteger(width) || width < 1) {
      return say(`width ${i}`, "a whole number above 0", String(width), "correct it")
    }
    if (width > MODEL_WIDTH_MAX) {
      return say(`width ${i}`, `at most ${MODEL_WIDTH_MAX}`, `${width}`, "make the layer narrower", "too-large")
    }
  }
  const count = parameters({ widths })
  if (count <= WEIGHTS_MAX) return undefined
  return say("the model", `at most ${WEIGHTS_MAX} weights`, `${count}`, "make its layers narrower", "too-large")
}

/** Whether the arrays are as the widths say and every number in them is finite. */
export function checkMlp(mlp: Mlp): ModelRefused | undefined {
  const wrong = checkWidths(mlp.widths)
  if (wrong !== undefined) return wrong
  const layers = mlp.widths.length - 1
  for (const [name, arrays] of [
    ["weights", mlp.weights],
    ["biases", mlp.biases],
  ] as const) {
    if (arrays.length !== layers) {
      return refusedModel("shape", "hold", name, `${layers} arrays`, `${arrays.length}`, "give one for each layer")
    }
    for (const [l, array] of arrays.entries()) {
      const want = mlp.widths[l + 1]! * (name === "weights" ? mlp.widths[l]! : 1)
      const place = `${name} ${l}`
      if (array.length !== want) {
        return refusedModel("shape", "hold", place, `${want} numbers`, `${array.length}`, "give all of them")
      }
      const bad = array.findIndex((x) => !Number.isFinite(x))
      if (bad >= 0) {
        return refusedModel("not-finite", "hold", place, "finite numbers", `${array[bad]} at ${bad}`, "train it again")
      }
    }
  }
  return undefined
}
