/**
 * What is wrong with a capability as it was written, or with one that asks for more than there is: the place, what stands
 * there, what is wanted, and what to write instead. A right that is not understood is not had, so this is never a guess.
 */
import * as Data from "effect/Data"

export type CapabilityReason =
  /** No scheme, or one that neither the language nor a registered kind knows. */
  | "scheme"
  /** Parts are missing, or there are too many. */
  | "form"
  /** `.`, `..` or their escapes: a way out of what the capability names. */
  | "traversal"
  /** `//`, a backslash, a separator at the end: a part without a name. */
  | "separator"
  /** A character that the part cannot hold: a space, a control or invisible character, an escape that is none. */
  | "character"
  /** Letters that look like others: a name outside ASCII, or a text that is not in its composed form. */
  | "homograph"
  /** A host in another form than the one that hosts are compared in. */
  | "host"
  | "port"
  /** A `*` where none may stand. */
  | "star"
  | "length"
  /** `narrow`: the child asks for what the parent does not have. */
  | "widens"

export class CapabilityError extends Data.TaggedError("CapabilityError")<{
  readonly reason: CapabilityReason
  /** The text, as it was given. */
  readonly capability: string
  /** Where it goes wrong, in UTF-16 units from its start. */
  readonly at: number
  readonly found: string
  readonly wanted: string
  /** A capability that is right, where one can be told from the text. */
  readonly fix?: string
  readonly message: string
}> {}

export interface Fault {
  readonly reason: CapabilityReason
  readonly at: number
  readonly found: string
  readonly wanted: string
  readonly fix?: string
}

const LENGTH_SHOWN = 80

/** A text in quotes, with everything that could hide or move letters written as an escape. */
export function quoted(text: string): string {
  const cut = text.length > LENGTH_SHOWN ? `${text.slice(0, LENGTH_SHOWN)}…` : text
  return JSON.stringify(cut).replace(
    /[^\x20-\x7e…]/gu,
    (c) => `${/\p{L}|\p{N}/u.test(c) ? c : ""}\\u{${c.codePointAt(0)!.toString(16)}}`,
  )
}

export function faultOf(capability: string, fault: Fault): CapabilityError {
  const { fix } = fault
  const problem = problemOf({ capability, ...fault })
  return new CapabilityError({ ...fault, capability, message: fix === undefined ? problem : `${problem} Write ${fix}` })
}

/** The error in a sentence, without the advice, for reports that have a place of their own for it. */
export const problemOf = ({
  capability,
  at,
  found,
  wanted,
}: Pick<CapabilityError, "capability" | "at" | "found" | "wanted">): string =>
  `${quoted(capability)} is no capability: at character ${at + 1} stands ${found}, wanted ${wanted}.`
