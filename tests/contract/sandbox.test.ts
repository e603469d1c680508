/**
 * The sandbox against programs that attack it, and the same on Bun, Deno and Node to the last unit of fuel.
 */
import { afterAll, describe, expect, test } from "bun:test"
import { execFileSync } from "node:child_process"
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { findDeno } from "../../bin/runtimes.mjs"
import { quickJsSandbox } from "../../deploy/mod.ts"
import { sameValue } from "../../graph/mod.ts"
import { root } from "../repository.ts"
import { ATTACKS, ROUND, reportOf } from "./sandbox-programs.ts"

const folder = mkdtempSync(join(tmpdir(), "shadowgraph-sandbox-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const sandbox = quickJsSandbox()

describe("a program that attacks", () => {
  test.each(ATTACKS.map((attack) => [attack.name, attack] as const))("%s", async (_, attack) => {
    const { source, input = null, limits = {}, ends } = attack
    const loaded = await sandbox.load(source, { fuel: 5_000_000, loadFuel: 5_000_000, ...limits })
    // Twice: what the first call did is not there for the second.
    const answers = loaded.ok ? [loaded.program.call(input), loaded.program.call(input)] : [loaded]
    for (const got of answers) {
      if (typeof ends === "string") expect(got).toMatchObject({ ok: false, why: ends })
      else expect(got).toMatchObject({ ok: true, value: ends.value })
    }
    if (loaded.ok) {
      const { fuel, ...first } = answers[0]!
      expect(answers[1]).toEqual({ ...first, fuel } as never)
    }
  })

  test("leaves other programs as they were", async () => {
    const kept = await sandbox.load("export default (x) => x + 1")
    if (!kept.ok) throw new TypeError(kept.message)
    const before = kept.program.call(1)
    for (const { source } of ATTACKS.slice(0, 20)) {
      const loaded = await sandbox.load(source, { fuel: 1_000_000, loadFuel: 1_000_000 })
      if (loaded.ok) loaded.program.call(null)
    }
    expect(kept.program.call(1)).toEqual(before)
  })
})

describe("values", () => {
  test("come back as they went in", async () => {
    const loaded = await sandbox.load("export default (x) => x")
    if (!loaded.ok) throw new TypeError(loaded.message)
    for (const value of ROUND) {
      const got = loaded.program.call(value)
      expect(got.ok && sameValue(got.value, value)).toBe(true)
    }
  })

  test("half a surrogate pair is seen by the program and comes back as U+FFFD", async () => {
    const loaded = await sandbox.load("export default (x) => [x, x.length, x.charCodeAt(0)]")
    expect(loaded.ok && loaded.program.call("\ud800")).toMatchObject({ value: ["\ufffd", 1, 0xd800] })
  })
})

describe("bounds", () => {
  test("fuel stops at the same place whatever the slices: one unit less than is needed is too little", async () => {
    const source = "export default (n) => { let s = 0; for (let i = 0; i < n; i++) s += i; return s }"
    const free = await sandbox.load(source)
    const used = free.ok ? free.program.call(50_000).fuel : 0
    expect(used).toBeGreaterThan(1_000_000)
    const enough = await sandbox.load(source, { fuel: used })
    expect(enough.ok && enough.program.call(50_000)).toMatchObject({ ok: true, fuel: used })
    const short = await sandbox.load(source, { fuel: used - 1 })
    expect(short.ok && short.program.call(50_000)).toMatchObject({ ok: false, why: "fuel", fuel: used - 1 })
  })

  test("time is a second wall", async () => {
    let now = 0
    const slow = quickJsSandbox({ clock: { now: () => now, tick: () => (now += 400), sleep: async () => {} } })
    const loaded = await slow.load("export default () => { for (;;); }", { timeMs: 1000, fuel: 100_000_000 })
    expect(loaded.ok && loaded.program.call(null)).toMatchObject({ ok: false, why: "time" })
  })

  test("a closed program answers nothing", async () => {
    const loaded = await sandbox.load("export default (x) => x")
    if (!loaded.ok) throw new TypeError(loaded.message)
    loaded.program.close()
    expect(loaded.program.call(1)).toMatchObject({ ok: false, message: "the program was closed" })
  })

  test.each([
    [{ fuel: 0 }, "Cannot limit fuel to 0"],
    [{ memoryBytes: 2 ** 31 }, "Cannot limit memoryBytes to 2147483648"],
    [{ depth: Number.NaN }, "Cannot limit depth to NaN"],
    [{ evil: 1 }, 'Cannot limit "evil"'],
  ])("%j is refused", async (limits, message) => {
    await expect(sandbox.load("export default 1", limits as never)).rejects.toThrow(message)
  })
})

describe("hosts", () => {
  const script = join(folder, "programs.mjs")
  const environment = { ...process.env, NO_COLOR: "1" }

  test("Bun, Deno and Node give the same answers for the same fuel", async () => {
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
    copyFileSync(join(root, "package.json"), join(folder, "package.json"))
    const { build } = await import("esbuild")
    const program = `
      import { quickJsSandbox } from "./deploy/sandbox/quickjs.ts"
      import { reportOf } from "./tests/contract/sandbox-programs.ts"
      console.log((await reportOf(quickJsSandbox())).join("\\n"))`
    await build({
      stdin: { contents: program, resolveDir: root },
      outfile: script,
      bundle: true,
      format: "esm",
      platform: "node",
      packages: "external",
    })
    const here = await reportOf(sandbox)
    const options = { encoding: "utf8", env: environment } as const
    const deno = findDeno()
    expect(deno).toBeDefined()
    const onDeno = execFileSync(deno!, ["run", "-A", "--no-check", "--node-modules-dir=manual", script], options)
    const onNode = execFileSync("node", [script], options)
    expect(onDeno.trimEnd().split("\n")).toEqual(here)
    expect(onNode.trimEnd().split("\n")).toEqual(here)
  }, 120_000)
})
