// The published form, met as a user meets it: the package is packed, its tarball installed into an empty folder without
// any install script, and a graph runs there through the installed command and through the typed API, on Bun, on Node
// and on Deno.
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { environmentWith, findBun, findDeno } from "../bin/runtimes.mjs"
import { read, root } from "./repository.ts"

/** A Node that runs the package itself, fetched when the one at hand is older. */
const NODE_WANTED = "26.10.0"
const INSTALL_MS_MAX = 300_000

const folder = mkdtempSync(join(tmpdir(), "shadowgraph-pack-"))
const app = join(folder, "app")
const bun = findBun() ?? "bun"

/** npm hands its own settings to the programs it starts; an empty folder has none of them. */
const env = Object.fromEntries(
  Object.entries({ ...environmentWith(bun), NO_COLOR: "1" }).filter(([name]) => !name.startsWith("npm_")),
)

function run(command: string, args: readonly string[], cwd = app) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: "utf8" })
  return { status: error ? error.message : status, stdout, stderr }
}

function npm(args: readonly string[], cwd: string): string {
  const result = run("npm", [...args, "--no-audit", "--no-fund", "--loglevel=error"], cwd)
  expect({ ...result, stdout: "" }).toMatchObject({ status: 0 })
  return result.stdout
}

function nodeAtHand(): { command: string; recent: boolean } {
  const [major = 0, minor = 0] = run("node", ["--version"], folder).stdout.slice(1).split(".").map(Number)
  return { command: "node", recent: major > 22 || (major === 22 && minor >= 19) }
}

/** A Node of version 22.19 or newer: the one at hand, or one that npm fetches for this test. */
function recentNode(): string {
  const found = nodeAtHand()
  if (found.recent) return found.command
  const modules = join(folder, "node", "node_modules")
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`
  mkdirSync(modules, { recursive: true })
  npm(["install", "--ignore-scripts", "--prefix", join(folder, "node"), `${name}@${NODE_WANTED}`], folder)
  return join(modules, name, "bin", "node")
}

const graphFile = `graph: parcels
about: What a delivery of parcels costs.
input:
  weights: [number]
nodes:
  each:
    map: input.weights
    as: weight
    do:
      fn: ./prices.ts#price
      with: { weight: "\${ weight }" }
output:
  total: each.sum()
  parcels: each.size()
`

const moduleFile = `import { fn } from "shadowgraph"
import * as v from "valibot"

export const price = fn(
  "price",
  { input: { weight: v.number() }, output: v.number(), effect: "pure", async: false },
  ({ weight }) => 3 + weight * 0.5,
)
`

/** The same graph in TypeScript; the types are checked, and the program runs as it stands. */
const program = `import { graph, map, run, sum } from "shadowgraph"
import * as Effect from "effect/Effect"
import * as v from "valibot"
import { price } from "./prices.ts"

const parcels = graph("parcels", { input: { weights: v.array(v.number()) } }, function* (input) {
  const each = yield* map("each", input.weights, function* (weight) {
    return yield* price({ weight })
  })
  return yield* total({ each })
})
const answer: number = await Effect.runPromise(run(parcels, { weights: [1, 2, 3] }))
console.log(answer)
`

const hosts: Record<string, readonly string[]> = {}

beforeAll(() => {
  mkdirSync(app)
  writeFileSync(join(app, "package.json"), JSON.stringify({ private: true, type: "module" }))
  writeFileSync(join(app, "parcels.graph.yaml"), graphFile)
  writeFileSync(join(app, "prices.ts"), moduleFile)
  writeFileSync(join(app, "use.ts"), program)
  const tarball = npm(["pack", "--ignore-scripts=false", "--pack-destination", folder], root).trim().split("\n").at(-1)
  npm(["install", "--ignore-scripts", join(folder, tarball ?? "")], app)
  hosts["Bun"] = [bun]
  hosts["Node"] = [recentNode()]
  hosts["Deno"] = [findDeno() ?? "deno", "run", "-A"]
}, INSTALL_MS_MAX)

afterAll(() => rmSync(folder, { recursive: true, force: true }))
