/**
 * Models in pages and workers: the kind `onnx`, and what it asks a host for. The runtimes are builds of onnxruntime-web that the
 * program brings, each with its WebAssembly; model files come along with the program or over the network, and count by their hash.
 * A door of its own: who runs no models carries none of it.
 */
import { type Files, fail, sha256 } from "../../graph/mod.ts"
import {
  type Candidate,
  type Loaded,
  type ModelFiles,
  type OnnxService,
  onnxService,
  type Runtime,
} from "../services/onnx.ts"

export { onnx } from "../../nodes/mod.ts"
export type { OnnxService } from "../services/onnx.ts"

/** As much of onnxruntime-web as is set and used. */
type WebOrt = Pick<typeof import("onnxruntime-web"), "InferenceSession" | "Tensor" | "env">

/** A build of onnxruntime-web. */
export interface WebRuntime {
  /** Its module: `() => import("onnxruntime-web/wasm")`. */
  readonly load: () => Promise<WebOrt>
  /** Where its WebAssembly lies; left out, beside its module. */
  readonly wasm?: string | URL
  /** A module that makes its WebAssembly, as a worker has it, which may compile none. */
  readonly factory?: string
}

export interface WebRuntimes {
  /** With WebGPU: `onnxruntime-web/jspi`. */
  readonly webgpu?: WebRuntime
  /** Take a device for WebGPU that is software, too. WASM is many times faster than that, so by itself nobody does. */
  readonly software?: boolean
  /** The smallest one that computes on the processor: `onnxruntime-web/wasm`. */
  readonly wasm?: WebRuntime
  /** Where models that came over the network are kept. */
  readonly files?: ModelFiles
}

/** WebGPU where there is a device, then WASM. Nothing is loaded before the first model is wanted, or its `providers()`. */
export function webOnnx({ webgpu, wasm, files, software = false }: WebRuntimes): OnnxService {
  const candidates: Candidate[] = []
  if (webgpu !== undefined)
    candidates.push({ name: "webgpu", runtime: runtimeOf(webgpu, lostOf), lacks: () => noGpu(software) })
  if (wasm !== undefined) candidates.push({ name: "wasm", runtime: runtimeOf(wasm) })
  return onnxService(candidates, { digest: sha256, ...(files === undefined ? {} : { files }) })
}

function runtimeOf({ load, wasm, factory }: WebRuntime, lost?: (ort: WebOrt) => Promise<string> | undefined): Runtime {
  let loaded: Promise<Loaded> | undefined
  const start = async (): Promise<Loaded> => {
    const ort = await load()
    ort.env.logLevel = "fatal"
    // More want memory that pages share only where their server isolates them.
    ort.env.wasm.numThreads = 1
    if (wasm !== undefined || factory !== undefined)
      ort.env.wasm.wasmPaths = { ...(factory && { mjs: factory }), ...(wasm && { wasm: String(wasm) }) }
    const version = ort.env.versions.web ?? ort.env.versions.common
    return { ort, version, ...(lost === undefined ? {} : { lost: () => lost(ort) }) }
  }
  return { name: "onnxruntime-web", serial: true, load: () => (loaded ??= start()) }
}

interface Adapters {
  readonly requestAdapter: () => Promise<{ readonly info?: { readonly isFallbackAdapter?: boolean } } | null>
}

async function noGpu(software: boolean): Promise<string | undefined> {
  const { gpu } = ((globalThis as { readonly navigator?: unknown }).navigator ?? {}) as { readonly gpu?: Adapters }
  if (gpu === undefined) return "no WebGPU: this host has none, or the page did not come over https or from localhost"
  const adapter = await gpu.requestAdapter()
  if (adapter === null) return "no GPU: WebGPU is there and has no adapter"
  if (adapter.info?.isFallbackAdapter === true && !software)
    return "no GPU: WebGPU has a device in software only, which WASM outruns"
  if (!("Suspending" in WebAssembly))
    return "WebAssembly cannot be suspended here (JSPI), which the runtime wants for it"
  return undefined
}

interface Device {
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>
}

/** The device that the runtime asked for with its first session. */
function lostOf(ort: WebOrt): Promise<string> | undefined {
  const device = ort.env.webgpu.device as unknown as Device | Promise<Device> | undefined
  if (device === undefined) return undefined
  return Promise.resolve(device).then(async ({ lost }) => {
    const { reason, message } = await lost
    return message.trim() === "" ? reason : message.trim()
  })
}

/** Model files that a program brought, by the path that graphs name: where each lies, or its bytes. Nothing else can be read. */
export function broughtModels(models: { readonly [path: string]: string | URL | ArrayBuffer }): Files {
  return {
    read: async (path, { bytesMax }) => {
      const of = Object.hasOwn(models, path) ? models[path]! : undefined
      if (of === undefined) throw missing(path, "it did not come along")
      const bytes = new Uint8Array(of instanceof ArrayBuffer ? of : await download(path, String(of)))
      if (bytes.length <= bytesMax) return bytes
      throw fail("TooLarge", `Cannot read "${path}": it has ${bytes.length} bytes, wanted at most ${bytesMax}`, {
        data: { path, limit: bytesMax },
        undelivered: true,
      })
    },
    write: async (path) => {
      throw fail("Refused", `Cannot write "${path}": there are no files here`, { undelivered: true })
    },
  }
}

async function download(path: string, url: string): Promise<ArrayBuffer> {
  try {
    const response = await fetch(url)
    if (response.ok) return await response.arrayBuffer()
    await response.body?.cancel()
    throw missing(path, `${url} answered ${response.status}`)
  } catch (cause) {
    throw cause instanceof TypeError ? missing(path, `${url} does not answer`, cause) : cause
  }
}

const missing = (path: string, why: string, cause?: unknown) =>
  fail("MissingFile", `Cannot read "${path}": ${why}; deploy the graph again`, {
    data: { path },
    undelivered: true,
    ...(cause === undefined ? {} : { cause }),
  })

const CACHE = "shadowgraph-onnx"

/** Models that came over the network, in the cache that a page has for its origin, each under its hash. */
export function cachedModels(): ModelFiles {
  // Pages that came over plain http have none.
  const open = async () => (typeof caches === "undefined" ? undefined : await caches.open(CACHE))
  const at = (sha256: string) => `/${sha256}.onnx`
  return {
    get: async (sha256) => {
      const kept = await (await open())?.match(at(sha256))
      return kept === undefined ? undefined : new Uint8Array(await kept.arrayBuffer())
    },
    put: async (sha256, bytes) => {
      const cache = await open()
      try {
        await cache?.put(at(sha256), new Response(new Uint8Array(bytes)))
      } catch (cause) {
        // A full cache costs the next visit a download, and this one nothing.
        if ((cause as { readonly name?: unknown }).name !== "QuotaExceededError") throw cause
      }
    },
  }
}
