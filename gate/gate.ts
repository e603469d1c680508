/**
 * The hold-out gate: whether code that nobody trusts may stand in for a tool. A candidate is handed in first; only then are
 * cases drawn, from chance that it cannot know. The gate runs it, asks the oracle, counts what is wrong by itself, and
 * says how often it can be wrong at most. Controls run beside it: answers that are wrong on purpose must fail, or there
 * is no verdict. No score is ever taken from anyone.
 */
import { type Awaitable, type Chance, type Digest, hashValue, hex, sha256, type Value } from "../graph/mod.ts"
import { ALPHA, alphaOf, casesFor, errorBound, wrongMax } from "./bound.ts"
import { gateError } from "./errors.ts"
import { type Finding, type Loader, type Target, Trial } from "./trial.ts"

/** Remembers how often something was handed in for a target, over the years. Counting is the gate's, keeping the caller's. */
export interface SubmissionBook {
  /** The number of the last submission, 0 for none. */
  readonly last: (target: string) => Awaitable<number>
  /** Must keep it before it returns. */
  readonly keep: (target: string, submission: number, candidate: string) => Awaitable<void>
}

export interface GateOptions {
  readonly chance: Chance
  readonly load: Loader
  readonly book: SubmissionBook
  readonly digest?: Digest
}

/** What a gate says of a candidate: frozen, and known to the process that made it. */
export interface GateVerdict extends Omit<Finding, "why"> {
  /** SHA-256 of the candidate's bytes: what the verdict is about, and nothing else. */
  readonly candidate: string
  readonly target: string
  /** The share of wrong answers is at most this at 95 % over all submissions for the target; null where it was not measured. */
  readonly bound: number | null
  /** The same as if this had been the only submission. */
  readonly boundAlone: number | null
  readonly submission: number
  /** What the cases were drawn from, in hexadecimal: whoever has the candidate and the oracle can draw them again. */
  readonly seed: string
  /** SHA-256 of all of the above, in hexadecimal. */
  readonly id: string
  readonly message: string
}

const minted = new WeakSet<object>()
/** Was it made by a gate of this process? Elsewhere it is text, and is to be tested again. */
export const isGateVerdict = (v: unknown): v is GateVerdict => minted.has(v as object)
/** May these bytes stand in for the target? Only what a gate of this process admitted, and only these bytes. */
export const admits = (v: GateVerdict, target: string, candidate: Uint8Array, digest: Digest = sha256): boolean =>
  isGateVerdict(v) && v.outcome === "admitted" && v.target === target && v.candidate === hex(digest(candidate))

export class HoldOutGate {
  readonly #options: GateOptions
  readonly #digest: Digest
  /** The last submission of each target that this process has seen: a book that forgets does not lower it. */
  readonly #last = new Map<string, number>()

  constructor(options: GateOptions) {
    this.#options = options
    this.#digest = options.digest ?? sha256
  }

  /**
   * Judges a candidate. Fails with `GateError`: `misuse` (a target whose cases cannot be drawn), `storage` (the book could not
   * keep the submission; nothing was drawn).
   */
  async submit(target: Target, candidate: Uint8Array): Promise<GateVerdict> {
    const bytes = candidate.slice()
    const errorMax = target.errorMax ?? 0.001
    if (!(errorMax > 0 && errorMax < 1))
      throw gateError("misuse", `Cannot test for "${target.name}": errorMax must lie in (0, 1), found ${errorMax}`)
    const hash = hex(this.#digest(bytes))
    const submission = await this.#count(target.name, hash)
    // Chance comes after the candidate: nobody could have known it, and no one can ask for another without being counted.
    const secret = this.#options.chance.bytes(32)
    const seed = hashValue(["shadowgraph/gate", target.name, hash, submission, secret], this.#digest)
    const alpha = alphaOf(submission)
    const cases = Math.max(target.cases ?? 0, casesFor(errorMax, alpha))
    const trial = new Trial(target, seed, cases, wrongMax(cases, errorMax, alpha), this.#digest)
    const finding = await trial.run(bytes, this.#options.load)
    const measured = finding.outcome === "admitted"
    return this.#seal(finding, {
      candidate: hash,
      target: target.name,
      bound: measured ? errorBound(finding.wrong, finding.cases, alpha) : null,
      boundAlone: measured ? errorBound(finding.wrong, finding.cases, ALPHA) : null,
      submission,
      seed: hex(seed),
    })
  }

  async #count(target: string, candidate: string): Promise<number> {
    const { book } = this.#options
    const kept = await inBook(() => book.last(target), target)
    if (!Number.isSafeInteger(kept) || kept < 0)
      throw gateError("corrupt", `Cannot test for "${target}": the book says that its last submission was ${kept}`)
    // Nothing waits between reading and counting, so two at once get two numbers.
    const submission = Math.max(kept, this.#last.get(target) ?? 0) + 1
    this.#last.set(target, submission)
    await inBook(() => book.keep(target, submission, candidate), target)
    return submission
  }

  #seal(
    { why, ...finding }: Finding,
    about: Pick<GateVerdict, "candidate" | "target" | "bound" | "boundAlone" | "submission" | "seed">,
  ): GateVerdict {
    const facts = { ...finding, ...about }
    const id = hex(hashValue(facts as unknown as Value, this.#digest))
    const verdict: GateVerdict = {
      ...facts,
      corners: Object.freeze(facts.corners),
      placebos: Object.freeze(facts.placebos),
      mutants: Object.freeze(facts.mutants),
      id,
      message: `${about.target}: ${finding.outcome}: ${why}${boundText(about)}`,
    }
    Object.freeze(verdict)
    minted.add(verdict)
    return verdict
  }
}

async function inBook<A>(use: () => Awaitable<A>, target: string): Promise<A> {
  try {
    return await use()
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    throw gateError("storage", `Cannot test for "${target}": the submission could not be counted: ${said}`, cause)
  }
}

const boundText = ({
  bound,
  boundAlone,
  submission,
}: Pick<GateVerdict, "bound" | "boundAlone" | "submission">): string =>
  bound === null
    ? ""
    : `; error at most ${percent(bound)} at 95 % over all submissions (this was number ${submission}; on its own ${percent(boundAlone!)})`
/** Three digits, rounded up. */
const percent = (share: number): string => `${Number((share * 100 * 1.00503).toPrecision(3))} %`
