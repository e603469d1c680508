/**
 * The table of figures in the README, made from `RESULTS.md`: a bench that writes its results writes these lines as well,
 * and a test holds the two together, so that the README says what was measured last.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const ROOT = join(import.meta.dirname, "..")
const BEGIN = "<!-- figures: written by the benches -->\n"
const END = "<!-- /figures -->"

type Line = readonly [what: string, figure: string, command: string, more?: string]
export const ROWS: readonly Line[] = [
  ["a node of a chain of functions, against plain `await`", "engine.fn.vs_await", "bench:engine"],
  ["the same against Mastra", "engine.vs_mastra", "bench:engine"],
  ["the same against LangGraph.js", "engine.vs_langgraph", "bench:engine"],
  ["durable runs a second, against DBOS on Postgres", "durable.vs_dbos", "bench:durable"],
  ["requests a second over HTTP, against Mastra's server", "http.vs_mastra", "bench:http"],
  [
    "the same against Hono with the same work by hand, unchecked and unrecorded",
    "http.vs_hono",
    "bench:http",
    "aim 0.7",
  ],
  [
    "five real tools on shadows: median time saved",
    "speculate.p50_cut_pct",
    "bench:speculate",
    "a perfect shadow: about 74",
  ],
  ["a call of a shadow of 6,000 weights, against the best other runtime", "shadow.call_6k_vs_best", "bench:shadow"],
]

/** The README with those of its figures that `results` holds. Fails with `RangeError` where the README has no place for them. */
export function withFigures(readme: string, results: string): string {
  const lines = ROWS.flatMap(([what, figure, command, more]) => {
    const found = new RegExp(`^\\| ${figure.replaceAll(".", "\\.")} \\| ([^|]+) \\|`, "m").exec(results)
    if (found === null) return []
    const [value, unit = "×"] = found[1]!.trim().split(" ")
    return `| ${what} | ${Number(value).toLocaleString("en-US")} ${unit}${more === undefined ? "" : ` (${more})`} | \`npm run ${command}\` |`
  })
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)]
  if (from < 0 || to < from) throw new RangeError(`README.md has no place for figures: ${BEGIN.trim()} … ${END}`)
  const table = ["| | measured | by |", "|---|---|---|", ...lines, ""].join("\n")
  return readme.slice(0, from + BEGIN.length) + table + readme.slice(to)
}

/** Writes the figures of `RESULTS.md` into the README. */
export function writeFigures(results: string): void {
  const file = join(ROOT, "README.md")
  writeFileSync(file, withFigures(readFileSync(file, "utf8"), results))
}
