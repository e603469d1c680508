// Code of our own. What it computes with may come from any package; what a graph may know of it is said to `fn`.
import convert from "convert"
import dayjs from "dayjs"
import utc from "dayjs/plugin/utc.js"
import { fn } from "shadowgraph"
import * as v from "valibot"

dayjs.extend(utc)

export const kilograms = fn(
  "kilograms",
  { input: { pounds: v.number() }, output: v.number(), effect: "pure", async: false },
  ({ pounds }) => convert(pounds, "pounds").to("kilograms"),
)

/** A plain function works as well: the node that uses it then says what it gives. */
export function nextMonday({ date }: { date: string }): string {
  const day = dayjs.utc(date)
  return day.add((8 - day.day()) % 7 || 7, "day").format("YYYY-MM-DD")
}
