// The generated reference: fresh, and complete.
import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { OPS, opcodeReference, RULES } from "./mod.ts"

test("docs/plan.md is what the tables say; `npm run generate` writes it", () => {
  expect(readFileSync(join(import.meta.dirname, "../docs/plan.md"), "utf8")).toBe(opcodeReference())
})

test("every instruction and every rule is on the page once", () => {
  const lines = opcodeReference().split("\n")
  for (const name of Object.keys(OPS))
    expect(lines.filter((l) => /^\| 0x/.test(l) && l.includes(`| \`${name}\` |`))).toHaveLength(1)
  for (const rule of Object.keys(RULES)) expect(lines.filter((l) => l.startsWith(`| ${rule} |`))).toHaveLength(1)
})
