// `npm run build`, and `npm pack` before it packs: the published form. TypeScript becomes JavaScript with type
// declarations, one file for one file, in dist/; other files that a room reads at run time go along unchanged.
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { root } from "../bin/runtimes.mjs"
import { ready } from "./install.mjs"

const ROOMS = ["graph", "plan", "compile", "kernel", "bus", "nodes", "deploy"]

ready()
const dist = join(root, "dist")
rmSync(dist, { recursive: true, force: true })

const tsc = join(root, "node_modules", "typescript", "bin", "tsc")
const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root, stdio: [0, 2, 2] })
if (status !== 0) process.exit(status ?? 1)

for (const room of ROOMS) {
  for (const entry of readdirSync(join(root, room), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name)
    // What only tests read stays at home.
    if (!entry.isFile() || /\.(ts|md)$|\.test\./.test(entry.name) || path.includes("samples")) continue
    const to = join(dist, path.slice(root.length))
    mkdirSync(dirname(to), { recursive: true })
    cpSync(path, to)
  }
}
