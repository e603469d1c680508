/** `doctor`: what this host has and lacks, each line with what it is for. Touches nothing outside this machine. */
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { availableParallelism, homedir, totalmem } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { type Call, EXIT } from "./command.ts"
import { versionOf } from "./version.ts"

export interface Finding {
  readonly name: string
  /** `lack`: something will not work; `note`: it works another way. */
  readonly state: "ok" | "note" | "lack"
  readonly found: string
  readonly use: string
}

export async function run(call: Call): Promise<number> {
  const { out } = call.terminal
  const findings = await examine(call)
  const lacks = findings.some((f) => f.state === "lack")
  if (call.on("json")) {
    out.write(`${JSON.stringify({ ok: !lacks, version: versionOf(), findings }, null, 2)}\n`)
    return lacks ? EXIT.failed : EXIT.ok
  }
  const { green, yellow, red, dim } = out.colours
  const sign = { ok: green("ok  "), note: yellow("note"), lack: red("lack") }
  const name = Math.max(...findings.map((f) => f.name.length))
  const found = Math.max(...findings.map((f) => Math.min(48, f.found.length)))
  for (const f of findings)
    out.write(`${sign[f.state]}  ${f.name.padEnd(name)}  ${f.found.padEnd(found)}  ${dim(f.use)}\n`)
  return lacks ? EXIT.failed : EXIT.ok
}

async function examine({ terminal }: Call): Promise<readonly Finding[]> {
  return [
    { name: "shadowgraph", state: "ok", found: versionOf(), use: "this program" },
    runtime(),
    await sqlite(),
    codegen(),
    await wasmSimd(),
    threads(),
    await loads("MCP client", "@modelcontextprotocol/client", "mcp nodes"),
    await models(),
    await loads("bundler", "esbuild", "fn nodes of graph files"),
    command("npx", ["--version"], "starting MCP servers from npm"),
    {
      name: "terminal",
      state: terminal.person ? "ok" : "note",
      found: terminal.person ? `${terminal.err.columns()} columns` : "none",
      use: terminal.person ? "progress and questions" : "no questions are asked: grant what is needed with --grant",
    },
    chromium(),
  ]
}

function runtime(): Finding {
  const {
    bun,
    deno,
    node = "",
  } = process.versions as { readonly bun?: string; readonly deno?: string; readonly node?: string }
  const use = "running graphs"
  if (bun !== undefined) return { name: "runtime", state: "ok", found: `Bun ${bun}`, use }
  if (deno !== undefined) return { name: "runtime", state: "ok", found: `Deno ${deno}`, use }
  const [major = 0, minor = 0] = node.split(".").map(Number)
  const recent = major > 22 || (major === 22 && minor >= 19)
  return {
    name: "runtime",
    state: recent ? "ok" : "lack",
    found: `Node ${node}`,
    use: recent ? use : "Node must be 22.19 or newer, or use Bun or Deno",
  }
}

async function sqlite(): Promise<Finding> {
  try {
    const { DatabaseSync } = await import("node:sqlite")
    const db = new DatabaseSync(":memory:")
    const row = db.prepare("select sqlite_version() as v").get() as { readonly v: string }
    db.close()
    return { name: "node:sqlite", state: "ok", found: `SQLite ${row.v}`, use: "sql nodes, the ledger in a file" }
  } catch {
    return {
      name: "node:sqlite",
      state: "lack",
      found: "missing",
      use: "sql nodes and the ledger: use Node 22.13 or newer, Bun or Deno",
    }
  }
}

/** The engine finds out for itself; here it is only told. */
function codegen(): Finding {
  const flags = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ")
  const barred = flags.includes("disallow-code-generation-from-strings")
  return barred
    ? {
        name: "code from plans",
        state: "note",
        found: "forbidden",
        use: "expressions are interpreted, with the same results",
      }
    : { name: "code from plans", state: "ok", found: "allowed", use: "fused expressions run as functions" }
}

/** A module of one function that uses a SIMD instruction: `i8x16.splat` of 0, dropped. */
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11]

async function wasmSimd(): Promise<Finding> {
  const ok = typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array(SIMD))
  return { name: "WASM SIMD", state: ok ? "ok" : "note", found: ok ? "yes" : "no", use: "shadows" }
}

function threads(): Finding {
  const gib = (totalmem() / 2 ** 30).toFixed(1)
  return { name: "machine", state: "ok", found: `${availableParallelism()} threads, ${gib} GiB`, use: "" }
}

async function loads(name: string, specifier: string, use: string): Promise<Finding> {
  try {
    await import(specifier)
    return { name, state: "ok", found: specifier, use }
  } catch {
    return { name, state: "lack", found: "missing", use: `${use}: npm install ${specifier}` }
  }
}

/** What a run would use, and what is not there. */
async function models(): Promise<Finding> {
  const { serverOnnx } = await import("../services/onnx_host.ts")
  const onnx = serverOnnx(".")
  const providers = await onnx.providers()
  await onnx.close()
  const there = providers.filter((p) => p.lacks === undefined).map((p) => p.name)
  const lacks = providers.flatMap((p) => (p.lacks === undefined ? [] : [`${p.name}: ${p.lacks}`]))
  const use = ["onnx nodes", ...lacks].join("; ")
  return there.length > 0
    ? { name: "ONNX models", state: "ok", found: there.join(", "), use }
    : { name: "ONNX models", state: "note", found: "none", use }
}

function command(name: string, words: readonly string[], use: string): Finding {
  const { status, stdout } = spawnSync(name, [...words], {
    encoding: "utf8",
    timeout: 10_000,
    shell: process.platform === "win32",
  })
  return status === 0
    ? { name, state: "ok", found: stdout.trim(), use }
    : { name, state: "note", found: "missing", use: `${use}: install Node and npm, or name another command in stdio:` }
}

function chromium(): Finding {
  const use = "pictures of pages"
  const onPath = ["chromium", "chromium-browser", "google-chrome"].find(
    (c) => spawnSync(c, ["--version"], { stdio: "ignore", timeout: 10_000 }).status === 0,
  )
  if (onPath !== undefined) return { name: "browser", state: "ok", found: onPath, use }
  const cache = join(homedir(), ".cache", "ms-playwright")
  const kept = existsSync(cache) ? readdirSync(cache).find((d) => d.startsWith("chromium")) : undefined
  return kept === undefined
    ? { name: "browser", state: "note", found: "none", use: `${use}; nothing else needs one` }
    : { name: "browser", state: "ok", found: kept, use }
}
