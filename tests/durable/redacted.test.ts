// Runs of which something was removed, and runs whose record is damaged: over HTTP and MCP each is said to be so when it is asked
// for, and hides no other.
import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { graphsApp } from "../../deploy/http/app.ts"
import { SqlLedger } from "../../deploy/ledger/sql.ts"
import { listRuns, readRun } from "../../deploy/mcp/runs.ts"
import { runUri } from "../../deploy/mcp/serving.ts"
import { openLedgerKey } from "../../deploy/services/ledger_key.ts"
import { SqliteStorage } from "../../deploy/storage/sqlite.ts"
import type { Type } from "../../graph/mod.ts"
import { GRANTS, World } from "./house.ts"

const folder = mkdtempSync(join(tmpdir(), "redacted-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test("a redacted run and a damaged one hide no other, and say what they are", async () => {
  const world = new World()
  const storage = new SqliteStorage({ file: join(folder, "ledger.db") })
  const { signer } = await openLedgerKey(join(folder, "own.key"))
  const store = await SqlLedger.open({ storage, signer })
  const engine = world.engine(store)
  const bytes = world.plan("graph: one\ninput: { n: number }\nnodes:\n  a: { look: input.n }\noutput: a\n")
  const ready = await engine.prepare(bytes, { grants: GRANTS })
  const [whole, gone, torn] = [await ready.run({ n: 1 }), await ready.run({ n: 2 }), await ready.run({ n: 3 })]
  await store.redact("", gone.run)
  storage.batch([
    ["DROP TRIGGER ledger_no_update", []],
    ["UPDATE ledger SET entry = zeroblob(10) WHERE run = ? AND seq = 1", [torn.run]],
  ])
  const { plan } = ready.admitted
  const served = {
    name: "one",
    needs: plan.needs,
    input: plan.types[plan.input] as Type,
    output: plan.types[plan.output]!,
    engine,
    ready,
  }
  const defects: unknown[] = []
  const hosts = [{ engine, grants: GRANTS }]
  const app = graphsApp({ graphs: [served], runs: hosts, onDefect: (cause) => defects.push(cause) })
  const all = (await (await app.request("/runs")).json()) as { readonly runs: readonly { readonly run: string }[] }
  expect(all.runs.map(({ run }) => run)).toEqual([torn.run, gone.run, whole.run])
  const headers = { "content-type": "application/json" }
  for (const [path, method] of [
    ["", "GET"],
    ["/resume", "POST"],
    ["/undo", "POST"],
    ["/cancel", "POST"],
  ] as const) {
    const body = method === "POST" ? { body: "{}" } : {}
    const response = await app.request(`/runs/${gone.run}${path}`, { method, headers, ...body })
    const told = (await response.json()) as { readonly type: string; readonly detail: string }
    expect([response.status, told.type]).toEqual([404, "/problems/missing"])
    expect(told.detail).toContain("it was redacted")
  }
  const events = await (await app.request(`/runs/${gone.run}/events`)).text()
  expect(events.split("\n").filter((line) => line.startsWith("event: "))).toEqual([
    "event: run",
    "event: node",
    "event: failed",
  ])
  expect(defects).toEqual([])

  const serving = { hosts } as unknown as Parameters<typeof listRuns>[0]
  const may = () => true
  const caller = { holder: undefined, may } as unknown as Parameters<typeof listRuns>[1]
  const { resources } = await listRuns(serving, caller, 0)
  expect(resources.map(({ title }) => title)).toEqual([`${torn.run}, corrupt`, `${gone.run}, redacted`, "one, ended"])
  const read = async (run: string, part = "") => await readRun(serving, `${runUri(run)}${part}`, caller)
  expect(JSON.parse((await read(gone.run))!["text" as never])).toMatchObject({ run: gone.run, status: "redacted" })
  expect(await read(gone.run, "/output")).toBeUndefined()
  // Whose graph cannot be told is for nobody whose token is for some.
  const bound = { ...caller, holder: { name: "one", grants: [], graphs: ["one"] } } as unknown as typeof caller
  expect((await listRuns(serving, bound, 0)).resources.map(({ title }) => title)).toEqual(["one, ended"])
  expect(await readRun(serving, runUri(gone.run), bound)).toBeUndefined()
  await engine.close()
})
