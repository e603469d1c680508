/** Held against the yaml library's own values: every unit that stands in the file is found where it stands. */
import { describe, expect, test } from "bun:test"
import { offsetsOf } from "./offsets.ts"
import type { Cell, Scalar } from "./source.ts"
import { parseYaml } from "./yaml.ts"

function scalars(cell: Cell, into: Scalar[] = []): Scalar[] {
  if (cell.kind === "scalar") into.push(cell)
  else if (cell.kind === "list") for (const item of cell.items) scalars(item, into)
  else for (const entry of cell.entries.values()) scalars(entry.cell, into)
  return into
}
const only = (text: string): Scalar => {
  const { root, problems } = parseYaml(text)
  expect(problems).toEqual([])
  return scalars(root!)[0]!
}

/** Texts of every style; each has the word `here` somewhere awkward. */
const TEXTS: Record<string, string> = {
  plain: "a: x + here\n",
  "plain over lines": "a: x +\n   y\n\n   + here\nb: 1\n",
  single: "a: 'it''s here'\n",
  "single over lines": "a: 'x''\n\n   y here'\n",
  double: 'a: "q\\"\\n\\u00e9\\x41 \\U0001F600 here"\n',
  "double over lines": 'a: "x\n   y \\\n   z\n\n  here"\n',
  literal: "a: |\n    x\n      y\n\n    here\nb: 1\n",
  "literal, stripped": "a: |-\n  x\n  here\n",
  "literal, kept": "a: |+\n  x\n  here\n\n\nb: 1\n",
  "literal, indentation stated": "a: |2\n    x\n  here\n",
  folded: "a: >\n  x\n  y\n\n  z\n  here\n",
  "folded with indented lines": "a: >-\n  x\n  y\n\n   z\n   zz\n\n  w\n  here\n",
  "folded, indented first": "a: >\n  x\n   y\n  z\n  here\n",
  "carriage returns": 'a: |\r\n  x\r\n  here\r\nb: "x\r\n  here"\r\n',
}

describe("offsets inside scalars", () => {
  for (const [name, text] of Object.entries(TEXTS)) {
    test(name, () => {
      const scalar = only(text)
      const offsets = offsetsOf(scalar, text)!
      expect(offsets).toBeDefined()
      const value = scalar.value as string
      const at = value.indexOf("here")
      expect(at).toBeGreaterThanOrEqual(0)
      for (let i = 0; i < 4; i++) expect(text[offsets[at + i]!]).toBe("here"[i]!)
    })
  }

  test("random texts in all styles are retraced", () => {
    let seed = 7
    const next = (n: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
      return (seed >>> 8) % n
    }
    const pieces = ["a", "b c", "\n", "\n\n", "  ", "'", '"', "\\", "é", "😀", "\t", " x"]
    let retraced = 0
    for (let i = 0; i < 4000; i++) {
      const style = next(5)
      const words = Array.from({ length: 1 + next(8) }, () => pieces[next(pieces.length)]!).join("")
      const indent = (s: string) => s.replace(/\n/g, "\n  ")
      const text =
        style === 0
          ? `k: x${indent(words).replace(/["'\\]/g, "")}y\n`
          : style === 1
            ? `k: '${indent(words).replace(/'/g, "''")}'\n`
            : style === 2
              ? `k: "${indent(words).replace(/[\\"]/g, "\\$&")}"\n`
              : `k: ${style === 3 ? "|" : ">"}\n  ${indent(words)}\n`
      const { root, problems } = parseYaml(text)
      if (problems.length > 0 || root === undefined) continue
      const [scalar] = scalars(root)
      if (scalar === undefined || typeof scalar.value !== "string") continue
      const offsets = offsetsOf(scalar, text)
      if (offsets === undefined) continue
      retraced++
      for (let k = 0; k < scalar.value.length; k++) {
        const here = text[offsets[k]!]!
        if (/[a-zé']/.test(scalar.value[k]!) && here !== "\\") expect(here).toBe(scalar.value[k]!)
      }
      expect(offsets.length).toBe(scalar.value.length + 1)
    }
    expect(retraced).toBeGreaterThan(3000)
  })
})
