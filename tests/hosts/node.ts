// A Node that runs the package itself: the one at hand, or one that npm fetches for a test.
import { spawnSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"

/** Fetched when the one at hand is older than 22.19. */
const NODE_WANTED = "26.10.0"

export function nodeAtHand(): { readonly command: string; readonly recent: boolean } {
  const { stdout } = spawnSync("node", ["--version"], { encoding: "utf8" })
  const [major = 0, minor = 0] = (stdout ?? "").slice(1).split(".").map(Number)
  return { command: "node", recent: major > 22 || (major === 22 && minor >= 19) }
}

/** The program of a Node that is recent enough. `folder`: where one may be put. */
export function recentNode(folder: string): string {
  const found = nodeAtHand()
  if (found.recent) return found.command
  const modules = join(folder, "node", "node_modules")
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`
  mkdirSync(modules, { recursive: true })
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
  // npm hands its own settings to the programs it starts; an empty folder has none of them.
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith("npm_")))
  const args = ["install", ...quiet, "--prefix", join(folder, "node"), `${name}@${NODE_WANTED}`]
  const { status, stderr } = spawnSync("npm", args, { cwd: folder, encoding: "utf8", env })
  if (status !== 0) throw new RangeError(`Cannot fetch Node ${NODE_WANTED} for the tests: ${stderr}`)
  return join(modules, name, "bin", "node")
}
