/**
 * The settings that any node may carry (`COMMON_WORDS`): read from their cells into what the IR holds, with their bounds.
 */
import type { Retry, Settings } from "../ir.ts"
import { parseDuration, parseSize, printDuration } from "../measure.ts"
import type { Mark } from "../places.ts"
import { celOf, wordOf } from "./cells.ts"
import { needFromOutside } from "./folder.ts"
import {
  describe,
  entriesOf,
  isEmpty,
  itemOf,
  type Reading,
  refuse,
  refuseKey,
  refuseSpans,
  refuseUnknownKeys,
  under,
} from "./reading.ts"
import { RETRIES_MAX, RETRY_DELAY_MS, RETRY_DELAY_MS_MAX, TIMEOUT_MS_MAX } from "./vocabulary.ts"

type Writable<X> = { -readonly [K in keyof X]: X[K] }

/** `about`, `output` and `catch` are no settings of the IR; the node reader takes them itself. */
export function settingsOf(r: Reading, node: Mark): Settings {
  const settings: Writable<Settings> = {}
  const take = <X>(key: string, read: (mark: Mark) => X | undefined, put: (value: X) => void) => {
    const mark = under(node, key)
    const value = mark === undefined ? undefined : read(mark)
    if (value !== undefined) put(value)
  }
  take(
    "timeout",
    (m) => durationOf(r, m, TIMEOUT_MS_MAX),
    (ms) => void (settings.timeoutMs = ms),
  )
  take(
    "retry",
    (m) => retryOf(r, m),
    (retry) => void (settings.retry = retry),
  )
  take(
    "cache",
    (m) => durationOf(r, m),
    (ms) => void (settings.cacheMs = ms),
  )
  take(
    "after",
    (m) => namesOf(r, m),
    (names) => void (settings.after = names),
  )
  take(
    "shadow",
    (m) => shadowOf(r, m),
    (shadow) => void (settings.shadow = shadow),
  )
  take(
    "speculate",
    (m) => yesOrNo(r, m),
    (yes) => void (settings.speculate = yes),
  )
  take(
    "valid",
    (m) => celOf(r, m),
    (valid) => void (settings.valid = valid),
  )
  return settings
}

export function durationOf(r: Reading, mark: Mark, max = Number.MAX_SAFE_INTEGER): number | undefined {
  const ms = measureOf(r, mark, "A time", parseDuration)
  if (ms === undefined || (ms > 0 && ms <= max)) return ms
  const upTo = max < Number.MAX_SAFE_INTEGER ? ` and up to ${printDuration(max)}` : ""
  refuse(r, mark, "G207", `A time here lies above 0${upTo}, found ${printDuration(ms)}.`)
  return undefined
}

export const sizeOf = (r: Reading, mark: Mark): number | undefined => measureOf(r, mark, "A size", parseSize)

function measureOf(r: Reading, mark: Mark, what: string, parse: typeof parseSize): number | undefined {
  const text = wordOf(r, mark, what)
  if (text === undefined) return undefined
  const read = parse(text)
  if ("value" in read) return read.value
  refuseSpans(r, mark, 0, read.problems)
  return undefined
}

export function countOf(r: Reading, mark: Mark, min: number, max: number): number | undefined {
  const { cell } = mark
  const n = cell.kind === "scalar" ? cell.value : undefined
  if (typeof n === "number" && Number.isInteger(n) && n >= min && n <= max) return n
  const code = typeof n === "number" ? "G207" : "G008"
  refuse(r, mark, code, `A whole number from ${min} to ${max} is wanted, found ${describe(cell)}.`)
  return undefined
}

function retryOf(r: Reading, mark: Mark): Retry | undefined {
  if (mark.cell.kind !== "map") {
    const times = countOf(r, mark, 0, RETRIES_MAX)
    return times === undefined ? undefined : { times, delayMs: RETRY_DELAY_MS, delayMsMax: RETRY_DELAY_MS_MAX }
  }
  refuseUnknownKeys(r, mark, ["times", "delay", "delay_max"], "`retry`")
  const timesMark = under(mark, "times")
  if (timesMark === undefined) {
    refuseKey(r, mark, "G005", "`retry` does not say how often.", "Write times: 3.")
    return undefined
  }
  const times = countOf(r, timesMark, 0, RETRIES_MAX)
  const delayMark = under(mark, "delay")
  const maxMark = under(mark, "delay_max")
  const delayMs = delayMark === undefined ? RETRY_DELAY_MS : durationOf(r, delayMark)
  const delayMsMax = maxMark === undefined ? Math.max(RETRY_DELAY_MS_MAX, delayMs ?? 0) : durationOf(r, maxMark)
  if (times === undefined || delayMs === undefined || delayMsMax === undefined) return undefined
  if (delayMsMax < delayMs) {
    refuse(
      r,
      maxMark ?? mark,
      "G207",
      "`delay_max` is below `delay`; it is the greatest delay that doubling may reach.",
    )
    return undefined
  }
  return { times, delayMs, delayMsMax }
}

/** A list of capabilities, which may be empty: `needs:` of a graph, `grants:` of a subgraph. */
export function capabilitiesOf(r: Reading, mark: Mark, key: "needs" | "grants"): readonly string[] | undefined {
  if (mark.cell.kind !== "list") {
    refuse(
      r,
      mark,
      "G008",
      `\`${key}\` is a list of capabilities, found ${describe(mark.cell)}.`,
      `Write ${key}: [sql:shop:read].`,
    )
    return undefined
  }
  if (mark.cell.items.length === 0) return []
  return namesOf(r, mark)?.map((need) => needFromOutside(need, r.folder))
}

export function namesOf(r: Reading, mark: Mark): readonly string[] | undefined {
  const { cell } = mark
  const marks = cell.kind === "list" ? cell.items.map((item, i) => itemOf(mark, item, i)) : [mark]
  const names: string[] = []
  for (const part of marks) {
    const name = wordOf(r, part, "A name")
    if (name === undefined) continue
    if (names.includes(name)) refuse(r, part, "G003", `"${name}" is named twice.`, "Keep one of them.")
    else names.push(name)
  }
  return names.length === 0 ? undefined : names
}

function shadowOf(r: Reading, mark: Mark): { error: number } | undefined {
  if (mark.cell.kind !== "map") {
    refuse(r, mark, "G008", `\`shadow\` is a mapping, found ${describe(mark.cell)}.`, "Write { error: 1% }.")
    return undefined
  }
  refuseUnknownKeys(r, mark, ["error"], "`shadow`")
  const [[, error] = [undefined, undefined]] = entriesOf(r, mark, "`shadow`").filter(([key]) => key === "error")
  if (error === undefined) {
    refuseKey(
      r,
      mark,
      "G005",
      "`shadow` does not say how many of its accepted answers may be wrong.",
      "Write { error: 1% }.",
    )
    return undefined
  }
  const text = wordOf(r, error, "A share")
  if (text === undefined) return undefined
  const share = shareOf(text)
  if (share !== undefined) return { error: share }
  refuse(r, error, "G207", `A share lies above 0% and below 100%, found ${JSON.stringify(text)}.`, "Write 1%.")
  return undefined
}

/** `1%` or `0.01`; a share above none and below all. */
function shareOf(text: string): number | undefined {
  const [, digits, percent] = /^([0-9]+(?:\.[0-9]+)?(?:e-[0-9]{1,3})?)(%?)$/.exec(text.trim()) ?? []
  if (digits === undefined) return undefined
  const share = percent === "%" ? Number(digits) / 100 : Number(digits)
  return share > 0 && share < 1 ? share : undefined
}

function yesOrNo(r: Reading, mark: Mark): boolean | undefined {
  const { cell } = mark
  if (cell.kind === "scalar" && typeof cell.value === "boolean") return cell.value
  refuse(r, mark, "G008", `true or false is wanted, found ${isEmpty(cell) ? "nothing" : describe(cell)}.`)
  return undefined
}
