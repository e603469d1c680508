/**
 * What a tool answers, as its port holds it: looked at by its type, after what only a live value can tell has been taken
 * off, so that a replay from the record is handed the same value.
 */
import { type Accept, accept } from "./accept.ts"
import { leavesIntegersOpen, plainIntegers } from "./open-integers.ts"
import type { Type } from "./type.ts"

/**
 * As `accept`, for what comes from outside: a tool that returns nothing gives null, and a safe integer is a number where
 * nothing says that it is an int64, for as that it comes back from its bytes when a run is replayed.
 */
export const acceptAnswer = (type: Type): Accept => {
  const look = accept(type)
  return leavesIntegersOpen(type)
    ? (v) => look(v === undefined ? null : plainIntegers(v))
    : (v) => look(v === undefined ? null : v)
}
