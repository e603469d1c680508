/**
 * What a tool learns on the way to its answer: a long call, such as a model's conversation with its tools, keeps each part
 * of its work on record before anything follows from it. A run that goes on after a stop is given these parts again, in
 * their order, so that nothing is asked or paid for twice. Parts are in the ledger only: the call is one effect.
 */
import { type Digest, decode, encode, hashValue, type Path, printPath, sameBytes, type Value } from "../graph/mod.ts"
import type { GrowingChain } from "./chain.ts"
import { kernelError } from "./errors.ts"
import type { Part } from "./history.ts"
import type { Spent } from "./ledger.ts"
import type { Past } from "./past.ts"

export class Parts {
  readonly #run: string
  readonly #chain: GrowingChain
  readonly #digest: Digest
  readonly #known: ReadonlyMap<string, readonly Part[]>

  constructor(run: string, chain: GrowingChain, digest: Digest, past: Past | undefined) {
    this.#run = run
    this.#chain = chain
    this.#digest = digest
    this.#known = past?.how === "resume" ? past.parts : new Map()
  }

  /**
   * What the `n`-th part of the call at `path` gave, where that is on record; undefined where it is not. Fails with
   * `KernelError` `diverged` where something else was asked for then.
   */
  known(path: Path, n: number, asked: Value): { readonly value: Value } | undefined {
    const part = this.#known.get(printPath(path))?.[n]
    if (part === undefined) return undefined
    if (sameBytes(part.input, hashValue(asked, this.#digest))) return { value: decode(part.data) }
    const what = `part ${n} of ${printPath(path)} asks for something else than on record, so what feeds it is not pure`
    return this.#chain.break(kernelError("diverged", `Cannot go on with run "${this.#run}": ${what}`))
  }

  /** Keeps what a part gave. It may be used only after this. */
  keep(path: Path, n: number, asked: Value, value: Value, spent: Spent): void | Promise<void> {
    const data = encode(value)
    const input = hashValue(asked, this.#digest)
    return this.#chain.append({ kind: "part", path, n, input, outcome: this.#digest(data), spent }, data)
  }
}
