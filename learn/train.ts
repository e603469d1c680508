/**
 * Training as an Effect: it gives way between two looks, so that a progress bar moves and an interruption is heard, and
 * hands out checkpoints on the way. Never on the way of a request.
 */
import * as Effect from "effect/Effect"
import type { Mlp } from "../shadow/mod.ts"
import { LearnError, learnError } from "./errors.ts"
import { checkpointOf, resumed } from "./train/checkpoint.ts"
import type { Examples } from "./train/examples.ts"
import { type Ended, type Progress, type Score, Trainer, type TrainSettings } from "./train/trainer.ts"

export interface TrainHooks {
  /** After every look; the host draws its bar from it. */
  readonly onProgress?: (progress: Progress) => void
  /** A checkpoint after so many looks, for the host to keep. */
  readonly onCheckpoint?: (bytes: Uint8Array) => void
  readonly checkpointEvery?: number
  /** Goes on from here. Settings that are given have to be those that it had. */
  readonly from?: Uint8Array
}

export interface Trained {
  /** The model at its best look. */
  readonly mlp: Mlp
  readonly best: Score
  readonly steps: number
  readonly ended: Ended
}

const sameSetting = (value: unknown, settings: TrainSettings, name: string): boolean =>
  JSON.stringify(value) === JSON.stringify(settings[name as keyof TrainSettings])

/** Learns until it has ended. Fails with `LearnError`: `training`, `checkpoint`, `diverged`. */
export const train = (
  examples: Examples,
  settings: Partial<TrainSettings> = {},
  hooks: TrainHooks = {},
): Effect.Effect<Trained, LearnError> =>
  Effect.gen(function* () {
    const trainer = hooks.from === undefined ? Trainer.of(examples, settings) : resumed(hooks.from, examples)
    if (trainer instanceof LearnError) return yield* trainer
    const other = Object.entries(settings).find(([name, value]) => !sameSetting(value, trainer.settings, name))
    if (hooks.from !== undefined && other !== undefined) {
      const [name, value] = other
      return yield* learnError(
        "checkpoint",
        `Cannot go on with a training: it had another ${name} than ${JSON.stringify(value)}; train again from the start`,
      )
    }
    for (let looks = 1; ; looks++) {
      const progress = trainer.next()
      if (progress instanceof LearnError) return yield* progress
      hooks.onProgress?.(progress)
      if (progress.ended !== undefined) {
        return { mlp: trainer.model(), best: progress.best, steps: progress.step, ended: progress.ended }
      }
      if (hooks.onCheckpoint !== undefined && looks % (hooks.checkpointEvery ?? 5) === 0) {
        hooks.onCheckpoint(checkpointOf(trainer))
      }
      // A turn of the host's own loop: timers, signals and the terminal come first.
      yield* Effect.sleep(0)
    }
  })
