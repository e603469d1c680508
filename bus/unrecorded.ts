/**
 * The record of work that looks ahead: there is none. It says what pure functions may ask of a record, and refuses everything
 * that would put something on it, so that nothing provisional can be committed or sent from there, whatever else goes wrong.
 */
import type { Clock, Path } from "../graph/mod.ts"
import { type KernelError, kernelError, Meter } from "../kernel/mod.ts"
import type { Recording } from "./settings.ts"

const never = (): KernelError => kernelError("misuse", "Cannot record what is provisional: the run has not come to it")

export class Unrecorded implements Recording {
  readonly #of: Recording
  readonly #clock: Pick<Clock, "tick">
  readonly past = undefined
  readonly parks = false
  readonly divergences = []
  readonly waits = []
  readonly unsettled = []
  readonly uncertain = []
  readonly meter = undefined
  uncounted = 0
  readonly undos = undefined
  /** Which failure is the first here says nothing of the run. */
  readonly met = { keep: () => {}, isOther: () => false } as const

  constructor(of: Recording, clock: Pick<Clock, "tick">) {
    this.#of = of
    this.#clock = clock
  }
  get space(): string {
    return this.#of.space
  }
  get run(): string {
    return this.#of.run
  }
  /** Nothing of it is in a trace. */
  seal(): void {}
  key(path: Path): string {
    return this.#of.key(path)
  }
  /** What is counted here is pure work, which costs the world nothing. */
  counting(): Meter {
    return new Meter(this.#clock)
  }
  get parts(): never {
    throw never()
  }
  read(): never {
    throw never()
  }
  recall(): never {
    throw never()
  }
  answered(): never {
    throw never()
  }
  wait(): never {
    throw never()
  }
  park(): never {
    throw never()
  }
  intent(): never {
    throw never()
  }
  delivered(): never {
    throw never()
  }
  aside(): never {
    throw never()
  }
  undo(): never {
    throw never()
  }
  end(): never {
    throw never()
  }
  traceOf(): never {
    throw never()
  }
}
