/**
 * A model that can be called: the kernel's instance, its memory, and the views into it. Everything is synchronous and
 * computes the same bits on every host, whether a row comes alone or among others, as features or as the states of its
 * digits.
 */
import type { Digit } from "../encode.ts"
import { checkMlp, type Mlp } from "../model/mlp.ts"
import { ModelRefused, refusedModel } from "../model/refused.ts"
import { KERNEL } from "./kernel.wasm.ts"
import { BLOCK, bytesOf, type Laid, lay, spansOf } from "./layout.ts"

interface Kernel {
  readonly one: (net: number, states: number) => void
  readonly many: (net: number, rows: number, states: number) => void
}

export interface NetOptions {
  /** Spans of the first layer, as an encoding has them: then thermometers cost one addition of a row each. */
  readonly digits?: readonly Digit[]
  /** Memory that this net may take, in bytes. Default 1 GiB. */
  readonly bytesMax?: number
  /** The compiled kernel, for hosts that make no code from bytes at run time. */
  readonly module?: WebAssembly.Module
}

const BYTES_MAX = 2 ** 30

let compiled: WebAssembly.Module | undefined

/** The bytes of the kernel, for hosts that want them as a file. */
export const kernelBytes = (): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(KERNEL), (c) => c.charCodeAt(0))

/** The compiled kernel. One for all nets: each has an instance and a memory of its own. */
export function kernelModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(kernelBytes())
  return compiled
}

export class Net {
  readonly inputs: number
  readonly outputs: number
  readonly #mlp: Mlp
  readonly #spans: readonly Digit[]
  readonly #module: WebAssembly.Module
  #laid: Laid
  #kernel: Kernel
  /** The first row of answers. */
  #answer: Float32Array

  private constructor(mlp: Mlp, spans: readonly Digit[], module: WebAssembly.Module) {
    this.inputs = mlp.widths[0]!
    this.outputs = mlp.widths.at(-1)!
    this.#mlp = mlp
    this.#spans = spans
    this.#module = module
    this.#laid = lay(mlp, spans)
    this.#kernel = instance(module, this.#laid)
    this.#answer = this.#laid.answers.subarray(0, this.outputs)
  }

  /** A net of a model, or why there is none. */
  static of(mlp: Mlp, options: NetOptions = {}): Net | ModelRefused {
    const spans = spansOf(mlp.widths[0]!, options.digits)
    const wrong = checkMlp(mlp) ?? checkSpans(mlp.widths[0]!, spans)
    if (wrong !== undefined) return wrong
    const [bytes, most] = [bytesOf(mlp, spans), options.bytesMax ?? BYTES_MAX]
    const tooLarge = (found: string) =>
      refusedModel(
        "too-large",
        "hold",
        "the model",
        `at most ${most} bytes`,
        found,
        "use a smaller one, or a larger host",
      )
    if (bytes > most) return tooLarge(`${bytes}`)
    try {
      return new Net(mlp, spans, options.module ?? kernelModule())
    } catch (cause) {
      if (cause instanceof RangeError) return tooLarge(`${bytes}, which this host has not`)
      if (cause instanceof WebAssembly.CompileError) return noKernel(cause)
      throw cause
    }
  }

  /** Logits of one row of features. The array is the kernel's own and holds until the next call. */
  one(features: Float32Array): Float32Array | ModelRefused {
    if (features.length !== this.inputs) return wrongCount("features", this.inputs, features.length)
    this.#laid.features.set(features)
    return this.#run(1, 0) ?? this.#answer
  }

  /** The same from the state of each digit. */
  oneOfStates(states: Uint16Array, at = 0): Float32Array | ModelRefused {
    const wrong = this.#putStates(states, at, 1)
    if (wrong !== undefined) return wrong
    return this.#run(1, 1) ?? this.#answer
  }

  /** Logits of many rows of features, row after row, into a new array. */
  many(features: Float32Array, rows: number): Float32Array | ModelRefused {
    if (features.length !== rows * this.inputs) return wrongCount("features", rows * this.inputs, features.length)
    const { inputs } = this
    return this.#blocks(rows, 0, (from, n) => {
      this.#laid.features.set(features.subarray(from * inputs, (from + n) * inputs))
      return undefined
    })
  }

  manyOfStates(states: Uint16Array, rows: number): Float32Array | ModelRefused {
    const each = this.#spans.length
    if (states.length !== rows * each) return wrongCount("states", rows * each, states.length)
    return this.#blocks(rows, 1, (from, n) => this.#putStates(states, from * each, n))
  }

  #blocks(
    rows: number,
    ofStates: 0 | 1,
    put: (from: number, n: number) => ModelRefused | undefined,
  ): Float32Array | ModelRefused {
    const { outputs } = this
    const all = new Float32Array(rows * outputs)
    for (let from = 0; from < rows; from += BLOCK) {
      const n = Math.min(BLOCK, rows - from)
      const wrong = put(from, n) ?? this.#run(n, ofStates)
      if (wrong !== undefined) return wrong
      const { answers, columns } = this.#laid
      if (columns === outputs) all.set(answers.subarray(0, n * outputs), from * outputs)
      else {
        for (let r = 0; r < n; r++) {
          all.set(answers.subarray(r * columns, r * columns + outputs), (from + r) * outputs)
        }
      }
    }
    return all
  }

  /** Copies states; one that its digit does not have would read another's weights, so each is looked at. */
  #putStates(from: Uint16Array, at: number, rows: number): ModelRefused | undefined {
    const { states } = this.#laid
    const spans = this.#spans
    if (at + rows * spans.length > from.length) return wrongCount("states", at + rows * spans.length, from.length)
    for (let r = 0, to = 0; r < rows; r++) {
      for (let d = 0; d < spans.length; d++, to++) {
        const state = from[at + to]!
        if (state >= spans[d]!.states) {
          const want = `a state below ${spans[d]!.states}`
          return refusedModel(
            "input",
            "run the model on",
            `digit ${d} of row ${r}`,
            want,
            `${state}`,
            "encode it again",
          )
        }
        states[to] = state
      }
    }
    return undefined
  }

  /** After a trap the instance is dropped, for nobody knows what it left behind; the next call has a new one. */
  #run(rows: number, ofStates: 0 | 1): ModelRefused | undefined {
    try {
      if (rows === 1) this.#kernel.one(this.#laid.net, ofStates)
      else this.#kernel.many(this.#laid.net, rows + (rows & 1), ofStates)
      return undefined
    } catch (cause) {
      if (!(cause instanceof WebAssembly.RuntimeError)) throw cause
      this.#laid = lay(this.#mlp, this.#spans)
      this.#kernel = instance(this.#module, this.#laid)
      this.#answer = this.#laid.answers.subarray(0, this.outputs)
      return new ModelRefused({
        reason: "trap",
        place: "the kernel",
        message: `Cannot run the model: the kernel stopped (${cause.message}); it was set up anew, call the tool itself`,
        cause,
      })
    }
  }
}

function instance(module: WebAssembly.Module, { memory }: Laid): Kernel {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernel
}

const noKernel = (cause: WebAssembly.CompileError) =>
  new ModelRefused({
    reason: "host",
    place: "the kernel",
    message: `Cannot run the model: this host compiles no WebAssembly at run time (${cause.message}); lend it the compiled kernel, or call the tool itself`,
    cause,
  })

const wrongCount = (what: string, want: number, found: number): ModelRefused =>
  refusedModel(
    "input",
    "run the model on",
    what,
    `${want}`,
    `${found}`,
    "encode the arguments with the model's encoding",
  )

function checkSpans(inputs: number, spans: readonly Digit[]): ModelRefused | undefined {
  let at = 0
  for (const [i, span] of spans.entries()) {
    const width = span.code === "thermometer" ? span.states - 1 : span.states
    if (span.at !== at || span.width !== width || width < 1) {
      const want = `to begin at ${at} and to have ${width} features`
      return refusedModel(
        "shape",
        "hold",
        `digit ${i}`,
        want,
        `${span.width} at ${span.at}`,
        "use the model's encoding",
      )
    }
    at += width
  }
  if (at === inputs) return undefined
  return refusedModel("shape", "hold", "the digits", `${inputs} features`, `${at}`, "use the model's encoding")
}
