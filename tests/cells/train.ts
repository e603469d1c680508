/** How our cells were made: all cases of each are learned, and the same weights come out on every host. */

import { examplesOf, LearnError, Trainer } from "../../learn/mod.ts"
import { ADD_CELL, type CellKind, MULTIPLY_CELL } from "../../shadow/cells/cell.ts"
import { EncodingRefused, encodingOf, type ModelFile, ModelRefused, outputOf, writeModel } from "../../shadow/mod.ts"

/** Two hidden layers of 24: 1,793 and 2,119 weights. */
const SETTINGS = { hidden: [24, 24], seed: 1, batch: 64, steps: 3_000, every: 3_000, rate: 0.02, validation: 0 }

/** The file of a freshly trained cell. */
export function trainedCell(kind: CellKind): ModelFile {
  const encoding = made(encodingOf(kind.input, kind.inputNotes))
  const output = made(outputOf(kind.output, kind.outputNotes))
  const { examples } = examplesOf(encoding, output, kind.cases)
  const trainer = made(Trainer.of(examples, SETTINGS))
  const wrong = trainer.advance(SETTINGS.steps)
  if (wrong !== undefined) throw wrong
  return made(writeModel(trainer.current(), { input: encoding.spec, output: output.spec, tool: `cell:${kind.name}` }))
}

/** The module that keeps both cells with the code. */
export function weightsModule(): string {
  const text = (kind: CellKind) => btoa(String.fromCharCode(...trainedCell(kind).bytes))
  return [
    "// The files of our two cells, written by `npm run cells -- --train`.",
    `export const ADD =\n  "${text(ADD_CELL)}"`,
    `export const MULTIPLY =\n  "${text(MULTIPLY_CELL)}"\n`,
  ].join("\n")
}

function made<A>(of: A | EncodingRefused | ModelRefused | LearnError): A {
  if (of instanceof EncodingRefused || of instanceof ModelRefused || of instanceof LearnError) throw of
  return of
}
