// `valid:` from the file to the ledger: the engine and the reference evaluator agree on it wherever the node stands, and
// no edit of the plan's bytes takes it away: it is refused, or another graph's hash is on record.
import { afterEach, describe, expect, test } from "bun:test"
import * as v from "valibot"
import { compile } from "../compile/mod.ts"
import { Engine, systemChance, systemClock } from "../deploy/mod.ts"
import { graph, httpOf } from "../graph/build/mod.ts"
import { checkFile } from "../graph/file/mod.ts"
import {
  type CheckedGraph,
  check,
  evaluateGraph,
  type NodeKind,
  printProblemShort,
  registry,
  T,
  type Value,
} from "../graph/mod.ts"
import { AdmissionError, admit, type Demands } from "../kernel/mod.ts"
import { standardKinds } from "../nodes/mod.ts"
import { decodePlan, encodePlan, type Plan } from "../plan/mod.ts"
import { say } from "./say.ts"

const ask: NodeKind = {
  kind: "ask_all",
  about: "Asks each of its tools.",
  main: { form: "text", type: T.string, required: true, about: "The question." },
  fields: {},
  scopes: { key: "tools", role: "tool", about: "Who is asked." },
  takesWith: false,
  sign: () => ({ effect: "read", resource: "panel", needs: [], output: T.list(T.number) }),
  open: () => ({ execute: async (_args, { invoke }) => [await invoke!("tool:t", {})] }),
}
const kinds = registry(say, ask)

function checked(nodes: string, output: string): CheckedGraph {
  const text = `graph: g\ninput: { n: number }\nnodes:\n${nodes}\noutput: ${output}\n`
  const sub =
    "graph: s\ninput: { n: number }\nnodes:\n  inner: { say: read, n: input.n, valid: out != 7 && out == args.n }\noutput: inner\n"
  const found = checkFile({ file: "g.graph.yaml", text }, {
    registry: kinds,
    load: (file: string) => ({ file, text: sub }),
  } as never)
  expect(found.problems.map(printProblemShort)).toEqual([])
  return found.checked!
}

const engines: Engine[] = []
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close()
})
async function prepared(bytes: Uint8Array, demands?: Demands, codegen = true) {
  const services = { clock: systemClock, chance: systemChance }
  const engine = new Engine({ registry: kinds, services, codegen, ...(demands ? { demands } : {}) })
  engines.push(engine)
  return await engine.prepare(bytes, { grants: [] })
}

/** The definition's answer and trace, with the same tools. */
async function defined(g: CheckedGraph, input: Value) {
  const { outcome, trace } = await evaluateGraph(g, input, {
    call: async ({ node, args, invoke }) =>
      node.kind === "say" ? (args as { n: number }).n : [await invoke("tool:t", {})],
  })
  return { outcome: outcome.ok ? outcome.value : outcome.failure.code, trace }
}

const VALID = "valid: out != 7 && out == args.n"
const SAY = `{ say: read, n: input.n, ${VALID} }`
const PLACES: readonly (readonly [place: string, nodes: string, output: string])[] = [
  ["a read", `  a: ${SAY}`, "a"],
  ["a write", `  a: { say: write, n: input.n, ${VALID} }`, "a"],
  ["a pure call", `  a: { say: pure, n: input.n, ${VALID} }`, "a"],
  [
    "two pure calls that are one",
    `  a: { say: pure, n: input.n, ${VALID} }\n  b: { say: pure, n: input.n, ${VALID} }`,
    "[a, b]",
  ],
  [
    "two pure calls, one of them believed",
    `  a: { say: pure, n: input.n, ${VALID} }\n  b: { say: pure, n: input.n }`,
    "[a, b]",
  ],
  ["a call that nobody uses", `  a: { say: pure, n: 7, ${VALID} }\n  b: ${SAY}`, "b"],
  ["a side that is never taken", `  a: { when: "1 == 2", then: { say: read, n: 7, ${VALID} }, else: ${SAY} }`, "a"],
  ["a subgraph", '  a: { graph: ./s.graph.yaml, with: { n: "${ input.n }" } }', "a"],
  ["a map", `  a: { map: "[1, 2]", do: ${SAY} }`, "a"],
  ["a fold", `  a: { fold: "[1]", from: 0, do: { nodes: { b: ${SAY} }, output: acc + b } }`, "a"],
  ["a loop", `  a: { loop: 0, while: state < 1, max: 3, do: { nodes: { b: ${SAY} }, output: "b - b + 1" } }`, "a"],
  [
    "a caught failure",
    `  a: { say: read, n: input.n, ${VALID}, catch: { expr: "error.code == 'Mismatch' ? -1 : -2" } }`,
    "a",
  ],
  ["a body that a tool invokes", `  a: { ask_all: q, tools: { t: { do: ${SAY} } } }`, "a"],
  [
    "one that breaks",
    '  a: { say: read, n: input.n, valid: "[1][int(string(out)) > 50 ? 1 : 0] == 1" }'.replace(
      "int(string(out))",
      "out",
    ),
    "a",
  ],
]

describe("the engine does what the definition says", () => {
  for (const [place, nodes, output] of PLACES) {
    test(place, async () => {
      const g = checked(nodes, output)
      const { bytes } = compile(g)
      for (const codegen of [true, false]) {
        const ready = await prepared(bytes, undefined, codegen)
        expect(ready.admitted.graph).toBe(g.hash)
        for (const n of [1, 7, 100, 107]) {
          const { outcome, trace } = await ready.run({ n })
          const found = { outcome: outcome.ok ? outcome.value : outcome.failure.code, trace }
          expect({ n, codegen, ...found }).toEqual({ n, codegen, ...(await defined(g, { n })) })
          if (n === 7 && place === "a read") expect(found.outcome).toBe("Mismatch")
        }
      }
    })
  }
})

describe("who edits the plan", () => {
  const g = checked(`  a: ${SAY}\n  b: { say: write, n: input.n, valid: out < 50, after: a }`, "[a, b]")
  const { bytes } = compile(g)
  const plan = decodePlan(bytes)
  const refusals = (edited: Plan) => {
    try {
      admit(encodePlan(edited), { registry: kinds, grants: [] })
    } catch (cause) {
      if (cause instanceof AdmissionError) return cause.refusals.map((r) => [r.gate, r.reason, r.path.join(".")])
      throw cause
    }
    return []
  }
  const without = ({ valid: _, ...settings }: Plan["externs"][number]["settings"]) => settings
  const bare = plan.externs.map((x) => ({ ...x, settings: without(x.settings) }))

  test("cannot take it from a call: the list says otherwise", () => {
    expect(refusals({ ...plan, externs: bare })).toEqual([
      ["validated", "claims-less", "a"],
      ["validated", "claims-less", "b"],
    ])
  })
  test("cannot take it off the list: the call says otherwise", () => {
    const { valids: _, ...rest } = plan
    expect(refusals(rest)).toEqual([
      ["validated", "claims-other", "a"],
      ["validated", "claims-other", "b"],
    ])
    expect(refusals({ ...plan, valids: plan.valids!.slice(1) })).toEqual([["validated", "claims-other", "a"]])
  })
  test("cannot give one call another's", () => {
    const swapped = plan.externs.map((x, i) => ({ ...x, settings: plan.externs[1 - i]!.settings }))
    expect(refusals({ ...plan, externs: swapped }).length).toBe(2)
  })
  test("takes it from both, and has another graph, which is on record", () => {
    const { valids: _, ...rest } = plan
    const admitted = admit(encodePlan({ ...rest, externs: bare }), { registry: kinds, grants: [] })
    expect([admitted.plan.graph, admitted.graph]).toEqual([g.core, g.core])
    expect(admitted.graph).not.toBe(g.hash)
  })
  test("cannot come back to the hash by claiming it", () => {
    const { valids: _, ...rest } = plan
    // What a plan says of its graph is the hash without them, which is shorter: the whole hash is none.
    for (const edited of [
      { ...plan, graph: g.hash },
      { ...rest, externs: bare, graph: g.hash },
    ]) {
      expect(() => admit(encodePlan(edited), { registry: kinds, grants: [] })).toThrow(
        "64 lower-case hexadecimal digits",
      )
    }
    const cut = { ...rest, externs: bare, graph: g.hash.slice(2) }
    expect(admit(encodePlan(cut), { registry: kinds, grants: [] }).graph).not.toBe(g.hash)
    const weaker = plan.valids!.map((x) => ({ ...x, valid: { op: "const", value: true } as const }))
    const weak = plan.externs.map((x) => ({ ...x, settings: { ...x.settings, valid: weaker[0]!.valid } }))
    expect(
      admit(encodePlan({ ...plan, valids: weaker, externs: weak }), { registry: kinds, grants: [] }).graph,
    ).not.toBe(g.hash)
    // And where a level is demanded, there is no way without.
    const bald = encodePlan({ ...rest, externs: bare })
    expect(() => admit(bald, { registry: kinds, grants: [], demands: { write: "property" } })).toThrow(AdmissionError)
  })
  test("cannot have the kernel ask nonsense", () => {
    const asking = (valid: unknown) =>
      refusals({
        ...plan,
        valids: [{ path: ["a"], valid: valid as never }, plan.valids![1]!],
        externs: plan.externs.map((x, i) => (i === 0 ? { ...x, settings: { valid: valid as never } } : x)),
      })
    expect(asking({ op: "ref", name: "secret" }).map((r) => r[1])).toEqual(["not-validated"])
    expect(asking({ op: "ref", name: "out" }).map((r) => r[1])).toEqual(["not-validated"])
    expect(asking({ op: "field", of: { op: "ref", name: "out" }, name: "x" }).map((r) => r[1])).toEqual([
      "not-validated",
    ])
    expect(asking({ op: "const", value: true })).toEqual([])
  })
})

test("a graph in TypeScript says it too, and has the hash of its file", () => {
  const rates = httpOf(standardKinds.get("http")!)("rates", {
    request: "GET https://rates.example.com/latest",
    output: v.object({ rate: v.number() }),
  })
  const built = graph("g", { input: {} }, function* () {
    return yield* rates({}, { valid: "out.rate > 0" })
  })
  const text =
    "graph: g\nnodes:\n  rates: { http: GET https://rates.example.com/latest, output: { rate: number }, valid: out.rate > 0 }\noutput: rates\n"
  const file = checkFile({ file: "g.graph.yaml", text }, { registry: standardKinds }).checked!
  const made = check(built.ir, { registry: standardKinds }).checked!
  expect(made.hash).toBe(file.hash)
  expect(made.hash).not.toBe(made.core)
  expect(() =>
    graph("g", { input: {} }, function* () {
      return yield* rates({}, { valid: "out.rate >" })
    }),
  ).toThrow("Cannot read valid")
})
