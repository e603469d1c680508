/**
 * The kinds in a whole run: a graph file is checked against a lock made from real servers and code, compiled, admitted and
 * run by the VM, over a filesystem server, a SQLite file, a module and a person; then the world changes under it.
 */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { compile } from "../../compile/mod.ts"
import { Engine, type RunResult } from "../../deploy/engine/engine.ts"
import { makeLock, openHost } from "../../deploy/mod.ts"
import { checkFile, readGraph } from "../../graph/file/mod.ts"
import { accept, EMPTY_LOCK, type Lock, pin, printProblemShort, type Value } from "../../graph/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"

const base = mkdtempSync(join(tmpdir(), "whole-"))
const root = new URL("../..", import.meta.url).pathname
const server = join(root, "node_modules/.bin/mcp-server-filesystem")
const text = `graph: parcels
input: { order: string }
servers:
  files: { stdio: ["${server}", ./data], trust: true }
databases:
  shop: sqlite:./shop.db
nodes:
  lines:
    sql: shop
    query: select kg, km from lines where order_id = :order order by kg
    with: { order: "\${ input.order }" }
    output: [{ kg: number, km: number }]
  tariff:
    mcp: files/read_text_file
    with: { path: tariff.json }
    parse: json
    output: { per_kg: number, per_km: number }
  cost:
    map: lines
    as: line
    do:
      fn: ./tools.ts#cost
      with: { kg: "\${ line.kg }", km: "\${ line.km }", tariff: "\${ tariff }" }
  ship:
    ask: Ship \${ size(lines) } parcels for \${ cost.sum() }?
    output: boolean
  saved:
    sql: shop
    query: insert into quotes (order_id, amount) values (:order, :amount) returning amount
    with: { order: "\${ input.order }", amount: "\${ cost.sum() }" }
    output: number
  report:
    write_file: ./out/\${ input.order }.md
    text: "Order \${ input.order }: \${ saved }, \${ ship ? 'ship' : 'wait' }"
output:
  amount: saved
  file: report.path
`
const asked: string[] = []
const host = openHost({
  base,
  ask: async (question) => {
    asked.push(question.text)
    return "yes"
  },
})
let lock: Lock = EMPTY_LOCK

const tools = (factor: number) =>
  writeFileSync(
    join(base, "tools.ts"),
    `import * as v from "valibot"
import { fn } from "${root}graph/build/tool.ts"
export const cost = fn("cost", {
  input: { kg: v.number(), km: v.number(), tariff: v.object({ per_kg: v.number(), per_km: v.number() }) },
  output: v.number(), effect: "pure", async: false,
}, ({ kg, km, tariff }) => ${factor} * (kg * tariff.per_kg + km * tariff.per_km))
`,
  )

beforeAll(async () => {
  symlinkSync(join(root, "node_modules"), join(base, "node_modules"))
  mkdirSync(join(base, "data"))
  writeFileSync(join(base, "data/tariff.json"), '{"per_kg": 2, "per_km": 0.5}')
  const db = new DatabaseSync(join(base, "shop.db"))
  db.exec("create table lines (order_id text, kg real, km real); create table quotes (order_id text, amount real)")
  db.exec("insert into lines values ('A17', 1, 10), ('A17', 3, 4), ('B2', 9, 9)")
  db.close()
  tools(1)
  const { graph } = readGraph({ file: "g.yaml", text }, { registry: standardKinds })
  const made = await makeLock([graph!], standardKinds, { ...host.services, granted: () => false })
  expect(made.failures).toEqual([])
  lock = made.lock
})
afterAll(async () => {
  await host.close()
  rmSync(base, { recursive: true })
})

async function run(input: Value): Promise<Pick<RunResult, "outcome" | "trace">> {
  const pins = pin(lock)
  const { checked, problems } = checkFile({ file: "g.yaml", text }, { registry: standardKinds, pin: pins })
  expect(problems.map(printProblemShort)).toEqual([])
  const { bytes } = compile(checked!)
  const engine = new Engine({ registry: standardKinds, services: host.services })
  try {
    const ready = await engine.prepare(bytes, { grants: checked!.needs, pins })
    return await ready.run(accept(checked!.input)(input))
  } finally {
    await engine.close()
  }
}

test("a run over real servers does what the file says", async () => {
  const { outcome, trace } = await run({ order: "A17" })
  expect(outcome).toEqual({ ok: true, value: { amount: 15, file: "./out/A17.md" } })
  expect(readFileSync(join(base, "out/A17.md"), "utf8")).toBe("Order A17: 15, ship")
  expect(asked).toEqual(["Ship 2 parcels for 15?"])
  expect(trace).toMatch(/^[0-9a-f]{64}$/)
  expect((await run({ order: "A17" })).trace).toBe(trace)
})

test("code that changed since the lock does not run, nor does anything else", async () => {
  tools(100)
  const before = asked.length
  await expect(run({ order: "A17" })).rejects.toMatchObject({ code: "Drift" })
  expect(asked.length).toBe(before)
  tools(1)
  expect((await run({ order: "B2" })).outcome).toMatchObject({ ok: true, value: { amount: 22.5 } })
})
