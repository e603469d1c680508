/** What the README says was measured is what the results say. */
import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { ROWS, withFigures } from "./readme.ts"

const read = (file: string): string => readFileSync(join(import.meta.dirname, "..", file), "utf8")

test("the README shows every one of its figures, as it was measured last", () => {
  const readme = read("README.md")
  expect(withFigures(readme, read("bench/RESULTS.md"))).toBe(readme)
  for (const [what] of ROWS) expect(readme).toContain(`| ${what} |`)
})

test("a figure that was never measured has no line, and a README without a place for them is refused", () => {
  const empty = "<!-- figures: written by the benches -->\n<!-- /figures -->\n"
  expect(withFigures(empty, "| engine.vs_mastra | 561 | ≥ 100 |")).toContain(
    "\n| the same against Mastra | 561 × | `npm run bench:engine` |\n<!-- /figures -->",
  )
  expect(withFigures(empty, "").split("\n")).toHaveLength(5)
  expect(() => withFigures("# A README", "")).toThrow("no place for figures")
})
