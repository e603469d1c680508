// Values that come late: a body begins while what it captured is still on its way. It must meet the right value when it
// needs it, each of several from one step its own, and it may end in one without a step of its own.
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { compile } from "../compile/mod.ts"
import { Engine, openHost } from "../deploy/mod.ts"
import { checkFile } from "../graph/file/mod.ts"
import { accept, printProblemShort, type Value } from "../graph/mod.ts"
import { standardKinds } from "../nodes/mod.ts"

const base = mkdtempSync(join(tmpdir(), "late-"))
const host = openHost({ base })
beforeAll(() => writeFileSync(join(base, "tariff.json"), '{ "kg": 2, "km": 10 }'))
afterAll(async () => {
  await host.close()
  rmSync(base, { recursive: true })
})

/** The test of `when` is there at once, what its bodies use only after the file was read. */
const graph = (body: string, output: string) => `graph: late
input: { xs: [number], side: left | right }
nodes:
  tariff:
    read_file: ./tariff.json
    parse: json
    output: { kg: number, km: number }
${body}
output: ${output}
`
const CASES: readonly (readonly [says: string, text: string, left: Value, right: Value])[] = [
  [
    "values of a block",
    graph(
      `  cost: { map: input.xs, do: { expr: item * tariff.kg + tariff.km } }
  sum: { expr: cost.sum() }
  most: { expr: max(cost) }
  chosen:
    when: input.side == "left"
    then: { expr: sum * 100 + most }
    else: { expr: most - sum }`,
      "chosen",
    ),
    2614,
    -12,
  ],
  [
    "a body that is nothing but what it captured",
    graph(
      `  sum: { expr: input.xs.sum() + tariff.km }
  chosen:
    when: input.side == "left"
    then: { expr: sum }
    else: { expr: tariff.km }`,
      "chosen",
    ),
    13,
    10,
  ],
  [
    "through two levels of bodies",
    graph(
      `  each:
    map: input.xs
    as: x
    do:
      when: input.side == "left"
      then: { expr: x * tariff.kg }
      else: { expr: tariff.km }`,
      "each",
    ),
    [2, 4],
    [10, 10],
  ],
]

for (const codegen of [true, false]) {
  describe(codegen ? "in made code" : "interpreted", () => {
    for (const [says, text, left, right] of CASES) {
      test(says, async () => {
        const { checked, problems } = checkFile({ file: "late.graph.yaml", text }, { registry: standardKinds })
        expect(problems.map(printProblemShort)).toEqual([])
        const engine = new Engine({ registry: standardKinds, services: host.services, codegen })
        const ready = await engine.prepare(compile(checked!).bytes, { grants: checked!.needs })
        const run = async (side: string) => (await ready.run(accept(checked!.input)({ xs: [1, 2], side }))).outcome
        expect(await run("left")).toEqual({ ok: true, value: left })
        expect(await run("right")).toEqual({ ok: true, value: right })
        await engine.close()
      }, 10_000)
    }
  })
}
