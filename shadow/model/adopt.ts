/**
 * A model from elsewhere becomes one of ours: read as a stranger's, given the encodings that say what its numbers mean,
 * and written anew, so that the file alone is a shadow that can be called.
 */
import { ShadowModel, type Unanswered } from "../infer.ts"
import { type About, type ModelFile, readModel, writeModel } from "./file.ts"
import { ModelRefused } from "./refused.ts"

/** The file of ours for an ONNX file. What `about` does not say stays as the file says it; encodings that do not fit are refused. */
export function adoptModel(bytes: Uint8Array, about: About = {}): ModelFile | Unanswered {
  const found = readModel(bytes)
  if (found instanceof ModelRefused) return found
  const own = writeModel(found.mlp, { ...found.about, ...about })
  if (own instanceof ModelRefused) return own
  const called = ShadowModel.of(own)
  return called instanceof ShadowModel ? own : called
}
