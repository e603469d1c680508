/** A tool by itself: what it may be asked without stays so. */
import { expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { T } from "../../graph/mod.ts"
import { openProject } from "../project/project.ts"
import { serverToolGraph } from "./tool_graph.ts"

test("arguments that a tool can be called without may be absent from its input", async () => {
  const folder = mkdtempSync(join(tmpdir(), "shadowgraph-tool-"))
  try {
    const own = await openProject(folder)
    const input = {
      type: "object",
      properties: { n: { type: "number" }, tags: { type: "array", items: { type: "string" } } },
      required: ["n"],
    }
    const output = { type: "object", properties: { twice: { type: "number" } }, required: ["twice"] }
    const lock = { ...own.lock, pins: { "mcp:s/double": { input, output } } }
    const declared = { stdio: ["node", "server.mjs"], reads: ["double"] }
    const { checked } = serverToolGraph("s", "double", declared, { ...own, lock })
    expect(checked.input).toMatchObject({ fields: { n: { type: T.number }, tags: { optional: true } } })
    expect(checked.needs).toEqual(["mcp:s/double"])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
