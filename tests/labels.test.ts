/**
 * The policy at admission: what a checker let pass, or never saw, is refused all the same when the plan itself would bring
 * somebody's text where it must not go. Plans that were changed after they were compiled; registrations that lie differently.
 */
import { describe, expect, test } from "bun:test"
import { compile } from "../compile/mod.ts"
import { checkFile } from "../graph/file/mod.ts"
import {
  NO_POLICY,
  type NodeKind,
  type Origin,
  type Policy,
  parsePolicy,
  registry,
  T,
  validated,
} from "../graph/mod.ts"
import { AdmissionError, admit } from "../kernel/mod.ts"
import { decodePlan, encodePlan, type Instr, type Plan } from "../plan/mod.ts"

const text = { form: "text", about: "What." } as const
const model: NodeKind = {
  kind: "model",
  about: "A model.",
  main: text,
  fields: {},
  takesWith: false,
  sign: (node) => ({
    effect: "read",
    resource: "model:main",
    needs: [],
    output: node.output ?? T.string,
    origin: "model",
  }),
  open: () => ({ execute: () => "http://localhost" }),
}
const send: NodeKind = {
  kind: "send",
  about: "Sends a text to an address.",
  main: text,
  fields: { body: text },
  takesWith: false,
  sign: () => ({
    effect: "write",
    resource: "road",
    needs: [],
    input: T.record({ send: T.string, body: T.string }),
    output: T.string,
    sinks: { send: "url", body: "body" },
  }),
  open: () => ({ execute: () => "sent" }),
}
const kinds = registry(model, send)

const planOf = (nodes: string): Plan => {
  const file = { file: "g.graph.yaml", text: `graph: g\nnodes:\n${nodes}\noutput: x\n` }
  const { checked, problems } = checkFile(file, { registry: kinds, policy: NO_POLICY })
  if (checked === undefined) throw new TypeError(JSON.stringify(problems))
  return compile(checked).plan
}
function refusals(plan: Plan, policy?: Policy, registered = kinds): readonly string[] {
  try {
    admit(encodePlan(plan), { registry: registered, grants: [], ...(policy ? { policy } : {}) })
    return []
  } catch (cause) {
    if (!(cause instanceof AdmissionError)) throw cause
    expect(cause.reason).toBe("flow")
    return cause.refusals.map(({ gate, path, message }) => `${gate} ${path.join(".")}: ${message}`)
  }
}
test("the policy is asked once every gate is open: of a tool that nobody registered nobody knows what it would do", () => {
  const plan = planOf('  m: { model: hello }\n  x: { send: "${ m }", body: hello }')
  expect(refusals(plan).length).toBe(1)
  const gates = (registered = kinds) => {
    try {
      admit(encodePlan(plan), { registry: registered, grants: [] })
    } catch (cause) {
      return (cause as AdmissionError).refusals.map(({ gate }) => gate)
    }
  }
  expect([gates(), gates(registry(model)), gates(registry(send))]).toEqual([["policy"], ["registered"], ["registered"]])
})

const REFUSED =
  "policy x: Text of the model main would be an address (send). The policy says: refuse model text into shell, code, sql, url, url-path, path"

describe("at admission", () => {
  test("the input is the user's where nobody says otherwise; said to be a tool's, it goes where a tool's text may", () => {
    const file = {
      file: "g.graph.yaml",
      text: `graph: g\ninput: { to: string, which: a | b, n: number }\nnodes:\n  x: { send: "\${ input.to }", body: "\${ input.to }" }\n  y: { send: "http://\${ input.which }/\${ input.n }", body: hello, after: x }\noutput: "[x, y]"\n`,
    }
    const { checked } = checkFile(file, { registry: kinds })
    const { bytes } = compile(checked!)
    const as = (input?: Origin, policy?: Policy) => {
      try {
        admit(bytes, { registry: kinds, grants: [], ...(input ? { input } : {}), ...(policy ? { policy } : {}) })
        return []
      } catch (cause) {
        return (cause as AdmissionError).refusals.map(({ gate, path, fix }) => [gate, path.join("."), fix])
      }
    }
    const hook: Origin = { who: "tool", of: "hook:pushed" }
    expect(as()).toEqual([])
    expect(as({ who: "user", of: "" })).toEqual([])
    // A word of a list and a number carry no text.
    const fix = 'To allow it: --policy "allow tool hook:pushed text into url at g.x"'
    expect(as(hook)).toEqual([["policy", "x", fix]])
    expect(as(hook, parsePolicy(["default", "allow tool hook:pushed text into url at g.x"]))).toEqual([])
    expect(as(undefined, parsePolicy(["refuse user text into body"])).map(([, path]) => path)).toEqual(["x"])
    expect(as(hook, parsePolicy(["refuse user text into body"]))).toEqual([])
  })

  test("a flow that no checker refused is refused, with its node and the line", () => {
    const plan = planOf('  m: { model: where to? }\n  x: { send: "${ m }", body: hello }')
    expect(refusals(plan)).toEqual([REFUSED])
    expect(refusals(plan, NO_POLICY)).toEqual([])
    expect(refusals(plan, parsePolicy(["default", "allow model text into url at g.x"]))).toEqual([])
    expect(refusals(plan, parsePolicy(["default", "allow model text into url at g.y"]))).toEqual([REFUSED])
  })

  test("a plan whose arguments were changed about is refused", () => {
    const plan = planOf('  m: { model: where to? }\n  x: { send: "http://localhost", body: "${ m }" }')
    expect(refusals(plan)).toEqual([])
    // One instruction is edited: what was the body is the address now.
    let changed = 0
    const swapped = (instr: Instr): Instr => {
      if (instr[0] !== "record" || instr[3].length !== 2) return instr
      changed++
      return ["record", instr[1], instr[2], [instr[3][1]!, instr[3][0]!]]
    }
    const scopes = plan.scopes.map((scope) => ({
      ...scope,
      steps: scope.steps.map((step) => ({ ...step, ...(step.instrs ? { instrs: step.instrs.map(swapped) } : {}) })),
    }))
    const tampered = { ...plan, scopes }
    expect(changed).toBe(1)
    // It is a right plan, and the bytes are what is looked at.
    expect(decodePlan(encodePlan(tampered))).toEqual(tampered)
    expect(refusals(tampered, NO_POLICY)).toEqual([])
    expect(refusals(tampered)).toEqual([REFUSED])
  })

  test("what a plan says of types ends no label that its registration does not end", () => {
    const plan = planOf('  m: { model: where to?, output: here | there }\n  x: { send: "${ m }", body: hello }')
    expect(refusals(plan)).toEqual([])
    const wider = plan.types.map((type) => (type.kind === "enum" ? T.string : type))
    expect(refusals({ ...plan, types: wider })).toEqual([REFUSED])
  })

  test("an operator's validator endorses what passes it, and nothing else does", () => {
    const plan = planOf('  m: { model: where to? }\n  x: { send: "${ m }", body: hello }')
    const property = { level: "property", about: "one of our addresses", holds: () => true } as const
    expect(
      refusals(
        plan,
        undefined,
        registry(
          validated(model, () => [property]),
          send,
        ),
      ),
    ).toEqual([REFUSED])
    const endorsing = validated(model, () => [{ ...property, endorses: true }])
    expect(refusals(plan, undefined, registry(endorsing, send))).toEqual([])
  })

  test("every flow at once", () => {
    const plan = planOf(
      '  m: { model: where to? }\n  y: { send: "${ m }", body: hello }\n  x: { send: "${ y }", body: "${ m }" }',
    )
    expect(refusals(plan).map((line) => line.split(" would")[0])).toEqual([
      "policy y: Text of the model main",
      "policy x: Text of the model main and the tool road",
    ])
  })
})
