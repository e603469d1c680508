/** One suite, both call logs: in memory, and in a file. What a disk can do to the file is below. */
import { afterAll, describe, expect, test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { FileCallLog } from "../../deploy/record/call_log.ts"
import type { Value } from "../../graph/mod.ts"
import {
  type CallLog,
  type CallLogBounds,
  callsOn,
  LearnError,
  MemoryCallLog,
  type RecordedCall,
} from "../../learn/mod.ts"

const folder = mkdtempSync(join(tmpdir(), "call-log-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const fresh = () => join(folder, `${files++}.db`)

const call = (args: Value, value: Value, more: Partial<RecordedCall> = {}): RecordedCall => ({
  space: "",
  tool: "fn:t",
  version: "v1",
  args,
  outcome: { ok: true, value },
  at: 1,
  ms: 2,
  source: "run",
  ...more,
})

const kinds: readonly (readonly [string, (bounds?: Partial<CallLogBounds>) => CallLog])[] = [
  ["in memory", (bounds) => new MemoryCallLog(bounds)],
  ["in a file", (bounds) => new FileCallLog({ file: fresh(), ...(bounds ? { bounds } : {}) })],
]

describe.each(kinds)("a call log %s", (_, open) => {
  test("gives back what it took, in order, with every kind of value", () => {
    const log = open()
    const args = { n: -0, big: 2n ** 62n, bytes: Uint8Array.of(0, 255), list: [null, true, "ü"], nan: Number.NaN }
    log.add(call(args, { deep: [1.5] }))
    log.add(
      call({ x: 1 }, 0, { outcome: { ok: false, code: "ToolError", message: "no", data: { text: "no" } }, ms: null }),
    )
    const [first, second] = [...callsOn(log, "", "fn:t")]
    expect(first).toEqual({ ...call(args, { deep: [1.5] }), seq: first!.seq })
    expect(Object.is((first!.args as { n: number }).n, -0)).toBe(true)
    expect(second!.outcome).toEqual({ ok: false, code: "ToolError", message: "no", data: { text: "no" } })
    expect(second!.ms).toBeNull()
    expect(second!.seq).toBeGreaterThan(first!.seq)
    log.close()
  })

  test("keeps tenants and tools apart, and counts versions", () => {
    const log = open()
    for (let i = 0; i < 5; i++) log.add(call(i, i, { version: i < 3 ? "v1" : "v2" }))
    log.add(call(9, 9, { tool: "fn:u" }))
    log.add(call(7, 7, { space: "other" }))
    expect(log.tools("").map(({ tool, calls }) => [tool, calls])).toEqual([
      ["fn:t", 5],
      ["fn:u", 1],
    ])
    expect(log.tools("")[0]!.versions.map(({ version, calls }) => [version, calls])).toEqual([
      ["v1", 3],
      ["v2", 2],
    ])
    expect([...callsOn(log, "other", "fn:t")].map((c) => c.args)).toEqual([7])
    expect(log.forget("", "fn:t")).toBe(5)
    expect([...callsOn(log, "", "fn:t")]).toEqual([])
    expect(log.tools("").map((t) => t.tool)).toEqual(["fn:u"])
    log.close()
  })

  test("forgets the oldest beyond its count, and says how many", () => {
    const log = open({ callsMax: 32 })
    for (let i = 0; i < 100; i++) {
      log.add(call(i, i))
      log.flush()
    }
    const kept = [...callsOn(log, "", "fn:t")].map((c) => c.args as number)
    expect(kept.length).toBeLessThanOrEqual(32)
    expect(kept.length).toBeGreaterThan(28)
    expect(kept).toEqual(Array.from({ length: kept.length }, (_x, i) => 100 - kept.length + i))
    const [tool] = log.tools("")
    expect(tool!.calls).toBe(kept.length)
    expect(tool!.dropped).toBe(100 - kept.length)
    log.close()
  })

  test("forgets the oldest beyond its bytes, and refuses what is too large or no value", () => {
    const log = open({ bytesMax: 20_000, callBytesMax: 5_000 })
    for (let i = 0; i < 40; i++) {
      log.add(call("x".repeat(1_000), i))
      log.flush()
    }
    log.add(call("y".repeat(6_000), 0))
    log.add(call({ f: (() => 0) as unknown as Value }, 0))
    const [tool] = log.tools("")
    expect(tool!.bytes).toBeLessThanOrEqual(20_000)
    expect(tool!.calls).toBeGreaterThan(15)
    expect(tool!.refused).toBe(2)
    const last = [...callsOn(log, "", "fn:t")].at(-1)!.outcome
    expect(last.ok && last.value).toBe(39)
    log.close()
  })
})

describe("a call log in a file", () => {
  test("holds after it was opened again what another process wrote", () => {
    const file = fresh()
    const one = new FileCallLog({ file })
    for (let i = 0; i < 2_500; i++) one.add(call(i, i * 2))
    const other = new FileCallLog({ file })
    one.close()
    expect([...callsOn(other, "", "fn:t")].length).toBe(2_500)
    other.add(call(-1, 0))
    other.close()
    const again = new FileCallLog({ file })
    expect([...callsOn(again, "", "fn:t")].map((c) => c.args).slice(-2)).toEqual([2_499, -1])
    expect(again.damage()).toBeNull()
    again.close()
  })

  test("of a process that was killed in mid-write shows whole calls alone", () => {
    const file = fresh()
    const log = new FileCallLog({ file })
    for (let i = 0; i < 1_000; i++) log.add(call(i, i))
    log.flush()
    // What a kill leaves: the write-ahead log ends in the middle of a page.
    const copy = fresh()
    writeFileSync(copy, readFileSync(file))
    const wal = readFileSync(`${file}-wal`)
    writeFileSync(`${copy}-wal`, wal)
    truncateSync(`${copy}-wal`, wal.length - 1_234)
    log.close()
    const torn = new FileCallLog({ file: copy })
    const kept = [...callsOn(torn, "", "fn:t")]
    expect(kept.every((c, i) => c.args === i)).toBe(true)
    torn.add(call("after", 1))
    expect([...callsOn(torn, "", "fn:t")].at(-1)!.args).toBe("after")
    torn.close()
  })

  const refused = (file: string): LearnError => {
    try {
      new FileCallLog({ file }).close()
    } catch (cause) {
      if (cause instanceof LearnError) return cause
      throw cause
    }
    throw new TypeError("The log was opened")
  }

  test("of another version is refused, and is left as it was", () => {
    const file = fresh()
    new FileCallLog({ file }).close()
    const db = new DatabaseSync(file)
    db.exec("UPDATE shadowgraph_format SET format = 99 WHERE part = 'calls'")
    db.close()
    const { reason, message } = refused(file)
    expect(reason).toBe("version")
    expect(message).toContain("it has format 99, wanted 1")
  })

  test("that is no database, or a folder, is refused with the reason", () => {
    const file = fresh()
    writeFileSync(file, "this is not a database, whatever its name says".repeat(50))
    expect(refused(file).reason).toBe("log")
    expect(refused(folder).message).toContain("it is a folder")
  })

  test("that cannot be written any more lets calls go, and says so", async () => {
    const file = fresh()
    const lost: string[] = []
    const log = new FileCallLog({ file, onLost: (error) => lost.push(error.reason) })
    const other = new DatabaseSync(file)
    other.exec("DROP TABLE call")
    for (let i = 0; i < 600; i++) log.add(call(i, i))
    other.close()
    expect(lost).toEqual(["log"])
    expect(() => log.page("", "fn:t", 0, 1)).toThrow(LearnError)
  })
})
