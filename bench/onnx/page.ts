/** The rates of a page: onnxruntime-web on WebGPU and on WASM. */
import { webOnnx } from "../../deploy/edge/onnx.ts"
import { RUNTIMES } from "../../tests/hosts/onnx-page.ts"
import { type Question, type Rates, ratesOf } from "./rate.ts"

export default async (question: Question): Promise<Rates> => await ratesOf(webOnnx(RUNTIMES), question)
