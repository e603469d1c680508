/** What a process with files is asked: the contract of models on each provider that works there, and why the others do not; or how fast each is. */
import { hostDigest } from "../../deploy/services/digest.ts"
import { onnxService } from "../../deploy/services/onnx.ts"
import { SERVER } from "../../deploy/services/onnx_host.ts"
import { type Held, heldTo } from "./onnx-held.ts"
import { type Rates, type RatesQuestion, ratesOf } from "./onnx-rates.ts"

export default async function answer(question: { readonly host: string } | RatesQuestion): Promise<Held | Rates> {
  const onnx = onnxService(SERVER, { digest: hostDigest })
  return "host" in question ? await heldTo(question.host, onnx) : await ratesOf(onnx, question)
}
