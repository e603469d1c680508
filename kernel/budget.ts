/**
 * Budgets: how much of the world a run, and all runs of a tenant in a window of time, may use. They are checked before
 * each request and never in between; whoever goes over ends in the failure `Budget`, which no graph can catch. What a call
 * spent is counted whatever came of it, and stands in its entry, so that a run that goes on elsewhere does not forget.
 */
import { type Clock, type Cost, type Failure, fail, type Path } from "../graph/mod.ts"
import { kernelError } from "./errors.ts"
import type { Wait } from "./history.ts"
import { GENESIS } from "./ledger.ts"

/** What is counted. `wallMs` is time as the host's steady clock tells it; `money` is in millionths of the prices' currency. */
export const AMOUNTS = ["calls", "bytes", "tokens", "money", "wallMs"] as const
export type Amount = (typeof AMOUNTS)[number]
export type Amounts = { readonly [K in Amount]: number }

/** The most of each; what is left out has no bound. */
export type Budget = { readonly [K in Amount]?: number }

/** What a model costs: millionths of the currency for a million tokens, whole numbers. */
export interface Price {
  readonly in: number
  readonly out: number
}
export interface Prices {
  readonly currency: string
  /** By the name that the model's server knows it by. */
  readonly models: { readonly [model: string]: Price }
}

/** Fails with `KernelError` `misuse` for a budget that is none. */
export function checkBudget(budget: Budget, whose: string): void {
  for (const [key, most] of Object.entries(budget)) {
    const known = (AMOUNTS as readonly string[]).includes(key)
    if (known && Number.isSafeInteger(most) && most >= 0) continue
    const wanted = known ? `${key} must be a whole number from 0` : `it has ${AMOUNTS.join(", ")}, and no "${key}"`
    throw kernelError("misuse", `Cannot use the budget of ${whose}: ${wanted}, found ${String(most)}`)
  }
}

/** Milliseconds that have passed on a clock that may be wrong: going backwards, it neither gives time back nor takes any. */
class Stopwatch {
  readonly #clock: Pick<Clock, "tick">
  #last: number
  constructor(clock: Pick<Clock, "tick">) {
    this.#clock = clock
    this.#last = clock.tick()
  }
  /** Since the last time it was asked. */
  lap(): number {
    const now = this.#clock.tick()
    const passed = now - this.#last
    if (Number.isFinite(now)) this.#last = now
    return Number.isFinite(passed) ? Math.max(0, passed) : 0
  }
}

const BUCKETS = 60

/**
 * What the runs of one tenant may use within any window of time. Amounts are kept in `BUCKETS` parts of the window and
 * forgotten a part at a time, never before a whole window has passed.
 */
export class Allowance {
  readonly budget: Budget
  readonly windowMs: number
  readonly #watch: Stopwatch
  readonly #parts = new Float64Array((BUCKETS + 1) * AMOUNTS.length)
  readonly #sums = new Float64Array(AMOUNTS.length)
  #part = 0
  #ms = 0

  constructor(budget: Budget, windowMs: number, clock: Pick<Clock, "tick">) {
    checkBudget(budget, "a tenant")
    if (!(windowMs > 0) || !Number.isFinite(windowMs))
      throw kernelError("misuse", `Cannot use a tenant's budget: its window must be above 0 ms, found ${windowMs}`)
    this.budget = budget
    this.windowMs = windowMs
    this.#watch = new Stopwatch(clock)
  }

  add(amount: number, of: number): void {
    this.#turn()
    this.#parts[this.#part * AMOUNTS.length + amount]! += of
    this.#sums[amount]! += of
  }

  /** What was used within the window. */
  used(amount: number): number {
    this.#turn()
    return this.#sums[amount]!
  }

  /** Milliseconds until the window moves on: a budget may have been changed by then, or the process another one. */
  get turnsMs(): number {
    return this.windowMs / BUCKETS - this.#ms
  }

  /** Milliseconds until there is room for one more below the limit, if nothing else is used meanwhile: the oldest is forgotten first. */
  againMs(amount: number, limit: number): number {
    let used = this.used(amount)
    let turns = 0
    while (turns <= BUCKETS && used + 1 > limit) {
      turns++
      used -= this.#parts[((this.#part + turns) % (BUCKETS + 1)) * AMOUNTS.length + amount]!
    }
    return (turns * this.windowMs) / BUCKETS - this.#ms
  }

  #turn(): void {
    const part = this.windowMs / BUCKETS
    this.#ms += this.#watch.lap()
    const turns = Math.min(Math.floor(this.#ms / part), BUCKETS + 1)
    if (turns === 0) return
    this.#ms %= part
    for (let i = 0; i < turns; i++) {
      this.#part = (this.#part + 1) % (BUCKETS + 1)
      const at = this.#part * AMOUNTS.length
      for (let a = 0; a < AMOUNTS.length; a++) {
        this.#sums[a]! -= this.#parts[at + a]!
        this.#parts[at + a] = 0
      }
    }
  }
}

/** What one call spent so far, over all of its attempts. */
export class Charge {
  bytes = 0
  tokens = 0
  money = 0
  /** The tool counts bytes itself. */
  counted = false
}

export interface MeterOptions {
  readonly budget?: Budget | undefined
  readonly tenant?: Allowance | undefined
  /** Of whoever asked for the run, beside the tenant's: that of a token. */
  readonly caller?: Allowance | undefined
  readonly prices?: Prices | undefined
  /** What the run had spent before it went on here. */
  readonly before?: Partial<Amounts> | undefined
}

const [CALLS, BYTES, TOKENS, MONEY, WALL] = [0, 1, 2, 3, 4]

/** What one run spends. */
export class Meter {
  readonly #options: MeterOptions
  readonly #watch: Stopwatch
  readonly #spent = new Float64Array(AMOUNTS.length)
  /** A model whose price nobody stated, where money is bounded. */
  #unpriced: string | undefined
  #stopped: Failure | undefined

  /** Fails with `KernelError` `misuse` for a budget that is none. */
  constructor(clock: Pick<Clock, "tick">, options: MeterOptions = {}) {
    if (options.budget !== undefined) checkBudget(options.budget, "a run")
    this.#options = options
    this.#watch = new Stopwatch(clock)
    AMOUNTS.forEach((key, i) => {
      this.#spent[i] = options.before?.[key] ?? 0
    })
  }

  /** Of a run that is on its way: it has begun so many calls, beside what it had spent `before` it went on here. */
  static late(clock: Pick<Clock, "now"> & Partial<Clock>, calls: number, before?: Amounts): Meter {
    const tick = () => clock.tick?.() ?? clock.now()
    return new Meter({ tick }, { before: { ...before, calls: calls + (before?.calls ?? 0) } })
  }

  /** The failure that ended the run. Nothing of the graph goes on after it. */
  get stopped(): Failure | undefined {
    return this.#stopped
  }

  /**
   * What the run rests for, where a budget is used up, with all that was spent. It is due by itself where the budget is a
   * tenant's; where it is a caller's, that caller has to ask again, since the clock asks on nobody's behalf.
   */
  rest(now: number): Wait | undefined {
    if (this.#stopped === undefined) return undefined
    const { path = [], message, data } = this.#stopped
    const ofTenant = (data as { readonly of: string }).of === "tenant"
    const until = ofTenant ? Math.ceil(now + this.#options.tenant!.turnsMs) : null
    return { path, why: "budget", input: GENESIS, until, request: { message, data, spent: this.spent } }
  }

  /** What the run has spent. */
  get spent(): Amounts {
    this.#lap()
    return Object.fromEntries(AMOUNTS.map((key, i) => [key, this.#spent[i]!])) as Amounts
  }

  /** Milliseconds until the run's time is up; Infinity where it has no bound. */
  get leftMs(): number {
    const most = this.#options.budget?.wallMs ?? Number.POSITIVE_INFINITY
    return Math.max(0, most - this.#tookMs)
  }
  get #tookMs(): number {
    this.#lap()
    return this.#spent[WALL]!
  }

  /** May a call be made that the run may turn out not to need? Only while less than half of every budget is used. */
  get room(): boolean {
    if (this.#stopped !== undefined || this.#unpriced !== undefined) return false
    this.#lap()
    const { budget, tenant, caller } = this.#options
    const less = (used: number, most: number | undefined) => most === undefined || used * 2 < most
    const shared = [tenant, caller].filter((a) => a !== undefined)
    return AMOUNTS.every(
      (key, i) => less(this.#spent[i]!, budget?.[key]) && shared.every((a) => less(a.used(i), a.budget[key])),
    )
  }

  /** A request is about to be sent, as one more call or (`further`) as part of one. Throws the failure that ends the run. */
  begin(path: Path): void {
    this.further(path, 1)
    this.#add(CALLS, 1)
  }

  /** A call that is made whatever was spent: it is counted. */
  beyond(): void {
    this.#add(CALLS, 1)
  }

  further(path: Path, calls = 0): void {
    if (this.#stopped !== undefined) throw this.#stopped
    this.#lap()
    const { budget, tenant, caller } = this.#options
    AMOUNTS.forEach((key, i) => {
      const more = i === CALLS ? calls : 1
      const most = budget?.[key] ?? Number.POSITIVE_INFINITY
      if (this.#spent[i]! + more > most) throw this.#stop("run", undefined, key, most, this.#spent[i]!, path)
      if (tenant !== undefined) this.#share("tenant", tenant, i, more, path)
      if (caller !== undefined) this.#share("caller", caller, i, more, path)
    })
    if (this.#unpriced !== undefined) throw this.#stopUnpriced(this.#unpriced, path)
  }

  #share(whose: "tenant" | "caller", of: Allowance, amount: number, more: number, path: Path): void {
    const key = AMOUNTS[amount]!
    const most = of.budget[key] ?? Number.POSITIVE_INFINITY
    const used = of.used(amount)
    if (used + more > most) throw this.#stop(whose, of, key, most, used, path)
  }

  /** The run's time is up while a call is on its way: the failure that ends the run. */
  expire(path: Path): Failure {
    const most = this.#options.budget?.wallMs ?? 0
    return this.#stopped ?? this.#stop("run", undefined, "wallMs", most, Math.max(most, this.#spent[WALL]!), path)
  }

  /** What a tool says that a request cost. Throws `BadCost` for an amount that is none. */
  count(cost: Cost, charge: Charge): void {
    const { bytes, model, tokensIn = 0, tokensOut = 0, money } = cost
    for (const [key, n] of Object.entries({ bytes: bytes ?? 0, tokensIn, tokensOut, money: money ?? 0 })) {
      if (Number.isSafeInteger(n) && n >= 0) continue
      throw fail(
        "BadCost",
        `Cannot count what the call spent: ${key} must be a whole number from 0, found ${String(n)}`,
      )
    }
    if (bytes !== undefined) {
      charge.counted = true
      this.#bytes(charge, bytes)
    }
    charge.tokens += tokensIn + tokensOut
    this.#add(TOKENS, tokensIn + tokensOut)
    const paid = money ?? this.#priced(model, tokensIn, tokensOut)
    charge.money += paid
    this.#add(MONEY, paid)
  }

  /** The size of an argument or an answer as it is encoded, which counts where the tool says nothing. */
  measure(charge: Charge, bytes: number): void {
    if (!charge.counted) this.#bytes(charge, bytes)
  }

  /** What stands in the entry of a call, once its answer of so many bytes is counted: its own amounts, and the time that the run has taken up to here. */
  entry(charge: Charge, attempts: number, bytes = 0): readonly number[] {
    this.measure(charge, bytes)
    return [attempts, charge.bytes, charge.tokens, charge.money, Math.round(this.#tookMs)]
  }

  #priced(model: string | undefined, tokensIn: number, tokensOut: number): number {
    const { prices, budget, tenant, caller } = this.#options
    if (tokensIn + tokensOut === 0) return 0
    const price = prices !== undefined && Object.hasOwn(prices.models, model ?? "") ? prices.models[model!] : undefined
    if (price !== undefined) return Math.ceil((tokensIn * price.in + tokensOut * price.out) / 1_000_000)
    const bounds = [budget, tenant?.budget, caller?.budget]
    if (bounds.some((b) => b?.money !== undefined)) this.#unpriced = model ?? "without a name"
    return 0
  }

  #bytes(charge: Charge, bytes: number): void {
    charge.bytes += bytes
    this.#add(BYTES, bytes)
  }
  #add(amount: number, of: number): void {
    this.#spent[amount]! += of
    this.#options.tenant?.add(amount, of)
    this.#options.caller?.add(amount, of)
  }
  #lap(): void {
    this.#add(WALL, this.#watch.lap())
  }

  /** `shared`: where it is not the run's own. */
  #stop(
    whose: "run" | "tenant" | "caller",
    shared: Allowance | undefined,
    budget: Amount,
    limit: number,
    spent: number,
    path: Path,
  ): Failure {
    const of = (n: number) => printAmount(budget, n, this.#options.prices?.currency)
    const window = shared === undefined ? "" : ` in ${shared.windowMs} ms`
    const next =
      shared === undefined
        ? "resume it with a larger one"
        : `try again in ${Math.ceil(shared.againMs(AMOUNTS.indexOf(budget), limit))} ms or later`
    this.#stopped = fail(
      "Budget",
      `Cannot go on: the ${whose}'s budget of ${of(limit)}${window} is used up, spent ${of(spent)}; ${next}`,
      { data: { of: whose, budget, limit }, path },
    )
    return this.#stopped
  }

  #stopUnpriced(model: string, path: Path): Failure {
    const next = 'state it under "prices", or leave the budget of money out'
    this.#stopped = fail("Budget", `Cannot go on: money is bounded and the model "${model}" has no price; ${next}`, {
      data: { of: "run", budget: "money", model },
      path,
    })
    return this.#stopped
  }
}

/** The amounts of a run's entries together, where it goes on from them. */
export function amountsOf(entries: Iterable<readonly number[] | null>): Amounts {
  const sums = new Float64Array(AMOUNTS.length)
  for (const spent of entries) {
    if (spent === null) continue
    for (let i = 0; i < WALL; i++) sums[i]! += spent[i] ?? 0
    sums[WALL] = Math.max(sums[WALL]!, spent[WALL] ?? 0)
  }
  return Object.fromEntries(AMOUNTS.map((key, i) => [key, sums[i]!])) as Amounts
}

/** `100 calls`, `0.500000 EUR`, `30000 ms`. */
export function printAmount(key: Amount, n: number, currency = "of money"): string {
  if (key === "wallMs") return `${Math.round(n)} ms`
  return key === "money" ? `${(n / 1_000_000).toFixed(6)} ${currency}` : `${n} ${key}`
}

/** Of each amount the larger one: what is on record of a run's calls, and what it said when it stopped. */
export function atLeast(one: Amounts, other: Amounts = one): Amounts {
  return Object.fromEntries(AMOUNTS.map((key) => [key, Math.max(one[key], other[key] ?? 0)])) as Amounts
}
