/** The contract of models on every provider of a host that works, and the reasons of those that do not. */
import type { OnnxService } from "../../deploy/services/onnx.ts"
import { onnxContract } from "../contract/onnx-cases.ts"
import { type Result, runAll } from "./small-test.ts"

export interface Held {
  readonly results: readonly Result[]
  /** Providers that were held to it, and the runtime of each. */
  readonly there: Readonly<Record<string, string>>
  readonly lacks: Readonly<Record<string, string>>
}

export async function heldTo(host: string, onnx: OnnxService): Promise<Held> {
  const providers = await onnx.providers()
  const there = providers.filter(({ lacks }) => lacks === undefined)
  const after = there.at(-1)?.name ?? ""
  onnxContract(there.map(({ name }) => ({ name: `${name} on ${host}`, provider: name, after, onnx })))
  const results = await runAll()
  await onnx.close()
  return {
    results,
    there: Object.fromEntries(there.map(({ name, runtime }) => [name, runtime])),
    lacks: Object.fromEntries(providers.flatMap(({ name, lacks }) => (lacks === undefined ? [] : [[name, lacks]]))),
  }
}
