/** Units and dates by libraries that know them; the graph calls these as `fn` nodes, and the lock pins this code. */
import convert from "convert"
import dayjs, { type Dayjs } from "dayjs"
import utc from "dayjs/plugin/utc.js"
import { fn } from "shadowgraph"
import * as v from "valibot"

dayjs.extend(utc)

/** What the shop weighs in pounds and the road service measures in miles, in metric units. */
export const metric = fn(
  "metric",
  {
    input: { weight_lb: v.number(), miles: v.number() },
    output: v.object({ kg: v.number(), km: v.number() }),
    effect: "pure",
    async: false,
  },
  ({ weight_lb, miles }) => ({
    kg: Math.round(convert(weight_lb, "pounds").to("kilograms") * 100) / 100,
    km: Math.round(convert(miles, "miles").to("kilometers") * 10) / 10,
  }),
)

const holidays = v.record(v.string(), v.array(v.string()))

/** Leaves the depot on the next working day there; arrives after so many working days of the country it goes to. */
export const schedule = fn(
  "schedule",
  {
    input: { placed: v.string(), from: v.string(), to: v.string(), days: v.number(), holidays },
    output: v.object({ leaves: v.string(), arrives: v.string(), weekday: v.string() }),
    effect: "pure",
    async: false,
  },
  ({ placed, from, to, days, holidays }) => {
    const leaves = workingDay(dayjs.utc(placed), 1, holidays[from] ?? [])
    const arrives = workingDay(leaves, days, holidays[to] ?? [])
    return { leaves: iso(leaves), arrives: iso(arrives), weekday: arrives.format("ddd") }
  },
)

/** The working day that is `count` working days later. */
function workingDay(from: Dayjs, count: number, holidays: readonly string[]): Dayjs {
  let day = from
  for (let left = count; left > 0; ) {
    day = day.add(1, "day")
    const free = day.day() === 0 || day.day() === 6 || holidays.includes(iso(day))
    if (!free) left--
  }
  return day
}

const iso = (day: Dayjs): string => day.format("YYYY-MM-DD")
