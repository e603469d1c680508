/** Plain data held against a type: what a `static` setting of a node kind must be. */
import { acceptStrict } from "../accept.ts"
import { toFailure } from "../failure.ts"
import type { Type } from "../type.ts"
import type { Value } from "../value.ts"

/** The value as the type holds it, or what is wrong with it, in a sentence. */
export function dataOf(value: Value, type: Type): { readonly value: Value } | { readonly problem: string } {
  try {
    return { value: acceptStrict(type)(value) }
  } catch (cause) {
    return { problem: toFailure(cause).message }
  }
}
