/**
 * `npm run bench:shadow`: a single call, a large batch and a step of training of the same small models, ours against
 * onnxruntime, jax-js and tfjs, in turns in one process. What everybody computes is compared before it is timed.
 */

import { ortRuntime } from "../deploy/mod.ts"
import { T, type Value } from "../graph/mod.ts"
import { LearnError, Trainer } from "../learn/mod.ts"
import {
  type Digit,
  EncodingRefused,
  encodingOf,
  type Group,
  ModelRefused,
  Net,
  outputOf,
  parameters,
  ShadowModel,
  writeModel,
} from "../shadow/mod.ts"
import { measure, type Sample, summary, versus } from "./measure.ts"
import { Report, show } from "./report.ts"
import { type Caller, callers, jaxLearner, type Learner, nativeBatch, tfjsLearner } from "./shadow_peers.ts"

type Refused = ModelRefused | EncodingRefused | LearnError

function must<A>(x: A | Refused): A {
  if (x instanceof ModelRefused || x instanceof EncodingRefused || x instanceof LearnError) throw x
  return x as A
}

/** Nanoseconds; Bun's own clock, for a call of a tenth of a microsecond. */
const now = (): number => Bun.nanoseconds()

/** Digits of 15 beads, and what is left as one digit of an enumeration. */
function digitsOf(inputs: number): Digit[] {
  const digits: Digit[] = []
  let at = 0
  for (; at + 15 <= inputs; at += 15) digits.push({ at, width: 15, states: 16, code: "thermometer" })
  const rest = inputs - at
  if (rest > 0) digits.push({ at, width: rest, states: rest, code: "one-hot" })
  return digits
}

/** A linear congruential generator (Numerical Recipes): the same inputs on every machine. */
function seeded(seed: number): () => number {
  let x = seed >>> 0
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return x / 4294967296
  }
}

function randomStates(digits: readonly Digit[], rows: number): Uint16Array {
  const next = seeded(rows)
  return Uint16Array.from({ length: rows * digits.length }, (_, i) =>
    Math.floor(next() * digits[i % digits.length]!.states),
  )
}

function featuresOf(digits: readonly Digit[], states: Uint16Array): Float32Array {
  const width = digits.reduce((n, d) => n + d.width, 0)
  const features = new Float32Array((states.length / digits.length) * width)
  for (const [i, state] of states.entries()) {
    const { at, code } = digits[i % digits.length]!
    const from = Math.floor(i / digits.length) * width + at
    if (code === "one-hot") features[from + state] = 1
    else features.fill(1, from, from + state)
  }
  return features
}

/** Groups of 16 classes: nibbles, as most outputs have them. */
const nibbles = (outputs: number): Group[] =>
  Array.from({ length: outputs / 16 }, (_, i) => ({ at: 16 * i, size: 16, kind: "softmax" }))

/** First weights as a training draws them, and examples for it. */
function modelOf(widths: readonly number[], rows: number, plain = false) {
  const digits = digitsOf(widths[0]!)
  const states = randomStates(digits, rows)
  const groups = nibbles(widths.at(-1)!)
  const next = seeded(7)
  const targets = Uint16Array.from({ length: rows * groups.length }, () => Math.floor(next() * 16))
  const numbers = () => Float32Array.from({ length: rows * widths[0]! }, () => next())
  const given = plain ? { features: numbers() } : { states, digits }
  const examples = { count: rows, inputs: widths[0]!, outputs: widths.at(-1)!, groups, targets, ...given }
  const settings = {
    hidden: widths.slice(1, -1),
    batch: BATCH,
    validation: 0,
    warmup: 0,
    schedule: "plain",
    rate: 1e-3,
  }
  const trainer = must(Trainer.of(examples, { ...settings, schedule: "plain" }))
  const features = plain ? examples.features! : featuresOf(digits, states)
  return { widths, digits, states, groups, targets, features, trainer, mlp: trainer.current() }
}

const BATCH = 256
const SIZES = [
  { key: "6k", widths: [64, 64, 32], aim: "≥ 40" },
  { key: "115k", widths: [128, 256, 256, 64], aim: "≥ 4" },
] as const

const report = new Report("Shadows", "npm run bench:shadow")
report.text(
  "Small models with digits of 15 beads as input, the form that encodings give. In turns in one process on Bun; ratios of medians. A shadow of ours is called with the states of its digits, as its encoding gives them; from features is with the very numbers that the others take.",
)
for (const { key, widths, aim } of SIZES) await singleCalls(key, widths, aim)
await batches()
for (const { key, widths } of [SIZES[0], { key: "115k", widths: [128, 256, 256, 32] }]) await training(key, widths)
report.end()
process.exit(0)

// ── single calls ────────────────────────────────────────────────────────────────────────────────────────────────────

async function singleCalls(key: string, widths: readonly number[], aim: string): Promise<void> {
  const { mlp, digits, features, states } = modelOf(widths, 1024)
  const inputs = widths[0]!
  const net = must(Net.of(mlp, { digits }))
  const peers = await callers(must(writeModel(mlp)).bytes, mlp)
  let row = 0
  const ours: Caller[] = [
    { name: "ours", call: () => must(net.oneOfStates(states, row * digits.length)) },
    { name: "ours, from features", call: (x) => must(net.one(x)) },
  ]
  const at = (r: number) => features.subarray(r * inputs, (r + 1) * inputs)
  const want = must(net.one(at(0))).slice()
  for (const { name, call } of [...ours, ...peers]) agree(name, await call(at(0)), want)
  const times = new Map<string, number[]>([...ours, ...peers].map(({ name }) => [name, []]))
  const empty: number[] = []
  for (let turn = 0; turn < 120; turn++) {
    for (let i = 0; i < 100; i++) {
      const start = now()
      empty.push(now() - start)
    }
    for (const { name, call } of [...ours, ...peers]) {
      const mine = times.get(name)!
      // A turn begins warm: what the others left in the caches is not what is measured.
      for (let i = 0; i < 140; i++) {
        row = (turn * 140 + i) % 1024
        const x = at(row)
        const start = now()
        const answer = call(x)
        if (answer instanceof Promise) await answer
        if (i >= 40) mine.push(now() - start)
      }
    }
  }
  const clock = quantile(empty, 0.5)
  const rows = [...times].map(([name, all]) => ({
    name,
    p50: quantile(all, 0.5) - clock,
    p99: quantile(all, 0.99) - clock,
  }))
  const best = rows.slice(ours.length).reduce((a, b) => (a.p50 <= b.p50 ? a : b))
  report.table(
    [
      `one call, ${key}: ${widths.join("-")}, ${parameters({ widths })} weights`,
      "p50 µs",
      "p99 µs",
      "ours is faster by",
    ],
    rows.map(({ name, p50, p99 }) => [name, show(p50 / 1000), show(p99 / 1000), show(p50 / rows[0]!.p50)]),
  )
  report.figure(`shadow.call_${key}_vs_best`, best.p50 / rows[0]!.p50, undefined, aim)
}

function quantile(all: readonly number[], q: number): number {
  const sorted = all.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!
}

function agree(name: string, found: Float32Array, want: Float32Array): void {
  const scale = want.reduce((most, x) => Math.max(most, Math.abs(x)), 1)
  const far = want.reduce((most, x, i) => Math.max(most, Math.abs(x - found[i]!) / scale), 0)
  if (!(far < 2e-6)) throw new RangeError(`${name} answers something else: ${far} of the largest number away`)
}

// ── batches ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** 4096 rows, as values from end to end and as bare numbers. */
async function batches(): Promise<void> {
  const whole = { integer: true, min: 0, max: 65_535 }
  const notes = { fields: { a: whole, b: whole, op: { words: ["+", "-", "×", "÷", "max", "min", "mod", "gcd"] } } }
  const encoding = must(encodingOf(T.record({ a: T.number, b: T.number, op: T.string }), notes))
  const output = must(outputOf(T.number, { integer: true, min: 0, max: 65_535 }))
  const { mlp } = modelOf([encoding.width, 256, 256, output.width], BATCH)
  const file = must(writeModel(mlp, { input: encoding.spec, output: output.spec }))
  const batch = await ortRuntime()
  const model = must(ShadowModel.of(file, batch ? { batch } : {}))
  const next = seeded(4)
  const rows = 4096
  const values = Array.from({ length: rows }, (): Value => {
    const nibble = () => Math.floor(next() * 65_536)
    return { a: nibble(), b: nibble(), op: notes.fields.op.words[Math.floor(next() * 8)]! }
  })
  const run = await nativeBatch(file.bytes)
  const features = new Float32Array(rows * encoding.width)
  for (const [r, value] of values.entries()) encoding.write(value, features, r * encoding.width)
  const net = must(Net.of(mlp, { digits: encoding.digits }))
  agree("onnxruntime-node", await run(features, rows), must(net.many(features, rows)))
  const first = must(await model.predictBatch(values))
  const byHand = async () => {
    const x = new Float32Array(rows * encoding.width)
    for (const [r, value] of values.entries()) encoding.write(value, x, r * encoding.width)
    const logits = await run(x, rows)
    return values.map((_, r) => output.read(logits, r * output.width))
  }
  const single: number[] = []
  for (let i = 0; i < 12_000; i++) {
    const start = now()
    model.predict(values[i % rows]!)
    if (i >= 2000) single.push(now() - start)
  }
  report.text(
    `One call from a value to a value, encoded, run and read with its confidences, on ${mlp.widths.join("-")}: p50 ${show(quantile(single, 0.5) / 1000)} µs, p99 ${show(quantile(single, 0.99) / 1000)} µs.`,
  )
  const done = (f: () => unknown) => async () => {
    await f()
    return rows
  }
  const times = await measure(
    rows,
    [
      { name: "ours, values to values", run: done(() => model.predictBatch(values)) },
      { name: "onnxruntime-node, values to values", run: done(byHand) },
      {
        name: "ours on our own kernel, values to values",
        run: done(() => model.predictBatch(values, { sameBits: true })),
      },
      { name: "onnxruntime-node, numbers to numbers", run: done(() => run(features, rows)) },
      { name: "our own kernel, numbers to numbers", run: done(() => net.many(features, rows)) },
    ],
    { turns: 31, turnMs: 60, warmMs: 200 },
  )
  const all = [...times.values()]
  report.text(`A batch of ${rows} on ${mlp.widths.join("-")}: ours ran ${first.ran}, for it was ${first.reason}.`)
  report.table(
    ["batch of 4096", "ms", "quartiles"],
    all.map((s) => [s.name, show(s.median / 1e6), `${show(s.low / 1e6)}–${show(s.high / 1e6)}`]),
  )
  report.figure("shadow.batch4096_vs_ort", versus(all[0]!, all[1]!), undefined, "≥ 1")
  report.figure("shadow.batch4096_own_kernel_vs_ort", versus(all[4]!, all[3]!))
  await model.close()
}

// ── training ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function training(key: string, widths: readonly number[]): Promise<void> {
  const { mlp, groups, features, targets, trainer } = modelOf(widths, BATCH)
  const dense = modelOf(widths, BATCH, true).trainer
  const wanted = new Float32Array(BATCH * widths.at(-1)!)
  targets.forEach((t, i) => {
    const [r, g] = [Math.floor(i / groups.length), i % groups.length]
    wanted[r * widths.at(-1)! + groups[g]!.at + t] = 1
  })
  const learning = { mlp, groups, batch: BATCH, rate: 1e-3 }
  const everyRow = Uint32Array.from({ length: BATCH }, (_, i) => i)
  const peers: Learner[] = [jaxLearner(learning), await tfjsLearner(learning)]
  const ours = trainer.lookAt(everyRow).loss
  for (const { name, step } of peers) {
    const found = step(features, wanted)
    if (Math.abs(found - ours) > 1e-4 * ours) throw new RangeError(`${name} has loss ${found}, ours is ${ours}`)
  }
  const contestants: [string, () => void][] = [
    ["ours", () => void must(trainer.advance(1) ?? 0)],
    ["ours, inputs of any numbers", () => void must(dense.advance(1) ?? 0)],
    ...peers.map(({ name, step }): [string, () => void] => [name, () => void step(features, wanted)]),
  ]
  const times = new Map<string, number[]>(contestants.map(([name]) => [name, []]))
  const repeat = key === "6k" ? 12 : 3
  for (const [, step] of contestants) for (let i = 0; i < 10; i++) step()
  for (let turn = 0; turn < 25; turn++) {
    for (const [name, step] of contestants) {
      const start = now()
      for (let i = 0; i < repeat; i++) step()
      times.get(name)!.push((now() - start) / repeat)
    }
  }
  // All have learned the same examples as often: whoever does less work than it should would have another loss.
  const after = trainer.lookAt(everyRow).loss
  for (const { name, step } of peers) {
    const found = step(features, wanted)
    if (Math.abs(found - after) > 0.05 * ours)
      throw new RangeError(`${name} has come to loss ${found}, ours to ${after}`)
  }
  const samples: Sample[] = [...times].map(([name, all]) => summary(name, all))
  report.table(
    [`a step of ${BATCH} rows, ${key}: ${widths.join("-")}`, "ms", "quartiles", "ours is faster by"],
    samples.map((s) => [
      s.name,
      show(s.median / 1e6),
      `${show(s.low / 1e6)}–${show(s.high / 1e6)}`,
      show(versus(samples[0]!, s)),
    ]),
  )
  if (key !== "115k") return
  report.figure("shadow.train_vs_jax", versus(samples[0]!, samples[2]!), undefined, "≥ 2")
  report.figure("shadow.train_vs_tfjs", versus(samples[0]!, samples[3]!), undefined, "≥ 10")
}
