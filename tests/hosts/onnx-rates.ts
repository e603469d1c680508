/**
 * How many rows a second the providers of one host compute, in turns: a model and a number of rows at a time, each answer compared with
 * a loop in float64 before anything is timed. The same program in a process and in a page.
 */
import type { OnnxService } from "../../deploy/services/onnx.ts"
import { numbersOf, type OnnxSession, tensorOf } from "../../graph/mod.ts"
import { writeModel } from "../../shadow/mod.ts"
import { digitsOf, farthest, featuresOf, randomMlp, randomStates, reference } from "../../shadow/model/random.sample.ts"

export interface Case {
  readonly widths: readonly number[]
  readonly rows: number
}
export interface RatesQuestion {
  readonly cases: readonly Case[]
  readonly turns: number
  /** What one turn takes at least. */
  readonly turnMs: number
}
export interface Rate {
  readonly provider: string
  readonly case: number
  /** Medians over the turns. */
  readonly msPerCall: number
  readonly rowsPerSecond: number
}
export interface Rates {
  readonly runtimes: Readonly<Record<string, string>>
  readonly lacks: Readonly<Record<string, string>>
  readonly rates: readonly Rate[]
}

/** Relative to the largest number of the answer: every provider adds in an order of its own. */
const APART_MAX = 1e-4

export async function ratesOf(onnx: OnnxService, { cases, turns, turnMs }: RatesQuestion): Promise<Rates> {
  const providers = await onnx.providers()
  const there = providers.filter(({ lacks }) => lacks === undefined)
  const rates: Rate[] = []
  for (const [index, { widths, rows }] of cases.entries()) {
    const { sha256, bytes, inputs, x, wanted } = question(onnx, widths, rows)
    const times = new Map<string, number[]>()
    const sessions = new Map<string, OnnxSession>()
    for (const { name } of there) {
      const session = await onnx.open({ sha256, bytes, inputs }, name)
      const found = numbersOf((await session.run({ x }))["y"]!)
      const apart = farthest(found, wanted)
      if (!(apart <= APART_MAX))
        throw new RangeError(`${name} is ${apart} from the right answer of ${widths.join("-")}`)
      sessions.set(name, session)
      times.set(name, [])
    }
    for (let turn = 0; turn < turns; turn++)
      for (const [name, session] of sessions) times.get(name)!.push(await msPerCall(session, x, turnMs))
    for (const session of sessions.values()) await session.close()
    for (const [provider, ms] of times) {
      const median = ms.sort((a, b) => a - b)[ms.length >> 1]!
      rates.push({ provider, case: index, msPerCall: median, rowsPerSecond: (1000 * rows) / median })
    }
  }
  return {
    rates,
    runtimes: Object.fromEntries(there.map(({ name, runtime }) => [name, runtime])),
    lacks: Object.fromEntries(providers.flatMap(({ name, lacks }) => (lacks === undefined ? [] : [[name, lacks]]))),
  }
}

function question(onnx: OnnxService, widths: readonly number[], rows: number) {
  const mlp = randomMlp(widths, 11)
  const made = writeModel(mlp)
  if (!("bytes" in made)) throw made
  const width = widths[0]!
  const digits = digitsOf(width)
  const features = [...featuresOf(digits, randomStates(digits, rows, 9))]
  return {
    bytes: made.bytes,
    sha256: onnx.sha256(made.bytes),
    inputs: { x: { dtype: "f32", shape: [null, width] } } as const,
    x: tensorOf("f32", [rows, width], features),
    wanted: Array.from({ length: rows }, (_, r) => reference(mlp, features.slice(r * width, (r + 1) * width))).flat(),
  }
}

async function msPerCall(session: OnnxSession, x: Parameters<OnnxSession["run"]>[0][string], turnMs: number) {
  const from = performance.now()
  let calls = 0
  while (performance.now() - from < turnMs) {
    await session.run({ x })
    calls++
  }
  return (performance.now() - from) / calls
}
