/**
 * Where a net lies in the kernel's memory. The memory is made once, large enough for everything, and never grows, so
 * views of it stay valid. The words are those that `kernel.as` describes.
 */
import type { Digit } from "../encode.ts"
import type { Mlp } from "../model/mlp.ts"

/** Rows that pass through the layers together: their activations stay in the second cache. Even, for the tile has two rows. */
export const BLOCK = 64
/** Longer thermometers have no table: the kernel compares a span's beads in one 32-bit word. */
const BEADS_MAX = 32
const PANEL = 32
const PAGE = 65_536

export interface Laid {
  readonly memory: WebAssembly.Memory
  /** Address of the net's words. */
  readonly net: number
  /** One block of inputs, as features and as states, and of answers, whose rows are `columns` long. */
  readonly features: Float32Array
  readonly states: Uint16Array
  readonly answers: Float32Array
  readonly columns: number
}

export const padded = (n: number): number => Math.ceil(n / PANEL) * PANEL

/** Inputs without digits are one span, each of its inputs a term of its own. */
export const spansOf = (inputs: number, digits: readonly Digit[] | undefined): readonly Digit[] =>
  digits ?? [{ at: 0, width: inputs, states: inputs, code: "one-hot" }]

const tabled = (span: Digit): boolean => span.code === "thermometer" && span.width <= BEADS_MAX

/** Bytes of memory that {@link lay} takes. */
export function bytesOf({ widths }: Pick<Mlp, "widths">, spans: readonly Digit[]): number {
  return plan(widths, spans).bytes
}

function plan(widths: readonly number[], spans: readonly Digit[]) {
  let bytes = 64
  const take = (n: number): number => {
    const at = bytes
    bytes = Math.ceil((at + n) / 64) * 64
    return at
  }
  const inputs = widths[0]!
  const layers = widths.length - 1
  const columns = widths.slice(1).map(padded)
  const words = take(16 * 4)
  const layerWords = take(layers * 32)
  const spanWords = take(spans.length * 16)
  const biases = columns.map((n) => take(n * 4))
  const rows = take(inputs * columns[0]! * 4)
  const tables = spans.map((s) => (tabled(s) ? take(s.width * columns[0]! * 4) : 0))
  const panels = columns.map((n, l) => (l === 0 ? 0 : take(widths[l]! * n * 4)))
  const terms = take((Math.max(inputs, ...widths) + 2) * 8)
  // A comparison of a span's beads may read past its end.
  const features = take(BLOCK * inputs * 4 + 16)
  const states = take(BLOCK * spans.length * 2)
  const outs = columns.map((n) => take(BLOCK * n * 4))
  return { bytes, words, layerWords, spanWords, biases, rows, tables, panels, terms, features, states, outs, columns }
}

/** Lays a checked model out in a memory of its own. Throws what the engine throws where it has no such memory. */
export function lay(mlp: Mlp, spans: readonly Digit[]): Laid {
  const { widths } = mlp
  const [inputs, layers] = [widths[0]!, widths.length - 1]
  const p = plan(widths, spans)
  const pages = Math.ceil(p.bytes / PAGE)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  const words = new Uint32Array(memory.buffer)
  const floats = new Float32Array(memory.buffer)
  const [first] = p.columns
  const spanWord = (s: Digit, i: number) => [s.at, s.width, p.tables[i]!, s.code === "one-hot" ? 0 : tabled(s) ? 1 : 2]
  words.set(spans.flatMap(spanWord), p.spanWords / 4)
  const net = [
    layers,
    inputs,
    p.spanWords,
    spans.length,
    p.rows,
    first! * 4,
    p.terms,
    p.features,
    inputs * 4,
    p.layerWords,
  ]
  words.set([...net, p.states, spans.length, first!, p.biases[0]!, p.outs[0]!, layers > 1 ? 1 : 0], p.words / 4)
  for (let l = 0; l < layers; l++) {
    // A bias of −0 would make the sum of nothing −0; see the kernel on leaving out zeros.
    floats.set(
      mlp.biases[l]!.map((b) => b + 0),
      p.biases[l]! / 4,
    )
    if (l === 0) continue
    words.set(
      [widths[l]!, p.columns[l]!, p.panels[l]!, p.biases[l]!, p.outs[l - 1]!, p.outs[l]!, l < layers - 1 ? 1 : 0],
      p.layerWords / 4 + (l - 1) * 8,
    )
    intoPanels(mlp.weights[l]!, widths[l]!, widths[l + 1]!, floats, p.panels[l]! / 4)
  }
  intoRows(mlp.weights[0]!, inputs, widths[1]!, floats, p.rows / 4)
  spans.forEach((s, i) => {
    if (tabled(s)) prefixSums(floats, p.rows / 4 + s.at * first!, s.width, first!, p.tables[i]! / 4)
  })
  return {
    memory,
    net: p.words,
    features: new Float32Array(memory.buffer, p.features, BLOCK * inputs),
    states: new Uint16Array(memory.buffer, p.states, BLOCK * spans.length),
    answers: new Float32Array(memory.buffer, p.outs[layers - 1]!, BLOCK * p.columns[layers - 1]!),
    columns: p.columns[layers - 1]!,
  }
}

function intoRows(from: Float32Array, inputs: number, outputs: number, to: Float32Array, at: number): void {
  const stride = padded(outputs)
  for (let k = 0; k < inputs; k++) to.set(from.subarray(k * outputs, (k + 1) * outputs), at + k * stride)
}

/** Panels of 32 columns, all rows of one after another: what one tile reads lies in one piece. */
function intoPanels(from: Float32Array, inputs: number, outputs: number, to: Float32Array, at: number): void {
  for (let j = 0; j < outputs; j += PANEL) {
    const width = Math.min(PANEL, outputs - j)
    for (let k = 0; k < inputs; k++, at += PANEL) {
      to.set(from.subarray(k * outputs + j, k * outputs + j + width), at)
    }
  }
}

/** Row v of the table is the sum of the first v + 1 rows, rounded once. */
function prefixSums(floats: Float32Array, rows: number, count: number, stride: number, table: number): void {
  for (let j = 0; j < stride; j++) {
    let sum = 0
    for (let v = 0; v < count; v++) {
      sum += floats[rows + v * stride + j]!
      floats[table + v * stride + j] = sum
    }
  }
}
