/** Training: gradients against finite differences, the same bits wherever it is cut or run, and bad input refused by name. */
import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import { hex, sha256, T } from "../graph/mod.ts"
import {
  type Digit,
  encodingOf,
  type Group,
  type Mlp,
  outputOf,
  parameters,
  ShadowModel,
  writeModel,
} from "../shadow/mod.ts"
import { digitsOf, featuresOf, randomStates, seeded } from "../shadow/model/random.sample.ts"
import { LearnError } from "./errors.ts"
import { type Examples, examplesOf, NOT_ASKED, Trainer, type TrainSettings, train } from "./mod.ts"
import { SeededChance } from "./train/chance.ts"
import { checkpointOf, resumed } from "./train/checkpoint.ts"
import { cosine, rateAt } from "./train/schedule.ts"

function must<A>(x: A | LearnError): A {
  if (x instanceof LearnError) throw x
  return x as A
}
const reason = (x: unknown): string => (x instanceof LearnError ? `${x.reason}: ${x.message}` : "no refusal")

/** One hash over every number of a model. */
export function hashOf({ weights, biases }: Mlp): string {
  const all = [...weights, ...biases].map((a) => hex(sha256(new Uint8Array(a.slice().buffer))))
  return hex(sha256(new TextEncoder().encode(all.join(" "))))
}

function groupsOf(sizes: readonly number[]): Group[] {
  let at = 0
  return sizes.map((size) => {
    const group: Group = { at, size, kind: size === 1 ? "binary" : "softmax" }
    at += size
    return group
  })
}

/** Examples of nothing in particular: random inputs, random classes, some of them not asked for. */
function noise(
  inputs: number,
  sizes: readonly number[],
  rows: number,
  as: "states" | "features" | "numbers",
): Examples {
  const digits = digitsOf(inputs)
  const groups = groupsOf(sizes)
  const next = seeded(rows)
  const states = randomStates(digits, rows, 3)
  const targets = Uint16Array.from({ length: rows * sizes.length }, (_, i) =>
    next() < 0.1 ? NOT_ASKED : Math.floor(next() * Math.max(2, sizes[i % sizes.length]!)),
  )
  const features = featuresOf(digits, states)
  const numbers = features.map((x) => (next() < 0.3 ? x : next() < 0.5 ? 0 : 2 * next() - 1))
  const given = as === "states" ? { states, digits } : as === "features" ? { features, digits } : { features: numbers }
  return { count: rows, inputs, outputs: sizes.reduce((a, b) => a + b, 0), groups, targets, ...given }
}

/** The same loss in float64, in the plainest way. */
function lossOf(mlp: Mlp | Wide, { inputs, groups, targets, count }: Examples, features: Float32Array): number {
  let sum = 0
  for (let r = 0; r < count; r++) {
    let h: number[] = [...features.subarray(r * inputs, (r + 1) * inputs)]
    for (const [l, w] of mlp.weights.entries()) {
      const n = mlp.widths[l + 1]!
      h = Array.from({ length: n }, (_, j) => h.reduce((a, x, k) => a + x * w[k * n + j]!, mlp.biases[l]![j]!))
      if (l < mlp.weights.length - 1) h = h.map((y) => Math.max(0, y))
    }
    for (const [i, { at, size }] of groups.entries()) {
      const y = targets[r * groups.length + i]!
      if (y === NOT_ASKED) continue
      const z = size === 1 ? [0, h[at]!] : h.slice(at, at + size)
      const top = Math.max(...z)
      sum += Math.log(z.reduce((a, x) => a + Math.exp(x - top), 0)) - (z[y]! - top)
    }
  }
  return sum / count
}
interface Wide {
  readonly widths: readonly number[]
  readonly weights: readonly Float64Array[]
  readonly biases: readonly Float64Array[]
}

describe("gradients", () => {
  const shapes: [number, number[], number[], "states" | "features" | "numbers"][] = [
    [31, [17], [5, 1, 3, 1], "states"],
    [31, [17], [5, 1, 3, 1], "features"],
    [31, [17, 5], [5, 1, 2], "numbers"],
    [45, [33, 21, 16], [16, 16, 1], "states"],
    [20, [], [4, 1], "states"],
  ]
  test.each(shapes)(
    "%i inputs, hidden %j, groups %j, as %s: finite differences of float64",
    (inputs, hidden, sizes, as) => {
      const examples = noise(inputs, sizes, 13, as)
      const features = examples.features ?? featuresOf(examples.digits!, examples.states!)
      const trainer = must(Trainer.of(examples, { hidden, batch: 16, seed: 4 }))
      const { loss, gradients } = trainer.gradients(Uint32Array.from({ length: 13 }, (_, i) => i))
      const now = trainer.current()
      const wide = (arrays: readonly Float32Array[]) => arrays.map((a) => Float64Array.from(a))
      const exact: Wide = { widths: now.widths, weights: wide(now.weights), biases: wide(now.biases) }
      const at = () => lossOf(exact, examples, features)
      expect(Math.abs(loss - at())).toBeLessThan(1e-6)
      let worst = 0
      for (const key of ["weights", "biases"] as const) {
        for (const [l, array] of exact[key].entries()) {
          for (let i = 0; i < array.length; i += array.length > 99 ? 5 : 1) {
            const [kept, step] = [array[i]!, 1e-5]
            array[i] = kept + step
            const above = at()
            array[i] = kept - step
            const below = at()
            array[i] = kept
            worst = Math.max(worst, Math.abs((above - below) / (2 * step) - gradients[key][l]![i]!))
          }
        }
      }
      expect(worst).toBeLessThan(1e-6)
    },
  )

  test("logits of any size: the loss and its gradient stay numbers", () => {
    const features = Float32Array.of(1e4, -1e4, 3e4, 0)
    const groups = groupsOf([3, 1])
    const examples: Examples = {
      count: 2,
      inputs: 2,
      outputs: 4,
      groups,
      targets: Uint16Array.of(0, 1, 2, 0),
      features,
    }
    const trainer = must(Trainer.of(examples, { hidden: [8], seed: 2 }))
    const { loss, gradients } = trainer.gradients(Uint32Array.of(0, 1))
    expect(Number.isFinite(loss)).toBe(true)
    for (const w of gradients.weights) expect(w.every(Number.isFinite)).toBe(true)
  })
})

/** Two 4-bit numbers and a carry: 512 cases, learned to the last. */
function adder(bits: number): Examples {
  const nibbles = bits / 4
  const count = 2 ** (2 * bits + 1)
  const digits: Digit[] = []
  for (let i = 0; i < 2 * nibbles; i++) digits.push({ at: i * 15, width: 15, states: 16, code: "thermometer" })
  digits.push({ at: 30 * nibbles, width: 1, states: 2, code: "thermometer" })
  const groups = groupsOf([...Array.from({ length: nibbles }, () => 16), 1])
  const states = new Uint16Array(count * digits.length)
  const targets = new Uint16Array(count * groups.length)
  for (let i = 0; i < count; i++) {
    const [a, b, c] = [i % 2 ** bits, Math.floor(i / 2 ** bits) % 2 ** bits, Math.floor(i / 2 ** (2 * bits))]
    const nibble = (x: number) => Array.from({ length: nibbles }, (_, n) => (x >> (4 * n)) & 15)
    states.set([...nibble(a), ...nibble(b), c], i * digits.length)
    const sum = a + b + c
    targets.set([...nibble(sum), sum >> bits], i * groups.length)
  }
  return { count, inputs: 30 * nibbles + 1, digits, states, outputs: 16 * nibbles + 1, groups, targets }
}

const small: Partial<TrainSettings> = { hidden: [32, 24], batch: 64, steps: 300, every: 50, rate: 5e-3, seed: 9 }

describe("a training", () => {
  test("learns every case of a 4-bit adder with carry, and stops when all are right", async () => {
    const examples = adder(4)
    const reports: number[] = []
    const trained = await Effect.runPromise(
      train(
        examples,
        { hidden: [64, 64], batch: 128, steps: 6000, validation: 0, perfect: 2 },
        {
          onProgress: ({ loss }) => reports.push(loss),
        },
      ),
    )
    expect(trained.ended).toBe("perfect")
    expect([trained.best.right, trained.best.rows]).toEqual([512, 512])
    expect(reports.at(-1)!).toBeLessThan(reports[0]! / 10)
    expect(parameters(trained.mlp)).toBe(31 * 64 + 64 + 64 * 64 + 64 + 64 * 17 + 17)
  })

  test("gives the same weights to the bit on every host", () => {
    const trainer = must(Trainer.of(adder(4), { ...small, decay: 0.01 }))
    expect(trainer.advance(300)).toBeUndefined()
    expect(hashOf(trainer.current())).toBe("cd65972d4bca472974dfa9ee6cb43eec1ea9ebf40e9154a9de5c8539d37f2379")
    const numbers = must(Trainer.of(noise(50, [16, 1, 7], 500, "numbers"), { ...small, schedule: "plain" }))
    expect(numbers.advance(100)).toBeUndefined()
    expect(hashOf(numbers.current())).toBe("cfd00ec63e6ebd0b391f180a7d8f81650393fd82081c18fb0056960b1ac76ba3")
  })

  test("cut anywhere and resumed, it ends with the same weights", () => {
    const examples = adder(4)
    const whole = must(Trainer.of(examples, small))
    while (must(whole.next()).ended === undefined);
    for (const cut of [0, 1, 49, 50, 123, 250]) {
      const first = must(Trainer.of(examples, small))
      while (first.step < cut) {
        if (cut - first.step >= 50) must(first.next())
        else expect(first.advance(1)).toBeUndefined()
      }
      const second = must(resumed(checkpointOf(first), adder(4)))
      expect(second.step).toBe(cut)
      while (must(second.next()).ended === undefined);
      expect(hashOf(second.current())).toBe(hashOf(whole.current()))
      expect(hashOf(second.model())).toBe(hashOf(whole.model()))
      expect(second.parts.state).toEqual(whole.parts.state)
    }
  })

  test("stops when nothing gets better, and gives back the best it had", () => {
    const trainer = must(
      Trainer.of(noise(31, [8], 200, "states"), { ...small, steps: 100_000, every: 20, patience: 4, validation: 0.5 }),
    )
    const right: number[] = []
    for (;;) {
      const { look, best, ended } = must(trainer.next())
      right.push(look.right)
      expect(best.right).toBe(Math.max(...right))
      if (ended !== undefined) {
        expect(ended).toBe("patience")
        break
      }
    }
    expect(trainer.step).toBeLessThan(100_000)
    expect(must(trainer.next()).ended).toBe("patience")
  })

  test("a rate that blows up is an error, not a model", () => {
    const trainer = must(
      Trainer.of(noise(40, [8], 64, "numbers"), { ...small, rate: 1, steps: 5000, warmup: 0, patience: 0 }),
    )
    const features = trainer.examples.features!
    features.fill(3e38)
    expect(reason(trainer.advance(5000))).toStartWith("diverged: Cannot go on training at step")
  })

  test("from calls with values to a shadow that answers them", async () => {
    const [encoding, output] = [
      encodingOf(T.record({ a: T.number, up: T.boolean }), { fields: { a: { integer: true, min: 0, max: 63 } } }),
      outputOf(T.number, { integer: true, min: 0, max: 64 }),
    ]
    if (!("digits" in encoding) || !("groups" in output)) throw encoding
    const cases = Array.from({ length: 128 }, (_, i) => {
      const [a, up] = [i % 64, i >= 64]
      return { args: { a, up }, value: up ? a + 1 : Math.max(0, a - 1) }
    })
    const { examples, leftOut } = examplesOf(encoding, output, [{ args: { a: 64, up: true }, value: 65 }, ...cases])
    expect(examples.count).toBe(128)
    expect(leftOut.map(({ index, why }) => [index, why.reason])).toEqual([[0, "outside"]])
    const { mlp } = await Effect.runPromise(train(examples, { hidden: [64], batch: 64, validation: 0, steps: 4000 }))
    const file = writeModel(mlp, { input: encoding.spec, output: output.spec, tool: "next" })
    if (!("bytes" in file)) throw file
    const shadow = ShadowModel.of(file.bytes)
    if (!(shadow instanceof ShadowModel)) throw shadow
    for (const { args, value } of cases) expect(shadow.predict(args)).toMatchObject({ value, ran: "wasm-single" })
  })

  test("gives way between two looks: an interruption ends it", async () => {
    const settings = { ...small, steps: 1e9, patience: 0, perfect: 0, every: 1 }
    let looks = 0
    const kept: Uint8Array[] = []
    const hooks = {
      onProgress: () => void looks++,
      onCheckpoint: (b: Uint8Array) => void kept.push(b),
      checkpointEvery: 2,
    }
    const ended = await Effect.runPromiseExit(Effect.timeout(train(adder(4), settings, hooks), 150))
    expect(ended._tag).toBe("Failure")
    expect(looks).toBeGreaterThan(0)
    expect(kept.length).toBe(Math.floor(looks / 2))
  })
})

describe("refused", () => {
  const good = noise(31, [4, 1], 40, "states")
  const of = (e: Partial<Examples>, s: Partial<TrainSettings> = {}) =>
    reason(Trainer.of({ ...good, ...e }, { ...small, ...s }))

  test("examples that are not what they say", () => {
    expect(of({ count: 0 })).toStartWith("training: Cannot learn from no examples")
    expect(of({ states: good.states!.slice(1) })).toContain("the inputs: want 120 of them, found 119")
    expect(of({ states: good.states!.map((s, i) => (i === 7 ? 16 : s)) })).toContain(
      "input 1 of row 2: want a state below 16",
    )
    expect(of({ targets: good.targets.map((t, i) => (i === 4 ? 4 : t)) })).toContain(
      "group 0 of row 2: want a class below 4",
    )
    expect(of({ targets: good.targets.slice(2) })).toContain("the targets: want 80")
    expect(of({ digits: good.digits!.slice(1) })).toContain("digit 0")
    expect(of({ inputs: 32 })).toContain("the digits: want 32 inputs, found 31")
    expect(of({ groups: [] })).toContain("the groups")
    expect(of({ groups: good.groups.toReversed() })).toContain("group 0")
    expect(of({ features: new Float32Array(3) })).toContain("found both")
    const { states: _, ...bare } = noise(31, [4, 1], 40, "features")
    const features = bare.features!.map((x, i) => (i === 31 ? Number.NaN : x))
    expect(reason(Trainer.of({ ...bare, features }, small))).toContain(
      "input 0 of row 1: want a finite number, found NaN",
    )
  })

  test("settings", () => {
    expect(of({}, { batch: 0 })).toContain("batch")
    expect(of({}, { rate: Number.NaN })).toContain("rate")
    expect(of({}, { seed: -1 })).toContain("seed")
    expect(of({}, { validation: 1 })).toContain("validation")
    expect(of({}, { schedule: "fast" as never })).toContain(`"cosine" or "plain"`)
    expect(of({}, { hidden: [0] })).toContain("width 1")
    expect(of({}, { hidden: [65_536, 65_536] })).toContain("16777216 weights")
  })

  test("checkpoints that are damaged, or of other examples", () => {
    const bytes = checkpointOf(must(Trainer.of(good, small)))
    expect(reason(resumed(bytes, { ...good, targets: good.targets.map(() => 1) }))).toStartWith("checkpoint: ")
    expect(reason(resumed(bytes.subarray(0, bytes.length - 1), good))).toContain("cut or changed")
    expect(reason(resumed(bytes.subarray(0, 20), good))).toContain("found 20 bytes")
    expect(reason(resumed(new Uint8Array(99), good))).toContain("another file")
    // A file with the right hash whose description is none, as whoever can write files can make it.
    const text = bytes.subarray(8, 8 + new DataView(bytes.buffer).getUint32(4, true))
    const forged = (edit: (header: string) => string) => {
      const header = new TextEncoder().encode(edit(new TextDecoder().decode(text)))
      const all = Uint8Array.from([...bytes.subarray(0, 8), ...header, ...bytes.subarray(8 + text.length, -32)])
      new DataView(all.buffer).setUint32(4, header.length, true)
      return reason(resumed(Uint8Array.from([...all, ...sha256(all)]), good))
    }
    expect(forged((h) => h)).toBe("no refusal")
    expect(forged((h) => h.slice(1))).toContain("one without a description")
    expect(forged((h) => h.replace(`"settings":`, `"setting":`))).toContain("one without a description")
    expect(forged((h) => h.replace(`"at":0`, `"at":-1`))).toContain("a training in the middle")
    expect(forged((h) => h.replace(`"format":1`, `"format":2`))).toContain("want format 1, found 2")
    expect(forged((h) => h.replace(`"hidden":[32,24]`, `"hidden":[32,25]`))).toContain("bytes of numbers")
    expect(forged((h) => h.replace(`"batch":64`, `"batch":"64"`))).toStartWith("training: Cannot train with batch")
    for (let i = 4; i < bytes.length; i += 997) {
      const other = bytes.slice()
      other[i]! ^= 1
      expect(reason(resumed(other, good))).toContain("cut or changed")
    }
  })
})

test("the cosine and the chance are what they are elsewhere", () => {
  for (let i = 0; i <= 1000; i++) expect(Math.abs(cosine(i / 1000) - Math.cos((Math.PI * i) / 1000))).toBeLessThan(1e-9)
  const schedule = { steps: 100, rate: 1, shape: "cosine", warmup: 10 } as const
  expect([0, 9, 10, 55].map((s) => Number(rateAt(s, schedule).toFixed(6)))).toEqual([0.1, 1, 1, 0.5])
  const chance = SeededChance.of(1)
  const counts = new Uint32Array(10)
  for (let i = 0; i < 100_000; i++) counts[chance.below(10)]!++
  expect(counts.every((n) => n > 9600 && n < 10_400)).toBe(true)
})
