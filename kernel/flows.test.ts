// Flows that only a guess makes wrong: a shadow is a model, so what it stands in for has a model's words until the tool has
// spoken. What tools themselves bring where is in tests/labels.test.ts.
import { describe, expect, test } from "bun:test"
import { compile } from "../compile/mod.ts"
import { checkFile } from "../graph/file/mod.ts"
import { NO_POLICY, type NodeKind, registry, type Signature, T } from "../graph/mod.ts"
import { refusedFlows, refusedOnGuess } from "./flows.ts"

const text = { form: "text", about: "What." } as const
const kindOf = (kind: string, signature: Partial<Signature>): NodeKind => ({
  kind,
  about: "A tool.",
  main: text,
  fields: {},
  takesWith: false,
  sign: () => ({ effect: "read", resource: kind, needs: [], output: T.string, ...signature }),
  open: () => ({ execute: () => "x" }),
})
const kinds = registry(
  kindOf("book", { origin: "user" }),
  kindOf("model", { origin: "model" }),
  kindOf("fetch", { input: T.record({ fetch: T.string }), sinks: { fetch: "url" } }),
)
const planOf = (nodes: string) => {
  const file = { file: "g.graph.yaml", text: `graph: g\nnodes:\n${nodes}\noutput: x\n` }
  const { checked, problems } = checkFile(file, { registry: kinds, policy: NO_POLICY })
  if (checked === undefined) throw new TypeError(JSON.stringify(problems))
  const { plan } = compile(checked)
  const externs = plan.externs.map((x) => ({
    signature: kinds.get(x.kind)!.sign({} as never) as Signature,
  }))
  const guessed = (...names: string[]) => plan.externs.map((x) => names.includes(x.kind))
  return { plan, externs, guessed }
}

describe("a call on a guess", () => {
  const safe = planOf('  a: { book: "it" }\n  x: { fetch: "${ a }" }')

  test("is refused where a model's words may not go, and where they may go is its own affair", () => {
    expect(refusedFlows(safe.plan, safe.externs, NO_POLICY)).toEqual([])
    expect(refusedOnGuess(safe, safe.guessed())).toEqual(new Set())
    expect(refusedOnGuess(safe, [])).toEqual(new Set())
    expect(refusedOnGuess(safe, safe.guessed("book"))).toEqual(new Set(["x"]))
    expect(refusedOnGuess(safe, safe.guessed("fetch"))).toEqual(new Set())
    expect(refusedOnGuess(safe, safe.guessed("book"), NO_POLICY)).toEqual(new Set())
  })

  test("is named by the names of its path, wherever it stands", () => {
    const inside = planOf('  a: { book: "it" }\n  x: { map: "[1, 2]", do: { fetch: "${ a }" } }')
    expect(refusedOnGuess(inside, inside.guessed("book"))).toEqual(new Set(["x.do"]))
  })

  test("that is refused anyway is among them", () => {
    const wrong = planOf('  a: { model: "it" }\n  x: { fetch: "${ a }" }')
    expect(refusedOnGuess(wrong, wrong.guessed())).toEqual(new Set(["x"]))
  })
})
