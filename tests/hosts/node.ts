// A Node that runs the package itself: the one at hand, or one that npm fetches for a test.
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Fetched when the one at hand is older than 22.19. */
const NODE_WANTED = "26.10.0"

export function nodeAtHand(): { readonly command: string; readonly recent: boolean } {
  const { stdout } = spawnSync("node", ["--version"], { encoding: "utf8" })
  const [major = 0, minor = 0] = (stdout ?? "").slice(1).split(".").map(Number)
  return { command: "node", recent: major > 22 || (major === 22 && minor >= 19) }
}

/** The program of a Node that is recent enough. One that was fetched stays for the tests after, in the folder for what is temporary. */
export function recentNode(): string {
  const found = nodeAtHand()
  if (found.recent) return found.command
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`
  const kept = join(tmpdir(), `shadowgraph-${name}-${NODE_WANTED}`)
  const program = join(kept, "node_modules", name, "bin", "node")
  if (existsSync(program)) return program
  const folder = mkdtempSync(join(tmpdir(), "shadowgraph-node-"))
  mkdirSync(join(folder, "node_modules"))
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
  // npm hands its own settings to the programs it starts; an empty folder has none of them.
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith("npm_")))
  const args = ["install", ...quiet, "--prefix", folder, `${name}@${NODE_WANTED}`]
  const { status, stderr } = spawnSync("npm", args, { cwd: folder, encoding: "utf8", env })
  if (status !== 0) throw new RangeError(`Cannot fetch Node ${NODE_WANTED} for the tests: ${stderr}`)
  try {
    renameSync(folder, kept)
  } catch (cause) {
    // Another run was first; its Node is the same.
    if (!existsSync(program)) throw cause
    rmSync(folder, { recursive: true, force: true })
  }
  return program
}
