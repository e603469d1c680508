/** The durable ledger: the same chain as in memory, and each way in which a database can be in the way has its name. */
import { afterAll, describe, expect, test } from "bun:test"
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { type Digest, fail, hex, sha256 } from "../../graph/mod.ts"
import { admit, GENESIS, type LedgerStore, openRun, type Row, seal, verifyChain } from "../../kernel/mod.ts"
import { SHOP, SHOP_GRANTS, shopBytes, shopRegistry } from "../../tests/plans/shop.ts"
import type { Storage } from "../storage/port.ts"
import { SqliteStorage } from "../storage/sqlite.ts"
import { MemoryLedger } from "./memory.ts"
import { SqlLedger } from "./sql.ts"

const folder = mkdtempSync(join(tmpdir(), "ledger-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newFile = () => join(folder, `${files++}.db`)

const digest: Digest = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest())
const plan = admit(shopBytes(), { registry: shopRegistry, grants: SHOP_GRANTS, digest })
const ORDER = { order: "A17" }
const TAMPERABLE = ["ledger_in_order", "ledger_no_update", "ledger_no_delete"].map((t) => `DROP TRIGGER ${t}`).join(";")

/** One run of the shop with `n` reads that overlap, and one write. */
async function shopping(store: LedgerStore, run: string, n = 3) {
  const record = openRun(plan, {
    store,
    digest,
    clock: { now: () => 1_000, tick: () => 0 },
    run,
    space: "acme",
    input: ORDER,
  })
  const reads = Array.from({ length: n }, (_, i) => record.read(["lines", i], SHOP.lookup, ORDER, i, 1))
  await Promise.all(reads)
  const intent = await record.intent(["store"], SHOP.store, ORDER)
  await record.delivered(intent, fail("Timeout", "no answer"), "uncertain")
  const { trace, head, position } = await record.end(n)
  return { trace, head, position }
}
const reasonOf = async (action: () => unknown): Promise<string> => {
  try {
    await action()
  } catch (cause) {
    return (cause as { _tag: string; reason: string })._tag === "KernelError"
      ? (cause as { reason: string }).reason
      : String(cause)
  }
  return "none"
}
const open = (file: string, busyMs = 0) => SqlLedger.open({ storage: new SqliteStorage({ file, busyMs }) })

describe("the ledger on SQLite", () => {
  test("keeps the same chain, with the same head, as the one in memory", async () => {
    const memory = new MemoryLedger()
    const file = newFile()
    const durable = await open(file)
    const [a, b] = [await shopping(memory, "r1"), await shopping(durable, "r1")]
    expect(b).toEqual(a)
    expect(await durable.entries("acme", "r1")).toEqual(memory.entries("acme", "r1"))
    expect(await durable.runs("acme", 10)).toEqual([...memory.runs("acme", 10)])
    await durable.close()
    const again = await open(file)
    const chain = await again.entries("acme", "r1")
    expect(chain).toEqual(memory.entries("acme", "r1"))
    expect(verifyChain(chain, { digest, space: "acme", run: "r1" })).toMatchObject({ ok: true, ended: true })
    expect((await again.entries("other", "r1")).rows).toEqual([])
    await again.close()
  })

  test("what was appended before its writer heard that the entry before was refused is not kept either", async () => {
    const file = newFile()
    const storage = new SqliteStorage({ file })
    let waits: Promise<void> | undefined
    const slow: Storage = {
      all: (sql, params) => storage.all(sql, params),
      batch: async (what) => {
        await waits
        storage.batch(what)
      },
      close: () => storage.close(),
    }
    const [ours, theirs] = [await SqlLedger.open({ storage: slow }), await open(file)]
    const entry = (seq: number, prev: Uint8Array, by: string): Row =>
      seal({ space: "acme", run: "r1", seq, prev, at: 1, body: { kind: "resume", by } }, null, digest)
    const first = entry(0, GENESIS, "us")
    await ours.append(first)
    const taken = entry(1, first.hash, "them")
    await theirs.append(taken)
    // We were asleep for longer than our lease; the first of ours is on its way to the disk when the second comes.
    const gate = Promise.withResolvers<void>()
    waits = gate.promise
    const late = entry(1, first.hash, "us")
    const ends = [ours.append(late)]
    for (let i = 0; i < 5; i++) await new Promise((turn) => setImmediate(turn))
    ends.push(ours.append(entry(2, late.hash, "us")))
    gate.resolve()
    const reasons = await Promise.all(ends.map((end) => reasonOf(() => end)))
    expect(reasons).toEqual(["conflict", "conflict"])
    expect((await theirs.entries("acme", "r1")).rows.map((row) => hex(row.hash))).toEqual(
      [first, taken].map((row) => hex(row.hash)),
    )
    // Also where all of it comes at once; and it goes on for whoever has it.
    const [a, b] = [entry(2, taken.hash, "them"), entry(2, taken.hash, "us")]
    const both = [a, b, entry(3, b.hash, "us"), entry(3, a.hash, "them")]
    const kept = await Promise.allSettled(both.map((row) => theirs.append(row)))
    expect(kept.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"])
    await Promise.all([ours.close(), theirs.close()])
  })

  test("writes the entries of one turn in one batch", async () => {
    const storage = new SqliteStorage({ file: ":memory:" })
    const batches: number[] = []
    const counted: Storage = {
      all: (sql, params) => storage.all(sql, params),
      batch: (statements) => {
        batches.push(statements.filter(([sql]) => sql.startsWith("INSERT INTO ledger (")).length)
        storage.batch(statements)
      },
      close: () => storage.close(),
    }
    const ledger = await SqlLedger.open({ storage: counted })
    batches.length = 0
    await Promise.all(Array.from({ length: 20 }, (_, i) => shopping(ledger, `r${i}`, 5)))
    // Of each run: the start with its reads, the intent, the outcome, the end. All runs go in step.
    expect(batches).toEqual([120, 20, 20, 20])
    expect((await ledger.runs("acme", 100)).map((r) => r.run)).toEqual(
      Array.from({ length: 20 }, (_, i) => `r${19 - i}`),
    )
    await ledger.close()
  })

  test("a run whose id was used fails alone; the others of the same turn are kept", async () => {
    const ledger = await open(newFile())
    await shopping(ledger, "r1")
    const [again, other] = await Promise.allSettled([shopping(ledger, "r1"), shopping(ledger, "r2")])
    expect(again).toMatchObject({ status: "rejected", reason: { _tag: "KernelError", reason: "conflict" } })
    expect(other.status).toBe("fulfilled")
    for (const run of ["r1", "r2"]) {
      const chain = await ledger.entries("acme", run)
      expect(verifyChain(chain, { digest, space: "acme", run })).toMatchObject({ ok: true, entries: 7 })
    }
    await ledger.close()
  })

  test("takes no entry without the one before it, from any process, and changes none", async () => {
    const file = newFile()
    const ledger = await open(file)
    const memory = new MemoryLedger()
    await shopping(memory, "r1")
    const rows = memory.entries("acme", "r1").rows
    await ledger.append(rows[0]!)
    expect(await reasonOf(() => ledger.append(rows[2]!))).toBe("conflict")
    await expect(ledger.append(rows[0]!)).rejects.toThrow(
      `Cannot keep entry 0 of run "${rows[0]!.run}": it is not what comes next on record; another process goes on with the run`,
    )
    expect(await reasonOf(() => ledger.append(rows[0]!))).toBe("conflict")
    await ledger.append(rows[1]!)
    const other = new DatabaseSync(file)
    expect(() => other.exec("UPDATE ledger SET kind = 'note'")).toThrow("never changed")
    expect(() => other.exec("DELETE FROM ledger")).toThrow("never deleted")
    other.close()
    expect((await ledger.entries("acme", "r1")).rows).toEqual(rows.slice(0, 2))
    await ledger.close()
  })

  test("whatever is changed in the file behind its back is found, and where", async () => {
    const tampers: readonly [sql: string, seq: number][] = [
      ["UPDATE ledger SET entry = x'00' WHERE seq = 2", 2],
      ["UPDATE ledger SET data = x'c0' WHERE seq = 1", 1],
      ["UPDATE ledger SET data = NULL WHERE seq = 1", 1],
      ["UPDATE ledger SET kind = 'intent' WHERE seq = 3", 3],
      ["DELETE FROM ledger WHERE seq = 3", 3],
      ["DELETE FROM ledger WHERE seq = 0", 0],
      [
        "UPDATE ledger SET seq = CASE seq WHEN 1 THEN 102 WHEN 2 THEN 101 ELSE seq + 100 END; UPDATE ledger SET seq = seq - 100",
        1,
      ],
      ["DELETE FROM ledger WHERE seq = 6", 5],
    ]
    for (const [sql, seq] of tampers) {
      const file = newFile()
      const ledger = await open(file)
      await shopping(ledger, "r1")
      const head = (await ledger.runs("acme", 1))[0]!
      const other = new DatabaseSync(file)
      other.exec(`${TAMPERABLE}; ${sql}`)
      other.close()
      const verdict = verifyChain(await ledger.entries("acme", "r1"), { digest, space: "acme", run: "r1", head })
      expect({ sql, ...verdict }).toMatchObject({ sql, ok: false, seq })
      await ledger.close()
    }
  })
})

/** A process that appends runs without end, and says of each entry that it was kept. */
const WRITER = (file: string) => `
  import { MemoryLedger, seal, GENESIS } from ${JSON.stringify(join(import.meta.dir, "../../kernel/mod.ts"))}
  import { SqlLedger } from ${JSON.stringify(join(import.meta.dir, "sql.ts"))}
  import { SqliteStorage } from ${JSON.stringify(join(import.meta.dir, "../storage/sqlite.ts"))}
  import { encode, sha256 } from ${JSON.stringify(join(import.meta.dir, "../../graph/mod.ts"))}
  const ledger = await SqlLedger.open({ storage: new SqliteStorage({ file: ${JSON.stringify(file)} }) })
  const data = encode("x".repeat(500))
  const outcome = sha256(data)
  const read = { kind: "read", path: ["a"], resource: null, input: GENESIS, outcome, message: null, attempts: 1, cachedMs: null }
  await Promise.all(Array.from({ length: 4 }, async (_, i) => {
    let prev = GENESIS
    for (let seq = 0; ; seq++) {
      const body = seq === 0 ? { kind: "start", graph: "", plan: "", pins: null, input: outcome } : read
      const row = seal({ space: "acme", run: "r" + i, seq, prev, at: 0, body }, data, sha256)
      prev = row.hash
      await ledger.append(row)
      process.stdout.write("r" + i + " " + seq + "\\n")
    }
  }))
`

test("what it said it kept is there after kill -9, and every chain verifies", async () => {
  for (const entries of [20, 57, 120]) {
    const file = newFile()
    const writer = spawn(process.execPath, ["-e", WRITER(file)], { stdio: ["ignore", "pipe", "inherit"] })
    let said = ""
    await new Promise<void>((resolve) => {
      writer.stdout.on("data", (text: Buffer) => {
        said += text.toString()
        if (said.split("\n").length > entries) writer.kill("SIGKILL")
      })
      writer.on("close", resolve)
    })
    const kept = new Map<string, number>()
    for (const [, run, seq] of said.matchAll(/^(r\d) (\d+)$/gm)) kept.set(run!, Number(seq))
    expect([...kept.values()].reduce((n, seq) => n + seq + 1, 0)).toBeGreaterThanOrEqual(entries)
    const ledger = await open(file, 5_000)
    for (const [run, seq] of kept) {
      const chain = await ledger.entries("acme", run)
      expect(chain.rows.length).toBeGreaterThan(seq)
      const head = (await ledger.runs("acme", 10)).find((r) => r.run === run)!
      expect(verifyChain(chain, { digest, space: "acme", run, head })).toMatchObject({ ok: true, ended: false })
    }
    await ledger.close()
  }
}, 30_000)

describe("a database in the way", () => {
  test("that is no database, or was torn, is corrupt", async () => {
    const garbage = newFile()
    writeFileSync(garbage, "not a database at all, but long enough to be looked at ".repeat(200))
    expect(await reasonOf(() => open(garbage))).toBe("corrupt")
    const torn = newFile()
    const ledger = await open(torn)
    await shopping(ledger, "r1", 200)
    await ledger.close()
    const size = statSync(torn).size
    truncateSync(torn, Math.floor(size / 2 / 4096) * 4096)
    const read = async () => {
      const again = await open(torn)
      await again.entries("acme", "r1")
    }
    expect(await reasonOf(read)).toBe("corrupt")
  })

  test("whose columns hold something else is corrupt", async () => {
    const file = newFile()
    const ledger = await open(file)
    await shopping(ledger, "r1")
    const other = new DatabaseSync(file)
    other.exec(`${TAMPERABLE}; UPDATE ledger SET hash = 'text' WHERE seq = 2`)
    other.close()
    expect(await reasonOf(() => ledger.entries("acme", "r1"))).toBe("corrupt")
    await ledger.close()
  })

  test("in which what is kept by its hash was changed is corrupt, and says which", async () => {
    const file = newFile()
    const ledger = await open(file)
    const bytes = new Uint8Array([1, 2, 3])
    const hash = hex(sha256(bytes))
    await ledger.putBlob(hash, bytes)
    const other = new DatabaseSync(file)
    other.exec("UPDATE ledger_blob SET bytes = x'010204'")
    other.close()
    expect(await reasonOf(() => ledger.getBlob(hash))).toBe("corrupt")
    await expect(ledger.getBlob(hash)).rejects.toThrow(
      `Cannot use what the ledger keeps as ${hash}: it has another hash`,
    )
    await ledger.close()
  })

  test("that another process holds is locked; when it lets go, new runs are kept", async () => {
    const file = newFile()
    const ledger = await open(file)
    const other = new DatabaseSync(file)
    other.exec("BEGIN IMMEDIATE")
    expect(await reasonOf(() => open(file))).toBe("locked")
    expect(await reasonOf(() => shopping(ledger, "r1"))).toBe("locked")
    other.exec("ROLLBACK")
    other.close()
    await shopping(ledger, "r2")
    expect((await ledger.entries("acme", "r1")).rows).toEqual([])
    await ledger.close()
  })

  test("that has no room is full, and what was kept before stays", async () => {
    const storage = new SqliteStorage({ file: newFile() })
    const ledger = await SqlLedger.open({ storage })
    await shopping(ledger, "r1")
    storage.all("PRAGMA max_page_count = 20", [])
    expect(await reasonOf(() => shopping(ledger, "r2", 2_000))).toBe("full")
    expect(verifyChain(await ledger.entries("acme", "r1"), { digest, space: "acme", run: "r1" }).ok).toBe(true)
    expect((await ledger.entries("acme", "r2")).rows).toEqual([])
    await ledger.close()
  })

  test("of another version is refused before anything is written to it", async () => {
    const file = newFile()
    const other = new DatabaseSync(file)
    other.exec("CREATE TABLE shadowgraph_format (part TEXT PRIMARY KEY, format INTEGER NOT NULL)")
    other.exec("INSERT INTO shadowgraph_format VALUES ('ledger', 2)")
    other.close()
    expect(await reasonOf(() => open(file))).toBe("format")
    const after = new DatabaseSync(file)
    expect(after.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()).toHaveLength(1)
    after.close()
  })

  test("in a folder that is not there, or that was closed", async () => {
    expect(await reasonOf(() => open(join(folder, "nowhere", "x.db")))).toBe("unavailable")
    const ledger = await open(newFile())
    const pending = shopping(ledger, "r1")
    await pending
    await ledger.close()
    await ledger.close()
    expect(await reasonOf(() => shopping(ledger, "r2"))).toBe("closed")
    expect(await reasonOf(() => ledger.entries("acme", "r1"))).toBe("closed")
  })

  test("that cannot keep up: the queue has a bound, and closing waits for what is in it", async () => {
    const memory = new MemoryLedger()
    await shopping(memory, "r1")
    const rows: readonly Row[] = memory.entries("acme", "r1").rows
    const file = newFile()
    const ledger = await SqlLedger.open({ storage: new SqliteStorage({ file }), queueMax: 3 })
    const appended = rows.slice(0, 4).map((row) => reasonOf(() => ledger.append(row)))
    await ledger.close()
    expect(await Promise.all(appended)).toEqual(["none", "none", "none", "full"])
    const again = await open(file)
    expect((await again.entries("acme", "r1")).rows).toEqual(rows.slice(0, 3))
    await again.close()
  })
})
