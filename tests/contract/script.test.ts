/** Scripts in graphs: the same answers interpreted, as code and evaluated; bounds and mistakes are failures of the node. */
import { afterAll, describe, expect, test } from "bun:test"
import { compile } from "../../compile/mod.ts"
import { Engine, quickJsSandbox, systemChance, systemClock } from "../../deploy/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { evaluateGraph, printProblemShort, type Value } from "../../graph/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"

const services = { clock: systemClock, chance: systemChance, sandbox: quickJsSandbox() }
const engines = [false, true].map((codegen) => new Engine({ registry: standardKinds, services, codegen }))
afterAll(() => Promise.all(engines.map((e) => e.close())))

const checked = (text: string) => checkFile({ file: "g.graph.yaml", text }, { registry: standardKinds })
const graphOf = (node: string, output = "a") =>
  `graph: g\ninput: { x: number = 1 }\nnodes:\n  a:\n${node}\noutput: ${output}\n`
const script = (source: string, more = "") =>
  `    script: ${JSON.stringify(source)}\n    with: { x: '\${input.x}' }\n${more}`

async function ran(text: string, input: Value = { x: 20 }) {
  const { checked: graph, problems } = checked(text)
  expect(problems.filter((p) => p.severity === "error").map(printProblemShort)).toEqual([])
  const { bytes } = compile(graph!)
  return await Promise.all(engines.map(async (e) => (await e.prepare(bytes, { grants: [] })).run(input)))
}

describe("a script", () => {
  test("computes from its arguments, needs no grant, and is in the graph's hash", async () => {
    const text = graphOf(script("export default ({ x }) => x * 2 + 2", "    output: number"))
    for (const { outcome } of await ran(text)) expect(outcome).toEqual({ ok: true, value: 42 })
    expect(checked(text).checked!.needs).toEqual([])
    const other = graphOf(script("export default ({ x }) => x * 2 + 3", "    output: number"))
    expect(checked(other).checked!.hash).not.toBe(checked(text).checked!.hash)
  })

  test("gives the trace hash that the graph means", async () => {
    const graph = checked(graphOf(script("export default ({ x }) => [x, -x]", "    output: [number]"))).checked!
    const program = await services.sandbox.load("export default ({ x }) => [x, -x]")
    const call = ({ args }: { readonly args: Value }) => {
      const got = program.ok ? program.program.call(args) : program
      return got.ok ? got.value : null
    }
    const meant = await evaluateGraph(graph, { x: 3 }, { call })
    for (const { trace, outcome } of await ran(
      graphOf(script("export default ({ x }) => [x, -x]", "    output: [number]")),
      { x: 3 },
    ))
      expect({ trace, outcome }).toEqual({ trace: meant.trace, outcome: meant.outcome })
  })

  test("may be asynchronous, and keeps nothing between calls", async () => {
    const source = "let n = 0; export default async ({ x }) => ++n + x"
    const map = `    map: '[1, 2, 3]'\n    as: y\n    do: { script: ${JSON.stringify(source)}, with: { x: '\${y}' }, output: number }`
    for (const { outcome } of await ran(graphOf(map))) expect(outcome).toEqual({ ok: true, value: [2, 3, 4] })
  })
})

describe("a failure of the node", () => {
  const caught = "    catch: { expr: 'error.code + \" \" + string(error.data.why)' }"
  test.each([
    ["a script that throws", "export default () => { throw new Error('no') }", "", "Threw threw"],
    ["one that never ends", "export default () => { for (;;); }", "    fuel: 100000\n", "Stopped fuel"],
    ["one that takes too much", "export default () => new Uint8Array(1e8)", "    memory: 2MB\n", "Stopped memory"],
    ["one that is no JavaScript", "export default (", "", "Stopped source"],
    ["one that imports", "import 'node:fs'\nexport default () => 1", "", "Stopped source"],
    ["one that looks for a clock", "export default () => Date.now()", "", "Threw threw"],
  ])("%s", async (_, source, more, says) => {
    for (const { outcome } of await ran(graphOf(script(source, `${more}    output: string\n${caught}`))))
      expect(outcome).toEqual({ ok: true, value: says })
  })

  test("an answer that its port does not take", async () => {
    for (const { outcome } of await ran(graphOf(script("export default () => 'text'", "    output: number"))))
      expect(outcome).toMatchObject({ ok: false, failure: { code: "Mismatch" } })
  })

  test("a script that cannot be loaded is nothing to a run that does not take its side", async () => {
    const side = `    when: input.x > 100\n    then: { script: 'export default (', output: number }\n    else: { expr: input.x }`
    for (const { outcome } of await ran(graphOf(side))) expect(outcome).toEqual({ ok: true, value: 20 })
  })

  test("a host without a sandbox", async () => {
    const engine = new Engine({ registry: standardKinds, services: { clock: systemClock, chance: systemChance } })
    const { bytes } = compile(checked(graphOf(script("export default () => 1", "    output: number"))).checked!)
    const failed = await engine.prepare(bytes, { grants: [] }).catch((e: unknown) => e)
    expect(failed).toMatchObject({ code: "Unavailable" })
    await engine.close()
  })
})

test.each([
  ["fuel: 0", "fuel"],
  ["fuel: 1.5", "fuel"],
  ["memory: 10kB", "memory"],
])("%s is refused by the checker", (setting, key) => {
  const { problems } = checked(graphOf(script("export default () => 1", `    ${setting}\n    output: number`)))
  expect(problems.map(printProblemShort).join("\n")).toContain(`\`${key}:\` wants a whole number`)
})
