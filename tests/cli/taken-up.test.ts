// Real processes of `serve` on one ledger: what one leaves behind when it is killed, another takes up; what is due goes on by
// itself; and a run ends on the plan and the code that it began with, whatever was deployed since.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test"
import { createHmac } from "node:crypto"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import * as http from "node:http"
import { join } from "node:path"
import { SqliteStorage } from "../../deploy/mod.ts"
import { listening } from "../contract/servers.ts"
import { folderWith, type Running, shadowgraph, start } from "./command.ts"

setDefaultTimeout(60_000)

/** A world of one address: it hangs while it is told to, and counts. */
const asked: string[] = []
let hangs = true
const world = http.createServer((q, r) => {
  asked.push(q.url!)
  if (!hangs) r.writeHead(200, { "content-type": "application/json" }).end("7")
})
let place = ""
const running: Running[] = []
beforeAll(async () => {
  place = `127.0.0.1:${await listening(world)}`
})
afterAll(() => {
  for (const server of running) server.signal("SIGKILL")
  world.closeAllConnections()
  world.close()
})

async function serve(folder: string, env: NodeJS.ProcessEnv = {}) {
  const server = start(folder, ["serve", "--port", "0", "--lease", "500ms", "-y"], { env })
  running.push(server)
  await server.said("POST")
  const url = (await server.output()).match(/http:\/\/127\.0\.0\.1:\d+/)![0]
  const ask = async (path: string, body?: object) => {
    const response = await fetch(url + path, {
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    })
    return [response.status, (await response.json()) as { readonly [key: string]: unknown }] as const
  }
  const stop = async () => {
    server.signal("SIGINT")
    expect((await server.done).exit).toBe(0)
  }
  return { server, ask, stop }
}

async function until<A>(look: () => Promise<A | undefined>): Promise<A> {
  for (let i = 0; i < 500; i++) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new RangeError("it never came to that")
}

test("a run left by a killed process is taken up by the next server, and so is one whose time has come", async () => {
  const folder = folderWith({
    "held.graph.yaml": `graph: held
input: { n: number }
nodes:
  got: { http: "GET http://${place}/held?n=\${ input.n }", output: number }
  more: { expr: got + input.n }
output: more
`,
    "waits.graph.yaml": `graph: waits
nodes:
  said: { event: go, within: 1500ms, output: number, default: 5 }
output: said
`,
  })
  const first = await serve(folder)
  void first.ask("/graphs/held/runs", { input: { n: 1 } }).catch(() => {})
  const [status, { run: resting }] = await first.ask("/graphs/waits/runs", {})
  expect(status).toBe(202)
  await until(async () => (asked.length > 0 ? true : undefined))
  first.server.signal("SIGKILL")
  await first.server.done
  hangs = false
  const ledger = new SqliteStorage({ file: join(folder, ".shadowgraph", "ledger.db") })
  const runs = ledger.all("SELECT run, kind FROM ledger_head ORDER BY kind DESC", [])
  ledger.close()
  expect(runs.map((r) => r["kind"])).toEqual(["start", "parked"])
  const killed = String(runs[0]!["run"])

  const second = await serve(folder)
  for (const run of [killed, String(resting)]) {
    await until(async () => ((await second.ask(`/runs/${run}`))[1]["status"] === "ended" ? true : undefined))
    const [, told] = await second.ask(`/runs/${run}`)
    expect(told).toMatchObject({ ok: true })
  }
  expect(asked).toEqual(["/held?n=1", "/held?n=1"])
  await second.stop()
  const said = await second.server.output()
  expect(said).toContain(`left  run ${killed.slice(0, 10)}… ended`)
  expect(said).toContain(`due  run ${String(resting).slice(0, 10)}… ended`)
  const shown = async (run: string) => JSON.parse((await shadowgraph(folder, "runs", run, "--json")).out)
  expect((await shown(killed)).entries.at(-1)).toMatchObject({ kind: "end", data: 8 })
  expect((await shown(String(resting))).entries.at(-1)).toMatchObject({ kind: "end", data: 5 })
})

test("a run that the server began by itself outlives its stop: the next one takes it up at once, and nothing says that it failed", async () => {
  hangs = true
  const folder = folderWith({
    "held.graph.yaml": `graph: held
input: { n: number }
nodes:
  got: { http: "GET http://${place}/hook?n=\${ input.n }", output: number }
output: got
`,
    "shadowgraph.project.json": JSON.stringify({
      hooks: { come: { graph: "held", signature: "github", secret: "secret:HUSH", input: { n: "${ body.n }" } } },
    }),
  })
  const env = { HUSH: "hush" }
  const first = await serve(folder, env)
  const body = '{"n":3}'
  const url = (await first.server.output()).match(/http:\/\/127\.0\.0\.1:\d+/)![0]
  const response = await fetch(`${url}/hooks/come`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-github-delivery": "1",
      "x-hub-signature-256": `sha256=${createHmac("sha256", "hush").update(body).digest("hex")}`,
    },
    body,
  })
  expect(response.status).toBe(202)
  const { run } = (await response.json()) as { readonly run: string }
  await until(async () => (asked.includes("/hook?n=3") ? true : undefined))
  await first.stop()
  hangs = false
  const entries = async () =>
    JSON.parse((await shadowgraph(folder, "runs", run, "--json")).out).entries as readonly { readonly kind: string }[]
  expect((await entries()).map((e) => e.kind)).toEqual(["start"])
  const second = await serve(folder, env)
  await until(async () => ((await second.ask(`/runs/${run}`))[1]["status"] === "ended" ? true : undefined))
  await second.stop()
  expect((await entries()).map((e) => e.kind)).toEqual(["start", "resume", "read", "end"])
  expect((await entries()).at(-1)).toMatchObject({ data: 7 })
})

for (const locked of [false, true])
  test(`a run ends on the plan and code that it began with, and new ones use what was deployed${locked ? ", also where a lock pins the code" : ""}`, async () => {
    const graph = (output: string) => `graph: job
input: { n: number }
nodes:
  before: { fn: ./code/step.ts#step, with: { x: "\${ input.n }" }, effect: read, output: number }
  go: { event: "go/\${ input.n }", within: 1h, output: number, after: before }
  done: { fn: ./code/step.ts#step, with: { x: "\${ before + go }" }, effect: read, output: number }
output: ${output}
`
    const step = "import { by } from './by.ts'\nexport const step = ({ x }: { x: number }) => x + by\n"
    const folder = folderWith({
      "job.graph.yaml": graph("done"),
      "code/step.ts": step,
      "code/by.ts": "export const by = 1\n",
    })
    const pin = async () => locked && expect((await shadowgraph(folder, "lock")).exit).toBe(0)
    await pin()
    const old = await serve(folder)
    const [, { run: before }] = await old.ask("/graphs/job/runs", { input: { n: 10 } })
    // Deployed while the old server still runs: it goes on as it began.
    writeFileSync(join(folder, "code/by.ts"), "export const by = 100\n")
    writeFileSync(join(folder, "job.graph.yaml"), graph("done * 1000.0"))
    const [, { run: between }] = await old.ask("/graphs/job/runs", { input: { n: 20 } })
    await old.stop()
    await pin()

    const fresh = await serve(folder)
    const [, { run: after }] = await fresh.ask("/graphs/job/runs", { input: { n: 10 } })
    expect(await fresh.ask(`/runs/${before}/resume`, { answers: { go: 5 } })).toMatchObject([200, { output: 17 }])
    expect(await fresh.ask(`/runs/${between}/resume`, { answers: { go: 5 } })).toMatchObject([200, { output: 27 }])
    expect(await fresh.ask(`/runs/${after}/resume`, { answers: { go: 5 } })).toMatchObject([200, { output: 215_000 }])
    // And a run that has ended is computed again from its own plan and code.
    expect((await shadowgraph(folder, "replay", String(before))).exit).toBe(0)
    await fresh.stop()
  })

test("a run whose plan, or what its tools were pinned to, was changed or removed from the ledger is not gone on with", async () => {
  const folder = folderWith({
    "job.graph.yaml": `graph: job
nodes:
  go: { event: go, within: 1h, output: number }
  done: { fn: ./step.ts#step, with: { x: "\${ go }" }, effect: read, output: number }
output: done
`,
    "step.ts": "export const step = ({ x }: { x: number }) => x + 1\n",
  })
  const told = JSON.parse((await shadowgraph(folder, "run", "job", "-y", "--json")).out) as { readonly run: string }
  writeFileSync(join(folder, "step.ts"), "export const step = ({ x }: { x: number }) => x + 100\n")
  const file = join(folder, ".shadowgraph/ledger.db")
  const kept = readFileSync(file)
  const PLAN = "substr(bytes, 1, 6) = x'5347504c414e'"
  for (const [sql, says, verify] of [
    [`DELETE FROM ledger_blob WHERE NOT ${PLAN}`, "what its tools were pinned to", "1 run cannot be replayed"],
    [`DELETE FROM ledger_blob WHERE ${PLAN}`, "its plan ", "1 run cannot be replayed"],
    ["UPDATE ledger_blob SET bytes = x'00'", "it has another hash, so it was changed", "kept      what is kept as "],
  ] as const) {
    const database = new SqliteStorage({ file })
    database.all(sql, [])
    database.close()
    const resumed = await shadowgraph(folder, "runs", "resume", told.run, "-y", "--answer", "go=1")
    expect([resumed.exit, resumed.out, resumed.err]).toEqual([1, "", expect.stringContaining(says)])
    expect((await shadowgraph(folder, "ledger", "verify")).out).toContain(verify)
    for (const more of ["-wal", "-shm"]) rmSync(file + more, { force: true })
    writeFileSync(file, kept)
  }
  const whole = await shadowgraph(folder, "runs", "resume", told.run, "-y", "--answer", "go=1")
  expect([whole.exit, whole.out]).toEqual([0, "2\n"])
  expect((await shadowgraph(folder, "ledger", "verify")).out).toStartWith("whole: ")
})
