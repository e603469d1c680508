/** The rates of a process: onnxruntime-node on whatever the machine has, onnxruntime-web on WASM. */
import { hostDigest } from "../../deploy/services/digest.ts"
import { onnxService } from "../../deploy/services/onnx.ts"
import { SERVER } from "../../deploy/services/onnx_host.ts"
import { type Question, type Rates, ratesOf } from "./rate.ts"

export default async (question: Question): Promise<Rates> =>
  await ratesOf(onnxService(SERVER, { digest: hostDigest }), question)
