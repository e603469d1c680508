/**
 * The real way of a plan: admission, the VM, generated code or not, against the machine of these tests. Registrations are
 * what the plan claims, tools answer as the machine's do, so the two have to end alike.
 */
import { Engine, type RunResult, systemChance, systemClock } from "../../deploy/mod.ts"
import {
  type Call,
  Failure,
  fail,
  type NodeKind,
  type Outcome,
  type Rec,
  type Registry,
  type Signature,
  sameValue,
  type Value,
} from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import { encodePlan, type Plan } from "../../plan/mod.ts"
import { Chance, Flow, NoValue, seedOf, valueOf } from "./chance.ts"
import { Wrong } from "./frame.ts"
import type { Run } from "./machine.ts"

/** What is wrong with how the VM ran a plan, held against the machine's run; undefined where they agree. */
export async function heldAgainst(plan: Plan, seed: number, machine: Run): Promise<string | undefined> {
  const input = valueOf(plan.types[plan.input]!, new Chance(seed))
  if (input instanceof Flow) return undefined
  for (const codegen of [true, false]) {
    const found = await run(plan, input, seed, codegen)
    if (found === undefined) continue
    const how = codegen ? "generated code" : "interpreted"
    const wanted = "value" in machine.outcome ? machine.outcome.value : undefined
    if (found.ok !== (wanted !== undefined)) {
      return `${how}: ${found.ok ? "a value" : `${found.failure.code} ${found.failure.message}`}, the machine the other way`
    }
    if (!found.ok) {
      if (found.failure.cause instanceof Error && !(found.failure.cause instanceof Failure)) {
        return `${how}: the VM breaks: ${found.failure.cause.stack}`
      }
      continue
    }
    const value = wanted instanceof Flow ? (wanted.items as Value) : (wanted as Value)
    if (!sameValue(found.value, value)) return `${how}: another value than the machine's`
  }
  return undefined
}

async function run(plan: Plan, input: Value, seed: number, codegen: boolean): Promise<Outcome | undefined> {
  const engine = new Engine({
    registry: claimed(plan, seed),
    services: { clock: systemClock, chance: systemChance },
    codegen,
  })
  try {
    const ready = await engine.prepare(encodePlan(plan), { grants: plan.needs })
    return await ended(ready.run(input, { fuel: 20_000 }))
  } catch (e) {
    // A claim that no registration can match; not a question of the plan alone.
    if (e instanceof AdmissionError && e.reason !== "unreadable" && e.reason !== "unsound") return undefined
    throw e
  } finally {
    await engine.close()
  }
}

/** A run waits for nothing but what has been asked for, so one that is not through by now has lost its way. */
const STUCK_MS = 20_000
async function ended(run: RunResult | Promise<RunResult>): Promise<Outcome> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const stuck = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Wrong("the run never ends")), STUCK_MS)
  })
  try {
    return (await Promise.race([run, stuck])).outcome
  } finally {
    clearTimeout(timer)
  }
}

/** A registration for each kind, which says of the plan's externs, in order, what they say of themselves. */
function claimed(plan: Plan, seed: number): Registry {
  let next = 0
  const made = (kind: string): NodeKind => ({
    kind,
    about: "Answers by chance.",
    main: { form: "static", about: "Anything." },
    fields: {},
    scopes: { key: "tools", role: "tool", about: "Bodies." },
    takesWith: true,
    sign: (): Signature => {
      const { effect, resource, needs, input, output, async } = plan.externs[next++]!
      const types = plan.types
      return { effect, resource, needs, output: types[output]!, async, ...(input < 0 ? {} : { input: types[input]! }) }
    },
    open: (_config, _resources, _services, signature) => ({
      execute: (_args, call) => answer(signature, call, seed, plan),
    }),
  })
  return new Map(plan.externs.map((x) => [x.kind, made(x.kind)]))
}

function answer(signature: Signature, call: Call, seed: number, plan: Plan): unknown {
  const path = call.path.map((p) => (typeof p === "number" ? `#${p}` : p)).join("/")
  const chance = new Chance(seedOf(path) ^ seed)
  const told = (): unknown => {
    if (chance.once(8)) throw fail("ToolError", "by chance")
    try {
      const value = valueOf(signature.output, chance)
      return value instanceof Flow ? flowing(value) : value
    } catch (e) {
      if (e instanceof NoValue) throw fail("ToolError", "no value")
      throw e
    }
  }
  if (signature.async === false) return told()
  return asking(call, path, plan).then(told)
}

async function* flowing(flow: Flow): AsyncGenerator<Value> {
  yield* flow.items
}

/** Calls the bodies that the step hands over, each once, as the machine does. */
async function asking(call: Call, path: string, plan: Plan): Promise<void> {
  for (const scope of plan.scopes) {
    for (const { op } of scope.steps) {
      if (op[0] !== "invoke_with" || call.invoke === undefined) continue
      const way = (plan.constants[op[7]]!.value as readonly string[]).join("/")
      if (!`/${path}`.endsWith(`/${way}`)) continue
      const roles = plan.constants[op[4]]!.value as readonly string[]
      for (let b = 0; b < op[5].length; b++) {
        const param = plan.types[plan.scopes[op[5][b]!]!.params[0]!]!
        await call.invoke(roles[b]!, valueOf(param, new Chance(seedOf(path) + b)) as Rec)
      }
    }
  }
}
