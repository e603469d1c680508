/**
 * The ONNX runtimes of a server: onnxruntime-node, with CUDA where the user's copy has it, WebGPU and its own CPU code, and
 * onnxruntime-web, which is WASM and runs wherever nothing else does. Both are optional packages. Model files that came
 * over the network lie in `.shadowgraph/onnx`, each under the SHA-256 of its bytes.
 */
import { existsSync } from "node:fs"
import { readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import process from "node:process"
import { makeOwnFolder, OWN_FOLDER } from "../project/own_folder.ts"
import { hostDigest } from "./digest.ts"
import { type Candidate, type ModelFiles, type OnnxService, onnxService, type Runtime } from "./onnx.ts"
import type { Ort } from "./onnx_tensor.ts"
import { nativeOrt } from "./ort.ts"

/** Cuda, WebGPU, the CPU, WASM: from the fastest to the one that is nearly always there. */
export const serverOnnx = (folder: string): OnnxService =>
  onnxService(SERVER, { digest: hostDigest, files: modelFiles(folder) })

const NATIVE: Runtime = {
  name: "onnxruntime-node",
  serial: false,
  load: once(async () => {
    const ort = await nativeOrt().catch((cause) => absent("onnxruntime-node", cause))
    return { ort: ort as unknown as Ort, version: ort.env.versions.node ?? ort.env.versions.common }
  }),
}
const WEB: Runtime = {
  name: "onnxruntime-web",
  serial: true,
  load: once(async () => {
    const ort = await import("onnxruntime-web").catch((cause) => absent("onnxruntime-web", cause))
    ort.env.logLevel = "fatal"
    ort.env.wasm.numThreads = 1
    return { ort, version: ort.env.versions.web ?? ort.env.versions.common }
  }),
}

export const SERVER: readonly Candidate[] = [
  { name: "cuda", runtime: NATIVE, lacks: noCuda },
  { name: "webgpu", runtime: NATIVE, lacks: noGpu },
  { name: "cpu", runtime: NATIVE },
  { name: "wasm", runtime: WEB },
]

function absent(name: string, cause: unknown): never {
  const missing = /cannot find (package|module)|ERR_MODULE_NOT_FOUND/i.test(
    `${String(cause)} ${String((cause as { readonly code?: unknown }).code)}`,
  )
  throw new TypeError(missing ? `not installed: npm install ${name}` : `${name} does not load: ${String(cause)}`, {
    cause,
  })
}

/** Its libraries are a download of their own, and other systems have none. */
function noCuda(): string | undefined {
  if (process.platform !== "linux" && process.platform !== "win32") return `there is none for ${process.platform}`
  if (process.platform === "linux" && !existsSync("/dev/nvidia0") && !existsSync("/dev/dxg"))
    return "no GPU: neither /dev/nvidia0 nor /dev/dxg"
  return undefined
}

/** WebGPU on Linux goes through Vulkan, which writes to the terminal where there is nothing for it to find. */
function noGpu(): string | undefined {
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env
  const devices = ["/dev/dri", "/dev/nvidia0", "/dev/dxg"]
  if (process.platform !== "linux" || VK_DRIVER_FILES || VK_ICD_FILENAMES || devices.some((d) => existsSync(d)))
    return undefined
  return `no GPU: none of ${devices.join(", ")}, and VK_DRIVER_FILES names no driver`
}

function once<A>(load: () => Promise<A>): () => Promise<A> {
  let loaded: Promise<A> | undefined
  return () => (loaded ??= load())
}

/** Below the project's own. */
const FOLDER = "onnx"

export function modelFiles(project: string): ModelFiles {
  const folder = join(project, OWN_FOLDER, FOLDER)
  const pathOf = (sha256: string) => join(folder, `${sha256}.onnx`)
  return {
    get: async (sha256) => {
      try {
        return new Uint8Array(await readFile(pathOf(sha256)))
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined
        throw cause
      }
    },
    put: async (sha256, bytes) => {
      const draft = `${pathOf(sha256)}.${crypto.randomUUID()}.draft`
      makeOwnFolder(project, FOLDER)
      try {
        await writeFile(draft, bytes)
        await rename(draft, pathOf(sha256))
      } finally {
        await rm(draft, { force: true })
      }
    },
  }
}
