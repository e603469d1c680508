// The soak in small: some seconds of the same load, with tools that are killed, and the same reckoning afterwards. Memory is
// for the long one.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { soak } from "./soak.ts"

setDefaultTimeout(180_000)

const folder = mkdtempSync(join(tmpdir(), "soak-test-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test("no run is lost and no answer is wrong, whatever dies and whoever leaves", async () => {
  const soaked = await soak({
    folder: join(folder, "graphs"),
    mostSeconds: 1,
    seconds: 5,
    // A machine that does other things beside it has no p99 to keep.
    share: 0.3,
    connections: 8,
    killEverySeconds: 1,
    sampleMs: 250,
    says: () => {},
  })
  const { held, found, kills } = soaked
  expect(held.wrongs).toEqual([])
  expect([found.lost, found.open, found.twice, found.findings]).toEqual([[], [], [], []])
  expect(found.accepted).toBeGreaterThan(0)
  expect(found.runs).toBeGreaterThanOrEqual(found.accepted)
  expect(kills.http).toBeGreaterThan(0)
  expect(soaked.exit).toBe(0)
  expect(soaked.samples.length).toBeGreaterThan(1)
})
