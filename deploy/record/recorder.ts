/**
 * What a session records of its runs: the calls of tools that the project asked for, in the call log, without their
 * secrets. A read or write is heard of when it is committed; a pure function, which is not committed, when it has answered.
 */
import {
  type Clock,
  type Executor,
  Failure,
  type Outcome,
  type SecretWay,
  toFailure,
  type Value,
} from "../../graph/mod.ts"
import type { Admitted, AdmittedExtern } from "../../kernel/mod.ts"
import { type CallLog, outcomeOf, type Secrets, withoutSecrets } from "../../learn/mod.ts"
import { namesTool, toolName, toolVersion } from "./tool_name.ts"

/** Of one plan: who hears of the calls of an extern, and the executors with those of pure functions listened to. */
export interface Recording {
  readonly hear: (extern: number) => ((args: Value, outcome: Outcome, ms: number) => void) | undefined
  readonly pure: (executors: readonly Executor[]) => readonly Executor[]
}

export interface RecorderOptions {
  readonly log: CallLog
  readonly clock: Clock
  /** Names of tools (`toolName`), `*` at the end for anything: what is recorded. */
  readonly tools: readonly string[]
  /** Texts that are blotted out wherever they stand: the secrets that this process has looked up so far. */
  readonly words?: () => readonly string[]
  /** Is told of every call that was recorded. */
  readonly heard?: (() => void) | undefined
}

export class Recorder {
  readonly #options: RecorderOptions

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /** Undefined where nothing of the plan is recorded: its program is then the same as without a recorder. */
  of(admitted: Admitted, space: string): Recording | undefined {
    const { log, clock, tools, words = () => [], heard } = this.#options
    const hears = admitted.externs.map((extern) => {
      const tool = toolName(extern.claim)
      if (!namesTool(tools, tool) || isStream(extern, admitted)) return undefined
      const version = toolVersion(extern, admitted)
      const { input = NONE, output = NONE } = extern.signature.secrets ?? {}
      return (args: Value, outcome: Outcome, ms: number): void => {
        const secrets: Secrets = { input, output, words: words() }
        const call = {
          space,
          tool,
          version,
          args,
          outcome: outcomeOf(outcome),
          at: clock.now(),
          ms,
          source: "run",
        } as const
        log.add(withoutSecrets(call, secrets))
        heard?.()
      }
    })
    if (hears.every((hear) => hear === undefined)) return undefined
    return {
      hear: (index) => (admitted.externs[index]!.signature.effect === "pure" ? undefined : hears[index]),
      pure: (executors) =>
        executors.map((executor, index) => {
          const extern = admitted.externs[index]!
          const hear = hears[index]
          return hear === undefined || extern.signature.effect !== "pure"
            ? executor
            : { ...executor, execute: listened(executor.execute, extern, hear, clock) }
        }),
    }
  }
}

const NONE: readonly SecretWay[] = []

/** The items of a stream are no answer that could be predicted. */
const isStream = ({ claim }: AdmittedExtern, { plan }: Admitted): boolean => plan.types[claim.output]!.kind === "stream"

/** A pure function that is listened to: it answers what it answered before, at once or later, and takes as many parameters. */
function listened(
  execute: Executor["execute"],
  { judge }: AdmittedExtern,
  hear: (args: Value, outcome: Outcome, ms: number) => void,
  clock: Clock,
): Executor["execute"] {
  const told = (args: Value, answer: unknown, began: number): void => {
    const ms = clock.tick() - began
    const outcome = judge.judge(answer, args)
    // A validator that answers later judges the call itself; what it says of the copy is not waited for.
    if (!(outcome instanceof Promise)) hear(args, outcome, ms)
    else
      outcome.then(
        (o) => hear(args, o, ms),
        () => undefined,
      )
  }
  const failed = (args: Value, cause: unknown, began: number): void =>
    hear(args, { ok: false, failure: cause instanceof Failure ? cause : toFailure(cause) }, clock.tick() - began)
  const heard = (args: Value, ask: () => unknown): unknown => {
    const began = clock.tick()
    let answer: unknown
    try {
      answer = ask()
    } catch (cause) {
      failed(args, cause, began)
      throw cause
    }
    if (typeof answer !== "object" || answer === null) told(args, answer, began)
    else if (typeof (answer as { readonly then?: unknown }).then === "function") {
      ;(answer as Promise<unknown>).then(
        (value) => told(args, value, began),
        (cause: unknown) => failed(args, cause, began),
      )
    } else if ("~effect/Effect" in answer) return answer
    else told(args, answer, began)
    return answer
  }
  return execute.length < 2
    ? (((args: Value) => heard(args, () => (execute as (x: Value) => unknown)(args))) as Executor["execute"])
    : (args, call) => heard(args, () => execute(args, call))
}
