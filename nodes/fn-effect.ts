/**
 * The kind `fn` for hosts that also run Effects: the library is loaded by the first function that gives one back. Apart from
 * the kind itself, for the library is large and a host at the edge runs plain functions.
 */
import type { runPromiseExit } from "effect/Effect"
import { fnWith, isEffect } from "./fn.ts"

type Program = Parameters<typeof runPromiseExit<unknown, unknown>>[0]

async function finished(effect: object, signal: AbortSignal): Promise<unknown> {
  const [{ squash }, { runPromiseExit }, { isSuccess }] = await Promise.all([
    import("effect/Cause"),
    import("effect/Effect"),
    import("effect/Exit"),
  ])
  const exit = await runPromiseExit(effect as Program, { signal })
  if (isSuccess(exit)) return exit.value
  throw squash(exit.cause)
}

export const fn = fnWith(finished)

/** Runs what a pure function gave back where that is an Effect; undefined where it is not. */
export const settleEffect = (answer: object, signal: AbortSignal): Promise<unknown> | undefined =>
  isEffect(answer) ? finished(answer, signal) : undefined
