// Where a plan calls which tool, read off plans as the compiler makes them: whoever answers for a node must hit that node,
// and a refusal must name it.
import { describe, expect, test } from "bun:test"
import { decodePlan, type Plan } from "../plan/mod.ts"
import { compiled, graph, KNOCK } from "../tests/knocking.ts"
import { callsOf, externAt } from "./calls.ts"

const plan = (nodes: string, output: string): Plan => decodePlan(compiled(graph(nodes, output)).bytes)
const said = (p: Plan) => callsOf(p).map((c) => `${c.path.join(".")} ${p.externs[c.extern]!.kind}`)

describe("the calls of a plan", () => {
  test("are those of tools, wherever they stand, and nothing else", () => {
    const nested = plan(
      `  m: { map: '[1, 2]', do: { nodes: { b: ${KNOCK} }, output: b } }
  l: { loop: 0, while: state < 2, max: 9, do: { nodes: { b: ${KNOCK} }, output: "b == 1 ? state + 1 : 9" } }
  z: { now: ms }
  w: { when: z < 0, then: ${KNOCK}, else: { expr: 0 } }
  h: { host: all, tools: { t: { do: { map: '[1]', do: ${KNOCK} } } } }`,
      "[m, l, w, h]",
    )
    expect(said(nested).sort()).toEqual(["h host", "h.t.do door", "l.do.b door", "m.do.b door", "w.then door", "z now"])
    expect(said(plan("  a: { expr: 1 }", "a"))).toEqual([])
  })

  test("are found by a path of a run, whatever item or iteration it is of", () => {
    const p = plan(`  m: { map: '[1, 2]', do: { nodes: { b: ${KNOCK} }, output: b } }\n  a: { now: ms }`, "[m, a]")
    const kindAt = (...path: (string | number)[]) => p.externs[externAt(p, path) ?? -1]?.kind
    expect(kindAt("m", 0, "do", "b")).toBe("door")
    expect(kindAt("m", 17, "do", "b")).toBe("door")
    expect(kindAt("a")).toBe("now")
    // A map is no call, nor is what only begins or ends like a call's path.
    expect(kindAt("m")).toBeUndefined()
    expect(kindAt("m", 0, "do")).toBeUndefined()
    expect(kindAt("a", "b")).toBeUndefined()
    expect(kindAt("b")).toBeUndefined()
    expect(kindAt("m", 0, "do", "c")).toBeUndefined()
  })
})
