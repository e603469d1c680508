/**
 * Which tool a plan calls where. A refusal names a node, and somebody who answers for a node names its path; both are
 * found in the plan's own steps and undos.
 */
import { type Path, UNDO } from "../graph/mod.ts"
import type { Plan } from "./plan.ts"

/** Every call of a plan: its path without item numbers, and the index of its extern. Those of undos come last. */
export function callsOf(plan: Plan): readonly Call[] {
  return [...stepCalls(plan), ...(plan.undos ?? []).map(({ path, extern }) => ({ path: [...path, UNDO], extern }))]
}

/** A call by a step; of a tool that is handed bodies, `bodies` is true. */
export interface Call {
  readonly path: readonly string[]
  readonly extern: number
  readonly bodies?: true
}

/** Every call that a step makes. */
export function stepCalls(plan: Plan): readonly Call[] {
  const calls: Call[] = []
  const visit = (scope: number, base: readonly string[]): void => {
    for (const { op } of plan.scopes[scope]!.steps) {
      if (op[0] === "block") continue
      const path = [...base, ...(plan.constants[op[op.length - 2] as number]!.value as readonly string[])]
      if (op[0] === "invoke") calls.push({ path, extern: op[2] })
      if (op[0] === "invoke_with") calls.push({ path, extern: op[2], bodies: true })
      if (op[0] !== "invoke") for (const body of op[op.length - 4] as readonly number[]) visit(body, path)
    }
  }
  visit(0, [])
  return calls
}

/** The extern that is called at a path of a run, or undefined where none is. */
export function externAt(plan: Plan, path: Path): number | undefined {
  const names = path.filter((part) => typeof part === "string")
  return callsOf(plan).find((c) => c.path.length === names.length && c.path.every((part, i) => part === names[i]))
    ?.extern
}
