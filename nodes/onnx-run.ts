/**
 * Runs a model on the best provider that a host has, and on the next one where that one fails: at the start, because it is
 * not there or does not take the model, or in the middle, because the device is gone. Which one it was, and why those
 * before it were not, is part of every answer.
 */
import {
  type Failure,
  fail,
  type Onnx,
  type OnnxModel,
  type OnnxProvider,
  type OnnxSession,
  type Tensor,
} from "../graph/mod.ts"
import { orAbort } from "./or-abort.ts"

/** A provider that did not answer, and why. */
export interface Passed {
  readonly provider: string
  readonly reason: string
}
/** Who answered. */
export interface Ran {
  readonly provider: string
  readonly runtime: string
  /** What of the model the provider left to another. */
  readonly aside?: string
  /** Those before it, in the order in which they were tried. */
  readonly passed: readonly Passed[]
}
export interface Answer {
  readonly outputs: { readonly [name: string]: Tensor }
  readonly ran: Ran
}

interface At {
  readonly ran: Ran
  readonly session: OnnxSession
  /** Its place in the order. */
  readonly place: number
}

/** Those whose device can go away. What fails on one of the others fails because of the model or of what it was given. */
const DEVICES: ReadonlySet<string> = new Set(["cuda", "tensorrt", "webgpu", "webnn", "dml", "coreml"])
const REASON_MAX = 240

export class Running {
  readonly #name: string
  readonly #onnx: Onnx
  readonly #order: readonly string[] | undefined
  readonly #load: () => Promise<OnnxModel>
  #now: Promise<At> | undefined

  /** @param order Names of providers to use, the first first; undefined: all that the host has, in its own order. */
  constructor(name: string, onnx: Onnx, order: readonly string[] | undefined, load: () => Promise<OnnxModel>) {
    this.#name = name
    this.#onnx = onnx
    this.#order = order
    this.#load = load
  }

  /**
   * One answer. Fails with `NoProvider`, `BadModel` (data `reason`: opset, operator, corrupt, refused), `ModelFailed`, and
   * with whatever getting the model fails with.
   */
  async answer(inputs: { readonly [name: string]: Tensor }, signal: AbortSignal): Promise<Answer> {
    const began = await orAbort(this.#opened(), signal)
    for (let at = began; ; ) {
      try {
        const outputs = await orAbort(at.session.run(inputs), signal)
        if (at !== began) await this.#moveOn(began, at)
        return { outputs, ran: at.ran }
      } catch (cause) {
        if (signal.aborted) throw cause
        const reason = runtimeWords(cause)
        if (!DEVICES.has(at.ran.provider))
          throw fail("ModelFailed", `${this.#name} gave no answer on ${at.ran.provider}: ${reason}`, { cause })
        at = await orAbort(
          this.#open(at.place + 1, [...at.ran.passed, { provider: at.ran.provider, reason: `gave up: ${reason}` }]),
          signal,
        )
      }
    }
  }

  #opened(): Promise<At> {
    if (this.#now === undefined) {
      const opening = this.#open(0, [])
      this.#now = opening
      // A server that was down, a file that was on its way: the next call tries again.
      opening.catch(() => {
        if (this.#now === opening) this.#now = undefined
      })
    }
    return this.#now
  }

  /** Only once another one has answered is it certain that the device was at fault. Its session is given back. */
  async #moveOn(from: At, to: At): Promise<void> {
    const now = await this.#now?.catch(() => undefined)
    if (now !== from) return
    this.#now = Promise.resolve(to)
    await from.session.close().catch(() => {})
  }

  async #open(first: number, before: readonly Passed[]): Promise<At> {
    const providers = inOrder(await this.#onnx.providers(), this.#order)
    const passed = [...before]
    let model: OnnxModel | undefined
    let refusal: unknown
    for (const [place, { name: provider, runtime, lacks }] of providers.entries()) {
      if (place < first) continue
      if (lacks !== undefined) {
        passed.push({ provider, reason: lacks })
        continue
      }
      model ??= await this.#load()
      try {
        const session = await this.#onnx.open(model, provider)
        const aside = session.aside === undefined ? {} : { aside: session.aside }
        return { ran: { provider, runtime, ...aside, passed }, session, place }
      } catch (cause) {
        refusal = cause
        passed.push({ provider, reason: runtimeWords(cause) })
      }
    }
    throw refusal === undefined ? this.#none(passed) : this.#bad(passed, refusal)
  }

  #none(passed: readonly Passed[]): Failure {
    return fail("NoProvider", `Nothing here can run ${this.#name}: ${printPassed(passed)}`, {
      data: { providers: passed.map((p) => p.provider) },
      undelivered: true,
    })
  }

  #bad(passed: readonly Passed[], cause: unknown): Failure {
    return fail("BadModel", `Cannot load ${this.#name}: ${printPassed(passed)}`, {
      data: { reason: refusalOf(runtimeWords(cause)) },
      undelivered: true,
      cause,
    })
  }
}

function inOrder(has: readonly OnnxProvider[], order: readonly string[] | undefined): readonly OnnxProvider[] {
  if (order === undefined) return has
  return order.map(
    (name) => has.find((p) => p.name === name) ?? { name, runtime: "", lacks: "this host knows no such provider" },
  )
}

export const printPassed = (passed: readonly Passed[]): string =>
  passed.map(({ provider, reason }) => `${provider}: ${reason}`).join("; ")

/** The words of a runtime without the places in its own source, which say nothing to who reads them. */
export function runtimeWords(cause: unknown): string {
  const text = (cause instanceof Error ? cause.message : String(cause))
    .replace(/ERROR_CODE: \d+, ERROR_MESSAGE: /g, "")
    .replace(/\/\S+\.(?:h|cc|cpp):\d+ .*? was false\. /g, "")
    .replace(/\/\S+\.(?:h|cc|cpp):\d+ .*?\) (?:const |(?=[A-Z]))/g, "")
    .replace(/\s+/g, " ")
    .trim()
  return text.length > REASON_MAX ? `${text.slice(0, REASON_MAX)}…` : text
}

function refusalOf(words: string): "opset" | "operator" | "corrupt" | "refused" {
  if (/\bopset\b|domain_version of 0\b/i.test(words)) return "opset"
  if (/No Op registered|Could not find an implementation/.test(words)) return "operator"
  return /protobuf parsing failed|invalid model/i.test(words) ? "corrupt" : "refused"
}
