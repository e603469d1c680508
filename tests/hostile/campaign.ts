/**
 * A campaign of broken plans: each mutant must be refused with a `PlanError`, or be as right as a plan can be, which the
 * oracle decides; and the real VM has to end as the oracle's machine does. Anything else thrown is a crash. With a seed, so that what is found can be found again.
 */

import type { Type } from "../../graph/mod.ts"
import { decodePlan, encodePlan, type Plan, PlanError, verify } from "../../plan/mod.ts"
import { Chance } from "./chance.ts"
import { runOnce } from "./machine.ts"
import { mutateBytes, mutatePlan } from "./mutate.ts"
import { judge } from "./oracle.ts"
import { heldAgainst } from "./real.ts"

export interface Report {
  mutants: number
  refused: number
  /** Accepted, and the same plan as before. */
  same: number
  /** Accepted, another plan, and nothing wrong with it. */
  right: number
  readonly acceptedWrong: string[]
  readonly crashes: string[]
  /** How often each rule or reason refused. */
  readonly by: Map<string, number>
}

/**
 * `count` mutants of the plans in turn: two in three of structure, one of bytes. One in `vmEvery` of those that are
 * accepted and differ runs on the real VM, too, which costs as much as all the rest.
 */
export async function campaign(plans: readonly Plan[], count: number, seed: number, vmEvery = 4): Promise<Report> {
  const report: Report = { mutants: 0, refused: 0, same: 0, right: 0, acceptedWrong: [], crashes: [], by: new Map() }
  const files = plans.map((plan) => ({ plan, bytes: encodePlan(plan) }))
  for (let i = 0; i < count; i++) {
    const chance = new Chance(seed * 0x9e3779b1 + i)
    const { plan, bytes } = files[i % files.length]!
    report.mutants++
    const name = `${plan.name} #${i}`
    if (i % 3 === 0) {
      const mutant = mutateBytes(bytes, chance)
      const read = refused(report, `${name} bytes`, () => {
        const decoded = decodePlan(mutant)
        if (!same(encodePlan(decoded), mutant)) report.crashes.push(`${name} bytes: two forms of one plan`)
        verify(decoded)
        return decoded
      })
      if (read !== undefined) await accepted(report, `${name} bytes`, read, same(mutant, bytes), i, vmEvery)
      continue
    }
    const { mutant, how } = mutatePlan(plan, chance)
    const inMemory = refused(report, `${name} (${how})`, () => {
      verify(mutant)
      return mutant
    })
    const encoded = attempt(() => encodePlan(mutant))
    if (inMemory === undefined) {
      // A refusal must not depend on whether the plan went through bytes.
      if (encoded instanceof Uint8Array && attempt(() => verify(decodePlan(encoded))) !== undefined) {
        if (!(attempt(() => verify(decodePlan(encoded))) instanceof PlanError)) {
          report.crashes.push(`${name} (${how}): refused in memory, accepted from bytes`)
        }
      }
      continue
    }
    if (!(encoded instanceof Uint8Array)) {
      report.crashes.push(`${name} (${how}): accepted, and has no bytes: ${(encoded as Error).message}`)
      continue
    }
    await accepted(report, `${name} (${how})`, decodePlan(encoded), same(encoded, bytes), i, vmEvery)
  }
  return report
}

function refused(report: Report, name: string, read: () => Plan): Plan | undefined {
  try {
    return read()
  } catch (e) {
    if (e instanceof PlanError) {
      report.refused++
      const why = e.rule ?? e.reason
      report.by.set(why, (report.by.get(why) ?? 0) + 1)
    } else report.crashes.push(`${name}: ${(e as Error).stack}`)
    return undefined
  }
}

async function accepted(
  report: Report,
  name: string,
  plan: Plan,
  unchanged: boolean,
  seed: number,
  vmEvery: number,
): Promise<void> {
  if (unchanged) {
    report.same++
    return
  }
  const wrong = await judge(plan, seed)
  if (wrong !== undefined) {
    report.acceptedWrong.push(`${name}: ${wrong}`)
    return
  }
  report.right++
  if (report.right % vmEvery !== 0 || plan.types.some(streams)) return
  const run = await runOnce(plan, seed, 1)
  const other = run === undefined ? undefined : await heldAgainst(plan, seed, run).catch((e: Error) => e.stack)
  if (other !== undefined) report.crashes.push(`${name}: ${other}`)
}

/** The machine hands a whole stream over at once, the VM item by item; what a reader sees in between is not compared. */
const streams = (t: Type): boolean => t.kind === "stream"

function attempt<A>(run: () => A): A | unknown {
  try {
    return run()
  } catch (e) {
    return e
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i])
