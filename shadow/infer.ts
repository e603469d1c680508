/**
 * A shadow's model as a function: arguments in, the value that it says out. One interface over our own kernel, for single
 * calls and small batches, and over a runtime that the host may lend for large ones; every answer says which ran, and why.
 */
import type { Value } from "../graph/mod.ts"
import { EncodingRefused } from "./encode/refused.ts"
import { type Encoding, encodingFrom, type Output, outputFrom, type Reading } from "./encode.ts"
import { Net, type NetOptions } from "./infer/net.ts"
import { type ModelFile, readModel } from "./model/file.ts"
import { ModelRefused, refusedModel } from "./model/refused.ts"

/** Rows from which a lent runtime is worth its asynchronous call. */
export const BATCH_MIN = 64

/** Which code computed an answer. The first two give the same bits on every host; the bits of the last are its processor's. */
export type Ran = "wasm-single" | "wasm-batch" | "ort-node"

/** A runtime of ONNX files, with wider vectors than WebAssembly has. `deploy` supplies it; a host without one loses speed alone. */
export interface BatchRuntime {
  readonly ran: Extract<Ran, "ort-node">
  /** Name and version, as the reason says it. */
  readonly about: string
  readonly open: (file: Uint8Array) => Promise<BatchSession>
}
export interface BatchSession {
  /** `rows` inputs, row after row; the answer has as many rows. The inputs are the caller's again once it has answered. */
  readonly run: (features: Float32Array, rows: number) => Promise<Float32Array>
  readonly close: () => Promise<void>
}

export interface HowItRan {
  readonly ran: Ran
  /** In words, for the ledger's entry and the span. */
  readonly reason: string
}
export interface Prediction extends Reading, HowItRan {
  /** Hash of the model's file. */
  readonly by: string
}
export interface Predictions extends HowItRan {
  readonly by: string
  /** In the order of the rows; a row without an answer has its refusal. */
  readonly readings: readonly (Reading | Unanswered)[]
}

export interface ShadowModelOptions extends Omit<NetOptions, "digits"> {
  readonly batch?: BatchRuntime
}

/** Why a file makes no model that can be called, or arguments have no answer. */
export type Unanswered = EncodingRefused | ModelRefused

/** Rows that a lent runtime is given at once, so that memory does not grow with the batch; fewer would be no faster. */
const PIECE = 4096

/** Features that are kept room for between two batches: 4 MB. */
const KEPT_MAX = 1 << 20

const SINGLE: HowItRan = { ran: "wasm-single", reason: "one call" }

export class ShadowModel {
  readonly file: ModelFile
  readonly encoding: Encoding
  readonly output: Output
  readonly #net: Net
  readonly #batch: BatchRuntime | undefined
  readonly #states: Uint16Array
  #session: Promise<BatchSession> | undefined
  /** Where the last batch wrote its features; undefined while one does. */
  #kept: Float32Array | undefined
  /** Why the lent runtime is not asked again. */
  #failed: string | undefined

  private constructor(file: ModelFile, encoding: Encoding, output: Output, net: Net, batch: BatchRuntime | undefined) {
    this.file = file
    this.encoding = encoding
    this.output = output
    this.#net = net
    this.#batch = batch
    this.#states = new Uint16Array(encoding.digits.length)
  }

  /** A model that can be called, from the file alone: its metadata says what goes in and comes out. */
  static of(from: Uint8Array | ModelFile, options: ShadowModelOptions = {}): ShadowModel | Unanswered {
    const file = from instanceof Uint8Array ? readModel(from) : from
    if (file instanceof ModelRefused) return file
    const { input, output } = file.about
    if (input === undefined || output === undefined) {
      const next = "import it with the encodings of the tool"
      return refusedModel("spec", "call", "the model", "encodings in its metadata", "none", next)
    }
    const [encoding, reading] = [encodingFrom(input), outputFrom(output)]
    if (encoding instanceof EncodingRefused) return encoding
    if (reading instanceof EncodingRefused) return reading
    const { widths } = file.mlp
    if (widths[0] !== encoding.width || widths.at(-1) !== reading.width) {
      const [want, found] = [`${encoding.width} to ${reading.width}`, `${widths[0]} to ${widths.at(-1)}`]
      return refusedModel(
        "spec",
        "call",
        "the model",
        `layers from ${want}, as its encodings have`,
        found,
        "train it again",
      )
    }
    const net = Net.of(file.mlp, { ...options, digits: encoding.digits })
    return net instanceof ModelRefused ? net : new ShadowModel(file, encoding, reading, net, options.batch)
  }

  /** What the tool would answer, by this model. Synchronous and pure: the same bits on every host. */
  predict(args: Value): Prediction | Unanswered {
    const refused = this.encoding.states(args, this.#states, 0)
    if (refused !== undefined) return refused
    const logits = this.#net.oneOfStates(this.#states)
    if (logits instanceof ModelRefused) return logits
    const reading = this.#read(logits, 0)
    return "value" in reading ? { ...reading, ...SINGLE, by: this.file.hash } : reading
  }

  /**
   * The same for many. From {@link BATCH_MIN} rows on the host's runtime computes them, where it lends one; `sameBits`
   * keeps to our kernel, for whatever is compared or computed again elsewhere.
   */
  async predictBatch(
    rows: readonly Value[],
    options: { readonly sameBits?: boolean } = {},
  ): Promise<Predictions | ModelRefused> {
    const refused = new Map<number, EncodingRefused>()
    const { digits } = this.encoding
    const states = new Uint16Array(rows.length * digits.length)
    let count = 0
    for (let i = 0; i < rows.length; i++) {
      const wrong = this.encoding.states(rows[i]!, states, count * digits.length)
      if (wrong === undefined) count++
      else refused.set(i, wrong)
    }
    const used = states.subarray(0, count * digits.length)
    const lent = await this.#lent(used, count, options.sameBits ?? false)
    const { found, ...how } = "found" in lent ? lent : this.#own(used, count, lent.why)
    if (found instanceof ModelRefused) return found
    let next = 0
    const readings = refused.size === 0 ? found : rows.map((_, i) => refused.get(i) ?? found[next++]!)
    return { by: this.file.hash, readings, ...how }
  }

  /** Numbers to write features to. Whoever has them has them alone: another batch that comes meanwhile gets others. */
  #room(length: number): Float32Array {
    const kept = this.#kept
    this.#kept = undefined
    return kept !== undefined && kept.length >= length ? kept : new Float32Array(length)
  }

  /** What the logits say. Weights that are finite can still make a sum that is not: that is no answer, however sure it looks. */
  #read(logits: Float32Array, at: number): Reading | Unanswered {
    const { width } = this.output
    for (let i = at; i < at + width; i++) {
      const x = logits[i]!
      if (x - x !== 0) {
        return refusedModel("not-finite", "read", `logit ${i - at}`, "a number", String(x), "call the tool itself")
      }
    }
    return this.output.read(logits, at)
  }

  /** Gives back what the host lent. */
  async close(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    if (session !== undefined) await (await session).close()
  }

  #own(
    states: Uint16Array,
    count: number,
    why: string,
  ): HowItRan & { readonly found: readonly (Reading | Unanswered)[] | ModelRefused } {
    const logits = this.#net.manyOfStates(states, count)
    const found = logits instanceof ModelRefused ? logits : this.#readings(logits, count)
    return { found, ran: "wasm-batch", reason: `${count === 1 ? "one row" : `${count} rows`}; ${why}` }
  }

  /** By the lent runtime, or why not. */
  async #lent(
    states: Uint16Array,
    count: number,
    sameBits: boolean,
  ): Promise<(HowItRan & { readonly found: readonly (Reading | Unanswered)[] }) | { readonly why: string }> {
    if (sameBits) return { why: "the same bits are wanted everywhere" }
    if (count < BATCH_MIN) return { why: `another runtime pays from ${BATCH_MIN} on` }
    if (this.#batch === undefined) return { why: "this host lends no other runtime" }
    if (this.#failed !== undefined) return { why: this.#failed }
    const { about, ran } = this.#batch
    const found: (Reading | Unanswered)[] = []
    try {
      this.#session ??= this.#batch.open(this.file.bytes)
      const session = await this.#session
      const [each, { width }] = [this.encoding.digits.length, this.encoding]
      const features = this.#room(Math.min(PIECE, count) * width)
      for (let from = 0; from < count; from += PIECE) {
        const rows = Math.min(PIECE, count - from)
        const input = features.subarray(0, rows * width)
        this.#features(states.subarray(from * each, (from + rows) * each), rows, input)
        const logits = await session.run(input, rows)
        if (logits.length !== rows * this.output.width) {
          throw new RangeError(`it gave ${logits.length} numbers, not ${rows * this.output.width}`)
        }
        this.#readings(logits, rows, found)
      }
      if (features.length <= KEPT_MAX) this.#kept = features
      return { found, ran, reason: `${count} rows on ${about}` }
    } catch (cause) {
      this.#failed = `${about} failed: ${cause instanceof Error ? cause.message : String(cause)}`
      // That it cannot be closed either is no news.
      await this.close().catch(() => undefined)
      return { why: this.#failed }
    }
  }

  #readings(logits: Float32Array, count: number, into: (Reading | Unanswered)[] = []): (Reading | Unanswered)[] {
    const { width } = this.output
    // Mostly all are finite, and then no row has to be looked through by itself.
    const whole = allFinite(logits)
    for (let r = 0; r < count; r++)
      into.push(whole ? this.output.read(logits, r * width) : this.#read(logits, r * width))
    return into
  }

  /** The features that the states stand for. */
  #features(states: Uint16Array, count: number, features: Float32Array): void {
    const { digits, width } = this.encoding
    features.fill(0)
    for (let r = 0, s = 0; r < count; r++) {
      for (let d = 0; d < digits.length; d++, s++) {
        const { at, code } = digits[d]!
        // Not as a pair: one is made and taken apart for every digit of every row.
        const from = r * width + at
        const state = states[s]!
        if (code === "one-hot") features[from + state] = 1
        // A call of `fill` costs more than the few beads of a digit.
        else for (let i = from; i < from + state; i++) features[i] = 1
      }
    }
  }
}

/** Four at a time: what is no number, or infinite, gives NaN where it is taken from itself. */
function allFinite(x: Float32Array): boolean {
  const fours = x.length & ~3
  let odd = 0
  for (let i = 0; i < fours; i += 4) {
    const a = x[i]!
    const b = x[i + 1]!
    const c = x[i + 2]!
    const d = x[i + 3]!
    odd += a - a + (b - b) + (c - c + (d - d))
  }
  for (let i = fours; i < x.length; i++) odd += x[i]! - x[i]!
  return odd === 0
}
