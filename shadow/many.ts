/**
 * Many questions to one shadow at once: the model computes them as a batch, on the runtime that the host lends where there are
 * enough of them, and each answer passes the same door as one that was asked for alone.
 */
import type { Prediction, Value } from "../graph/mod.ts"
import { EncodingRefused } from "./encode/refused.ts"
import { type BatchRuntime, ShadowModel } from "./infer.ts"
import { ModelRefused } from "./model/refused.ts"
import type { OpenedShadow } from "./package.ts"
import { covers, type Guess, passed } from "./served.ts"

/** In the order of the questions; `ran`: which inference computed them, and why that one. */
export interface Said {
  readonly answers: readonly Prediction[]
  readonly ran: string
}

/** What a shadow says of each of `rows`. `batch`: the host's runtime for large batches; its bits are its processor's. */
export async function predictMany(
  opened: OpenedShadow,
  rows: readonly Value[],
  batch?: BatchRuntime,
): Promise<Said | ModelRefused | EncodingRefused> {
  const { encoding, support, door, hash: by, guess } = opened
  const serving = { encoding, support, door, alpha: opened.package.promised.alpha, by }
  const inside = covers(encoding, support)
  if (opened.package.family === "composed") {
    const answers = rows.map((row) => passed(row, guess, inside, serving))
    return { answers, ran: rows.length === 1 ? "cells: one row" : `cells: ${rows.length} rows, one by one` }
  }
  const model = ShadowModel.of(opened.package.model, batch === undefined ? {} : { batch })
  if (model instanceof ModelRefused || model instanceof EncodingRefused) return model
  try {
    const found = await model.predictBatch(rows)
    if (found instanceof ModelRefused) return found
    const ran = `${found.ran}: ${found.reason}`
    const guesses = found.readings.map((said): Guess | undefined =>
      "joint" in said ? { value: said.value, confidence: said.joint, ran } : undefined,
    )
    return { answers: rows.map((row, i) => passed(row, () => guesses[i], inside, serving)), ran }
  } finally {
    await model.close()
  }
}
