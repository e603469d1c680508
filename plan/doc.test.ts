// The generated reference is complete; that docs/plan.md is fresh is tested where it is written (`scripts/generate.ts`).
import { expect, test } from "bun:test"
import { OPS, opcodeReference, RULES } from "./mod.ts"

test("every instruction and every rule is on the page once", () => {
  const lines = opcodeReference().split("\n")
  for (const name of Object.keys(OPS))
    expect(lines.filter((l) => /^\| 0x/.test(l) && l.includes(`| \`${name}\` |`))).toHaveLength(1)
  for (const rule of Object.keys(RULES)) expect(lines.filter((l) => l.startsWith(`| ${rule} |`))).toHaveLength(1)
})
