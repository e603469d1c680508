/**
 * The ablation as `docs/shadows/ablation.md` lays it down: which pairs a model learns from and is asked about, how
 * operands are shown to it, and how large it is. Everything follows from task, encoding and seed.
 */
import { T } from "../../graph/mod.ts"
import {
  type Encoding,
  EncodingRefused,
  encodingOf,
  type Features,
  type Output,
  outputOf,
  parameters,
} from "../../shadow/mod.ts"

export const TASKS = ["ADD", "SUB", "MUL", "DIV"] as const
export const CODES = ["thermometer", "one-hot", "binary", "Fourier"] as const
export const HOLD_OUTS = ["random", "out of range"] as const
export type Task = (typeof TASKS)[number]
export type Code = (typeof CODES)[number]

const OPERANDS = 256
const RANGE = 192
const TRAIN = 12_288
const HOLD_OUT = 4_096
const PARAMETERS = 12_000

export const STEPS = 2_000
export const BATCH = 256
export const RATE = 0.004

export type Pair = readonly [number, number]
export interface Split {
  readonly train: readonly Pair[]
  readonly random: readonly Pair[]
  readonly outside: readonly Pair[]
}

export function answer(task: Task, [a, b]: Pair): number {
  switch (task) {
    case "ADD":
      return a + b
    case "SUB":
      return a - b
    case "MUL":
      return a * b
    case "DIV":
      return Math.floor(a / b)
  }
}

const BOUNDS: Readonly<Record<Task, readonly [number, number]>> = {
  ADD: [0, 510],
  SUB: [-255, 255],
  MUL: [0, 65_025],
  DIV: [0, 255],
}

function made<A>(of: A | EncodingRefused): A {
  if (of instanceof EncodingRefused) throw of
  return of
}

export const operand: Encoding = made(encodingOf(T.number, { integer: true, min: 0, max: OPERANDS - 1 }))

export function outputFor(task: Task): Output {
  const [min, max] = BOUNDS[task]
  return made(outputOf(T.number, { integer: true, min, max }))
}

/** Marsaglia's xorshift on 32 bits. */
function below(seed: number): (n: number) => number {
  let x = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 1
  return (n) => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return Math.floor(((x >>> 0) / 2 ** 32) * n)
  }
}

/** The pairs of a seed: shuffled (Fisher and Yates), then cut. */
export function splitOf(task: Task, seed: number): Split {
  const [inside, outside]: [Pair[], Pair[]] = [[], []]
  for (let a = 0; a < OPERANDS; a++) {
    for (let b = task === "DIV" ? 1 : 0; b < OPERANDS; b++) (a < RANGE && b < RANGE ? inside : outside).push([a, b])
  }
  const draw = below(seed)
  for (const list of [inside, outside]) {
    for (let i = list.length - 1; i > 0; i--) {
      const j = draw(i + 1)
      ;[list[i], list[j]] = [list[j]!, list[i]!]
    }
  }
  return {
    train: inside.slice(0, TRAIN),
    random: inside.slice(TRAIN, TRAIN + HOLD_OUT),
    outside: outside.slice(0, HOLD_OUT),
  }
}

/** How one operand is shown. */
export const CODED: Readonly<Record<Code, Features>> = {
  thermometer: operand,
  "one-hot": {
    width: 32,
    write(value, into, at) {
      into.fill(0, at, at + 32)
      into[at + (Number(value) & 15)] = 1
      into[at + 16 + (Number(value) >> 4)] = 1
      return undefined
    },
  },
  binary: {
    width: 8,
    write(value, into, at) {
      for (let k = 0; k < 8; k++) into[at + k] = (Number(value) >> k) & 1
      return undefined
    },
  },
  Fourier: {
    width: 15,
    write(value, into, at) {
      let to = at
      for (let k = 1; k <= 8; k++) {
        const angle = (2 * Math.PI * Number(value)) / 2 ** k
        into[to++] = Math.cos(angle)
        if (k > 1) into[to++] = Math.sin(angle)
      }
      return undefined
    },
  },
}

/** Both operands, row after row. */
export function featuresOf(code: Code, pairs: readonly Pair[]): Float32Array {
  const { width, write } = CODED[code]
  const out = new Float32Array(pairs.length * 2 * width)
  for (const [i, [a, b]] of pairs.entries()) {
    write(a, out, 2 * i * width)
    write(b, out, (2 * i + 1) * width)
  }
  return out
}

export function targetsOf(task: Task, output: Output, pairs: readonly Pair[]): Uint16Array {
  const out = new Uint16Array(pairs.length * output.groups.length)
  for (const [i, pair] of pairs.entries())
    made(output.targets(answer(task, pair), out, i * output.groups.length) ?? null)
  return out
}

/** The widths of the layers: two hidden ones, so wide that the whole comes nearest to the wanted number of parameters. */
export function widthsFor(code: Code, output: Output): readonly number[] {
  const of = (hidden: number) => [2 * CODED[code].width, hidden, hidden, output.width]
  let best = of(1)
  for (let hidden = 2; hidden < 200; hidden++) {
    const widths = of(hidden)
    const off = (w: readonly number[]) => Math.abs(parameters({ widths: w }) - PARAMETERS)
    if (off(widths) < off(best)) best = widths
  }
  return best
}
