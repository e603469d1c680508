/**
 * When guessing pays. What a tool takes and how often its shadow speaks and is right are measured as runs go by, and a guess
 * is made only where the time that it is expected to save is more than the time that it takes.
 *
 * A guess of a call that takes L lets reads behind it begin L earlier; they take D themselves, so at most min(L, D) of
 * waiting is hidden, with probability p that the guess is right. Asking the shadow takes s, and w is the work of looking
 * ahead, done again after a wrong guess. With c the share of calls that the shadow speaks for, asking is worth while when
 *
 *     c · (p · min(L, D) − w · (2 − p)) > s
 *
 * Over a chain of n equal calls this gives 1 − (n−1)/n · (1 − p·c) of the serial time at best, which is the known bound of
 * value prediction (Lipasti, Wilkerson and Shen, ASPLOS 1996); that hints by running ahead are worth it only where the
 * computation is cheap beside the waiting is from Chang and Gibson, OSDI 1999.
 */

/** What is known of one tool and its shadow. */
export interface Measured {
  /** Milliseconds of a call, of asking the shadow; undefined while nobody knows. */
  readonly callMs: number | undefined
  readonly askMs: number | undefined
  /** How often the shadow was asked, and spoke; how often it was held against the tool, and was right. */
  readonly asked: number
  readonly spoke: number
  readonly verified: number
  readonly right: number
}

/** Each new measurement counts so much. */
const WEIGHT = 0.2
/** As if so many guesses had been right before the first: a new shadow is given a chance. */
const PRIOR = 8
/** One call in so many is guessed at although it does not seem to pay, so that better times are noticed. */
const PROBE_EVERY = 64
/** Wrong guesses make calls that are thrown away: below this share of right ones they are not worth it whatever they save. */
const RIGHT_LEAST = 0.5

class Tool implements Measured {
  callMs: number | undefined
  askMs: number | undefined
  asked = 0
  spoke = 0
  verified = 0
  right = 0
  /** Calls since it was last asked although it does not pay. */
  passed = 0
}

export class Odds {
  readonly #tools = new Map<string, Tool>()
  #lookMs: number | undefined

  #of(tool: string): Tool {
    let known = this.#tools.get(tool)
    if (known === undefined) this.#tools.set(tool, (known = new Tool()))
    return known
  }

  /** What was measured, by the names that tools have here. */
  get measured(): ReadonlyMap<string, Measured> {
    return this.#tools
  }
  /** Milliseconds of looking ahead once. */
  get lookMs(): number | undefined {
    return this.#lookMs
  }

  called(tool: string, ms: number): void {
    const known = this.#of(tool)
    known.callMs = moved(known.callMs, ms)
  }
  asked(tool: string, ms: number, spoke: boolean): void {
    const known = this.#of(tool)
    known.askMs = moved(known.askMs, ms)
    known.asked++
    if (spoke) known.spoke++
  }
  verified(tool: string, right: boolean): void {
    const known = this.#of(tool)
    known.verified++
    if (right) known.right++
  }
  looked(ms: number): void {
    this.#lookMs = moved(this.#lookMs, ms)
  }

  /**
   * Why the shadow of a tool is not worth asking; undefined where it is. `behind`: the tools of reads that may begin earlier;
   * empty where only an early answer is wanted, which saves all of the call.
   */
  against(tool: string, behind: readonly string[]): string | undefined {
    const known = this.#of(tool)
    const { callMs } = known
    const why = callMs === undefined ? undefined : this.#against(known, callMs, behind)
    if (why === undefined) return undefined
    known.passed++
    return known.passed % PROBE_EVERY === 0 ? undefined : why
  }

  #against(known: Tool, callMs: number, behind: readonly string[]): string | undefined {
    const p = (known.right + PRIOR) / (known.verified + PRIOR)
    const c = (known.spoke + PRIOR) / (known.asked + PRIOR)
    if (p < RIGHT_LEAST) return `${percent(1 - p)} of its guesses are wrong`
    const after = behind.map((name) => this.#of(name).callMs ?? Number.POSITIVE_INFINITY)
    const hides = Math.min(callMs, after.length === 0 ? callMs : Math.max(...after))
    const gain = c * (p * hides - (this.#lookMs ?? 0) * (2 - p)) - (known.askMs ?? 0)
    if (gain > 0) return undefined
    return `it would save ${printMs(p * c * hides)} and take ${printMs((known.askMs ?? 0) + c * (this.#lookMs ?? 0) * (2 - p))}`
  }
}

const moved = (mean: number | undefined, ms: number): number | undefined =>
  Number.isFinite(ms) && ms >= 0 ? (mean === undefined ? ms : mean + WEIGHT * (ms - mean)) : mean

const percent = (share: number): string => `${Math.round(share * 100)} %`
const printMs = (ms: number): string => `${Number(ms.toPrecision(3))} ms`
