/**
 * A cell: a tiny network that was asked everything it can be asked. Its answers to all of its inputs are looked at when it
 * is loaded, against addition and multiplication themselves; one wrong answer refuses it. What is used afterwards is the
 * table of these answers, so nothing about a cell is left to chance.
 */
import { type Rec, T, type Type, type Value } from "../../graph/mod.ts"
import type { Notes } from "../encode/notes.ts"
import { EncodingRefused } from "../encode/refused.ts"
import type { NetOptions } from "../infer/net.ts"
import { ShadowModel } from "../infer.ts"
import { ModelRefused, refusedModel } from "../model/refused.ts"

export type CellName = "add" | "multiply"

/** What a cell takes and gives, and all of its cases. */
export interface CellKind {
  readonly name: CellName
  readonly input: Type
  readonly inputNotes: Notes
  readonly output: Type
  readonly outputNotes: Notes
  /** In the order of the table. */
  readonly cases: readonly { readonly args: Rec; readonly value: Value }[]
  /** The byte of the table that an answer is: its low nibble, and its high one or the carry. */
  readonly entry: (value: Value) => number
}

const upTo = (max: number): Notes => ({ integer: true, min: 0, max })

/** Two nibbles and a carry: 512 cases. */
export const ADD_CELL: CellKind = {
  name: "add",
  input: T.record({ a: T.number, b: T.number, carry: T.number }),
  inputNotes: { fields: { a: upTo(15), b: upTo(15), carry: upTo(1) } },
  output: T.record({ carry: T.number, sum: T.number }),
  outputNotes: { fields: { carry: upTo(1), sum: upTo(15) } },
  cases: Array.from({ length: 512 }, (_, i) => {
    const [a, b, carry] = [i & 15, (i >> 4) & 15, i >> 8]
    const sum = a + b + carry
    return { args: { a, b, carry }, value: { carry: sum > 15 ? 1 : 0, sum: sum % 16 } }
  }),
  entry: (value) => {
    const { carry, sum } = value as { readonly carry: number; readonly sum: number }
    return sum + 16 * carry
  },
}

/** Two nibbles: 256 cases. */
export const MULTIPLY_CELL: CellKind = {
  name: "multiply",
  input: T.record({ a: T.number, b: T.number }),
  inputNotes: { fields: { a: upTo(15), b: upTo(15) } },
  output: T.number,
  outputNotes: upTo(225),
  cases: Array.from({ length: 256 }, (_, i) => ({ args: { a: i & 15, b: i >> 4 }, value: (i & 15) * (i >> 4) })),
  entry: (value) => value as number,
}

export interface CheckedCell {
  /** Every answer, in the order of the cases. */
  readonly table: Uint8Array
  /** SHA-256 of the model's file. */
  readonly hash: string
  /** The least probability that the network gave to one of its answers, all of which are right. */
  readonly sureLeast: number
}

/** Asks a model all that a cell can be asked. A single wrong answer, or none, refuses it. */
export function checkedCell(
  kind: CellKind,
  file: Uint8Array,
  kernel: Pick<NetOptions, "module"> = {},
): CheckedCell | ModelRefused {
  const model = ShadowModel.of(file, kernel)
  if (model instanceof EncodingRefused) {
    return refusedModel("spec", "use", `cell "${kind.name}"`, "its encodings", model.message, "train the cell again")
  }
  if (model instanceof ModelRefused) return model
  const table = new Uint8Array(kind.cases.length)
  let sureLeast = 1
  for (const [i, { args, value }] of kind.cases.entries()) {
    const found = model.predict(args)
    const wrong = !("value" in found) ? found.message : differs(kind, found.value, value)
    if (wrong !== undefined) {
      return refusedModel(
        "wrong",
        "use",
        `cell "${kind.name}"`,
        `${show(value)} for ${show(args)}`,
        wrong,
        "train it again",
      )
    }
    table[i] = kind.entry(value)
    sureLeast = Math.min(sureLeast, (found as { readonly joint: number }).joint)
  }
  return { table, hash: model.file.hash, sureLeast }
}

const show = (v: Value): string => JSON.stringify(v)

/** What the model says instead, where it does. */
function differs(kind: CellKind, found: Value, want: Value): string | undefined {
  const shaped = typeof found === typeof want && found !== null
  return shaped && show(found) === show(want) && kind.entry(found) === kind.entry(want) ? undefined : show(found)
}
