// The published form, met as a user meets it: the package is packed, its tarball installed into an empty folder without
// any install script, and a graph runs there through the installed command and through the typed API, on Bun, on Node
// and on Deno.
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { environmentWith, findBun, findDeno } from "../bin/runtimes.mjs"
import { nodeAtHand, recentNode } from "./hosts/node.ts"
import { read, root } from "./repository.ts"

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

/** The same graph in TypeScript: its types are checked, and the program runs as it stands. */
const program = `import { graph, map, run, size, sum } from "shadowgraph"
import * as Effect from "effect/Effect"
import * as v from "valibot"
import { price } from "./prices.ts"

const parcels = graph("parcels", { input: { weights: v.array(v.number()) } }, function* (input) {
  const each = yield* map("each", input.weights, (weight) => price({ weight }))
  return { total: sum(each), parcels: size(each) }
})
const answer: { total: number; parcels: number } = await Effect.runPromise(run(parcels, { weights: [1, 2, 3] }))
console.log(JSON.stringify(answer))
`

const hosts: Record<string, readonly string[]> = {}
/** The plan that the first host compiled, and the program that it deployed. */
let first: Buffer | undefined
let deployed: Buffer | undefined

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

describe("the tarball", () => {
  test("holds what runs, its types and what a user reads, and nothing else", () => {
    const home = join(app, "node_modules", "shadowgraph")
    expect(readdirSync(home).sort()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "bin",
      "dist",
      "package.json",
      "schema",
    ])
    const built = readdirSync(join(home, "dist"), { recursive: true, encoding: "utf8" })
    expect(built.filter((file) => /(?<!\.d)\.ts$|\.test\./.test(file))).toEqual([])
  })

  test("has every door that its exports name", () => {
    const home = join(app, "node_modules", "shadowgraph")
    const doors: (string | { types: string; default: string })[] = Object.values(
      JSON.parse(read("package.json")).exports,
    )
    const targets = doors.flatMap((door) => (typeof door === "string" ? [door] : [door.types, door.default]))
    expect(targets.filter((target) => !existsSync(join(home, target)))).toEqual([])
  })

  test("types a program that uses it", () => {
    const options = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"]
    const modules = [
      "--module",
      "nodenext",
      "--target",
      "es2024",
      "--lib",
      "es2024,dom,esnext.disposable",
      "--types",
      "",
    ]
    const style = ["--allowImportingTsExtensions", "--erasableSyntaxOnly", "--verbatimModuleSyntax", "--skipLibCheck"]
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc")
    const result = run(bun, [tsc, ...options, ...modules, ...style, "use.ts"])
    expect(result).toEqual({ status: 0, stdout: "", stderr: "" })
  })
})

describe.each(["Bun", "Node", "Deno"])("on %s", (name) => {
  const command = () => [...(hosts[name] ?? []), join(app, "node_modules", "shadowgraph", "bin", "shadowgraph.mjs")]
  const shadowgraph = (...words: readonly string[]) => {
    const [host = "", ...args] = command()
    return run(host, [...args, ...words])
  }

  test("the installed command locks, checks and runs a graph with a function of the user's", () => {
    expect(shadowgraph("lock")).toMatchObject({ status: 0 })
    expect(shadowgraph("check")).toMatchObject({ status: 0 })
    const { status, stdout, stderr } = shadowgraph("run", "parcels.graph.yaml", "weights=[1,2,3]")
    expect({ status, stderr, answer: stdout && JSON.parse(stdout) }).toEqual({
      status: 0,
      stderr: "",
      answer: { total: 12, parcels: 3 },
    })
  })

  test("it compiles to the same bytes everywhere, and the plan runs", () => {
    expect(shadowgraph("compile", "parcels.graph.yaml", "-o", `parcels.${name}.plan`)).toMatchObject({ status: 0 })
    const plan = readFileSync(join(app, `parcels.${name}.plan`))
    first ??= plan
    expect(plan.equals(first)).toBe(true)
    const result = shadowgraph("run", `parcels.${name}.plan`, "weights=[4]", "--json")
    expect(result).toMatchObject({ status: 0 })
    expect(JSON.parse(result.stdout)).toMatchObject({ output: { total: 5, parcels: 1 } })
  })

  test("it deploys: the same program everywhere, made of the package as it was installed", () => {
    const folder = `deployed-${name}`
    expect(shadowgraph("deploy", "workerd", "parcels.graph.yaml", "-o", folder)).toMatchObject({ status: 0 })
    const program = readFileSync(join(app, folder, "worker.js"))
    deployed ??= program
    expect(program.equals(deployed)).toBe(true)
  })

  test("a mistake ends with exit code 1 and words, not with a stack", () => {
    const { status, stderr } = shadowgraph("run", "parcels.graph.yaml")
    expect(status).not.toBe(0)
    expect(stderr).toContain("weights is missing")
    expect(stderr).not.toContain("    at ")
  })

  test(
    "every claim of the kernel holds there",
    () => {
      const { status, stdout } = shadowgraph("verify", "--seed", name, "--json")
      expect(JSON.parse(stdout)).toMatchObject({ ok: true, failed: 0 })
      expect(status).toBe(0)
    },
    INSTALL_MS_MAX,
  )

  test("the typed API runs the same graph", () => {
    const [host = "", ...args] = hosts[name] ?? []
    const { status, stdout, stderr } = run(host, [...args, "use.ts"])
    expect({ status, stderr, answer: stdout && JSON.parse(stdout) }).toEqual({
      status: 0,
      stderr: "",
      answer: { total: 12, parcels: 3 },
    })
  })
})

test.skipIf(nodeAtHand().recent)("a Node that is too old hands over to Bun, or says what is wanted", () => {
  const bin = join(app, "node_modules", "shadowgraph", "bin", "shadowgraph.mjs")
  expect(run("node", [bin, "--version"])).toMatchObject({
    status: 0,
    stdout: `${JSON.parse(read("package.json")).version}\n`,
  })
  const { PATH, ...bare } = env
  const alone = spawnSync(nodePath(), [bin, "--version"], { cwd: app, env: { ...bare, PATH: "" }, encoding: "utf8" })
  expect(alone.status).toBe(1)
  expect(alone.stderr).toContain("Node must be 22.19 or newer")
})

function nodePath(): string {
  return run("node", ["--print", "process.execPath"], folder).stdout.trim()
}
