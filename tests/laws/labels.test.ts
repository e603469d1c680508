// Labels of random graphs and of their plans agree: what the checker says reaches a sink, admission finds in the bytes, and
// nothing besides. A plan that a pass made smaller may let less through; never more.
import { describe, expect, test } from "bun:test"
import { compile, PASSES } from "../../compile/mod.ts"
import {
  type CheckedGraph,
  check,
  type Flow,
  labelsOf,
  NO_POLICY,
  type NodeKind,
  Origins,
  originOf,
  parsePolicy,
  printOrigin,
  type Registry,
  refusedOrigins,
  registry,
  type Signature,
} from "../../graph/mod.ts"
import { decodePlan, flowsOf } from "../../plan/mod.ts"
import { someGraph } from "./graphs.ts"
import { kinds } from "./runs.ts"
import { isAgent } from "./tools.ts"

const GRAPHS = 150

/** The kinds of the laws, whose arguments are sinks, and some of which are models or go through a person. */
const sinking = (kind: NodeKind): NodeKind => ({
  ...kind,
  sign: (node) => {
    const signed = kind.sign(node)
    if (Array.isArray(signed)) return signed
    const signature = signed as Signature
    const seed = String(node.config[kind.kind] ?? "")
    return {
      ...signature,
      sinks: { a: "url", b: "shell" },
      ...(isAgent(kind.kind) || (kind.kind === "probe" && seed.endsWith("1")) ? { origin: "model" as const } : {}),
      ...(kind.kind === "store" && seed.endsWith("2") ? { origin: "user" as const, endorses: true } : {}),
    }
  },
})
const sinks: Registry = registry(...[...kinds.values()].map(sinking))

/** Text agrees to the letter; of a mere say the plan may know less. */
const POLICIES = [
  [["refuse any text into anything"], true],
  [["refuse any into anything"], false],
] as const

const keys = (flows: readonly Flow[], origins: Origins, lines: readonly string[]): readonly string[] => {
  const policy = parsePolicy(lines)
  const all = flows.flatMap((flow) =>
    refusedOrigins(policy, flow, origins).map(({ origin }) => `${flow.at}.${flow.arg}: ${printOrigin(origin)}`),
  )
  return [...new Set(all)].sort()
}

function ofPlan(checked: CheckedGraph, lines: readonly string[], without: readonly string[]): readonly string[] {
  const plan = decodePlan(compile(checked, { without }).bytes)
  const origins = new Origins()
  const externs = plan.externs.map((x) => {
    const view = {
      name: x.kind,
      config: x.config,
      args: {},
      settings: {},
      resources: plan.resources,
      pin: () => undefined,
    }
    const signature = sinks.get(x.kind)!.sign(view) as Signature
    return { begins: originOf(signature, origins), endorses: signature.endorses === true, sinks: signature.sinks! }
  })
  return keys(flowsOf(plan, externs, origins), origins, lines)
}

describe("labels of random graphs", () => {
  for (const [lines, exact] of POLICIES) {
    test(`${lines[0]}: the plan is refused where the graph is`, () => {
      let refused = 0
      let fewer = 0
      for (let i = 0; i < GRAPHS; i++) {
        const seed = `labels.${i}`
        const { checked } = check(someGraph(seed), { registry: sinks, policy: NO_POLICY })
        if (checked === undefined) continue
        const labels = labelsOf(checked)
        const graph = keys(labels.flows, labels.origins, lines)
        const names = PASSES.map((pass) => pass.name)
        const [plain, whole] = [ofPlan(checked, lines, names), ofPlan(checked, lines, [])]
        const more = (plan: readonly string[]) => plan.filter((key) => !graph.includes(key))
        expect({ seed, plain: more(plain), whole: more(whole) }).toEqual({ seed, plain: [], whole: [] })
        // As it was written, flow for flow; what a pass took out is no flow any more.
        if (exact) expect({ seed, plain }).toEqual({ seed, plain: graph })
        if (graph.length > 0) refused++
        if (plain.length < graph.length) fewer++
      }
      expect(refused).toBeGreaterThan(GRAPHS / 20)
      // A constant that an optional argument may hold is not told from none.
      expect(fewer).toBeLessThanOrEqual(GRAPHS / 50)
    }, 120_000)
  }
})
