/** Each way in which a file can be in the way of a ledger has its name, and what was kept before it stays kept. */
import { afterAll, describe, expect, test } from "bun:test"
import { spawn, spawnSync } from "node:child_process"
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { KernelError } from "../../kernel/mod.ts"
import { SqliteStorage } from "./sqlite.ts"

const folder = mkdtempSync(join(tmpdir(), "storage-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newFile = () => join(folder, `${files++}.db`)

const reasonOf = (action: () => unknown): string => {
  try {
    action()
  } catch (cause) {
    return cause instanceof KernelError ? cause.reason : String(cause)
  }
  return "none"
}

/** A file with a table of `rows` rows of a kilobyte; closed, or as a killed process leaves it. */
function filled(rows: number, closed: boolean): string {
  const file = newFile()
  const storage = new SqliteStorage({ file })
  storage.batch([["CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)", []]])
  for (let i = 0; i < rows; i += 100)
    storage.batch(
      Array.from(
        { length: 100 },
        (_, k) => ["INSERT INTO t (a, b) VALUES (?, ?)", [i + k, "x".repeat(1_000)]] as const,
      ),
    )
  if (closed) {
    storage.close()
    return file
  }
  const copy = newFile()
  for (const end of ["", "-wal"]) copyFileSync(file + end, copy + end)
  storage.close()
  return copy
}
const count = (s: SqliteStorage) => s.all("SELECT count(*) AS n FROM t", [])[0]?.["n"]

describe("a file of SQLite", () => {
  test("left by a killed process opens with all that was kept", () => {
    const storage = new SqliteStorage({ file: filled(300, false) })
    expect(count(storage)).toBe(300)
    expect(storage.damage()).toBe(null)
    storage.close()
  })

  test("whose write-ahead log was torn opens with what came before the tear", () => {
    const file = filled(300, false)
    truncateSync(`${file}-wal`, Math.floor(statSync(`${file}-wal`).size / 2) + 7)
    const storage = new SqliteStorage({ file })
    const n = Number(count(storage))
    expect(n % 100).toBe(0)
    expect(n).toBeLessThan(300)
    expect(storage.damage()).toBe(null)
    storage.close()
  })

  test("that ends too early is corrupt when it is opened, not when a row is missed", () => {
    const file = filled(300, true)
    truncateSync(file, statSync(file).size - 4_096)
    expect(reasonOf(() => new SqliteStorage({ file }))).toBe("corrupt")
  })

  test("with a page of zeros is corrupt where it is read, and `damage` says so at any time", () => {
    const file = filled(300, true)
    const handle = openSync(file, "r+")
    writeSync(handle, new Uint8Array(4_096), 0, 4_096, 20 * 4_096)
    closeSync(handle)
    const storage = new SqliteStorage({ file })
    expect(storage.damage()).not.toBe(null)
    expect(reasonOf(() => storage.all("SELECT b FROM t", []))).toBe("corrupt")
    storage.close()
  })

  test("with a bad page, left by a killed process, is corrupt when it is opened", () => {
    const file = filled(300, false)
    const db = new DatabaseSync(file)
    db.exec("PRAGMA wal_checkpoint(FULL)")
    // The log stays behind while another connection is open, as it does after a kill.
    const copy = newFile()
    for (const end of ["", "-wal"]) copyFileSync(file + end, copy + end)
    db.close()
    truncateSync(`${copy}-wal`, 32)
    const handle = openSync(copy, "r+")
    writeSync(handle, new Uint8Array(4_096).fill(7), 0, 4_096, 30 * 4_096)
    closeSync(handle)
    expect(reasonOf(() => new SqliteStorage({ file: copy }))).toBe("corrupt")
  })

  test("that is a folder, lies in none, or may only be read has a name for it", () => {
    const dir = newFile()
    mkdirSync(dir)
    expect(reasonOf(() => new SqliteStorage({ file: dir }))).toBe("unavailable")
    expect(() => new SqliteStorage({ file: dir })).toThrow(/it is a folder/)
    expect(reasonOf(() => new SqliteStorage({ file: join(dir, "no", "where.db") }))).toBe("unavailable")
    expect(reasonOf(() => new SqliteStorage({ file: join(filled(100, true), "x.db") }))).toBe("unavailable")
    const storage = new SqliteStorage({ file: filled(100, true) })
    storage.all("PRAGMA query_only = ON", [])
    expect(reasonOf(() => storage.batch([["INSERT INTO t (a) VALUES (5000)", []]]))).toBe("readonly")
    storage.close()
  })

  test("on a disk that is really full: the batch is refused whole, and all that was kept is there", () => {
    const disk = join(folder, "disk")
    mkdirSync(disk)
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk])
    if (mounted.status !== 0) {
      console.log(`Skipped: a full disk, because mounting one of a megabyte is refused: ${mounted.stderr}`)
      return
    }
    try {
      const file = join(disk, "ledger.db")
      const storage = new SqliteStorage({ file })
      storage.batch([["CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)", []]])
      let kept = 0
      let reason = "none"
      while (reason === "none" && kept < 5_000) {
        reason = reasonOf(() =>
          storage.batch(
            Array.from(
              { length: 10 },
              (_, k) => ["INSERT INTO t VALUES (?, ?)", [kept + k, "x".repeat(1_000)]] as const,
            ),
          ),
        )
        if (reason === "none") kept += 10
      }
      expect(reason).toBe("full")
      expect(count(storage)).toBe(kept)
      storage.close()
      const again = new SqliteStorage({ file })
      expect(count(again)).toBe(kept)
      expect(again.damage()).toBe(null)
      again.close()
      // To take up a small one takes room, too; SQLite may say only that something went wrong with a file.
      for (const name of readdirSync(disk)) rmSync(join(disk, name))
      const small = new SqliteStorage({ file })
      small.batch([["CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)", []]])
      small.close()
      expect(spawnSync("dd", ["if=/dev/zero", `of=${join(disk, "rest")}`, "bs=4k"]).status).toBe(1)
      const write = () => {
        const narrow = new SqliteStorage({ file })
        try {
          narrow.batch([["INSERT INTO t VALUES (1, 'x')", []]])
        } finally {
          narrow.close()
        }
      }
      expect(reasonOf(write)).toBe("full")
      rmSync(join(disk, "rest"))
      write()
    } finally {
      spawnSync("umount", [disk])
    }
  })

  test("that is new is opened by processes that come at the same moment, each of them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "storage-"))
    const files = 15
    const opener = `
      const { SqliteStorage } = await import(${JSON.stringify(new URL("./sqlite.ts", import.meta.url).href)})
      process.stdin.once("data", (moment) => {
        for (let i = 0; i < ${files}; i++) {
          while (Date.now() < Number(moment) + i * 30);
          const storage = new SqliteStorage({ file: ${JSON.stringify(folder)} + "/" + i + ".db" })
          storage.batch([["CREATE TABLE IF NOT EXISTS a (x)", []], ["INSERT INTO a (x) VALUES (1)", []]])
          storage.close()
        }
        process.exit(0)
      })
      console.log("ready")`
    const openers = Array.from({ length: 3 }, () =>
      spawn(process.execPath, ["-e", opener], { stdio: ["pipe", "pipe", "inherit"] }),
    )
    await Promise.all(openers.map((child) => new Promise((ready) => child.stdout.once("data", ready))))
    const ended = openers.map((child) => new Promise((done) => child.on("close", done)))
    const moment = String(Date.now() + 100)
    for (const child of openers) child.stdin.write(moment)
    expect(await Promise.all(ended)).toEqual([0, 0, 0])
    for (let i = 0; i < files; i++) {
      const storage = new SqliteStorage({ file: join(folder, `${i}.db`) })
      expect(storage.all("SELECT x FROM a", [])).toHaveLength(openers.length)
      storage.close()
    }
    rmSync(folder, { recursive: true })
  })

  test("of two processes that write at once keeps what both were told is kept", async () => {
    const file = filled(0, true)
    const writer = (from: number) => `
      import { SqliteStorage } from ${JSON.stringify(join(import.meta.dir, "sqlite.ts"))}
      const storage = new SqliteStorage({ file: ${JSON.stringify(file)} })
      for (let i = 0; i < 50; i++) storage.batch([["INSERT INTO t (a) VALUES (?)", [${from} + i]]])
      storage.close()`
    const exits = await Promise.all(
      [0, 1_000].map(
        (from) =>
          new Promise<number | null>((done) => {
            spawn(process.execPath, ["-e", writer(from)], { stdio: "inherit" }).on("close", done)
          }),
      ),
    )
    expect(exits).toEqual([0, 0])
    const storage = new SqliteStorage({ file })
    expect(count(storage)).toBe(100)
    storage.close()
  })
})
