/** MCP's published conformance suite, run as it is, and what came of each of its checks. */
import { spawn, spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"

const SUITE = join(import.meta.dirname, "..", "..", "node_modules/@modelcontextprotocol/conformance/dist/index.js")

/** What became of each check: `scenario/check` → its status. */
export type Checks = ReadonlyMap<string, string>

export interface Score {
  readonly passed: number
  readonly failed: number
}
export const scoreOf = (checks: Checks): Score => {
  const all = [...checks.values()]
  return { passed: all.filter((s) => s === "SUCCESS").length, failed: all.filter((s) => s === "FAILURE").length }
}

/** The checks of one scenario. A scenario's name may itself have a slash. */
export const ofScenario = (checks: Checks, scenario: string): Checks =>
  new Map([...checks].filter(([check]) => check.slice(0, check.lastIndexOf("/")) === scenario))

/** Every client scenario that the suite has. */
export function clientScenarios(): readonly string[] {
  const { stdout } = spawnSync(process.execPath, [SUITE, "list"], { encoding: "utf8" })
  return [...stdout.slice(stdout.indexOf("Client scenarios")).matchAll(/^ {2}- (\S+)/gm)].map(([, name]) => name!)
}

/** One run of the suite, its checks read from what it wrote down. `name` is of the folder that it writes below `cwd`. */
export async function suite(cwd: string, name: string, args: readonly string[]): Promise<Checks> {
  const out = join(cwd, `results-${name}`)
  const exit = await new Promise<number | null>((done) => {
    const child = spawn(process.execPath, [SUITE, ...args, "-o", out], { cwd, stdio: "ignore" })
    child.once("exit", done)
  })
  const checks = new Map<string, string>()
  for (const file of readdirSync(out, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith("checks.json")) continue
    // The folder of a scenario is called after it and the time.
    const scenario = dirname(file)
      .replace(/^server-/, "")
      .replace(/-\d{4}-\d\d-\d\dT.*$/, "")
    const found = JSON.parse(readFileSync(join(out, file), "utf8")) as {
      readonly id: string
      readonly status: string
    }[]
    // What passed by is noted as INFO: that is no check.
    for (const { id, status } of found) {
      if (status === "INFO") continue
      const times = [...checks.keys()].filter((key) => key.startsWith(`${scenario}/${id}`)).length
      checks.set(`${scenario}/${id}${times === 0 ? "" : ` ${times + 1}`}`, status)
    }
  }
  // How a client ended the suite says in its own exit code alone. Where it only looks at how one begins, ours ends badly.
  const bad = [...checks.values()].some((status) => status !== "SUCCESS")
  if (name.startsWith("auth/") && exit !== 0 && !bad) checks.set(`${name}/ended well`, "FAILURE")
  return checks
}
