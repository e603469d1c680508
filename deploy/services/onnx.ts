/**
 * ONNX models for node adapters, over whatever runtimes a host has: each provider is tried once on a small model whose
 * answer is known, and counts only where that came out. Sessions are shared by hash and provider, and have run once before
 * the first question; a device that is lost answers no more. The runtimes themselves are named by the host (`onnx_host.ts`),
 * or handed in by a page (`deploy/edge/onnx.ts`).
 */
import * as Data from "effect/Data"
import {
  type Digest,
  fail,
  hex,
  type Onnx,
  type OnnxAbout,
  type OnnxModel,
  type OnnxProvider,
  type OnnxSession,
  type Tensor,
} from "../../graph/mod.ts"
import { runtimeWords } from "../../nodes/mod.ts"
import { ModelRefused, readPorts, writeModel } from "../../shadow/mod.ts"
import { fromOrt, type Ort, type OrtSession, toOrt, zerosOf } from "./onnx_tensor.ts"

/** A provider that a host may have, and how to come by the runtime that it belongs to. */
export interface Candidate {
  /** As graphs name it. */
  readonly name: string
  readonly runtime: Runtime
  /** As the runtime calls it. Default: the same. */
  readonly called?: string
  /** A reason that can be seen without asking the runtime, which would be slow or loud about it. */
  readonly lacks?: () => string | undefined | Promise<string | undefined>
}
export interface Runtime {
  /** Its package. */
  readonly name: string
  /** Loads it, once. Fails where it is not installed or does not load here. */
  readonly load: () => Promise<Loaded>
  /** It does one thing at a time, in all of its sessions. */
  readonly serial: boolean
}

export interface Loaded {
  readonly ort: Ort
  readonly version: string
  /**
   * Resolves with the reason once the device behind its sessions is gone. Undefined before there is a session, and where nobody
   * says so: then what the runtime throws is all that is known.
   */
  readonly lost?: () => Promise<string> | undefined
}

/** The device is gone, and with it every session on it. */
export class DeviceLost extends Data.TaggedError("DeviceLost")<{ readonly message: string }> {}

/** Where files of models are kept, by their hash. */
export interface ModelFiles {
  readonly get: (sha256: string) => Promise<Uint8Array | undefined>
  readonly put: (sha256: string, bytes: Uint8Array) => Promise<void>
}

export interface OnnxService extends Onnx {
  /** Gives every session back. */
  readonly close: () => Promise<void>
}

/** Providers that a device stands behind; the others take every model that their runtime takes. */
const DEVICE: ReadonlySet<string> = new Set(["cuda", "tensorrt", "webgpu", "dml", "coreml", "webnn"])
const REFUSED_ASIDE = /fallback to CPU EP has been explicitly disabled/

export interface OnnxServiceOptions {
  readonly digest: Digest
  /** Where models that came over the network are kept; without it they are fetched by every session. */
  readonly files?: ModelFiles
}

/** @param candidates In the order in which they are to be tried. */
export function onnxService(candidates: readonly Candidate[], { digest, files }: OnnxServiceOptions): OnnxService {
  const byName = new Map(candidates.map((c) => [c.name, new Provider(c)]))
  const sessions = new Map<string, Promise<OnnxSession>>()
  let found: Promise<readonly OnnxProvider[]> | undefined
  return {
    providers: () => (found ??= Promise.all([...byName.values()].map((p) => p.examined()))),
    open: (model, name) => {
      const key = `${model.sha256} ${name}`
      const known = sessions.get(key)
      if (known !== undefined) return known
      const forget = () => sessions.delete(key)
      const opening = byName.get(name)!.session(model, forget)
      sessions.set(key, opening)
      opening.catch(forget)
      return opening
    },
    sha256: (bytes) => hex(digest(bytes)),
    about: async (bytes) => aboutOf(bytes),
    kept: async (sha256) => {
      const bytes = await files?.get(sha256)
      return bytes !== undefined && hex(digest(bytes)) === sha256 ? bytes : undefined
    },
    keep: async (sha256, bytes) => await files?.put(sha256, bytes),
    close: async () => {
      const open = await Promise.allSettled(sessions.values())
      await Promise.allSettled(open.flatMap((s) => (s.status === "fulfilled" ? [s.value.close()] : [])))
      await Promise.allSettled([...byName.values()].map((provider) => provider.close()))
    },
  }
}

function aboutOf(bytes: Uint8Array): OnnxAbout {
  const ports = readPorts(bytes)
  if (!(ports instanceof ModelRefused)) {
    const { inputs, outputs, opset } = ports
    return { inputs: Object.fromEntries(inputs), outputs: Object.fromEntries(outputs), opset }
  }
  const { reason, place, message } = ports
  throw fail("BadModel", message, { data: { reason, place }, undelivered: true, cause: ports })
}

class Provider {
  readonly #of: Candidate
  readonly #called: string
  #examined: Promise<OnnxProvider> | undefined
  /** Rejects once the device is gone; undefined where nobody would say so. */
  #loss: Promise<never> | undefined
  #lost: DeviceLost | undefined
  #held: OrtSession | undefined

  constructor(of: Candidate) {
    this.#of = of
    this.#called = of.called ?? of.name
  }

  examined(): Promise<OnnxProvider> {
    return (this.#examined ??= this.#examine())
  }

  /** Weights, input and answer are exact in every width that a device computes with. */
  async #examine(): Promise<OnnxProvider> {
    const { name, runtime, lacks } = this.#of
    const why = await lacks?.()
    if (why !== undefined) return { name, runtime: runtime.name, lacks: why }
    try {
      const loaded = await runtime.load()
      const { ort, version } = loaded
      const options = optionsOf(this.#called, DEVICE.has(name))
      const session = await this.#onDevice(() => ort.InferenceSession.create(trial(), options))
      this.#watch(loaded)
      const x = new ort.Tensor("float32", Float32Array.of(1, 1), [1, 2])
      const y = (await this.#onDevice(() => session.run({ x })))["y"]!.data as Float32Array
      // A runtime gives a device back with the last session on it, and would have to find it again for the next.
      if (DEVICE.has(name)) this.#held = session
      else await session.release()
      const found = `${runtime.name} ${version}`
      if (y[0] === 4.5 && y[1] === 5.5) return { name, runtime: found }
      return { name, runtime: found, lacks: `a trial gave ${y[0]} and ${y[1]}, wanted 4.5 and 5.5` }
    } catch (cause) {
      return { name, runtime: runtime.name, lacks: reasonOf(cause) }
    }
  }

  /** All sessions of a provider are on one device: the first that was made says which. */
  #watch({ lost }: Loaded): void {
    this.#loss ??= lost?.()?.then((reason) => {
      this.#lost = new DeviceLost({ message: `the device was lost: ${reason}` })
      throw this.#lost
    })
    // It is heard of by whoever uses the device, then or later.
    this.#loss?.catch(() => {})
  }

  /**
   * Work of the runtime, in turn where it does one thing at a time. Fails with `DeviceLost` as soon as the device is gone: the
   * runtime may wait for ever then, or answer with anything.
   */
  async #onDevice<A>(work: () => Promise<A>): Promise<A> {
    if (this.#lost !== undefined) throw this.#lost
    const { runtime } = this.#of
    const working = runtime.serial ? queueOf(runtime).next(work) : work()
    if (this.#loss === undefined) return await working
    const answer = await Promise.race([working, this.#loss])
    if (this.#lost !== undefined) throw this.#lost
    return answer
  }

  async session(model: OnnxModel, forget: () => void): Promise<OnnxSession> {
    const { name, runtime } = this.#of
    const loaded = await runtime.load()
    const { ort } = loaded
    const { session, aside } = await this.#onDevice(() => this.#load(ort, model.bytes))
    this.#watch(loaded)
    const run = async (inputs: { readonly [name: string]: Tensor }) => {
      const given = Object.fromEntries(Object.entries(inputs).map(([port, tensor]) => [port, toOrt(ort, tensor)]))
      const answer = await this.#onDevice(() => session.run(given))
      return Object.fromEntries(Object.entries(answer).map(([port, tensor]) => [port, fromOrt(tensor)]))
    }
    const zeros = zerosOf(model.inputs)
    // A model may refuse the sizes that were chosen for it here; its first question has its own.
    if (zeros !== undefined) await run(zeros).catch(() => undefined)
    return {
      ...(aside ? { aside: `operators that ${name} lacks run on the CPU` } : {}),
      run,
      close: async () => {
        forget()
        await this.#release(session)
      },
    }
  }

  /** Gives the device back, once all its sessions are closed. */
  async close(): Promise<void> {
    const held = this.#held
    this.#held = undefined
    if (held !== undefined) await this.#release(held)
  }

  async #release(session: OrtSession): Promise<void> {
    const released = session.release()
    // There is nothing to wait for on a device that is gone.
    if (this.#lost === undefined) await released
    else released.catch(() => {})
  }

  /** A device takes the whole model, or it is said that it does not. */
  async #load(ort: Ort, bytes: Uint8Array): Promise<{ readonly session: OrtSession; readonly aside: boolean }> {
    const create = (whole: boolean) => ort.InferenceSession.create(bytes, optionsOf(this.#called, whole))
    if (!DEVICE.has(this.#of.name)) return { session: await create(false), aside: false }
    try {
      return { session: await create(true), aside: false }
    } catch (cause) {
      if (!REFUSED_ASIDE.test(String(cause))) throw cause
      return { session: await create(false), aside: true }
    }
  }
}

const optionsOf = (provider: string, whole: boolean) => ({
  executionProviders: [provider],
  logSeverityLevel: 4 as const,
  ...(whole ? { extra: { session: { disable_cpu_ep_fallback: "1" } } } : {}),
})

function trial(): Uint8Array {
  const mlp = { widths: [2, 2], weights: [Float32Array.of(1, 2, 3, 4)], biases: [Float32Array.of(0.5, -0.5)] }
  const made = writeModel(mlp)
  if (made instanceof ModelRefused) throw made
  return made.bytes
}

function reasonOf(cause: unknown): string {
  const words = runtimeWords(cause)
  return /Failed to load shared library/.test(words) ? "its libraries are not installed beside the runtime" : words
}

/** Calls one after another, whatever came of the one before. */
class Queue {
  #last: Promise<unknown> = Promise.resolve()
  next<A>(work: () => Promise<A>): Promise<A> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return turn
  }
}
const queues = new WeakMap<Runtime, Queue>()
function queueOf(runtime: Runtime): Queue {
  const queue = queues.get(runtime) ?? new Queue()
  queues.set(runtime, queue)
  return queue
}
