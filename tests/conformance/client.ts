/**
 * Our client in the suite's client scenarios: a graph with one `mcp:` node on the server that the suite started, pinned and
 * run by the real command. `bun client.ts <tool> <arguments, JSON in base64url> <folder> <url>`.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const [tool = "", args = "", folder = ".", url = ""] = process.argv.slice(2)
const MAIN = join(import.meta.dirname, "..", "..", "deploy", "cli", "main.ts")
const own = mkdtempSync(join(folder, "client-"))
writeFileSync(
  join(own, "call.graph.yaml"),
  `graph: call
servers:
  suite: { url: "${url}", reads: ["${tool}"] }
nodes:
  said:
    mcp: suite/${tool}
    with: ${Buffer.from(args, "base64url").toString("utf8")}
    parse: text
output: said
`,
)
const shadowgraph = (...words: readonly string[]) =>
  spawnSync(process.execPath, [MAIN, ...words], { cwd: own, stdio: ["ignore", "inherit", "inherit"] }).status ?? 1
const pinned = shadowgraph("lock")
const exit = pinned === 0 ? shadowgraph("run", "call", "--yes", "-g", "net:private", "--ledger", "memory") : pinned
rmSync(own, { recursive: true, force: true })
process.exit(exit)
