/** Our JSON reading, held against `JSON.parse` on mutated texts: the same are refused, the same values come out. */
import { describe, expect, test } from "bun:test"
import { parseJson } from "./json.ts"
import { plainValue } from "./plain.ts"

const BASE =
  '{ "a": [1, -0.5e3, true, null, "x\\u00e9\\n\\"", {}, []], "b": { "c": "d", "e": [[], [{ "f": 2 }]] }, "g": 1E+2 }'

describe("JSON as cells", () => {
  test("agrees with JSON.parse on 20,000 mutations", () => {
    let seed = 11
    const next = (n: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
      return (seed >>> 7) % n
    }
    const bits = [
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      "1",
      "-",
      ".",
      "e",
      " ",
      "\\",
      "u",
      "t",
      "true",
      "null",
      "\n",
      "\t",
      "0",
    ]
    let accepted = 0
    for (let i = 0; i < 20_000; i++) {
      let text = BASE
      for (let k = 0; k <= next(3); k++) {
        const at = next(text.length)
        text = text.slice(0, at) + (next(2) === 0 ? bits[next(bits.length)] : "") + text.slice(at + next(3))
      }
      let want: unknown
      let refused = false
      try {
        want = JSON.parse(text)
      } catch {
        refused = true
      }
      const { root, problems } = parseJson(text)
      if (refused) expect({ text, refused: problems.length > 0 }).toEqual({ text, refused: true })
      else if (problems.length === 0) {
        accepted++
        expect(plainValue(root!)).toEqual(want as never)
      } else expect(problems.every((p) => p.code === "G003" || p.code === "G008")).toBe(true)
    }
    expect(accepted).toBeGreaterThan(1000)
  })

  test("refuses what JSON.parse lets pass in silence", () => {
    const codes = (text: string) => parseJson(text).problems.map((p) => p.code)
    expect(codes('{ "a": 1, "a": 2 }')).toEqual(["G003"])
    expect(codes('{ "__proto__": 1 }')).toEqual(["G004"])
    expect(codes("[9007199254740993]")).toEqual(["G008"])
    expect(codes("[".repeat(100_000))).toEqual(["G006"])
  })

  test("every cell knows where it stands", () => {
    const { root } = parseJson(BASE)
    const walk = (cell: typeof root): void => {
      if (cell === undefined) return
      expect(JSON.parse(BASE.slice(cell.start, cell.end))).toEqual(plainValue(cell) as never)
      if (cell.kind === "list") cell.items.forEach(walk)
      if (cell.kind === "map") for (const e of cell.entries.values()) walk(e.cell)
    }
    walk(root)
  })
})
