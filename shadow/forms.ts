/**
 * Exact forms beside arithmetic on two operands: conversions with a constant or two for each word, sums and differences of
 * dates, and base64. Which one a tool is, its calls show; that it is that, the gate has to say.
 */
import { isRecord, sameValue, type Value } from "../graph/mod.ts"
import type { Operation } from "./cells/int64.ts"
import type { Answered, Cells } from "./composed.ts"
import { dateOf, daysInMonth, daysOf } from "./encode/calendar.ts"

type Rec = { readonly [name: string]: Value }
/** One step of a conversion: an operation and the constant on its right. */
export type ConversionStep = readonly [operation: Operation, constant: number]

type Form =
  | {
      readonly form: "conversion"
      readonly field: string
      /** The fields whose words say which conversion, by the JSON of their words. */
      readonly words: readonly string[]
      readonly steps: { readonly [words: string]: readonly ConversionStep[] }
    }
  /** A date and a number of days: the date so many days later. */
  | { readonly form: "days-later"; readonly date: string; readonly days: string }
  /** Two dates: days from the first to the second. */
  | { readonly form: "days-between"; readonly from: string; readonly to: string }
  | { readonly form: "base64"; readonly field: string }
/** `result`: the field of the answer that holds it, where that is a record of one field. */
export type FormSpec = Form & { readonly result?: string }

/** What a form says of arguments; undefined where it has no answer. */
export function formOf(spec: FormSpec, by: Cells): (args: Value) => Value | undefined {
  const say = bare(spec, by)
  const { result } = spec
  if (result === undefined) return say
  return (args) => {
    const value = say(args)
    return value === undefined ? undefined : { [result]: value }
  }
}

function bare(spec: Form, by: Cells): (args: Value) => Value | undefined {
  switch (spec.form) {
    case "conversion":
      return (args) => converted(spec, args, by)
    case "days-later":
      return (args) => {
        const [day, days] = isRecord(args) ? [dayOf(args[spec.date]), args[spec.days]] : []
        if (day === undefined || typeof days !== "number" || !Number.isInteger(days)) return undefined
        return Object.keys(args as Rec).length === 2 ? textOf(day + days) : undefined
      }
    case "days-between":
      return (args) => {
        const [from, to] = isRecord(args) ? [dayOf(args[spec.from]), dayOf(args[spec.to])] : []
        if (from === undefined || to === undefined || Object.keys(args as Rec).length !== 2) return undefined
        return to - from
      }
    case "base64":
      return (args) => {
        const given = isRecord(args) && Object.keys(args).length === 1 ? args[spec.field] : undefined
        if (typeof given === "string") return base64(new TextEncoder().encode(given))
        return given instanceof Uint8Array ? base64(given) : undefined
      }
  }
}

function converted(spec: Extract<FormSpec, { form: "conversion" }>, args: Value, by: Cells): Value | undefined {
  if (!isRecord(args) || Object.keys(args).length !== spec.words.length + 1) return undefined
  const x = args[spec.field]
  const key = keyOf(args, spec.words)
  const steps = Object.hasOwn(spec.steps, key) ? spec.steps[key]! : undefined
  if (steps === undefined || typeof x !== "number" || !Number.isFinite(x)) return undefined
  let y = x
  for (const [operation, constant] of steps) y = by.float64(operation, y, constant)
  return Number.isFinite(y) ? y : undefined
}
const keyOf = (args: Rec, words: readonly string[]): string => JSON.stringify(words.map((w) => args[w] ?? null))

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/
function dayOf(v: Value | undefined): number | undefined {
  const found = typeof v === "string" ? DATE.exec(v) : null
  if (found === null) return undefined
  const [year, month, day] = found.slice(1).map(Number) as [number, number, number]
  const real = month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
  return real ? daysOf(year, month, day) : undefined
}
function textOf(days: number): string | undefined {
  const { year, month, day } = dateOf(days)
  const two = (n: number): string => String(n).padStart(2, "0")
  return year >= 0 && year <= 9999 ? `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}` : undefined
}

const SIX_BITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
/** RFC 4648, section 4. */
function base64(bytes: Uint8Array): string {
  let text = ""
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i
    const bits = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    text += SIX_BITS[bits >> 18]! + SIX_BITS[(bits >> 12) & 63]!
    text += (left > 1 ? SIX_BITS[(bits >> 6) & 63]! : "=") + (left > 2 ? SIX_BITS[bits & 63]! : "=")
  }
  return text
}

/** Answered calls that have to agree, of every word. */
const CALLS_MIN = 8

/** Which form a tool is, by its calls: the one that all of them agree with; undefined where there is none. */
export function formFor(calls: readonly Answered[], by: Cells): FormSpec | undefined {
  const result = resultOf(calls)
  if (result === undefined) return bareFor(calls, by)
  const found = bareFor(
    calls.map(({ args, value }) => ({ args, value: (value as Rec)[result]! })),
    by,
  )
  return found && { ...found, result }
}

/** The one field that every answer has, where each of them is a record. */
function resultOf(calls: readonly Answered[]): string | undefined {
  const [first] = calls
  const [name] = first !== undefined && isRecord(first.value) ? Object.keys(first.value) : []
  const all = (value: Value): boolean =>
    isRecord(value) && Object.keys(value).length === 1 && Object.hasOwn(value, name!)
  return name !== undefined && calls.every(({ value }) => all(value)) ? name : undefined
}

function bareFor(calls: readonly Answered[], by: Cells): Form | undefined {
  const first = calls[0]
  if (calls.length < CALLS_MIN || first === undefined || !isRecord(first.args)) return undefined
  const { args } = first
  const names = Object.keys(args)
  const numbers = names.filter((n) => typeof args[n] === "number")
  const texts = names.filter((n) => typeof args[n] === "string")
  const [field] = names
  const [one, two] = texts
  const found: (Form | undefined)[] = []
  if (names.length === 1 && numbers.length === 0) found.push({ form: "base64", field: field! })
  if (names.length === 2 && one !== undefined && numbers.length === 1)
    found.push({ form: "days-later", date: one, days: numbers[0]! })
  if (names.length === 2 && one !== undefined && two !== undefined) {
    found.push({ form: "days-between", from: one, to: two }, { form: "days-between", from: two, to: one })
  }
  if (numbers.length === 1 && names.length === texts.length + 1)
    found.push(conversionFor(calls, numbers[0]!, texts, by))
  return found.find((spec) => spec !== undefined && agrees(bare(spec, by), calls))
}

const agrees = (say: (args: Value) => Value | undefined, calls: readonly Answered[]): boolean =>
  calls.every(({ args, value }) => {
    const said = say(args)
    return said !== undefined && sameValue(said, value)
  })

/** Words that a conversion is looked for of. */
const WORDS_MAX = 256
function conversionFor(
  calls: readonly Answered[],
  field: string,
  words: readonly string[],
  by: Cells,
): Form | undefined {
  const groups = Map.groupBy(calls, ({ args }) => keyOf(args as Rec, words))
  if (groups.size > WORDS_MAX) return undefined
  const steps: { [key: string]: readonly ConversionStep[] } = {}
  for (const [key, some] of groups) {
    const points = some.map(({ args, value }) => [(args as Rec)[field], value] as const)
    if (points.length < CALLS_MIN || !points.every(([x, y]) => Number.isFinite(x) && Number.isFinite(y)))
      return undefined
    const found = stepsFor(points as readonly (readonly [number, number])[], by)
    if (found === undefined) return undefined
    steps[key] = found
  }
  return { form: "conversion", field, words, steps }
}

/** Beyond this a float64 holds too little of a constant that was added. */
const ORDINARY = 1e6
const DENOMINATOR_MAX = 12

function stepsFor(points: readonly (readonly [number, number])[], by: Cells): readonly ConversionStep[] | undefined {
  const sorted = points.filter(([x]) => Math.abs(x) <= ORDINARY).sort((a, b) => a[0] - b[0])
  const [low, high] = [sorted[0], sorted.at(-1)]
  if (low === undefined || high === undefined || low[0] === high[0]) return undefined
  const slope = (high[1] - low[1]) / (high[0] - low[0])
  const zero = sorted.reduce((a, b) => (Math.abs(b[0]) < Math.abs(a[0]) ? b : a))
  const fits = (steps: readonly ConversionStep[]): boolean =>
    points.every(([x, y]) => {
      let z = x
      for (const [operation, constant] of steps) z = by.float64(operation, z, constant)
      return sameValue(z, y)
    })
  for (const scale of scalesOf(slope))
    for (const steps of shifted(scale, zero[1] - slope * zero[0], slope)) if (fits(steps)) return steps
  return undefined
}

/** Ways to write a factor: as one constant, as the divisor that it is the inverse of, as a fraction of small whole numbers. */
function scalesOf(slope: number): readonly (readonly ConversionStep[])[] {
  const all: (readonly ConversionStep[])[] = []
  if (Math.abs(slope - 1) < 1e-9) all.push([])
  for (const c of shortened(slope)) all.push([["multiply", c]])
  for (const c of shortened(1 / slope)) all.push([["divide", c]])
  for (let q = 2; q <= DENOMINATOR_MAX; q++) {
    const p = Math.round(slope * q)
    if (p === 0 || Math.abs(p / q - slope) > 1e-9 * Math.abs(slope)) continue
    all.push(
      [
        ["multiply", p],
        ["divide", q],
      ],
      [
        ["divide", q],
        ["multiply", p],
      ],
      [["multiply", p / q]],
    )
  }
  return all
}

function shifted(scale: readonly ConversionStep[], shift: number, slope: number): (readonly ConversionStep[])[] {
  const ways: (readonly ConversionStep[])[] = [scale]
  for (const c of shortened(shift)) ways.push([...scale, ["add", c]])
  for (const c of shortened(shift / slope)) ways.push([["add", c], ...scale])
  return ways
}

/** The number in ever more digits: the shortest that will do is what somebody wrote. */
function shortened(x: number): readonly number[] {
  if (!Number.isFinite(x) || x === 0) return []
  const all = new Set<number>()
  for (let digits = 1; digits <= 12; digits++) {
    const short = Number(x.toPrecision(digits))
    if (Math.abs(short - x) <= 1e-6 * Math.abs(x)) all.add(short)
  }
  return [...all].slice(0, 6)
}

/** A form as it lies in a file; undefined for what is none. */
export function readForm(v: Value): FormSpec | undefined {
  if (!isRecord(v)) return undefined
  const texts = (...names: readonly string[]): boolean => names.every((n) => typeof v[n] === "string")
  const known =
    v["form"] === "days-later"
      ? texts("date", "days")
      : v["form"] === "days-between"
        ? texts("from", "to")
        : v["form"] === "base64"
          ? texts("field")
          : v["form"] === "conversion" && texts("field") && areWords(v["words"]) && areSteps(v["steps"])
  const { result } = v
  const held = result === undefined || (typeof result === "string" && result !== "__proto__")
  return known && held ? (v as unknown as FormSpec) : undefined
}
const areWords = (v: Value | undefined): boolean => Array.isArray(v) && v.every((w) => typeof w === "string")
const OPERATIONS: ReadonlySet<unknown> = new Set(["add", "subtract", "multiply", "divide"])
const areSteps = (v: Value | undefined): boolean =>
  v !== undefined &&
  isRecord(v) &&
  Object.values(v).every(
    (steps) =>
      Array.isArray(steps) &&
      (steps as readonly Value[]).every((s) => Array.isArray(s) && OPERATIONS.has(s[0]) && typeof s[1] === "number"),
  )
