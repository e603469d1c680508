/**
 * Requests hand their arguments over in one piece: `{ query: { … } }`, `{ body: { … } }`. Forms that are recognised look for
 * operands by name, so they look inside of that one field, and the description says which it is.
 */
import { isRecord, type Value } from "../graph/mod.ts"
import type { Answered } from "./composed.ts"

/** The only field of all arguments, where each of them holds a record there; undefined where they do not. */
export function wrapperOf(calls: readonly Answered[]): string | undefined {
  const [first] = calls
  const [name] = first !== undefined && isRecord(first.args) ? Object.keys(first.args) : []
  if (name === undefined || !calls.every(({ args }) => isRecord(within(args, name)))) return undefined
  return name
}

/** What the one field of the arguments holds; undefined where there are other fields, or not this one. */
export const within = (args: Value, field: string): Value | undefined =>
  isRecord(args) && Object.hasOwn(args, field) && Object.keys(args).length === 1 ? args[field] : undefined
