/**
 * The refusal of a model: a file that is none, or is none that runs here. A value that is handed back, not thrown: for
 * whoever serves a shadow it means that the door stays shut.
 */
import * as Data from "effect/Data"

export class ModelRefused extends Data.TaggedError("ModelRefused")<{
  /**
   * `truncated`: the file ends too early. `corrupt`: its bytes are no ONNX. `foreign`: it is ONNX, but no chain of dense
   * layers with ReLU between. `shape`: sizes that do not fit together. `not-finite`: weights or an answer with NaN or an
   * infinity. `too-large`: more than this host takes. `spec`: its metadata describes no encoding of ours, or none that fits.
   * `opset`: no version of operators, or one that never was. `input`: what it was called with. `trap`: the kernel stopped.
   * `host`: no WebAssembly is compiled here. `wrong`: a cell that has to be right everywhere is not.
   */
  readonly reason:
    | "truncated"
    | "corrupt"
    | "opset"
    | "foreign"
    | "shape"
    | "not-finite"
    | "too-large"
    | "spec"
    | "input"
    | "trap"
    | "host"
    | "wrong"
  /** Where in the file or the model: `byte 812`, `node "relu_0"`, `weights 1`. */
  readonly place: string
  readonly message: string
  readonly cause?: unknown
}> {}

/** `Cannot read weights 1: want finite numbers, found NaN at 17; train it again`. */
export function refusedModel(
  reason: ModelRefused["reason"],
  doing: string,
  place: string,
  want: string,
  found: string,
  next: string,
): ModelRefused {
  return new ModelRefused({
    reason,
    place,
    message: `Cannot ${doing} ${place}: want ${want}, found ${found}; ${next}`,
  })
}
