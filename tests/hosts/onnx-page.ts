/** What a page is asked: the contract of models on WebGPU and on WASM, what comes of a device that goes while models run on it, how fast each is. */
import { webOnnx } from "../../deploy/edge/onnx.ts"
import type { OnnxService } from "../../deploy/services/onnx.ts"
import { numbersOf } from "../../graph/mod.ts"
import { mlpFile, opened, SMALL, told, type Word, X, yOf } from "../contract/onnx-cases.ts"
import { type Held, heldTo } from "./onnx-held.ts"
import { type Rates, type RatesQuestion, ratesOf } from "./onnx-rates.ts"

const build = (name: string, wasm: string) => ({ load: () => import(`/ort/${name}`), wasm: `/ort/${wasm}` })
const RUNTIMES = {
  webgpu: build("ort.jspi.bundle.min.mjs", "ort-wasm-simd-threaded.jspi.wasm"),
  wasm: build("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"),
}

/** When the device goes: between two questions, as one is asked, while it is computed, or with its whole process. */
export type Loss = "between" | "asked" | "computed" | "process"
export interface Told {
  readonly y: readonly number[]
  readonly word: Word
}

export default async function answer(
  question: { readonly host: string } | { readonly loss: Loss } | RatesQuestion,
): Promise<Held | Rates | readonly Told[]> {
  const onnx = webOnnx({ ...RUNTIMES, software: true })
  if ("host" in question) return await heldTo(question.host, onnx)
  return "loss" in question ? await losing(question.loss, onnx) : await ratesOf(onnx, question)
}

interface Device {
  readonly destroy: () => void
  readonly lost: Promise<unknown>
}

/** One answer before the device goes, one as it goes, one after that, and one of another model. */
async function losing(loss: Loss, onnx: OnnxService): Promise<readonly Told[]> {
  const place = { name: "a page", provider: "webgpu", after: "wasm", onnx }
  const providers = { providers: ["webgpu", "wasm"] }
  const run = await opened(place, mlpFile(SMALL), providers)
  const ask = async (of = run): Promise<Told> => {
    const { answer, word } = await told(of, { x: X })
    return { y: numbersOf(yOf(answer)), word }
  }
  const answers = [await ask()]
  const { env } = (await RUNTIMES.webgpu.load()) as { env: { webgpu: { device: Device | Promise<Device> } } }
  const device = await env.webgpu.device
  if (loss === "process") {
    await (globalThis as unknown as { crashGpu: () => Promise<void> }).crashGpu()
    await device.lost
  }
  if (loss === "between") device.destroy()
  const asked = ask()
  if (loss === "computed") await new Promise((ok) => setTimeout(ok))
  if (loss === "asked" || loss === "computed") device.destroy()
  answers.push(await asked, await ask())
  const another = { ...SMALL, biases: [SMALL.biases[0]!, Float32Array.of(1.125)] }
  answers.push(await ask(await opened(place, mlpFile(another), providers)))
  await onnx.close()
  return answers
}
