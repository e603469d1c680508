/**
 * Times that come again, as cron writes them: five fields in a time zone. A time table is a function from a moment to the
 * next one; whose clock says what moment it is, is not its business. Source of the syntax: crontab(5), with L and # of croner.
 */
import { Cron } from "croner"

export interface TimeTable {
  /** The first tick after a moment; undefined where none comes any more. Milliseconds since the epoch, both. */
  readonly after: (ms: number) => number | undefined
  /** The last tick after `since` and not after `now`; undefined where there is none. */
  readonly last: (now: number, since: number) => number | undefined
}

/** How far back one looks for the last tick, in steps, so that a table of minutes is not walked for years. */
const WINDOWS_MS = [3_600_000, 86_400_000, 31 * 86_400_000, 400 * 86_400_000, 40 * 366 * 86_400_000]

/**
 * Reads a time table. A change to daylight saving time leaves no tick out of a table that names its hours and minutes (a time that is
 * skipped comes at the first moment after the gap), and gives none twice (of an hour that comes twice, the first counts);
 * a table with `*` or a step in minute or hour goes by the clock through both.
 */
export function readTimeTable(expression: string, timezone: string): TimeTable | { readonly wrong: string } {
  const fields = expression.trim().split(/\s+/).length
  if (!expression.trim().startsWith("@") && fields !== 5)
    return { wrong: `it has ${fields} fields, wanted five: minute, hour, day of the month, month, day of the week` }
  let cron: Cron
  let first: Date | null
  try {
    cron = new Cron(expression, { timezone, paused: true, mode: "5-part", fixedTimeRule: "no-wildcard" })
    first = cron.nextRun(new Date(EPOCH))
  } catch (cause) {
    return { wrong: (cause as Error).message.replace(/^CronPattern: /, "") }
  }
  if (first === null) return { wrong: "such a day never comes" }
  const after = (ms: number): number | undefined => cron.nextRun(new Date(ms))?.getTime()
  return {
    after,
    last: (now, since) => {
      for (const window of WINDOWS_MS) {
        let found: number | undefined
        for (let at = after(Math.max(since, now - window)); at !== undefined && at <= now; at = after(at)) found = at
        if (found !== undefined || now - window <= since) return found
      }
      return undefined
    },
  }
}

/** Is there such a time zone? */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name })
    return true
  } catch (cause) {
    if (cause instanceof RangeError) return false
    throw cause
  }
}

/** Names of time zones for who mistyped one: those of the same part of the world, where that is known. */
export function timeZonesLike(name: string): readonly string[] {
  const all = ["UTC", ...Intl.supportedValuesOf("timeZone")]
  const region = all.filter((zone) => zone.startsWith(`${name.split("/")[0]}/`))
  return region.length > 0 ? region : all
}

/** 2020-01-01T00:00:00Z: every day of the calendar comes within the eight years after it. */
const EPOCH = 1_577_836_800_000
