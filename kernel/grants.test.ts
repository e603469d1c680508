// What narrows a run's rights, read off plans that are drawn by hand: a compiler makes none of the wrong ones.
import { describe, expect, test } from "bun:test"
import { type Narrowing, registry, T } from "../graph/mod.ts"
import type { Plan } from "../plan/mod.ts"
import { Sketch } from "../tests/plans/sketch.ts"
import { capabilityFault, grantedBy, narrowedAway, narrowingsOf, notCapability, readLayers } from "./grants.ts"

/** A plan that calls externs at these paths, in this order. */
function planOf(narrowed: readonly Narrowing[], ...calls: (readonly [extern: number, ...path: string[]])[]): Plan {
  const s = new Sketch("p")
  for (let i = 0; i <= Math.max(...calls.map(([extern]) => extern)); i++) s.extern({ kind: "tool", output: T.number })
  s.scope({
    params: [T.record({})],
    slots: calls.length + 1,
    result: 1,
    type: T.number,
    steps: calls.map(([extern, ...path], i) => ["invoke", i + 1, extern, 0, s.texts(...path), []] as const),
  })
  return s.plan(T.record({}), T.number, { narrowed })
}
const at = (...path: string[]): Narrowing => ({ at: path, grants: [`net:${path.join(".")}`] })
const [A, AB, B] = [at("a"), at("a", "b"), at("b")]
const inForce = (plan: Plan, graph = "g", expected?: string) => narrowingsOf(plan, graph, expected)

describe("what is in force where a tool is called", () => {
  test("is every narrowing around it, the outermost first; a tool that nobody calls has none", () => {
    const plan = planOf([A, AB, B], [0, "x"], [1, "a", "x"], [2, "a", "b", "x"], [3, "b", "a", "x"], [5, "ab", "x"])
    expect(inForce(plan)).toEqual([[], [A], [A, AB], [B], undefined, []])
    expect(inForce(planOf([], [0, "x"], [1, "a", "x"]))).toEqual([[], []])
  })

  test("is the same wherever one tool is called, or the plan is forged", () => {
    expect(inForce(planOf([A, B], [0, "a", "x"], [0, "a", "y"], [1, "z"]))).toEqual([[A], []])
    expect(inForce(planOf([A, AB], [0, "a", "b", "x"], [0, "a", "b", "y"]))).toEqual([[A, AB]])
    for (const [first, second] of [
      [
        ["a", "x"],
        ["b", "x"],
      ],
      [["a", "x"], ["x"]],
      [["x"], ["a", "x"]],
      [
        ["a", "x"],
        ["a", "b", "x"],
      ],
      [
        ["a", "b", "x"],
        ["a", "x"],
      ],
    ] as const) {
      let refused: unknown
      try {
        inForce(planOf([A, AB, B], [0, ...first], [0, ...second]))
      } catch (cause) {
        refused = cause
      }
      expect(refused).toMatchObject({
        _tag: "AdmissionError",
        reason: "forged-grants",
        refusals: [{ path: [...second], gate: "granted", message: "is one extern with a call under other `grants:`" }],
      })
    }
  })

  test("is that of the graph that was checked", () => {
    expect(inForce(planOf([A], [0, "a", "x"]), "g".repeat(20), "g".repeat(20))).toEqual([[A]])
    const found = (narrowed: readonly Narrowing[]) => () =>
      inForce(planOf(narrowed, [0, "x"]), "f".repeat(20), "e".repeat(20))
    const what = `graph: the plan must be of the graph that was checked, ${"e".repeat(12)}…, found ${"f".repeat(12)}…`
    expect(found([])).toThrow(`${what}, which narrows nothing. Compile the graph again`)
    expect(found([A, AB])).toThrow(`${what}, which narrows a, a.b. Compile the graph again`)
  })
})

describe("a right", () => {
  const layers = [
    ["net:a", "net:b", "fs:read:/c"],
    ["net:a", "fs:read:/c"],
    ["net:a", "net:b", "fs:read:/c/d"],
  ]
  test("is had where every layer covers it", () => {
    const granted = grantedBy(layers)
    expect(["net:a", "net:b", "fs:read:/c/d/e", "fs:read:/c/e"].map((c) => granted(c))).toEqual([
      true,
      false,
      true,
      false,
    ])
    expect(grantedBy([[]])("net:a")).toBe(false)
  })

  test("that is asked for by name is had where the run was granted that very text", () => {
    const granted = grantedBy(layers)
    expect(granted("net:a", "exactly")).toBe(true)
    expect(granted("fs:read:/c/d", "exactly")).toBe(false)
    expect(granted("net:b", "exactly")).toBe(false)
  })

  test("that a subgraph leaves out is refused by the name of the outermost that does", () => {
    const outer: Narrowing = { at: ["a"], grants: ["net:x", "net:y"] }
    const inner: Narrowing = { at: ["a", "b"], grants: ["net:x"] }
    expect(narrowedAway("net:y", [outer, inner]).message).toBe("needs net:y, which the `grants:` of a.b leave out")
    expect(narrowedAway("net:z", [outer, inner]).message).toContain("of a leave out")
  })
})

describe("layers", () => {
  test("are copies, frozen through and through", () => {
    const given = [["net:a"], ["net:b"]]
    const read = readLayers("p", given, registry())
    given[0]!.push("net:c")
    expect(read).toEqual([["net:a"], ["net:b"]])
    expect([read, ...read].every(Object.isFrozen)).toBe(true)
  })

  test("with a text that is no capability are refused, and told how it is written where that can be told", () => {
    const schemes = new Set(["net"])
    const fixable = capabilityFault("net:EXAMPLE.com", schemes)!
    expect(notCapability(fixable).fix).toBe("Write net:example.com")
    const hopeless = capabilityFault("nonsense", schemes)!
    expect(hopeless.fix).toBeUndefined()
    expect(notCapability(hopeless).fix).toBe("Write it as docs/capabilities.md says")
    expect(() => readLayers("p", [["net:a"], ["nonsense"]], registry())).toThrow("nonsense")
  })
})
