/**
 * The first and the last entry of a run, which are sealed late, if ever, and the trace hash with them. A store in memory
 * keeps these for as long as the run is known, so they stand apart from the record and hold on to as little of it as they
 * need, in as few objects: making them is most of what a short run costs.
 */
import { type Digest, hex, type TraceTree, traceHash, type Value } from "../graph/mod.ts"
import type { Admitted } from "./admit.ts"
import { GrowingChain, LateRow } from "./chain.ts"
import type { Ended } from "./commit.ts"
import type { Entry, EntryKind, Row } from "./ledger.ts"
import { graphHash } from "./outcome.ts"

/** What a run was given, by its hash. */
export type Given = Pick<LateRow, "dataHash">

export class StartRow extends LateRow {
  /** Its run's id was drawn for it. */
  readonly fresh: boolean
  readonly #admitted: Admitted

  constructor(chain: GrowingChain, input: Uint8Array, admitted: Admitted, began?: number) {
    super(chain, input, began)
    this.fresh = chain.options.fresh === true
    this.#admitted = admitted
  }
  get kind(): EntryKind {
    return "start"
  }
  protected override fields(): Value[] {
    const { graph, hash, pins } = this.#admitted
    return [graph, hash, pins === null ? null : pins.hash, this.dataHash]
  }
}

/** The start of a run whose writes wait for leave: whoever goes on with it has to know. */
export class HeldStartRow extends StartRow {
  protected override fields(): Value[] {
    return [...super.fields(), true]
  }
}

/** The end of a run, which in a store that looks late is the proof of the whole as well. */
export class EndRow extends LateRow implements Ended {
  readonly message: string | null
  readonly admitted: Admitted
  readonly #given: Given
  readonly #tree: TraceTree | undefined
  #trace: string | undefined

  constructor(
    chain: GrowingChain,
    outcome: Uint8Array,
    message: string | null,
    admitted: Admitted,
    given: Given,
    tree: TraceTree | undefined,
  ) {
    super(chain, outcome)
    this.message = message
    this.admitted = admitted
    this.#given = given
    this.#tree = tree
  }
  get kind(): EntryKind {
    return "end"
  }
  protected override fields(): Value[] {
    return [this.dataHash, this.message, this.trace]
  }
  /** The start, where nothing stands between and it says no more than others: then `shortRun` makes the two anew. */
  get start(): StartRow | undefined {
    const given = this.#given
    return this.seq === 1 && given instanceof StartRow && !(given instanceof HeldStartRow) ? given : undefined
  }
  get trace(): string {
    return (this.#trace ??= traceOf(this.admitted, this.#given, this.#tree, this.dataHash, this.digest))
  }
  get head(): string {
    return hex(this.hash)
  }
  get position(): number {
    return this.seq
  }
}

/** What there is to know of a run that is nothing but its start and its end; `at`: of both, by the clock. */
export interface ShortRun extends Pick<Entry, "space" | "run"> {
  readonly digest: Digest
  readonly at: readonly [number, number]
  readonly input: Uint8Array
  readonly outcome: Uint8Array
  readonly message: string | null
}

/** Its two entries, made anew. */
export function shortRun(admitted: Admitted, known: ShortRun): readonly [Row, Row] {
  let next = 0
  const clock = { now: () => known.at[next++]! }
  const chain = new GrowingChain({ ...known, clock, store: { append: () => {}, late: true } })
  const start = new StartRow(chain, known.input, admitted)
  chain.appendLate(start)
  return [start, new EndRow(chain, known.outcome, known.message, admitted, start, undefined)]
}

/** The trace hash of a run that comes to the outcome of that hash; `tree`: undefined where it had no effects. */
export const traceOf = (
  admitted: Admitted,
  given: Given,
  tree: TraceTree | undefined,
  outcome: Uint8Array,
  digest: Digest,
): string => traceHash(graphHash(admitted), given.dataHash, tree?.root() ?? null, outcome, digest)
