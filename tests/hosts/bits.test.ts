/** Training and inference give the same bits on Bun, Deno and Node, each a process of its own that runs one bundle. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { build } from "esbuild"
import { findBun, findDeno } from "../../bin/runtimes.mjs"

const folder = mkdtempSync(join(tmpdir(), "bits-"))
const bundle = join(folder, "bits.mjs")

beforeAll(async () => {
  const entry = join(import.meta.dirname, "bits.ts")
  await build({
    entryPoints: [entry],
    outfile: bundle,
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    logLevel: "error",
  })
})
afterAll(() => rmSync(folder, { recursive: true }))

const EXPECTED = {
  file: "27dd2a9315e99aec54e90d61d859c35ebf1eb4fd9ba8356ecdb54b32e9b1d45d",
  losses: [
    5.341305640728948, 3.12143248802243, 2.0017232935867018, 1.373963616753622, 1.0351163995513377, 0.9345866093164548,
    0.8018525159813447, 0.8582208589088024,
  ],
  answers: "1c7163e381239e5ae2b57dafe780b95a22e9a4918f3db4732dda08ba8c585649",
}

test.each([
  ["Bun", () => [findBun(), "run"]],
  ["Deno", () => [findDeno(), "run"]],
  ["Node", () => ["node"]],
] as [string, () => string[]][])("%s", (_, command) => {
  const [program, ...args] = command()
  const { stdout, stderr } = spawnSync(program!, [...args, bundle], { encoding: "utf8", timeout: 50_000 })
  expect(stderr).toBe("")
  expect(JSON.parse(stdout)).toEqual(EXPECTED)
})
