/** One training of the ablation and what came of it: the shares of both hold-outs that were answered exactly. */
import { LearnError, Trainer, type TrainSettings } from "../../learn/mod.ts"
import { type Mlp, ModelRefused, Net, type Output, parameters } from "../../shadow/mod.ts"
import {
  answer,
  BATCH,
  type Code,
  featuresOf,
  outputFor,
  type Pair,
  RATE,
  splitOf,
  type Task,
  targetsOf,
  widthsFor,
} from "./task.ts"

export interface Job {
  readonly task: Task
  readonly code: Code
  readonly seed: number
  readonly steps: number
}

export interface Score {
  readonly random: number
  readonly outside: number
  readonly train: number
  readonly parameters: number
  readonly seconds: number
}

export function run({ task, code, seed, steps }: Job): Score {
  const began = performance.now()
  const output = outputFor(task)
  const split = splitOf(task, seed)
  const widths = widthsFor(code, output)
  const settings: Partial<TrainSettings> = {
    hidden: widths.slice(1, -1),
    seed,
    batch: BATCH,
    steps,
    rate: RATE,
    schedule: "cosine",
    warmup: 100,
    validation: 0,
    every: steps,
    patience: 0,
    perfect: 0,
  }
  const trainer = Trainer.of(
    {
      count: split.train.length,
      inputs: widths[0]!,
      features: featuresOf(code, split.train),
      outputs: output.width,
      groups: output.groups,
      targets: targetsOf(task, output, split.train),
    },
    settings,
  )
  if (trainer instanceof LearnError) throw trainer
  const wrong = trainer.advance(steps)
  if (wrong !== undefined) throw wrong
  const model = trainer.current()
  return {
    random: exactly(model, task, code, output, split.random),
    outside: exactly(model, task, code, output, split.outside),
    train: exactly(model, task, code, output, split.train),
    parameters: parameters(model),
    seconds: (performance.now() - began) / 1000,
  }
}

/** The share of pairs whose whole answer is right. */
function exactly(model: Mlp, task: Task, code: Code, output: Output, pairs: readonly Pair[]): number {
  const net = Net.of(model)
  if (net instanceof ModelRefused) throw net
  const logits = net.many(featuresOf(code, pairs), pairs.length)
  if (logits instanceof ModelRefused) throw logits
  let right = 0
  for (const [i, pair] of pairs.entries()) {
    const read = output.read(logits, i * output.width)
    if ("value" in read && read.value === answer(task, pair)) right++
  }
  return right / pairs.length
}
