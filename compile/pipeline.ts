/**
 * The compiler: a checked graph in, a plan out. The passes, in order, are the list below; each is one file that states
 * what holds before and after it and why it is right. After each of them the rules of this stage are checked in tests and
 * on request, and the plan is verified at the end, as admission will do again on its own.
 */
import type { CheckedGraph } from "../graph/mod.ts"
import { encodePlan, type Plan, planHash, verify } from "../plan/mod.ts"
import { dead } from "./dead.ts"
import { fold } from "./fold.ts"
import { inline } from "./inline.ts"
import { lower } from "./lower.ts"
import { type Change, type Pass, touchAll } from "./mid.ts"
import { printMid } from "./print.ts"
import { resolve } from "./resolve.ts"
import { share } from "./share.ts"
import { checkMid } from "./spec.ts"
import { split } from "./split.ts"

/** Every pass between `resolve` and `lower`. Fusing, scheduling and slots are part of lowering: they choose, they rewrite nothing. */
export const PASSES: readonly Pass[] = [inline, split, fold, share, dead]

/** What lowering chooses: said by `explain` in the form of passes. */
export const CHOICES = [
  { name: "fuse", about: "run expressions that become ready together as one block" },
  { name: "schedule", about: "look first at what the longest way to the end leads through" },
  { name: "slots", about: "give values places, and use places again" },
] as const

export interface CompileOptions {
  /** Check the rules of the stage after every pass. */
  readonly checked?: boolean
  /** Names of passes to leave out, to see what they do; all but `split` only make the plan smaller and faster. */
  readonly without?: readonly string[]
  /** Keep the text of the graph before and after each pass, for `explain`. */
  readonly texts?: boolean
}

export interface PassReport {
  readonly name: string
  readonly about: string
  readonly changes: readonly Change[]
  /** The compiler's own form after the pass, as text, where it was asked for. */
  readonly text?: string
}

export interface Compiled {
  readonly plan: Plan
  readonly bytes: Uint8Array
  /** SHA-256 of the bytes, lower-case hex. */
  readonly hash: string
  readonly passes: readonly PassReport[]
}

/** Compiles a checked graph. The same graph gives the same bytes. Fails only on a bug of ours, and then before anything runs. */
export function compile(checked: CheckedGraph, options: CompileOptions = {}): Compiled {
  const mid = resolve(checked)
  const report = (name: string, about: string, changes: readonly Change[]): PassReport => ({
    name,
    about,
    changes,
    ...(options.texts ? { text: printMid(mid) } : {}),
  })
  const passes = [report("resolve", "give every value one name, and every tool its signature", [])]
  const done = new Set(["resolve"])
  if (options.checked) checkMid(mid, "resolve", done)
  for (const pass of PASSES) {
    if (options.without?.includes(pass.name) && pass !== split) continue
    done.add(pass.name)
    const changes = pass.run(mid)
    touchAll(mid)
    passes.push(report(pass.name, pass.about, changes))
    if (options.checked) checkMid(mid, pass.name, done)
  }
  const { plan, choices } = lower(mid, checked.graph.name)
  passes.push(...CHOICES.map((choice) => ({ ...choice, changes: choices[choice.name] })))
  verify(plan)
  const bytes = encodePlan(plan)
  return { plan, bytes, hash: planHash(bytes), passes }
}
