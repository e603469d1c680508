// `npm run fresh`: what a stranger meets. Clones the committed repository into an empty folder, runs `npm start` and
// `npm test` there without a terminal, and prints how long each took. Run it before handing work in.
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { root } from "../bin/runtimes.mjs"

const folder = mkdtempSync(join(tmpdir(), "shadowgraph-fresh-"))
const clone = join(folder, "shadowgraph")
/** npm hands its own settings to its children; a stranger's shell has none of them. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_|^INIT_CWD$/.test(name)))

function step(command, args, cwd) {
  console.log(`\n$ ${command} ${args.join(" ")}`)
  const from = performance.now()
  const { status } = spawnSync(command, args, { cwd, env, stdio: ["ignore", "inherit", "inherit"] })
  const seconds = ((performance.now() - from) / 1000).toFixed(1)
  console.log(`── ${command} ${args[0]}: ${status === 0 ? "ok" : `FAILED with ${status}`} in ${seconds} s`)
  return status === 0
}

const ok =
  step("git", ["clone", "--quiet", root, clone], folder) &
  step("npm", ["start"], clone) &
  step("npx", ["shadowgraph", "--help"], clone) &
  step("npm", ["test"], clone)
rmSync(folder, { recursive: true, force: true })
process.exitCode = ok ? 0 : 1
