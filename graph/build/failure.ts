/**
 * What building a graph can end in: a mistake in the program that writes the graph, found while its body runs. Most
 * are compile errors too; these catch what TypeScript cannot see, with the same words.
 */
import * as Data from "effect/Data"

export type BuildReason =
  /** A name that is taken, reserved or malformed. */
  | "name"
  /** A port was used as if it were its value. */
  | "port"
  /** A port or node was used outside the graph or body it belongs to. */
  | "scope"
  /** A node was made but not yielded, or yielded without `*`. */
  | "yield"
  /** A schema that has no place in a graph: a transform, an asynchronous validator, a type without values. */
  | "schema"
  /** A value that no graph can hold. */
  | "value"
  /** An option with no meaning or outside its bounds. */
  | "option"
  /** The text of a template is not an expression. */
  | "expression"
  /** A grant's pattern. */
  | "grant"

export class BuildError extends Data.TaggedError("BuildError")<{
  readonly reason: BuildReason
  readonly message: string
  readonly cause?: unknown
}> {}

export function refuse(reason: BuildReason, message: string, cause?: unknown): never {
  throw new BuildError({ reason, message, ...(cause === undefined ? {} : { cause }) })
}
