/**
 * Plans that break one rule each, by rule: the verifier has to refuse each with that very rule. `seen` marks those that
 * the oracle of the hostile tests must find wrong on its own, so that it is known to have eyes.
 */
import { T, type Type } from "../../graph/mod.ts"
import type { Instr, Plan, PlanStep, Rule, Step } from "../../plan/mod.ts"
import { BROKEN_BLOCKS, block } from "./broken_blocks.ts"
import { SAMPLES } from "./samples.ts"
import { Sketch } from "./sketch.ts"

export interface Broken {
  readonly rule: Rule
  readonly what: string
  readonly plan: Plan
  readonly seen?: true
}

const num = T.number
const bool = T.boolean
const str = T.string

/** Steps on a number; the last slot is the result. */
function steps(slots: number, draw: (s: Sketch) => readonly (PlanStep | Step)[], result = slots - 1): Plan {
  const s = new Sketch("broken")
  const at = s.reserve()
  s.scope({ at, params: [num], slots, result, type: num, steps: draw(s) })
  return s.plan(num, num)
}

const sample = (name: string): Plan => SAMPLES[name]!()
const scopes = (p: Plan, change: (scopes: Plan["scopes"][number][]) => void): Plan => {
  const copy = p.scopes.map((s) => ({ ...s, steps: [...s.steps] }))
  change(copy)
  return { ...p, scopes: copy }
}
const only = (p: Plan, change: object): Plan => scopes(p, (s) => void (s[0] = { ...s[0]!, ...change }))
const tool = (s: Sketch, effect: "pure" | "read" | "write" = "pure", resource = "db:a") =>
  s.extern({ input: num, output: num, effect, resource: effect === "pure" ? null : resource })
const body = (s: Sketch, step: (s: Sketch) => PlanStep | Step) =>
  s.scope({ params: [num, num], slots: 3, result: 2, type: num, steps: [step(s)] })
const deep = (levels: number): Type => (levels === 0 ? num : T.list(deep(levels - 1)))

const OUT = { op: "ref", name: "out" } as const

export const BROKEN: readonly Broken[] = [
  ...BROKEN_BLOCKS,
  { rule: "P001", what: "another semantics", plan: { ...sample("arithmetic"), semantics: 2 }, seen: true },
  {
    rule: "P002",
    what: "an unknown kind of type",
    plan: { ...sample("arithmetic"), types: [{ kind: "what" } as never] },
  },
  { rule: "P003", what: "no hash of a graph", plan: { ...sample("arithmetic"), graph: "ab" }, seen: true },
  {
    rule: "P004",
    what: "types nested too deep",
    plan: { ...sample("arithmetic"), types: [...sample("arithmetic").types, deep(128)] },
  },
  {
    rule: "P004",
    what: "an inferred type that doubles with every instruction",
    plan: block(num, num, 22, (s) => [
      ...Array.from({ length: 20 }, (_, i): Instr => ["record", i + 1, s.texts("a", "b"), [i, i]]),
      ["const", 21, s.const(1, num)],
    ]),
  },
  {
    rule: "P004",
    what: "a default that is no value of its field",
    plan: { ...sample("handing"), types: [T.unknown, T.record({ a: { type: num, default: "x" } })] },
    seen: true,
  },
  {
    rule: "P005",
    what: "a constant that is not of its type",
    plan: block(num, num, 2, (s) => [["const", 1, s.const("x", num)]]),
    seen: true,
  },
  {
    rule: "P006",
    what: "an effect on nothing",
    plan: { ...sample("catching"), externs: sample("catching").externs.map((x) => ({ ...x, resource: null })) },
    seen: true,
  },
  { rule: "P007", what: "a need that is not stated", plan: { ...sample("tools"), needs: [] }, seen: true },
  {
    rule: "P008",
    what: "a scope that is a body of itself",
    plan: steps(2, (s) => [["enter", 1, [0], [0], s.texts("a"), []]]),
    seen: true,
  },
  {
    rule: "P008",
    what: "a scope that nobody uses",
    plan: scopes(sample("handing"), (s) => void s.push(s[0]!)),
    seen: true,
  },
  {
    rule: "P010",
    what: "a frame larger than what is written",
    plan: only(sample("arithmetic"), { slots: 7 }),
    seen: true,
  },
  { rule: "P011", what: "a slot beyond the frame", plan: block(num, num, 2, () => [["neg", 1, 9]]) },
  { rule: "P011", what: "a constant beyond the table", plan: block(num, num, 2, () => [["const", 1, 99]]) },
  {
    rule: "P012",
    what: "names of a record out of order",
    plan: block(num, T.unknown, 2, (s) => [["record", 1, s.texts("b", "a"), [0, 0]]]),
  },
  { rule: "P013", what: "waits for itself", plan: steps(2, (s) => [s.block("a", [["neg", 1, 0]], [0])]) },
  {
    rule: "P014",
    what: "a `when` with one body",
    plan: steps(2, (s) => {
      const one = s.scope({
        params: [],
        slots: 1,
        result: 0,
        type: num,
        steps: [s.block("x", [["const", 0, s.const(1, num)]])],
      })
      const test = s.block("t", [["const", 1, s.const(true, bool)]])
      return [test, ["when", 1, 1, [one], [], s.texts("w"), []]]
    }),
  },
  {
    rule: "P014",
    what: "a capture that no body has a parameter for",
    plan: steps(2, (s) => {
      const one = s.scope({ params: [num], slots: 1, result: 0, type: num, steps: [] })
      return [["enter", 1, [one], [0, 0], s.texts("w"), []]]
    }),
  },
  {
    rule: "P015",
    what: "a map that runs nothing at once",
    plan: scopes(sample("mapping"), (s) => {
      const [first, map] = s[0]!.steps as [PlanStep, PlanStep]
      s[0] = { ...s[0]!, steps: [first, { op: (map.op as readonly unknown[]).with(3, 0) as never }] }
    }),
    seen: true,
  },
  {
    rule: "P016",
    what: "an instruction without its node",
    plan: scopes(sample("arithmetic"), (s) => void (s[0] = { ...s[0]!, steps: [{ ...s[0]!.steps[0]!, nodes: [] }] })),
  },
  {
    rule: "P020",
    what: "a slot that nobody wrote",
    plan: block(num, num, 3, () => [
      ["add", 2, 0, 1],
      ["copy", 1, 0],
    ]),
    seen: true,
  },
  {
    rule: "P020",
    what: "a slot that a later step writes",
    plan: steps(3, (s) => [
      ["invoke", 2, tool(s), 1, s.texts("a"), []],
      ["invoke", 1, tool(s), 0, s.texts("b"), []],
    ]),
    seen: true,
  },
  {
    rule: "P021",
    what: "a write to the input",
    plan: block(num, num, 2, () => [
      ["neg", 0, 0],
      ["neg", 1, 0],
    ]),
    seen: true,
  },
  {
    rule: "P022",
    what: "a slot overwritten that another step reads",
    plan: steps(3, (s) => [
      ["invoke", 1, tool(s), 0, s.texts("a"), []],
      ["invoke", 2, tool(s), 1, s.texts("b"), []],
      ["invoke", 1, tool(s), 0, s.texts("c"), []],
      s.block("d", [["add", 2, 1, 2]]),
    ]),
    seen: true,
  },
  {
    rule: "P022",
    what: "a slot taken over while a body may still read it",
    plan: steps(3, (s) => {
      const one = s.scope({ params: [num], slots: 1, result: 0, type: num, steps: [] })
      return [
        ["invoke", 1, tool(s), 0, s.texts("a"), []],
        ["enter", 2, [one], [1], s.texts("e"), []],
        ["invoke", 1, tool(s), 1, s.texts("b"), []],
        s.block("d", [["add", 2, 1, 2]]),
      ]
    }),
    seen: true,
  },
  {
    rule: "P023",
    what: "a slot that a block leaves on one side only",
    plan: steps(3, (s) => [
      s.block("a", [["const", 2, s.const(true, bool)], ["if", 2], ["copy", 1, 0], ["else"], ["end"]]),
      s.block("b", [["neg", 2, 1]]),
    ]),
  },
  {
    rule: "P024",
    what: "a read from before the block on one side, behind a write on the other",
    plan: steps(3, (s) => [
      s.block("a", [["neg", 1, 0]]),
      s.block("b", [
        ["const", 2, s.const(true, bool)],
        ["if", 2],
        ["copy", 1, 0],
        ["copy", 2, 1],
        ["else"],
        ["copy", 2, 1],
        ["end"],
      ]),
    ]),
  },
  {
    rule: "P041",
    what: "a tool that is handed a text",
    plan: steps(3, (s) => [
      s.block("t", [["const", 1, s.const("x", str)]]),
      ["invoke", 2, tool(s), 1, s.texts("a"), []],
    ]),
    seen: true,
  },
  {
    rule: "P041",
    what: "a body that takes another item",
    plan: scopes(
      sample("folding"),
      (s) => void (s[1] = { ...s[1]!, params: [...s[1]!.params.slice(0, 2), s[0]!.params[0]!] }),
    ),
  },
  { rule: "P042", what: "a result of another type", plan: block(num, str, 2, () => [["neg", 1, 0]]), seen: true },
  {
    rule: "P042",
    what: "a record without the field that has a default",
    plan: block(num, T.record({ a: { type: num, default: 1 } }), 2, (s) => [["record", 1, s.texts(), []]]),
    seen: true,
  },
  {
    rule: "P043",
    what: "a function that is not there",
    plan: block(num, num, 2, (s) => [["call", 1, s.text("constructor"), [0]]]),
    seen: true,
  },
  {
    rule: "P044",
    what: "a case twice",
    plan: twice(),
  },
  {
    rule: "P050",
    what: "a write beside a read of what contains it",
    plan: steps(3, (s) => [
      ["invoke", 1, tool(s, "read", "fs:/a"), 0, s.texts("a"), []],
      ["invoke", 2, tool(s, "write", "fs:/a/b"), 0, s.texts("b"), []],
    ]),
    seen: true,
  },
  {
    rule: "P050",
    what: "a write that only a capture ties to the one before",
    plan: steps(3, (s) => {
      const one = s.scope({
        params: [num],
        slots: 2,
        result: 1,
        type: num,
        steps: [["invoke", 1, tool(s, "write"), 0, s.texts("w"), []]],
      })
      return [
        ["invoke", 1, tool(s, "write"), 0, s.texts("a"), []],
        ["enter", 2, [one], [1], s.texts("e"), []],
      ]
    }),
    seen: true,
  },
  {
    rule: "P051",
    what: "writes of many items at once",
    plan: (() => {
      const s = new Sketch("broken")
      const top = s.reserve()
      const one = body(s, () => ["invoke", 2, tool(s, "write"), 0, s.texts("do"), []])
      const list = T.list(num)
      s.scope({
        at: top,
        params: [list],
        slots: 2,
        result: 1,
        type: list,
        steps: [["map", 1, 0, 4, [one], [], s.texts("m"), []]],
      })
      return s.plan(list, list)
    })(),
    seen: true,
  },
  {
    rule: "P054",
    what: "one path narrowed twice",
    plan: {
      ...sample("tools"),
      narrowed: [
        { at: ["a"], grants: [] },
        { at: ["a"], grants: ["net:*"] },
      ],
    },
  },
  { rule: "P054", what: "a narrowing of everything", plan: { ...sample("tools"), narrowed: [{ at: [], grants: [] }] } },
  {
    rule: "P053",
    what: "two calls of one path",
    plan: steps(3, (s) => [
      ["invoke", 1, tool(s, "read"), 0, s.texts("a"), []],
      ["invoke", 2, tool(s, "read"), 1, s.texts("a"), []],
    ]),
    seen: true,
  },
  {
    rule: "P055",
    what: "one write with two undos",
    plan: undoing([1, 1].map((extern) => ({ path: ["a"], extern, args: OUT }))),
  },
  { rule: "P055", what: "an undo that reads", plan: undoing([{ path: ["a"], extern: 2, args: OUT }]) },
  { rule: "P055", what: "an undo of a read", plan: undoing([{ path: ["a"], extern: 1, args: OUT }], "read") },
  { rule: "P055", what: "an undo of nothing", plan: undoing([{ path: [], extern: 1, args: OUT }]) },
  {
    rule: "P055",
    what: "an undo that looks around",
    plan: undoing([{ path: ["b"], extern: 1, args: { op: "ref", name: "input" } }]),
  },
  {
    rule: "P055",
    what: "an undo that is handed a text",
    plan: undoing([{ path: ["a"], extern: 1, args: { op: "const", value: "x" } }]),
  },
  { rule: "P011", what: "an undo by nobody", plan: undoing([{ path: ["a"], extern: 3, args: OUT }]) },
]

/** A write at `a`, and undos of it: extern 0 writes, 1 takes it back, 2 reads. */
function undoing(undos: NonNullable<Plan["undos"]>, writes: "write" | "read" = "write"): Plan {
  const drawn = steps(2, (s) => {
    s.extern({ input: num, output: num, effect: writes, resource: "db:a" })
    s.extern({ input: num, output: num, effect: "write", resource: "db:a" })
    s.extern({ input: num, output: num, effect: "read", resource: "db:a" })
    return [["invoke", 1, 0, 0, s.texts("a"), []]]
  })
  return { ...drawn, undos }
}
function twice(): Plan {
  const p = sample("switching")
  const constants = p.constants.map((c) =>
    Array.isArray(c.value) && c.value.length === 2 ? { ...c, value: ["EUR", "EUR"] } : c,
  )
  return { ...p, constants }
}
