/** Locks of real things: a server started over stdio and modules on disk, in bodies and subgraphs, and what cannot be pinned. */
import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import {
  type Graph,
  LOCK_FORMAT,
  type Lock,
  lit,
  type Node,
  parseLock,
  printLock,
  type Rec,
  registry,
  type Scope,
  T,
} from "../../graph/mod.ts"
import { fn, mcp, sql } from "../../nodes/mod.ts"
import { systemChance } from "../services/chance.ts"
import { systemClock } from "../services/clock.ts"
import { mcpService } from "../services/mcp.ts"
import { moduleService } from "../services/modules.ts"
import { makeLock } from "./lock.ts"

const base = mkdtempSync(join(tmpdir(), "lock-"))
const servers = mcpService({ base })
afterAll(async () => {
  await servers.close()
  rmSync(base, { recursive: true })
})
const services = {
  clock: systemClock,
  chance: systemChance,
  granted: () => true,
  mcp: servers,
  modules: moduleService(base),
}
const kinds = registry(fn, mcp, sql)

const node = (name: string, kind: string, config: Rec, more: Partial<Node> = {}): Node => ({
  name,
  kind,
  config,
  args: lit({}),
  scopes: {},
  settings: {},
  ...more,
})
const scope = (...nodes: Node[]): Scope => ({ params: [], nodes, output: lit(null) })
const faulty = new URL("../../tests/contract/samples/faulty-server.mjs", import.meta.url).pathname
const graph = (shape: string, ...nodes: Node[]): Graph => ({
  name: "g",
  types: {},
  input: T.record({}),
  resources: {
    servers: { s: { stdio: [process.execPath, faulty, `shape=${shape}`] }, gone: { stdio: ["no-such-command"] } },
  },
  body: scope(...nodes),
})
writeFileSync(join(base, "a.ts"), "export const one = () => 1\nexport const two = () => 2\n")

test("pins tools and code wherever they stand, sorted, the same each time", async () => {
  const inner = graph("1", node("deep", "mcp", { mcp: "s/say" }))
  const g = graph(
    "1",
    node("sum", "mcp", { mcp: "s/add" }),
    node("each", "map", {}, { scopes: { do: scope(node("do", "fn", { code: "./a.ts#one" })) } }),
    node("sub", "graph", {}, { graph: inner }),
    node("here", "fn", { code: "inline:x" }),
    node("rows", "sql", { sql: "x", query: "select 1" }),
  )
  const { lock, failures, changes } = await makeLock([g], kinds, services)
  const { pins } = lock
  expect(failures).toEqual([])
  expect(Object.keys(pins)).toEqual(["fn:./a.ts#one", "mcp:s/add", "mcp:s/say"])
  expect(changes).toEqual(["+ fn:./a.ts#one", "+ mcp:s/add", "+ mcp:s/say"])
  expect(pins["fn:./a.ts#one"]).toEqual({ sha256: await services.modules.hash("./a.ts") })
  expect(pins["mcp:s/add"]).toMatchObject({ input: { required: ["a", "b"] }, readOnlyHint: true })
  expect(pins["mcp:s/add"]!["hash"]).toMatch(/^[0-9a-f]{64}$/)
  const again = await makeLock([g], kinds, services, lock)
  expect(again.changes).toEqual([])
  expect(printLock(again.lock)).toBe(printLock(lock))
  // Written to disk and read back it is the same lock.
  expect(parseLock({ file: "shadowgraph.lock", text: printLock(lock) })).toEqual({ lock })
})

test("says what changed, and drops what is not used any more", async () => {
  const add = node("sum", "mcp", { mcp: "s/add" })
  const code = node("c", "fn", { code: "./a.ts#two" })
  const { lock } = await makeLock([graph("1", add, code)], kinds, services)
  const { changes } = await makeLock([graph("2", add)], kinds, services, lock)
  expect(changes).toEqual(["- fn:./a.ts#two", '~ mcp:s/add: input.properties.b.type: was "number", is "string"'])
})

test("what cannot be pinned is told with its place, all of it, and the old pins stay", async () => {
  const before: Lock = { format: LOCK_FORMAT, pins: { "mcp:gone/x": { input: {} } } }
  const g = graph(
    "1",
    node("a", "mcp", { mcp: "gone/x" }),
    node("b", "mcp", { mcp: "s/none" }),
    node("c", "when", {}, { scopes: { then: scope(node("then", "fn", { code: "./gone.ts#x" })) } }),
  )
  const { lock, failures } = await makeLock([g], kinds, services, before)
  expect(failures.map((f) => `${f.path} ${f.failure.code}`)).toEqual([
    "a Unreachable",
    "b UnknownTool",
    "c.then NoCode",
  ])
  expect(lock).toEqual(before)
})
