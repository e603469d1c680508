/** Which functions of the builtin table a plan calls: what a host must bring to run it. */
import type { Expr } from "../graph/mod.ts"
import type { Plan } from "./plan.ts"

/** Names of the builtins that the plan's blocks, its `valid:`s and its undos call. */
export function builtinsOf({ scopes, constants, valids = [], undos = [] }: Plan): ReadonlySet<string> {
  const found = new Set<string>()
  for (const { steps } of scopes) {
    for (const { instrs = [] } of steps) {
      for (const instr of instrs) if (instr[0] === "call") found.add(constants[instr[2]]!.value as string)
    }
  }
  for (const { valid } of valids) inExpr(valid, found)
  for (const { args } of undos) inExpr(args, found)
  return found
}

/** Whatever form of expression holds it, a call is a record that says so. */
function inExpr(part: unknown, found: Set<string>): void {
  if (Array.isArray(part)) return part.forEach((each) => void inExpr(each, found))
  if (typeof part !== "object" || part === null) return
  const { op, fn } = part as Partial<Extract<Expr, { op: "call" }>>
  if (op === "call" && typeof fn === "string") found.add(fn)
  for (const each of Object.values(part)) inExpr(each, found)
}
