/** What a worker is asked: the contract of models on the runtime that lies beside it. */
import { webOnnx } from "../../deploy/edge/onnx.ts"
import { type Held, heldTo } from "./onnx-held.ts"

const RUNTIME = {
  // A file of the worker, as `shadowgraph deploy` puts it there.
  load: async () => await import("./ort/ort.wasm.min.mjs" as string),
  factory: "./factory.mjs",
  wasm: "ort-wasm-simd-threaded.wasm",
}

export default async function answer({ host }: { readonly host: string }): Promise<Held> {
  return await heldTo(host, webOnnx({ wasm: RUNTIME }))
}
