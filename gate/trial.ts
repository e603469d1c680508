/**
 * One test of one candidate: cases are drawn, the candidate answers, the oracle answers, and the gate compares. Then the
 * same again in another order, and the controls. Only `gate.ts` starts one, after the candidate was handed in.
 */
import {
  type Awaitable,
  accept,
  type Digest,
  hashValue,
  hex,
  type SandboxAnswer,
  type SandboxLimits,
  type SandboxProgram,
  type SandboxRefusal,
  sameValue,
  show,
  type Type,
  toFailure,
  type Value,
} from "../graph/mod.ts"
import { Draw } from "./draw.ts"
import { gateError } from "./errors.ts"
import { type Mutant, nearMisses } from "./mutants.ts"

/** What a candidate is to stand in for. */
export interface Target {
  /** Submissions are counted by it: whoever renames a target starts its allowance for error anew. */
  readonly name: string
  readonly input: Type
  readonly output: Type
  /** The real tool, or a reference. What it throws counts as a failure, which a candidate gives by throwing. */
  readonly oracle: (input: Value) => Awaitable<Value>
  /** Draws from the domain that the bound is to hold for. Default: the whole of `input`. */
  readonly draw?: (draw: Draw) => Value
  /** Draws from the corners of the domain. These cases are not in the bound; one wrong among them refuses where no wrong answer is allowed. */
  readonly corners?: (draw: Draw) => Value
  /** Default: the same value, to the bit. */
  readonly same?: (found: Value, want: Value) => boolean
  /** Near misses that its author fears, beside those for any answer. */
  readonly mutants?: readonly Mutant[]
  /** The share of wrong answers that is borne, in (0, 1). Default 0.001. */
  readonly errorMax?: number
  /** Cases at least; as many as `errorMax` takes are drawn in any case. With more, some may be wrong. */
  readonly cases?: number
  readonly cornersCount?: number
  /** Cases that the oracle is asked at once. Default 1. What is drawn, and what is found, does not depend on it. */
  readonly parallel?: number
  /** For each call. Default 2,000,000. */
  readonly limits?: Partial<SandboxLimits>
}

/** Makes a program of a candidate's bytes, each call of which begins from the same state: a sandbox. */
export type Loader = (
  candidate: Uint8Array,
  limits: Partial<SandboxLimits>,
) => Promise<{ readonly ok: true; readonly program: SandboxProgram } | SandboxRefusal>

/**
 * What a test found. `admitted`: it may stand in. `rejected`: it may not, and `reason` says why. `no verdict`: the test could not
 * have told, because the oracle contradicts itself, or a control passed.
 */
export interface Finding {
  readonly outcome: "admitted" | "rejected" | "no verdict"
  readonly reason: "passed" | "source" | "wrong" | "unsteady" | "dear" | "oracle" | "placebo" | "mutants"
  /** Drawn at random after submission, and judged. */
  readonly cases: number
  readonly wrong: number
  readonly corners: { readonly cases: number; readonly wrong: number }
  /** Controls: how many were run, and which were taken for right. */
  readonly placebos: Controls
  readonly mutants: Controls
  readonly why: string
}
export interface Controls {
  readonly run: number
  readonly passed: readonly string[]
}

/** Mutants of the answers that must be found out. */
const KILLED_MIN = 0.95
/** A candidate may burn this much over all its cases, in units of fuel: some half a minute. */
const FUEL_ALL = 2_000_000_000
const CASE_FUEL = 2_000_000
const CORNERS = 256
/** Cases that the oracle is asked twice. */
const ASKED_TWICE = 32

/** What the tool says: a value, or the code of a failure. */
interface Told {
  readonly failed: string | undefined
  readonly value: Value
}
interface Case {
  readonly input: Value
  readonly want: Told
  readonly answer: SandboxAnswer
}
/** One test of one candidate. */
export class Trial {
  readonly #target: Target
  readonly #draw: Draw
  readonly #cases: number
  readonly #wrongMax: number
  readonly #digest: Digest
  readonly #accepts: (v: unknown) => Value
  #wrong = 0
  #cornersWrong = 0
  #fuel = 0
  readonly #corners: number
  readonly #done: Case[] = []
  #placebos: Controls = { run: 0, passed: [] }
  #mutants: Controls = { run: 0, passed: [] }

  constructor(target: Target, seed: Uint8Array, cases: number, wrongMost: number, digest: Digest) {
    this.#target = target
    this.#draw = new Draw(seed)
    this.#cases = cases
    this.#wrongMax = wrongMost
    this.#digest = digest
    this.#accepts = accept(target.output)
    this.#corners = target.corners === undefined ? 0 : (target.cornersCount ?? CORNERS)
  }

  async run(candidate: Uint8Array, load: Loader): Promise<Finding> {
    const limits = { fuel: CASE_FUEL, ...this.#target.limits }
    const loaded = await load(candidate, limits)
    if (!loaded.ok) return this.#found("rejected", "source", 0, `it cannot be loaded: ${loaded.message}`)
    try {
      return (await this.#answers(loaded.program)) ?? (await this.#again(candidate, limits, load)) ?? this.#controls()
    } finally {
      loaded.program.close()
    }
  }

  /** Every case once, as long as the candidate can still pass. */
  async #answers(program: SandboxProgram): Promise<Finding | undefined> {
    const all = this.#corners + this.#cases
    const parallel = Math.max(1, this.#target.parallel ?? 1)
    // The oracle may be slow: some are asked ahead, and judged in their order all the same.
    const asked: { readonly input: Value; readonly want: Promise<Told> }[] = []
    for (let i = 0; i < all; i++) {
      while (asked.length < parallel && i + asked.length < all) {
        const input = this.#input(i + asked.length < this.#corners)
        asked.push({ input, want: this.#ask(input) })
      }
      const { input, want: told } = asked.shift()!
      const want = await told
      const answer = program.call(input)
      const judged = Math.max(0, i + 1 - this.#corners)
      this.#fuel += answer.fuel
      if (this.#fuel > FUEL_ALL)
        return this.#found("rejected", "dear", judged, `it took more than ${FUEL_ALL} units of fuel`)
      this.#done.push({ input, want, answer })
      if (this.#right(answer, want)) continue
      if (!same(want, await this.#ask(input), sameValue)) return this.#unsteadyOracle(judged)
      if (i < this.#corners) this.#cornersWrong++
      else this.#wrong++
      // Where none may be wrong a corner may not either.
      if (this.#wrong > this.#wrongMax || this.#wrongMax === 0)
        return this.#found("rejected", "wrong", judged, `wrong on ${describe(input, answer)}`)
    }
    return undefined
  }

  /** The same cases in another order, by a second copy: whoever answers otherwise looks at more than its input. */
  async #again(candidate: Uint8Array, limits: Partial<SandboxLimits>, load: Loader): Promise<Finding | undefined> {
    const loaded = await load(candidate, limits)
    if (!loaded.ok) return this.#found("rejected", "unsteady", this.#cases, "it loaded once and not again")
    try {
      for (const i of shuffled(this.#done.length, this.#draw)) {
        const { input, answer } = this.#done[i]!
        const second = loaded.program.call(input)
        if (answer.fuel !== second.fuel || !sameValue(came(answer), came(second))) {
          const why = `asked again, it answers otherwise on ${describe(input, second)}`
          return this.#found("rejected", "unsteady", this.#cases, why)
        }
      }
    } finally {
      loaded.program.close()
    }
    for (let i = 0; i < ASKED_TWICE; i++) {
      const { input, want } = this.#draw.pick(this.#done)
      if (!same(want, await this.#ask(input), sameValue)) return this.#unsteadyOracle(this.#cases)
    }
    return undefined
  }

  #input(corner: boolean): Value {
    const { input, draw, corners } = this.#target
    const drawn = corner ? corners!(this.#draw) : draw === undefined ? this.#draw.value(input) : draw(this.#draw)
    try {
      return accept(input)(drawn)
    } catch (cause) {
      throw gateError("misuse", `Cannot test for "${this.#target.name}": it draws cases that are no input`, cause)
    }
  }

  async #ask(input: Value): Promise<Told> {
    try {
      return { failed: undefined, value: this.#accepts(await this.#target.oracle(input)) }
    } catch (cause) {
      return { failed: toFailure(cause).code, value: null }
    }
  }

  /** Where the tool fails, the candidate has to throw; being stopped is no answer. */
  #right(answer: SandboxAnswer, want: Told): boolean {
    return answer.ok
      ? want.failed === undefined && this.#equal(answer.value, want.value)
      : want.failed !== undefined && answer.why === "threw"
  }
  /** What the port refuses is wrong, whatever it is, and so is what cannot be compared. */
  #equal(found: Value, want: Value): boolean {
    try {
      const value = this.#accepts(found)
      return this.#target.same === undefined ? sameValue(value, want) : this.#target.same(value, want) === true
    } catch {
      return false
    }
  }

  /** Placebos and mutants, on the very cases that the candidate had. */
  #controls(): Finding {
    const cases = this.#done.slice(this.#corners)
    const passes = (answer: (one: Case, i: number) => Told): boolean => {
      let wrong = 0
      for (let i = 0; i < cases.length && wrong <= this.#wrongMax; i++)
        if (!same(answer(cases[i]!, i), cases[i]!.want, (a, b) => this.#equal(a, b))) wrong++
      return wrong <= this.#wrongMax
    }
    const others = shuffled(cases.length, this.#draw)
    const common = commonest(cases, this.#digest)
    const placebos = new Map<string, (one: Case, i: number) => Told>([
      ["the answers to other cases", (_, i) => cases[others[i]!]!.want],
      ["the commonest answer", () => common],
    ])
    const passed = [...placebos].flatMap(([name, answer]) => (passes(answer) ? [name] : []))
    this.#placebos = { run: placebos.size, passed }
    if (passed.length > 0)
      return this.#found("no verdict", "placebo", cases.length, `a placebo passed: ${passed.join(", ")}`)

    // What its author fears has to be met by the cases; a near miss of our own only counts where it is one too many.
    const near = nearMisses.filter((m) => cases.filter((one) => differs(m, one)).length > this.#wrongMax)
    const mutants = [...(this.#target.mutants ?? []), ...near]
    const survived = mutants.filter((m) => passes((one) => mutated(m, one))).map((m) => m.name)
    this.#mutants = { run: mutants.length, passed: survived }
    if (mutants.length - survived.length < mutants.length * KILLED_MIN) {
      const why = `${survived.length} of ${mutants.length} near misses passed: ${survived.join(", ")}`
      return this.#found("no verdict", "mutants", cases.length, why)
    }
    return this.#found("admitted", "passed", cases.length, `${this.#wrong} wrong in ${cases.length} cases`)
  }

  #unsteadyOracle(cases: number): Finding {
    return this.#found("no verdict", "oracle", cases, "the oracle gives two answers to one input")
  }
  #found(outcome: Finding["outcome"], reason: Finding["reason"], cases: number, why: string): Finding {
    const corners = { cases: Math.min(this.#done.length, this.#corners), wrong: this.#cornersWrong }
    const controls = { placebos: this.#placebos, mutants: this.#mutants }
    return { outcome, reason, cases, wrong: this.#wrong, corners, ...controls, why }
  }
}

const same = (a: Told, b: Told, equal: (a: Value, b: Value) => boolean): boolean =>
  a.failed === b.failed && (a.failed !== undefined || equal(a.value, b.value))

/** What an answer was, as a value: one in a list, or why there is none. */
const came = (a: SandboxAnswer): Value => (a.ok ? [a.value] : a.why)

const mutated = (m: Mutant, { input, want }: Case): Told =>
  want.failed === undefined ? { ...want, value: m.wrong(input, want.value) } : want
const differs = (m: Mutant, one: Case): boolean => !same(mutated(m, one), one.want, sameValue)

function commonest(cases: readonly Case[], digest: Digest): Told {
  const counts = new Map<string, { readonly told: Told; count: number }>()
  for (const { want } of cases) {
    const key = want.failed ?? hex(hashValue(want.value, digest))
    const entry = counts.get(key) ?? { told: want, count: 0 }
    entry.count++
    counts.set(key, entry)
  }
  return [...counts.values()].sort((a, b) => b.count - a.count)[0]!.told
}

/** 0 to n − 1 in an order of chance (Fisher and Yates, from the inside out). */
function shuffled(n: number, draw: Draw): number[] {
  const order = new Array<number>(n).fill(0)
  for (const i of order.keys()) {
    const j = draw.below(i + 1)
    order[i] = order[j]!
    order[j] = i
  }
  return order
}

/** The input and what came of it, short: a candidate's words are untrusted text. */
function describe(input: Value, answer: SandboxAnswer): string {
  const said = answer.ok ? show(answer.value) : `${answer.why}: ${answer.message}`
  return `${show(input).slice(0, 200)}: ${said.slice(0, 200)}`
}
