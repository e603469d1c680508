/** What a process with files is asked: the contract of models on each provider that works there, and why the others do not. */
import { hostDigest } from "../../deploy/services/digest.ts"
import { onnxService } from "../../deploy/services/onnx.ts"
import { SERVER } from "../../deploy/services/onnx_host.ts"
import { type Held, heldTo } from "./onnx-held.ts"

export default async function answer({ host }: { readonly host: string }): Promise<Held> {
  return await heldTo(host, onnxService(SERVER, { digest: hostDigest }))
}
