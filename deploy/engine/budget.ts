/**
 * Budgets as people write them: `calls=100,tokens=50000,money=0.50,wall=30s,bytes=10MB` on the command line, the same keys
 * in the project's own file, with the window of all runs together and the prices of models beside them.
 */
import * as Data from "effect/Data"
import { parseDuration, parseSize } from "../../graph/mod.ts"
import type { Budget, Prices } from "../../kernel/mod.ts"

/** What the project's file states. */
export interface Budgets {
  /** Of a run that says nothing itself. */
  readonly budget?: Budget
  readonly fuel?: number
  /** Of all runs together, in any `windowMs`. */
  readonly tenant?: { readonly budget: Budget; readonly windowMs: number }
  readonly prices?: Prices
}

export class BudgetProblem extends Data.TaggedError("BudgetProblem")<{ readonly message: string }> {}

const bad = (message: string): BudgetProblem => new BudgetProblem({ message })

/** How each key is read; money is in millionths. */
const KEYS: {
  readonly [key: string]: { readonly as: keyof Budget; readonly read: (text: string) => number | undefined }
} = {
  calls: { as: "calls", read: count },
  bytes: { as: "bytes", read: (text) => count(text) ?? measured(parseSize(text)) },
  tokens: { as: "tokens", read: count },
  money: { as: "money", read: millionths },
  wall: { as: "wallMs", read: (text) => measured(parseDuration(text)) },
}
const LIKE = "calls=100,tokens=50000,money=0.50,wall=30s,bytes=10MB"

/** Reads the words of a command line. Fails with `BudgetProblem`. */
export function parseBudget(text: string): Budget {
  const entries = text.split(",").map((part): readonly [string, string] => {
    const at = part.indexOf("=")
    if (at < 0) throw bad(`"${part}" is no part of a budget; write ${LIKE}`)
    return [part.slice(0, at).trim(), part.slice(at + 1).trim()]
  })
  const twice = entries.find(([key], i) => entries.findIndex(([other]) => other === key) < i)
  if (twice !== undefined) throw bad(`"${twice[0]}" stands in the budget twice`)
  return budgetOf(entries)
}

/** Reads `budget`, `tenant` and `prices` of the project's file. Fails with `BudgetProblem`. */
export function readBudgets(data: { readonly [key: string]: unknown }): Budgets {
  const out: { -readonly [K in keyof Budgets]: Budgets[K] } = {}
  if (data["budget"] !== undefined) {
    const { fuel, ...rest } = recordOf("budget", data["budget"])
    out.budget = budgetOf(textsOf(rest))
    if (fuel !== undefined) out.fuel = readFuel(String(fuel))
  }
  if (data["tenant"] !== undefined) out.tenant = readTenant(data["tenant"])
  if (data["prices"] !== undefined) out.prices = pricesOf(recordOf("prices", data["prices"]))
  return out
}

/** What may be spent in a window of time: `{ "calls": 100, "per": "1h" }`. Fails with `BudgetProblem`. */
export function readTenant(value: unknown): NonNullable<Budgets["tenant"]> {
  const { per, ...rest } = recordOf("tenant", value)
  const windowMs = typeof per === "string" ? measured(parseDuration(per)) : undefined
  if (windowMs === undefined || windowMs === 0)
    throw bad(`"tenant" wants "per", the window of time that it holds for, like "1h" or "30d", found ${print(per)}`)
  return { budget: budgetOf(textsOf(rest)), windowMs }
}

/** Fails with `BudgetProblem`. */
export function readFuel(text: string): number {
  const fuel = count(text)
  if (fuel === undefined) throw bad(`fuel is a whole number of steps, found "${text}"`)
  return fuel
}

function budgetOf(entries: readonly (readonly [key: string, text: string])[]): Budget {
  const out: { -readonly [K in keyof Budget]: Budget[K] } = {}
  for (const [key, text] of entries) {
    const how = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined
    if (how === undefined) throw bad(`a budget has no "${key}"; it has ${Object.keys(KEYS).join(", ")}`)
    const amount = how.read(text)
    if (amount === undefined) throw bad(`"${text}" is no budget of ${key}; write it as in ${LIKE}`)
    out[how.as] = amount
  }
  return out
}

function pricesOf({ currency, models, ...stray }: { readonly [key: string]: unknown }): Prices {
  const [key] = Object.keys(stray)
  if (key !== undefined) throw bad(`"prices" has no "${key}"; it has currency and models`)
  if (typeof currency !== "string" || !/^[A-Z]{3}$/.test(currency))
    throw bad(`"prices" wants "currency", three letters like "EUR", found ${print(currency)}`)
  const entries = Object.entries(recordOf("prices.models", models)).map(([model, price]) => {
    const at = `prices.models.${model}`
    const { in: read, out: wrote, ...more } = recordOf(at, price)
    const [tokensIn, tokensOut] = [read, wrote].map((x) => (x === undefined ? undefined : millionths(String(x))))
    if (tokensIn === undefined || tokensOut === undefined || Object.keys(more).length > 0)
      throw bad(`"${at}" wants { "in": 0.15, "out": 0.60 }, ${currency} for a million tokens, found ${print(price)}`)
    return [model, { in: tokensIn, out: tokensOut }] as const
  })
  return { currency, models: Object.fromEntries(entries) }
}

const textsOf = (record: { readonly [key: string]: unknown }): readonly (readonly [string, string])[] =>
  Object.entries(record).map(([key, value]) => [key, typeof value === "number" ? String(value) : textOf(key, value)])

function textOf(key: string, value: unknown): string {
  if (typeof value === "string") return value
  throw bad(`"${key}" of a budget is a number or a text, found ${print(value)}`)
}

function recordOf(key: string, value: unknown): { readonly [key: string]: unknown } {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as { [key: string]: unknown }
  throw bad(`"${key}" must be a mapping, found ${print(value)}`)
}

function count(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
/** A decimal number with at most six places, exactly. */
function millionths(text: string): number | undefined {
  const read = /^(\d{1,9})(?:\.(\d{1,6}))?$/.exec(text)
  return read === null ? undefined : Number(read[1]! + (read[2] ?? "").padEnd(6, "0"))
}
function measured(read: ReturnType<typeof parseDuration>): number | undefined {
  return "value" in read && Number.isSafeInteger(read.value) ? read.value : undefined
}
const print = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value).slice(0, 80))
