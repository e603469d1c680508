// The walkthrough "Add a node kind", done as it is written: its blocks become files, and its own test is run on them.
import { expect, test } from "bun:test"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { read, root } from "./repository.ts"

/** Code blocks that name a file; blocks of one file are its parts, in order. */
function filesIn(document: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const [, name = "", code = ""] of document.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)) {
    found.set(name, (found.get(name) ?? "") + code)
  }
  return found
}

test("the example of the walkthrough works as it stands", () => {
  // Inside the repository, so that `shadowgraph/graph` is found; in a folder that git does not look into.
  const folder = join(root, ".shadowgraph/add-a-node-kind")
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const files = filesIn(read("docs/add-a-node-kind.md"))
  expect([...files.keys()].sort()).toEqual(["csv.test.ts", "csv.ts", "lines.graph.yaml"])
  for (const [name, text] of files) writeFileSync(join(folder, name), text)
  writeFileSync(
    join(folder, "tsconfig.json"),
    '{ "extends": "../../tsconfig.json", "include": ["*.ts"], "compilerOptions": { "paths": { "shadowgraph/*": ["../../*/mod.ts"] } } }',
  )
  const tests = Bun.spawnSync([process.execPath, "test", join(folder, "csv.test.ts")], { cwd: root })
  expect(tests.stderr.toString()).toContain(" 3 pass")
  expect(tests.exitCode).toBe(0)
  const types = Bun.spawnSync([
    process.execPath,
    join(root, "node_modules/typescript/bin/tsc"),
    "--noEmit",
    "-p",
    folder,
  ])
  expect(`${types.stdout}${types.stderr}`).toBe("")
  expect(types.exitCode).toBe(0)
  rmSync(folder, { recursive: true })
}, 60_000)
