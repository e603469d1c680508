/** Plain data held against a type: what a `static` setting of a node kind must be. */
import { accept } from "../accept.ts"
import { toFailure } from "../failure.ts"
import type { Type } from "../type.ts"
import type { Value } from "../value.ts"

/** What is wrong with the value, in a sentence; undefined when it fits. */
export function dataProblem(value: Value, type: Type): string | undefined {
  try {
    accept(type)(value)
    return undefined
  } catch (cause) {
    return toFailure(cause).message
  }
}
