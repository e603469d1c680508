// The walkthrough "Add a pass", done as it is written: its blocks become files, and its own test is run on them.
import { expect, test } from "bun:test"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { read, root } from "./repository.ts"

test("the example of the walkthrough works as it stands", () => {
  const folder = join(root, ".shadowgraph/add-a-pass")
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const blocks = [...read("docs/add-a-pass.md").matchAll(/^```ts (\S+)\n(.*?)^```$/gms)]
  const names = blocks.map(([, name]) => name ?? "")
  expect(names).toEqual(["twice.test.ts", "twice.ts"])
  for (const [, name = "", code = ""] of blocks) {
    // The page speaks of files in compile/; here they lie elsewhere and reach that folder from outside.
    const moved = code.replaceAll('"../graph/', '"../../graph/').replaceAll('"./', '"../../compile/')
    writeFileSync(join(folder, name), moved.replaceAll('"../../compile/twice.ts"', '"./twice.ts"'))
  }
  const config = { extends: "../../tsconfig.json", include: ["*.ts"] }
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
  const tests = Bun.spawnSync([process.execPath, "test", join(folder, "twice.test.ts")], { cwd: root })
  expect(tests.stderr.toString()).toContain(" 1 pass")
  expect(tests.exitCode).toBe(0)
  const tsc = join(root, "node_modules/typescript/bin/tsc")
  const types = Bun.spawnSync([process.execPath, tsc, "--noEmit", "-p", folder])
  expect(`${types.stdout}${types.stderr}`).toBe("")
  rmSync(folder, { recursive: true })
}, 60_000)
