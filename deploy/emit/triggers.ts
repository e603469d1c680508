/** Schedules and hooks of a deployment: those of the project whose graphs it has, and what a host lacks for them. */
import { type Expr, parts, WITH_PATTERNS } from "../../graph/mod.ts"
import type { Hook, Schedule } from "../triggers/read.ts"
import type { Lack } from "./lacks.ts"
import { type Interface, type Ledger, type Target, TRAITS } from "./targets.ts"

export interface BroughtTriggers {
  readonly schedules: readonly Schedule[]
  readonly hooks: readonly Hook[]
}

export interface TriggersWanted {
  readonly target: Target
  readonly ledger: Ledger
  /** As somebody asked for it; undefined: whatever is fit. */
  readonly interface: Interface | undefined
}

interface Found {
  /** Undefined where none come along. */
  readonly brought: BroughtTriggers | undefined
  readonly lacks: readonly Lack[]
}

/** Which of the project's come along with these graphs, and why others do not. */
export function triggersFor(
  declared: Partial<BroughtTriggers>,
  graphs: readonly string[],
  { target, ledger, interface: form }: TriggersWanted,
): Found {
  const { schedules = [], hooks = [] } = declared
  const here = (trigger: Schedule | Hook) => graphs.includes(trigger.graph)
  const own = { schedules: schedules.filter(here), hooks: hooks.filter(here) }
  const lacks: Lack[] = []
  const left = worded(
    schedules.filter((s) => !here(s)),
    hooks.filter((h) => !here(h)),
  )
  if (left !== "") lacks.push({ what: `left out with their graphs, which are not deployed: ${left}`, harmless: true })
  const names = worded(own.schedules, own.hooks)
  if (names === "") return { brought: undefined, lacks }
  const { title, server, secret } = TRAITS[target]
  if (target === "browser")
    return {
      brought: undefined,
      lacks: [...lacks, { what: `not brought along: ${names}; ${title} is there while it is open`, harmless: true }],
    }
  if (form === "small")
    return {
      brought: undefined,
      lacks: [
        ...lacks,
        {
          what: `not brought along: ${names}; the small interface has none`,
          fix: "leave out --interface",
          harmless: true,
        },
      ],
    }
  if (!server && ledger === "memory")
    lacks.push({
      what: `runs of ${names} could be lost on their way: ${title} has its ledger in memory here`,
      fix: `add --ledger ${TRAITS[target].ledgers.find((place) => place !== "memory")}`,
      harmless: false,
    })
  else if (ledger === "memory")
    lacks.push({
      what: `deliveries and ticks are remembered for as long as the program lives: ${names}`,
      harmless: true,
    })
  for (const name of new Set(own.hooks.flatMap((hook) => hook.secrets)))
    lacks.push({ what: `the secret ${name} is not brought along`, fix: secret!(name), harmless: true })
  return { brought: own, lacks }
}

const worded = (schedules: readonly Schedule[], hooks: readonly Hook[]): string =>
  [...schedules.map(({ name }) => `the schedule ${name}`), ...hooks.map(({ name }) => `the hook ${name}`)].join(", ")

/** Whether their expressions want the engine for patterns. */
export const triggersReadPatterns = ({ schedules, hooks }: BroughtTriggers): boolean =>
  [...schedules, ...hooks]
    .flatMap((trigger) => [
      ...(trigger.input.kind === "expr" ? [trigger.input.expr] : []),
      ...("delivery" in trigger ? [trigger.delivery, ...(trigger.when === undefined ? [] : [trigger.when])] : []),
    ])
    .some(readsPattern)

const readsPattern = (expr: Expr): boolean =>
  (expr.op === "call" && WITH_PATTERNS.has(expr.fn)) || parts(expr).some(readsPattern)
