/**
 * Who makes a request, and why somebody is not let in: what the server's handler knows of a token. Apart from the file that
 * tokens are kept in, since a host without files has holders too.
 */
import * as Data from "effect/Data"
import type { Budgets } from "../engine/budget.ts"

/** Who makes a request. */
export interface Holder {
  readonly name: string
  /** What the token hands on of the server's own grants; what it names beyond them is not had. */
  readonly grants: readonly string[]
  /** Names of the graphs that it may run; all where it is left out. */
  readonly graphs?: readonly string[]
  readonly budget?: NonNullable<Budgets["tenant"]>
}

export type TokenReason =
  | "token-missing"
  | "token-unknown"
  | "token-expired"
  /** It was good once: a token used again after it was revoked. */
  | "token-revoked"
  /** The file of tokens cannot be read, or says what it must not say. */
  | "tokens-unreadable"
  /** Another token has the name. */
  | "exists"
  | "unwritable"

export class TokenError extends Data.TaggedError("TokenError")<{
  readonly reason: TokenReason
  readonly message: string
  readonly cause?: unknown
}> {}
