/**
 * Schedules and hooks as a program carries them: what `shadowgraph deploy` read from the project's file and found fit, as one text,
 * since a deployment reads no expressions. What is only for checking stays behind.
 */
import { base64, decode, encode, T, type Value } from "../../graph/mod.ts"
import { readTimeTable, type TimeTable } from "./cron.ts"
import type { Given, Hook, Schedule } from "./read.ts"
import { SCHEMES } from "./signature.ts"

type PackedGiven = { readonly value: Value } | { readonly expr: unknown }
interface PackedTrigger {
  readonly name: string
  readonly graph: string
  readonly input: PackedGiven
  readonly grants?: readonly string[]
}
interface Packed {
  readonly schedules: readonly (PackedTrigger & Pick<Schedule, "cron" | "timezone" | "missed" | "overlap">)[]
  readonly hooks: readonly (PackedTrigger &
    Pick<Hook, "secrets" | "toleranceMs" | "when" | "delivery"> & { readonly signature: string })[]
}

export function packTriggers(schedules: readonly Schedule[], hooks: readonly Hook[]): string {
  const packed: Packed = {
    schedules: schedules.map((schedule) => {
      const { cron, timezone, missed, overlap } = schedule
      return { ...common(schedule), cron, timezone, missed, overlap }
    }),
    hooks: hooks.map((hook) => {
      const { scheme, secrets, toleranceMs, when, delivery } = hook
      return { ...common(hook), signature: wordOf(scheme), secrets, toleranceMs, delivery, ...(when ? { when } : {}) }
    }),
  }
  return base64(encode(packed as unknown as Value))
}

const common = ({ name, graph, input, grants }: Schedule | Hook): PackedTrigger => ({
  name,
  graph,
  input: input.kind === "value" ? { value: input.value } : { expr: input.expr },
  ...(grants === undefined ? {} : { grants }),
})

/** How a form of signature is called in the project's file. */
export const wordOf = (scheme: Hook["scheme"]): string =>
  Object.entries(SCHEMES).find(([, known]) => known === scheme)![0]

/** Fails with `ValueError` where the text is not what was packed. */
export function unpackTriggers(text: string): {
  readonly schedules: readonly Schedule[]
  readonly hooks: readonly Hook[]
} {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
  const { schedules, hooks } = decode(bytes) as unknown as Packed
  return {
    schedules: schedules.map((schedule) => {
      const { cron, timezone } = schedule
      // Read before, when it was packed.
      return { ...schedule, input: givenOf(schedule.input), table: readTimeTable(cron, timezone) as TimeTable }
    }),
    hooks: hooks.map(({ signature, ...hook }) => ({
      ...hook,
      input: givenOf(hook.input),
      scheme: SCHEMES[signature]!,
      body: T.unknown,
    })),
  }
}

const givenOf = (packed: PackedGiven): Given =>
  "value" in packed
    ? { kind: "value", value: packed.value }
    : { kind: "expr", expr: packed.expr as Extract<Given, { kind: "expr" }>["expr"], inserted: [] }
