// `grants:` on a subgraph, with the whole engine behind it: inside only these count, of what counts outside; what a tool
// asks while it runs is answered by the same rule; and a plan that narrows less than its graph is refused as forged.
import { describe, expect, test } from "bun:test"
import { compile } from "../compile/mod.ts"
import { Engine, systemChance, systemClock } from "../deploy/mod.ts"
import { checkFile } from "../graph/file/mod.ts"
import { type CheckedGraph, type NodeKind, printProblemShort, registry, T } from "../graph/mod.ts"
import { type AdmissionError, admit } from "../kernel/mod.ts"
import { decodePlan, encodePlan, type Plan } from "../plan/mod.ts"

const text = { form: "static", type: T.string, about: "" } as const
/** Needs the door that it names, and says which of two others it could open as well, now that it runs. */
const door: NodeKind = {
  kind: "door",
  about: "Opens a door.",
  main: { ...text, required: true },
  fields: { ask: { ...text, about: "What else it asks for while it runs." }, how: { ...text, about: "`exactly`." } },
  takesWith: false,
  sign: ({ config }) => ({
    effect: "read",
    resource: `door:${String(config["door"])}`,
    needs: [`app:door:${String(config["door"])}`],
    output: T.boolean,
  }),
  open: (config, _resources, { granted }) => ({
    execute: () =>
      granted(
        String(config["ask"] ?? `app:door:${String(config["door"])}`),
        config["how"] ? "exactly" : "by any grant",
      ),
  }),
}
const kinds = registry(door)

const FILES: { [file: string]: string } = {
  "inner.graph.yaml": "graph: inner\nnodes:\n  a: { door: front, ask: app:door:back }\noutput: a\n",
  "deep.graph.yaml": "graph: deep\nnodes:\n  b: { graph: ./inner.graph.yaml, grants: [app:door] }\noutput: b\n",
}
const checked = (nodes: string, output: string): CheckedGraph => {
  const file = { file: "g.graph.yaml", text: `graph: g\nnodes:\n${nodes}\noutput: ${output}\n` }
  const load = (path: string) => {
    const name = path.replace("./", "")
    return FILES[name] === undefined ? { problem: "no such file" } : { file: name, text: FILES[name] }
  }
  const { checked, problems } = checkFile(file, { registry: kinds, load })
  expect(problems.map(printProblemShort)).toEqual([])
  return checked!
}
const ALL = ["app:door", "net:*"]

async function value(graph: CheckedGraph, grants: readonly string[], within?: readonly (readonly string[])[]) {
  const engine = new Engine({ registry: kinds, services: { clock: systemClock, chance: systemChance } })
  const ready = await engine.prepare(compile(graph).bytes, { grants, graph: graph.hash, ...(within ? { within } : {}) })
  const { outcome } = await ready.run({})
  await engine.close()
  return outcome.ok ? outcome.value : outcome.failure
}
const refusal = (bytes: Uint8Array, options: { grants?: readonly string[]; graph?: string } = {}): AdmissionError => {
  try {
    admit(bytes, { registry: kinds, grants: ALL, ...options })
  } catch (cause) {
    return cause as AdmissionError
  }
  throw new TypeError("the plan was admitted")
}

const HALF = checked(
  "  sub: { graph: ./inner.graph.yaml, grants: [app:door:front] }\n  other: { door: front, ask: app:door:back }",
  "[sub, other]",
)

describe("inside a subgraph only its grants count", () => {
  test("also for what a tool asks while it runs; outside nothing changes, though it is the same call", async () => {
    expect(await value(HALF, ALL)).toEqual([false, true])
  })

  test("never more than outside", async () => {
    const wide = checked("  sub: { graph: ./inner.graph.yaml, grants: [app:*] }", "sub")
    expect(await value(wide, ["app:door:front"])).toBe(false)
    expect(await value(wide, ["app:door"])).toBe(true)
  })

  test("one inside another narrows again, in maps and choices too", async () => {
    const nested = checked("  sub: { graph: ./deep.graph.yaml, grants: [app:door:front] }", "sub")
    expect(await value(nested, ALL)).toBe(false)
    const mapped = checked(
      "  sub: { map: '[1, 2]', do: { graph: ./inner.graph.yaml, grants: [app:door:front] } }",
      "sub",
    )
    expect(await value(mapped, ALL)).toEqual([false, false])
    const chosen = checked(
      "  sub: { when: 'true', then: { graph: ./inner.graph.yaml, grants: [app:door:front] } }",
      "sub",
    )
    expect(await value(chosen, ALL)).toBe(false)
  })

  test("a right that must be named is named by the run, not by what narrows it", async () => {
    FILES["named.graph.yaml"] = "graph: named\nnodes:\n  a: { door: x, ask: net:localhost, how: exactly }\noutput: a\n"
    const graph = checked("  sub: { graph: ./named.graph.yaml, grants: [app:door, net:localhost] }", "sub")
    expect(await value(graph, ["app:door", "net:*"])).toBe(false)
    expect(await value(graph, ["app:door", "net:localhost"])).toBe(true)
    expect(await value(graph, ["app:door", "net:localhost"], [["app:door", "net:*"]])).toBe(true)
    expect(await value(graph, ["app:door", "net:localhost"], [["app:door", "net:*.com"]])).toBe(false)
  })

  test("a need that is left out is refused at the call, where the run has it", () => {
    const plan = decodePlan(compile(HALF).bytes)
    const narrowed = [{ at: ["sub"], grants: ["app:door:side"] }]
    const e = refusal(encodePlan({ ...plan, narrowed }))
    expect(e.refusals.map((r) => [r.path.join("."), r.gate, r.reason])).toEqual([["sub.a", "granted", "narrowed"]])
    expect(e.message).toContain("needs app:door:front, which the `grants:` of sub leave out")
  })
})

describe("a plan with forged grants", () => {
  const bytes = compile(HALF).bytes
  const honest = decodePlan(bytes)
  const forged = (more: Partial<Plan>) => encodePlan({ ...honest, ...more })
  const wide = [{ at: ["sub"], grants: ["app:door"] }]
  const cases: readonly (readonly [what: string, bytes: Uint8Array])[] = [
    ["that widens what its graph narrows", forged({ narrowed: wide })],
    ["that narrows nothing", without(honest)],
    ["that narrows another node", forged({ narrowed: [{ at: ["other"], grants: ["app:door:front"] }] })],
    ["of another graph", forged({ graph: "cd".repeat(32) })],
    // The call inside is given the extern, and so the connection, of the one outside.
    ["that shares one extern across the border", forged({ scopes: sharing(honest) })],
  ]
  for (const [what, plan] of cases) {
    test(what, () => {
      const e = refusal(plan, { graph: HALF.hash })
      expect([e.reason, e.refusals.map((r) => r.reason)]).toEqual(["forged-grants", ["forged-grants"]])
      expect(e.message).toContain("Compile the graph again")
    })
  }

  test("is another graph, on record too; one that shares a tool across the border is refused whatever is known", () => {
    const other = admit(forged({ narrowed: wide }), { registry: kinds, grants: ALL })
    expect(other.graph).not.toBe(HALF.hash)
    // The hash of a graph that narrows cannot be claimed: a plan states another part of it.
    expect(refusal(forged({ graph: HALF.hash })).reason).toBe("unsound")
    expect(refusal(cases.at(-1)![1]).reason).toBe("forged-grants")
    expect(admit(bytes, { registry: kinds, grants: ALL, graph: HALF.hash }).graph).toBe(HALF.hash)
  })

  test("that claims grants for itself: there is no place for them", () => {
    expect(refusal(forged({ needs: [] }), { grants: [] }).reason).toBe("unsound")
    expect(refusal(bytes, { grants: [] }).reason).toBe("not-granted")
  })

  test("with needs that are no capabilities", () => {
    const odd = "app:door:front/../back"
    const externs = honest.externs.map((x) => ({ ...x, needs: [odd] }))
    const e = refusal(forged({ externs, needs: [odd] }), { grants: ["app:door"] })
    expect(e.refusals.map((r) => r.reason)).toContain("not-a-capability")
    expect(refusal(bytes, { grants: ["app:door", "net:ex\u0430mple.com"] }).reason).toBe("not-a-capability")
    expect(refusal(bytes, { grants: ["app:door", "dor:front"] }).message).toContain('the scheme "dor"')
  })
})

function without({ narrowed: _, ...plan }: Plan): Uint8Array {
  return encodePlan(plan)
}

/** All calls through the first extern. */
function sharing(plan: Plan): Plan["scopes"] {
  return plan.scopes.map((scope) => ({
    ...scope,
    steps: scope.steps.map((step) =>
      step.op[0] === "invoke" ? { ...step, op: ["invoke", step.op[1], 0, ...step.op.slice(3)] as never } : step,
    ),
  }))
}

test("the hash of a graph tells what it narrows, wherever it stands", () => {
  const hashes = [
    checked("  sub: { graph: ./inner.graph.yaml }", "sub"),
    checked("  sub: { graph: ./inner.graph.yaml, grants: [app:door:front] }", "sub"),
    checked("  sub: { graph: ./inner.graph.yaml, grants: [app:door] }", "sub"),
    checked("  sub: { graph: ./deep.graph.yaml }", "sub"),
  ].map((g) => g.hash)
  expect(new Set(hashes).size).toBe(4)
  expect(checked("  sub: { graph: ./deep.graph.yaml }", "sub").narrowed).toEqual([
    { at: ["sub", "b"], grants: ["app:door"] },
  ])
})
