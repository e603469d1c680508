// Graphs as tools of MCP at the edge: one bundle, without a platform's own modules, serves both protocols in a real workerd and in
// Bun alike, each request by itself.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { mkdtempSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import { compile } from "../../compile/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { hex, registry, sha256 } from "../../graph/mod.ts"
import { HOSTS, Stand } from "../hosts/launch.ts"
import { root } from "../repository.ts"
import type { Question } from "./mcp_program.ts"

setDefaultTimeout(120_000)

const stand = new Stand()
afterAll(() => stand.close())

const TEXT = `graph: double
about: Doubles.
input: { x: number }
nodes:
  y: { expr: input.x * 2 }
output: { y: y }
`
const { checked } = checkFile({ file: "t.graph.yaml", text: TEXT }, { registry: registry() })
const plan = Buffer.from(compile(checked!).bytes).toString("base64")
const envelope = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "t", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
}
const call = { name: "double", arguments: { x: 21 } }
const body = (method: string, params: object) => JSON.stringify({ jsonrpc: "2.0", id: 1, method, params })
const newest = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "double" }
const REQUESTS: Question["requests"] = [
  {
    headers: {},
    body: body("initialize", {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "t", version: "1" },
    }),
  },
  { headers: {}, body: body("tools/call", call) },
  { headers: newest, body: body("tools/call", { ...call, _meta: envelope }) },
  { headers: newest, body: body("tools/call", { name: "double", arguments: {}, _meta: envelope }) },
  { headers: { origin: "https://evil.example.com" }, body: body("tools/call", call) },
  { headers: {}, body: "{" },
]

/** For workers, as wrangler would: what the packages have for them. */
async function bundled(): Promise<string> {
  const outfile = join(mkdtempSync(join(stand.folder, "mcp-")), "program.mjs")
  await build({
    entryPoints: [join(root, "tests/edge/mcp_program.ts")],
    outfile,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["workerd", "worker", "browser"],
    legalComments: "none",
    logLevel: "error",
  })
  return outfile
}

describe.each(HOSTS.filter(({ name }) => name === "workerd" || name === "Bun"))("on $name", async (kind) => {
  test.skipIf(kind.missing !== undefined)(`both protocols, request by request ${kind.missing ?? ""}`, async () => {
    const host = await stand.start(kind, await bundled())
    const told = (await host.ask({ plan, requests: REQUESTS })) as { readonly status: number; readonly text: string }[]
    expect(told.map((t) => t.status)).toEqual([200, 200, 200, 200, 403, 400])
    expect(told[0]!.text).toContain("At the edge.")
    expect(told[1]!.text).toContain('"structuredContent":{"y":42}')
    expect(JSON.parse(told[2]!.text).result).toMatchObject({ structuredContent: { y: 42 } })
    expect(JSON.parse(told[3]!.text).result).toMatchObject({ isError: true })
    const tokens = [hex(sha256(new TextEncoder().encode("open")))]
    const requests = [REQUESTS[1]!, { ...REQUESTS[1]!, headers: { authorization: "Bearer open" } }]
    const guarded = (await host.ask({ plan, tokens, requests })) as { readonly status: number }[]
    expect(guarded.map((t) => t.status)).toEqual([401, 200])
  })
})

test("the bundle has no platform's own modules", async () => {
  const bytes = await Bun.file(await bundled()).bytes()
  expect(new TextDecoder().decode(bytes)).not.toMatch(/\b(from|import)\s*\(?["']node:/)
  console.log(
    `With MCP the runtime at the edge weighs ${(gzipSync(bytes, { level: 9 }).length / 1000).toFixed(1)} kB gzipped`,
  )
})
