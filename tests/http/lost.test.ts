// Two servers on one ledger, of which the first was silent for longer than its lease: what its callers hear. And a run that a
// bounded ledger keeps no more.
import { afterEach, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { MemoryLedger, SqliteStorage, SqlLedger } from "../../deploy/mod.ts"
import { kernelError } from "../../kernel/mod.ts"
import { ASKS, Gates, SLOW, SUM, site } from "./world.ts"

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
const ASYNC = { prefer: "respond-async" }

test("a server that lost its runs to another says so, and afterwards what the record says", async () => {
  const folder = mkdtempSync(join(tmpdir(), "http-"))
  folders.push(folder)
  const store = () => SqlLedger.open({ storage: new SqliteStorage({ file: join(folder, "l.db") }) })
  const worlds = [new Gates(), new Gates()] as const
  const told: unknown[] = []
  const one = await site([SLOW], { onDefect: (cause) => told.push(cause) }, await store(), worlds[0])
  const two = await site([SLOW], {}, await store(), worlds[1])
  const begun = await one.post("/graphs/slow/runs", { input: { n: 1 } }, ASYNC)
  const waited = one.post("/graphs/slow/runs", { input: { n: 5 } })
  const [watched, keyed] = [
    one.ask(`${begun.json.url}/events`).then((response) => response.text()),
    one.post("/graphs/slow/runs", { input: { n: 9 } }, { "idempotency-key": "k" }),
  ]
  for (let i = 0; i < 500 && worlds[0].gated < 3; i++) await new Promise((r) => setTimeout(r, 5))
  // The first was silent for too long, and the second goes on with all that it had.
  const runs = (await two.get("/runs")).json.runs as readonly { readonly run: string }[]
  expect(runs).toHaveLength(3)
  const resumed = runs.map(({ run }) => two.post(`/runs/${run}/resume`, {}))
  for (let i = 0; i < 500 && worlds[1].gated < 3; i++) await new Promise((r) => setTimeout(r, 5))
  for (const n of [1, 5, 9]) await worlds[0].open(n)
  for (const answer of [await waited, await keyed])
    expect(answer).toMatchObject({ status: 409, json: { type: "/problems/conflict", run: expect.any(String) } })
  expect(await watched).toContain("event: unfinished")
  expect((await one.get(begun.json.url)).json).toMatchObject({ status: "unfinished" })
  for (const n of [1, 2, 5, 6, 9, 10]) await worlds[1].open(n)
  for (const { status } of await Promise.all(resumed)) expect(status).toBe(200)
  expect((await one.get(begun.json.url)).json).toMatchObject({ status: "ended", ok: true, output: 3 })
  const again = one.post("/graphs/slow/runs", { input: { n: 9 } }, { "idempotency-key": "k" })
  expect(await again).toMatchObject({ status: 200, json: { output: 11 } })
  expect(told).toHaveLength(3)
  await Promise.all([one.engine.close(), two.engine.close()])
})

test("a run that another server took back is told as that by the one that ran it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "http-"))
  folders.push(folder)
  const store = () => SqlLedger.open({ storage: new SqliteStorage({ file: join(folder, "l.db") }) })
  const graph = `graph: sends
nodes:
  sent: { send: 7, undo: { send: "0 - out" } }
output: sent
`
  const world = new Gates()
  const one = await site([graph], {}, await store(), world)
  const two = await site([graph], {}, await store(), world)
  const { json } = await one.post("/graphs/sends/runs", {}, { prefer: "respond-async, wait=9" })
  const at = `/runs/${json.run}`
  expect((await one.get(at)).json).toMatchObject({ status: "ended", ok: true, output: 8 })
  expect(await two.post(`${at}/undo`, {})).toMatchObject({ status: 200, json: { undone: { undone: ["sent"] } } })
  expect((await one.get(at)).json).toMatchObject({ status: "ended", undone: { undone: ["sent"] } })
  await Promise.all([one.engine.close(), two.engine.close()])
})

test("a run of which a bounded ledger has let the beginning go is kept no more, and no defect", async () => {
  const told: unknown[] = []
  const small = new MemoryLedger({ entriesMax: 6 })
  const { ask, post, get } = await site([SUM, ASKS], { onDefect: (cause) => told.push(cause) }, small)
  const sum = async () => expect((await post("/graphs/sum/runs", { input: { a: 1 } })).status).toBe(200)
  await sum()
  const { run } = (await post("/graphs/asks/runs", { input: { id: "A" } })).json
  for (let i = 0; i < 2; i++) await sum()
  expect(small.entries("", run)).toMatchObject({ before: { seq: 0 }, rows: [{ kind: "parked" }] })
  const gone = { status: 404, json: { type: "/problems/missing" } }
  expect(await get(`/runs/${run}`)).toMatchObject(gone)
  expect(await post(`/runs/${run}/resume`, { answers: { sure: true } })).toMatchObject(gone)
  expect(await post(`/runs/${run}/undo`, {})).toMatchObject(gone)
  // What is left of it is told, and then that there is no more.
  expect(await (await ask(`/runs/${run}/events`)).text()).toMatch(/event: failed\ndata: .*\/problems\/missing/)
  expect(told).toEqual([])
})

test("a ledger that is full or away is told by name, and any other error is not", async () => {
  for (const reason of ["full", "readonly", "unavailable", "locked", "storage", "corrupt"] as const) {
    const store = new MemoryLedger()
    store.append = () => {
      throw kernelError(reason, "Cannot write /secret/place")
    }
    const { post } = await site([SUM], {}, store)
    const { status, json, headers } = await post("/graphs/sum/runs", { input: { a: 1 } })
    const told = reason !== "corrupt"
    expect([status, json.type, json.reason]).toEqual(
      told ? [503, "/problems/not-kept", reason] : [500, "/problems/internal", undefined],
    )
    expect(headers.get("retry-after")).toBe(told ? "5" : null)
    expect(JSON.stringify(json)).not.toContain("/secret/place")
  }
})
