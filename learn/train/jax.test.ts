/** Loss and gradients against jax-js, which derives them by itself from the forward pass. */
import { expect, test } from "bun:test"
import { nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax"
import type { Group, Mlp } from "../../shadow/mod.ts"
import { seeded } from "../../shadow/model/random.sample.ts"
import { LearnError } from "../errors.ts"
import { Trainer } from "./trainer.ts"

const [rows, inputs, hidden, sizes] = [24, 20, [33, 18], [16, 5]] as const

test("jax-js finds the same loss and the same gradients", () => {
  const next = seeded(11)
  const features = Float32Array.from({ length: rows * inputs }, () => (next() < 0.3 ? 0 : 2 * next() - 1))
  const targets = Uint16Array.from({ length: rows * 2 }, (_, i) => Math.floor(next() * sizes[i % 2]!))
  const groups: Group[] = [
    { at: 0, size: 16, kind: "softmax" },
    { at: 16, size: 5, kind: "softmax" },
  ]
  const examples = { count: rows, inputs, features, outputs: 21, groups, targets }
  const trainer = Trainer.of(examples, { hidden, batch: rows, seed: 3 })
  if (trainer instanceof LearnError) throw trainer
  const ours = trainer.gradients(Uint32Array.from({ length: rows }, (_, i) => i))

  const { widths, weights, biases } = trainer.current()
  const parameters = weights.map((w, l) => ({
    w: np.array(Float32Array.from(w)).reshape([widths[l]!, widths[l + 1]!]),
    b: np.array(Float32Array.from(biases[l]!)),
  }))
  const wanted = np.array(Float32Array.from(oneHot(targets, groups))).reshape([rows, 21])
  const loss = (p: typeof parameters, x: np.Array, y: np.Array) => {
    let h = x
    for (const [l, { w, b }] of p.entries()) {
      h = np.matmul(h, w).add(b)
      if (l < p.length - 1) h = nn.relu(h)
    }
    const [first, second] = np.split(h, [16], 1)
    const logs = np.concatenate([nn.logSoftmax(first!, 1), nn.logSoftmax(second!, 1)], 1)
    return logs
      .mul(y)
      .sum()
      .mul(-1 / rows)
  }
  const x = np.array(Float32Array.from(features)).reshape([rows, inputs])
  const [found, gradients] = valueAndGrad(loss)(tree.ref(parameters), x, wanted)
  expect(Math.abs(found.item() - ours.loss) / ours.loss).toBeLessThan(2e-6)
  for (const [l, { w, b }] of gradients.entries()) {
    expect(apart(w.dataSync() as Float32Array, ours.gradients.weights[l]!)).toBeLessThan(2e-6)
    expect(apart(b.dataSync() as Float32Array, ours.gradients.biases[l]!)).toBeLessThan(2e-6)
  }
})

function oneHot(targets: Uint16Array, groups: readonly Group[]): Float32Array {
  const y = new Float32Array(rows * 21)
  targets.forEach((t, i) => {
    y[Math.floor(i / 2) * 21 + groups[i % 2]!.at + t] = 1
  })
  return y
}

const apart = (a: Mlp["weights"][number], b: Mlp["weights"][number]): number =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0)
