/** Doors on a disk: one that drift has shut stays shut for everybody, and opens for everybody. */
import { afterAll, describe, expect, test } from "bun:test"
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { Promised } from "../../shadow/mod.ts"
import { SqliteStorage } from "../storage/sqlite.ts"
import { ShadowStoreError } from "./card.ts"
import { doorBrief, doorText, reopeningText } from "./door_text.ts"
import { Doors, verificationsFile } from "./doors.ts"
import { openShadows } from "./serving.ts"

const PROMISED: Promised = { alpha: 0.01, delta: 0.02, threshold: 0.5, cases: 900, accepted: 800, wrong: 1 }
const HASH = "ab".repeat(32)
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "shadowgraph-doors-"))
  folders.push(made)
  return made
}
const opened = (at: string) => {
  const doors = new Doors({ folder: at, now: () => 86_400_000 })
  return { doors, door: doors.of(HASH, PROMISED) }
}

describe("doors", () => {
  test("leave no file before there is something to keep", () => {
    const at = folder()
    const { doors, door } = opened(at)
    expect([door.closed, door.threshold]).toEqual([false, 0.5])
    doors.close()
    expect(existsSync(verificationsFile(at))).toBe(false)
  })

  test("stay shut in the next process, and open when one after another has seen enough", () => {
    const at = folder()
    const first = opened(at)
    for (let i = 0; i < 5; i++) first.door.saw(false)
    expect(first.door.closed).toBe(true)
    first.doors.close()
    // A process for every fifty calls.
    let [processes, shown] = [0, ""]
    for (;;) {
      const { doors, door } = opened(at)
      if (!door.closed) {
        expect(doorText(door.state)).toBe(
          "open from confidence 0.5000 on, opened again once: 3 answers were held against the tool, 3 of them wrong",
        )
        expect(door.state.history.map(reopeningText)).toEqual([
          "1970-01-02 00:00 opened: 0 wrong of 918 in block 1 of 918 calls, at most 0.5 % wrong at 99 %",
        ])
        doors.close()
        break
      }
      if (processes === 3) shown = doorBrief(door.state)
      for (let i = 0; i < 50; i++) door.heard(i === 0 ? 0.4 : 0.9, true)
      door.heard(Number.NaN, false)
      doors.close()
      processes++
    }
    expect(shown).toBe("shut by drift, 147 of 1118 calls heard")
    expect(processes).toBe(Math.ceil(1_118 / 49))
  })

  test("of two processes at once come to the same", () => {
    const at = folder()
    const [one, other] = [opened(at), opened(at)]
    for (let i = 0; i < 3; i++) one.door.saw(true)
    one.doors.flush()
    // Each has seen too little, together it is enough.
    other.door.saw(false)
    other.door.saw(false)
    other.doors.flush()
    one.door.saw(false)
    one.door.saw(false)
    one.door.saw(false)
    one.doors.flush()
    expect(one.door.closed).toBe(true)
    other.door.saw(true)
    other.doors.flush()
    expect(other.door.closed).toBe(true)
    expect(other.door.state).toEqual({ ...one.door.state })
    for (const { doors } of [one, other]) doors.close()
  })

  test("keep few rows, however much is seen", () => {
    const at = folder()
    const { doors, door } = opened(at)
    for (let i = 0; i < 30_000; i++) door.saw(true)
    doors.close()
    const db = new SqliteStorage({ file: verificationsFile(at) })
    const [row] = db.all("SELECT count(*) AS n FROM verification", [])
    db.close()
    expect(row!["n"]).toBeLessThanOrEqual(10_256)
    const again = opened(at)
    expect(again.door.state.watch.seen).toBe(30_000)
    again.doors.close()
  })

  test("are closed again where the shadows behind them cannot be listed", async () => {
    const at = folder()
    const first = opened(at)
    first.door.saw(true)
    first.doors.close()
    writeFileSync(join(at, ".shadowgraph", "shadows"), "a file, where a folder is wanted")
    await expect(openShadows(at)).rejects.toThrow("Cannot list the shadows")
    // SQLite keeps this file beside a database that is open.
    expect(existsSync(`${verificationsFile(at)}-wal`)).toBe(false)
  })

  test("that nobody can read let no shadow serve, and say so", async () => {
    const at = folder()
    const file = verificationsFile(at)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, "no database at all, and long enough to be looked at as one".repeat(40))
    expect(() => new Doors({ folder: at })).toThrow(ShadowStoreError)
    const told: string[] = []
    const shadows = await openShadows(at, ({ reason, message }) => told.push(`${reason} ${message}`))
    expect(shadows.named("t", "1")).toBeUndefined()
    shadows.close()
    expect(told).toEqual([expect.stringContaining("nobody knows which doors are shut")])
    rmSync(file)
    const db = new SqliteStorage({ file })
    db.batch([
      ["CREATE TABLE shadowgraph_format (part TEXT PRIMARY KEY, format INTEGER NOT NULL)", []],
      ["INSERT INTO shadowgraph_format VALUES ('verifications', 9)", []],
    ])
    db.close()
    expect(() => new Doors({ folder: at })).toThrow("they have format 9, wanted 1")
  })
})
