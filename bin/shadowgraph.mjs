#!/usr/bin/env node
// The `shadowgraph` command. An installed package runs its JavaScript right here on Node 22.19 or newer, Bun or Deno.
// In a clone, and on an older Node (which lacks node:sqlite), the command line starts again under Bun, which npm
// brought along; signals and the exit code pass through.
import { existsSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { findBun, root as home, run } from "./runtimes.mjs"

const source = join(home, "deploy", "cli", "main.ts")
const built = join(home, "dist", "deploy", "cli", "main.js")
const NODE_MIN = [22, 19]

const inClone = existsSync(source)
const program = inClone ? source : built

// Node 22 says at each start that its SQLite is experimental: nothing that whoever runs a graph could act on.
const { emitWarning } = process
process.emitWarning = (warning, ...rest) => {
  if (!String(warning?.message ?? warning).startsWith("SQLite is an experimental feature"))
    emitWarning.call(process, warning, ...rest)
}

if (process.versions.bun || (!inClone && (process.versions.deno || nodeIsRecent()))) {
  await import(pathToFileURL(program).href)
} else {
  const bun = inClone ? await bunOfClone() : findBun(process.cwd())
  if (bun) run(bun, [program, ...process.argv.slice(2)])
  else refuse()
}

function nodeIsRecent() {
  const [major, minor] = process.versions.node.split(".").map(Number)
  return major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])
}

async function bunOfClone() {
  const { ready } = await import(pathToFileURL(join(home, "scripts", "install.mjs")).href)
  return ready()
}

function refuse() {
  console.error(
    `Cannot start shadowgraph: Node must be ${NODE_MIN.join(".")} or newer, found ${process.versions.node}. ` +
      "Update Node, or run `npm install --save-dev bun` and try again.",
  )
  process.exit(1)
}
