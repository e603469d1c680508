/**
 * onnxruntime-node for large batches of a shadow, where it is installed: it uses the widest vectors that the processor
 * has. An optional package, for it is large and native; without it batches run on our own kernel.
 */
import type { BatchRuntime } from "../../shadow/mod.ts"

/** The host's ONNX runtime, or undefined where none is installed or it does not load on this platform. */
export async function ortRuntime(): Promise<BatchRuntime | undefined> {
  const ort = await load()
  if (ort === undefined) return undefined
  return {
    ran: "ort-node",
    about: `onnxruntime-node ${ort.env.versions.node ?? ort.env.versions.common}`,
    async open(file) {
      const session = await ort.InferenceSession.create(file, { executionProviders: ["cpu"], logSeverityLevel: 3 })
      const [input, output] = [session.inputNames[0]!, session.outputNames[0]!]
      return {
        async run(features, rows) {
          const x = new ort.Tensor("float32", features, [rows, features.length / rows])
          const answer = (await session.run({ [input]: x }))[output]!
          return answer.data as Float32Array
        },
        close: () => session.release(),
      }
    },
  }
}

/** onnxruntime-node, quiet: what it has to say of libraries that are not there is said by us, where somebody asks. */
export async function nativeOrt() {
  const ort = await import("onnxruntime-node")
  ort.env.logLevel = "fatal"
  return ort
}

async function load() {
  try {
    return await nativeOrt()
  } catch {
    // Not installed, or no binary for this platform: both mean that the host has no such runtime.
    return undefined
  }
}
