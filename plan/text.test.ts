// The text form: what a line says, and that any plan that decodes prints, right or wrong. Whole texts are golden cases.
import { describe, expect, test } from "bun:test"
import { SAMPLES } from "../tests/plans/samples.ts"
import { disasm, type Instr, OPS, type Plan, printInstr } from "./mod.ts"

const sample = (name: string): Plan => SAMPLES[name]!()

describe("disasm", () => {
  test("one line a step: effect, what it is, slots, path, resource, settings, order", () => {
    expect(disasm(sample("tools"), "f0976339e00a5f1e")).toBe(
      `plan tools f0976339e00a…   format 1   4 steps  5 slots   needs net:rates.example.com sql:shop:read sql:shop:write
e0  read   sql      v1 ← in  lines   db:shop   timeout 2s  cache 10m
e1  read   http     v2 ← in  rates   host:rates.example.com   retry 3  shadow ≤1%
e2  write  sql      v3 ← v2  store   db:shop/orders   after e0
b0  pure   block 1  v4 ← v1
    return v4
`,
    )
  })

  test("bodies follow, each with the step that it belongs to", () => {
    const text = disasm(sample("switching"), "")
    expect(text).toContain("b1  pure  switch   v2 ← v1  rate   → scope 1 scope 2 scope 3")
    expect(text).toContain("\nscope 2 of b1 USD\n")
    expect(text).toContain("\nscope 3 of b1 otherwise\n")
  })

  test("a control step has the greatest effect inside it", () => {
    expect(disasm(sample("writing"), "")).toContain("e0  write  map ×1  v1 ← in  rows   → scope 1")
  })

  test("every instruction prints with its name and all its operands", () => {
    for (const make of Object.values(SAMPLES)) {
      const plan = make()
      plan.scopes.forEach((scope, i) => {
        for (const { instrs = [] } of scope.steps) {
          for (const instr of instrs) {
            const text = printInstr(plan, i, instr)
            expect(text.split(" ")).toContain(instr[0])
            const slots = OPS[instr[0]].operands.flatMap(([kind], o) =>
              ["dst", "src", "srcs"].includes(kind) ? [instr[o + 1] as number | number[]].flat() : [],
            )
            expect(text.match(/\b(?:v\d+|p\d+|in)\b/g) ?? []).toHaveLength(slots.length)
          }
        }
      })
    }
  })

  test("what points at nothing is a question mark", () => {
    const plan = sample("arithmetic")
    const lost: Plan = {
      ...plan,
      constants: [],
      types: [],
      scopes: [
        {
          ...plan.scopes[0]!,
          params: [7],
          result: 99,
          steps: [
            { op: ["block", [5]], instrs: [["const", 1, 9] as Instr, ["end"]], nodes: [3, 3] },
            { op: ["map", 2, 1, 1, [0, 4], [], 8, []] },
            { op: ["invoke", 2, 3, 1, 8, [0]] },
          ],
        },
      ],
    }
    const text = disasm(lost, "", { verbose: true })
    expect(text).toContain("v1 ← const ?")
    expect(text).toContain("return v99")
  })
})
