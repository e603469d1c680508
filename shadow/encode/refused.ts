/**
 * The refusal of this room: a type that has no encoding, or a value outside of one. It is a value that is handed back,
 * not thrown: for whoever serves a shadow it means that the door stays shut.
 */
import * as Data from "effect/Data"
import { isPlainName } from "../../graph/mod.ts"

export class EncodingRefused extends Data.TaggedError("EncodingRefused")<{
  /**
   * Of a type: `type` (it has no encoding), `unbounded` (it would, with a bound), `notes` (notes that contradict it),
   * `too-wide`. `spec`: a description that is none of ours. `outside`: a value that the encoding does not cover.
   */
  readonly reason: "type" | "unbounded" | "notes" | "too-wide" | "spec" | "outside"
  /** Inside the value or the type: `lines[].weight_kg`; "the value" for all of it. */
  readonly path: string
  readonly message: string
}> {}

/** "Cannot encode lines[2].weight: want a number from 0 to 255, found 300". */
export const refused = (
  reason: EncodingRefused["reason"],
  path: string,
  want: string,
  found: string,
): EncodingRefused =>
  new EncodingRefused({ reason, path, message: `Cannot encode ${path}: want ${want}, found ${found}` })

/** A path from the inside out, as text. `[]` stands for every item. */
export function placeText(path: readonly (string | number)[]): string {
  const text = path
    .toReversed()
    .map((k, i) =>
      typeof k === "number"
        ? `[${k < 0 ? "" : k}]`
        : isPlainName(k)
          ? `${i > 0 ? "." : ""}${k}`
          : `[${JSON.stringify(k)}]`,
    )
    .join("")
  return text === "" ? "the value" : text
}
