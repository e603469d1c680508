/**
 * Where a training lies in the kernel's memory: parameters with gradients and both moments of Adam, each as far after the
 * one before; activations and deltas of one block of rows. The words are those that `kernel.as` describes.
 */
import type { Digit, Group, Mlp } from "../../shadow/mod.ts"
import { KERNEL } from "./kernel.wasm.ts"

export interface Shape {
  readonly widths: readonly number[]
  /** Spans of the first layer; inputs without digits are one span. */
  readonly digits: readonly Digit[]
  readonly groups: readonly Group[]
  /** Whether inputs come as states of the digits, or as features. */
  readonly ofStates: boolean
  /** Rows that are learned from at once. */
  readonly batch: number
}

interface Kernel {
  readonly look: (net: number, rows: number) => number
  readonly learn: (net: number, rows: number) => number
  readonly adam: (
    at: number,
    bytes: number,
    far: number,
    rate: number,
    beta1: number,
    beta2: number,
    c1: number,
    c2: number,
    eps: number,
    keep: number,
  ) => void
  readonly right: () => number
  readonly rightOfGroups: () => number
  readonly asked: () => number
}

/** Longer thermometers have no table: the kernel compares a span's beads in one 32-bit word. */
const BEADS_MAX = 32
const PANEL = 16
const PAGE = 65_536
/** WebAssembly has no more addresses. */
const BYTES_MAX = 2 ** 32 - PAGE

const padded = (n: number): number => Math.ceil(n / PANEL) * PANEL
const tabled = (d: Digit): boolean => d.code === "thermometer" && d.width <= BEADS_MAX

function plan({ widths, digits, groups, ofStates, batch }: Shape) {
  let bytes = 64
  const take = (n: number): number => {
    const at = bytes
    bytes = Math.ceil((at + n) / 64) * 64
    return at
  }
  const columns = widths.slice(1).map(padded)
  const widest = padded(Math.max(...widths.slice(1)))
  const rows = Math.ceil(batch / 4) * 4
  const layers = columns.length
  const words = take(32 * 4)
  const layerWords = take(layers * 48)
  const spanWords = take(digits.length * 16)
  const groupWords = take(groups.length * 8)
  const zeros = take(64)
  const scratch = take(widest * 4)
  const terms = take((widths[0]! + 1) * 8)
  const features = take(ofStates ? 0 : rows * widths[0]! * 4 + 16)
  const states = take(ofStates ? rows * digits.length * 2 : 0)
  const targets = take(rows * groups.length * 2)
  const outs = columns.map((n) => take(rows * n * 4))
  const deltas = columns.map((n) => take(rows * n * 4))
  const turned = take(rows * widest * 4)
  const packed = take(rows * widest * 4)
  const turnedWeights = take(widest * widest * 4)
  // Rows of the panels come in pairs, as the kernel's tile has them.
  const panelBytes = columns.map((_, l) => (l === 0 ? 0 : Math.ceil(widths[l]! / 2) * 2 * PANEL * 4))
  const parameters = bytes
  const weights = columns.map((n, l) => take(l === 0 ? widths[0]! * n * 4 : (n / PANEL) * panelBytes[l]!))
  const biases = columns.map((n) => take(n * 4))
  const ofParameters = bytes - parameters
  const tables = digits.map((d) => (tabled(d) ? take(d.width * columns[0]! * 4) : 0))
  const far = bytes - parameters
  bytes += 3 * far + 64
  const at = { words, layerWords, spanWords, groupWords, zeros, scratch, terms, features, states, targets }
  return {
    ...at,
    outs,
    deltas,
    turned,
    packed,
    turnedWeights,
    panelBytes,
    weights,
    biases,
    tables,
    columns,
    parameters,
    ofParameters,
    far,
    bytes,
  }
}

/** Bytes that a training of this shape takes; more than 4 GiB no host has for it. */
export const trainingBytes = (shape: Shape): number => plan(shape).bytes
export const TRAINING_BYTES_MAX = BYTES_MAX

let compiled: WebAssembly.Module | undefined

/** A training's memory and kernel. Throws what the engine throws where there is no such memory. */
export class TrainingMemory {
  readonly shape: Shape
  /** One block of inputs and targets, to be filled before each call. */
  readonly features: Float32Array
  readonly states: Uint16Array
  readonly targets: Uint16Array
  /** All parameters, and what Adam keeps of them, in one piece each. */
  readonly parameters: Float32Array
  readonly moments: readonly [Float32Array, Float32Array]
  readonly #plan: ReturnType<typeof plan>
  readonly #kernel: Kernel
  readonly #floats: Float32Array

  constructor(shape: Shape) {
    const { widths, digits, groups, ofStates, batch } = shape
    const p = plan(shape)
    const pages = Math.ceil(p.bytes / PAGE)
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
    const layers = p.columns.length
    this.shape = shape
    this.#plan = p
    this.#floats = new Float32Array(memory.buffer)
    const floats = (at: number, n: number) => new Float32Array(memory.buffer, at, n)
    this.features = floats(p.features, ofStates ? 0 : batch * widths[0]!)
    this.states = new Uint16Array(memory.buffer, p.states, ofStates ? batch * digits.length : 0)
    this.targets = new Uint16Array(memory.buffer, p.targets, batch * groups.length)
    this.parameters = floats(p.parameters, p.ofParameters / 4)
    this.moments = [
      floats(p.parameters + 2 * p.far, p.ofParameters / 4),
      floats(p.parameters + 3 * p.far, p.ofParameters / 4),
    ]
    const words = new Uint32Array(memory.buffer)
    const spanWord = (d: Digit, i: number) => [
      d.at,
      d.width,
      p.tables[i]!,
      d.code === "one-hot" ? 0 : tabled(d) ? 1 : 2,
    ]
    words.set(digits.flatMap(spanWord), p.spanWords / 4)
    words.set(
      groups.flatMap((g) => [g.at, g.size]),
      p.groupWords / 4,
    )
    for (let l = 0; l < layers; l++) {
      const own = [p.weights[l]!, p.biases[l]!, l === 0 ? p.features : p.outs[l - 1]!, p.outs[l]!, p.deltas[l]!]
      words.set([widths[l]!, p.columns[l]!, ...own, p.panelBytes[l]!, widths[l + 1]!], p.layerWords / 4 + l * 12)
    }
    const first = [layers, p.weights[0]!, p.columns[0]! * 4, p.spanWords, digits.length, p.terms]
    const inputs = [p.features, widths[0]! * 4, p.states, digits.length, p.layerWords, p.far, ofStates ? 1 : 0]
    const last = [p.groupWords, groups.length, p.targets, p.scratch, p.zeros, p.turned, p.packed, p.turnedWeights]
    words.set([...first, ...inputs, ...last], p.words / 4)
    compiled ??= new WebAssembly.Module(Uint8Array.from(atob(KERNEL), (c) => c.charCodeAt(0)))
    this.#kernel = new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as Kernel
  }

  /** Sum of the losses of the first `rows` rows. */
  look(rows: number): number {
    return this.#kernel.look(this.#plan.words, rows)
  }

  /** The same, and the gradients of the sum divided by `rows`. */
  learn(rows: number): number {
    return this.#kernel.learn(this.#plan.words, rows)
  }

  /** Of the last call: rows whose every group is right, groups that are right, groups that were asked for. */
  get counts(): { readonly right: number; readonly rightGroups: number; readonly asked: number } {
    const { right, rightOfGroups, asked } = this.#kernel
    return { right: right(), rightGroups: rightOfGroups(), asked: asked() }
  }

  /** One step of Adam; `c1` and `c2` correct the moments' beginnings, `keep` is what decay leaves of the weights. */
  adam(rate: number, betas: readonly [number, number], c1: number, c2: number, keep: number): void {
    const p = this.#plan
    const [b1, b2] = betas
    const step = (at: number, end: number, kept: number) =>
      this.#kernel.adam(at, end - at, p.far, rate, b1, b2, c1, c2, ADAM_EPSILON, kept)
    step(p.parameters, p.biases[0]!, keep)
    step(p.biases[0]!, p.parameters + p.ofParameters, 1)
  }

  /** Writes a model's numbers into the parameters, or those of its gradients if asked. */
  put({ weights, biases }: Pick<Mlp, "weights" | "biases">): void {
    weights.forEach((w, l) => {
      this.#each(l, 0, (at, i) => {
        this.#floats[at] = w[i]!
      })
      this.#floats.set(biases[l]!, this.#plan.biases[l]! / 4)
    })
  }

  /** The parameters, or a copy of them such as `kept`, as a model. */
  model(kept: Float32Array = this.parameters): Mlp {
    return this.#read(kept, -this.#plan.parameters / 4)
  }

  /** The gradients of the last `learn`, in the shape of a model. */
  gradients(): Mlp {
    return this.#read(this.#floats, this.#plan.far / 4)
  }

  #read(from: Float32Array, shift: number): Mlp {
    const { widths } = this.shape
    const weights = this.#plan.columns.map((_, l) => {
      const w = new Float32Array(widths[l]! * widths[l + 1]!)
      this.#each(l, shift, (at, i) => {
        w[i] = from[at]!
      })
      return w
    })
    const bias = (l: number) => this.#plan.biases[l]! / 4 + shift
    const biases = widths.slice(1).map((n, l) => from.slice(bias(l), bias(l) + n))
    return { widths, weights, biases }
  }

  /** Where every weight of a layer lies, in the order of a model's array. */
  #each(l: number, shift: number, visit: (at: number, i: number) => void): void {
    const { columns, weights, panelBytes } = this.#plan
    const [inputs, outputs] = [this.shape.widths[l]!, this.shape.widths[l + 1]!]
    const from = weights[l]! / 4 + shift
    for (let k = 0, i = 0; k < inputs; k++) {
      for (let n = 0; n < outputs; n++, i++) {
        const panel = Math.floor(n / PANEL)
        visit(l === 0 ? from + k * columns[0]! + n : from + (panel * panelBytes[l]!) / 4 + k * PANEL + (n % PANEL), i)
      }
    }
  }
}

const ADAM_EPSILON = 1e-8
