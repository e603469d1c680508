/**
 * Fuel stops a run at the same place everywhere: interpreted, cold, and translated, here and on another host. The places
 * and trace hashes below are written out, so that Bun and Deno are held to the same ones.
 */
import { describe, expect, test } from "bun:test"
import { compile } from "../compile/mod.ts"
import { Engine } from "../deploy/engine/engine.ts"
import { checkFile } from "../graph/file/mod.ts"
import { accept, hex, type NodeKind, printPath, printProblemShort, registry, sha256, T } from "../graph/mod.ts"

/** A read that counts how often it was called. */
const looks = { made: 0 }
const look: NodeKind = {
  kind: "look",
  about: "Looks at a number.",
  main: { form: "cel", type: T.number, required: true, about: "Which." },
  fields: {},
  takesWith: false,
  sign: () => ({
    effect: "read",
    resource: "app:a",
    needs: ["app:a"],
    input: T.record({ look: T.number }),
    output: T.number,
    async: false,
  }),
  open: () => ({
    execute: (args) => {
      looks.made++
      return (args as { look: number }).look + 1
    },
  }),
}
const kinds = registry(look)

const TEXT = `graph: sums
input: { xs: [number], n: number }
nodes:
  squares: { expr: "input.xs.map(x, x * x)" }
  looked:
    map: squares
    as: x
    do:
      look: x
  grown:
    loop: { i: 0, sum: 0 }
    as: s
    while: s.i < input.n
    max: 100
    do: { expr: "{ 'i': s.i + 1, 'sum': s.sum + looked.map(l, l * s.i).sum() }" }
  met:
    map: input.xs
    as: x
    do: { expr: x + grown.sum }
    catch: "[0.0]"
output: met
`
const clock = { now: () => 0, tick: () => 0, sleep: async () => {} }
const chance = { next: () => 0, bytes: (n: number) => new Uint8Array(n) }

const { checked, problems } = checkFile({ file: "sums.graph.yaml", text: TEXT }, { registry: kinds })
const INPUT = { xs: [1, 2, 3], n: 4 }

async function ready(codegen: boolean) {
  const engine = new Engine({ registry: kinds, services: { clock, chance }, codegen })
  const run = await engine.prepare(compile(checked!).bytes, { grants: ["app:a"] })
  return async (fuel?: number) => {
    const { outcome, trace } = await run.run(accept(checked!.input)(INPUT), fuel === undefined ? {} : { fuel })
    if (outcome.ok) return { end: JSON.stringify(outcome.value), trace }
    const { code, path, data } = outcome.failure
    return { end: `${code} at ${printPath(path ?? [])} ${JSON.stringify(data)}`, trace }
  }
}

/** How the run ends with so much fuel, the same every time: code is made of a block when it has run a few times. */
async function ends(codegen: boolean): Promise<readonly string[]> {
  const run = await ready(codegen)
  const out: string[] = []
  for (let fuel = 0; fuel <= ENOUGH; fuel++) {
    const first = await run(fuel)
    for (let i = 0; i < 4; i++) expect(await run(fuel)).toEqual(first)
    out.push(`${fuel} ${first.end} ${first.trace}`)
  }
  return out
}
/** What the whole run takes. */
const ENOUGH = 49
/** SHA-256 of all ends, a line each, as they were when this was written. */
const ALL_ENDS = "b9949d8169e509b23155f7fa8fe07c5e4a8b14a1281cd14015b69fecb1322236"

describe("fuel", () => {
  test("stops a run at the same place and with the same trace, interpreted, cold and translated, on every host", async () => {
    expect(problems.map(printProblemShort)).toEqual([])
    const translated = await ends(true)
    expect(await ends(false)).toEqual(translated)
    expect(translated[0]).toStartWith('0 Fuel at  {"limit":0} ')
    expect(translated[5]).toStartWith('5 Fuel at squares {"limit":5} ')
    expect(translated[19]).toStartWith('19 Fuel at grown[0].do {"limit":19} ')
    expect(translated[48]).toStartWith('48 Fuel at met[2] {"limit":48} ')
    expect(translated[49]).toStartWith("49 [103,104,105] ")
    expect(hex(sha256(new TextEncoder().encode(translated.join("\n"))))).toBe(ALL_ENDS)
  })

  test("is met by no `catch:`: the run ends, and what follows is not begun", async () => {
    const run = await ready(true)
    const before = looks.made
    expect((await run(46)).end).toBe('Fuel at met[1] {"limit":46}')
    expect(looks.made - before).toBe(3)
    expect((await run(10)).end).toBe('Fuel at looked {"limit":10}')
    expect(looks.made - before).toBe(4)
  })

  test("is enough where nobody says how much", async () => {
    expect((await (await ready(true))()).end).toBe("[103,104,105]")
  })
})
