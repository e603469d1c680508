/**
 * `npm run bench:ledger`: how long the audit of a million entries takes: every hash, every link, everything that stands
 * beside an entry, the list of runs, and the signed log. And what a commit costs, alone and in company.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { auditLedger } from "../audit/mod.ts"
import { hostDigest, openLedgerKey, SqliteStorage, SqlLedger } from "../deploy/mod.ts"
import { encode } from "../graph/mod.ts"
import { type EntryBody, GENESIS, SALT_BYTES, seal } from "../kernel/mod.ts"
import { Report } from "./report.ts"

const { values } = parseArgs({ options: { entries: { type: "string" } } })
const ENTRIES = Number(values.entries ?? 1_000_000)
const EACH = 20
const AT_ONCE = 500

const folder = mkdtempSync(join(tmpdir(), "bench-ledger-"))
const file = join(folder, "ledger.db")
const { signer } = await openLedgerKey(join(folder, "ledger.key"))
const ledger = await SqlLedger.open({ storage: new SqliteStorage({ file }), signer })
const data = encode(["value", { order: "A17", total: 893.125, stops: ["Rotterdam", "Antwerp", "Ghent"] }])
const hash = hostDigest(data)

/** One run as the engine records it: salted, each entry after the one before is kept. */
async function record(run: string, entries: number): Promise<void> {
  let prev = GENESIS
  for (let seq = 0; seq < entries; seq++) {
    const body: EntryBody =
      seq === 0
        ? { kind: "start", graph: run, plan: run, pins: null, input: hash }
        : seq === entries - 1
          ? { kind: "end", outcome: hash, message: null, trace: run }
          : {
              kind: "read",
              path: ["lines", seq],
              resource: "db:shop",
              input: hash,
              outcome: hash,
              message: null,
              attempts: 1,
              cachedMs: null,
              spent: null,
            }
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
    const row = seal({ space: "", run, seq, prev, at: 1_700_000_000_000 + seq, body }, data, hostDigest, salt)
    prev = row.hash
    await ledger.append(row)
  }
}

const report = new Report("Ledger", "npm run bench:ledger")
const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now()
  await work()
  return performance.now() - start
}

const alone = (await timed(() => record("alone", 300))) / 300
const runs = Math.ceil(ENTRIES / EACH)
let next = 0
const writing = await timed(() =>
  Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < runs) await record(`run${String(next++).padStart(9, "0")}`, EACH)
    }),
  ),
)
report.text(
  `${runs * EACH} entries of ${runs} runs, ${AT_ONCE} at once, each kept (synchronous=FULL, salted, ends signed) before the next: ${((writing * 1_000) / (runs * EACH)).toFixed(1)} µs an entry; a run alone pays ${(alone * 1_000).toFixed(0)} µs an entry, nearly all of it the disk. The file has ${(statSync(file).size / 1e6).toFixed(0)} MB.`,
)
const [began, cpu] = [performance.now(), process.cpuUsage()]
const audit = await auditLedger(ledger.archive, { digest: hostDigest, verify: signer.verify })
const seconds = (performance.now() - began) / 1_000
const used = process.cpuUsage(cpu)
const cpuSeconds = (used.user + used.system) / 1e6
if (!audit.ok || audit.entries !== runs * EACH + 300)
  throw new RangeError(`the audit says ${JSON.stringify(audit.findings[0])}`)
report.text(
  `The audit of all of them, ${audit.leaves} leaves of the log included: ${seconds.toFixed(1)} s, ${((seconds * 1e6) / audit.entries).toFixed(1)} µs an entry, ${((cpuSeconds * 1e6) / audit.entries).toFixed(1)} µs of it our processor's; ${Math.round(process.memoryUsage().rss / 1e6)} MB resident.`,
)
report.figure("ledger.verify_1m_s", (seconds * 1e6) / audit.entries, "s", "< 30")
report.figure("ledger.entry_us", (writing * 1_000) / (runs * EACH), "µs")
report.end()
await ledger.close()
rmSync(folder, { recursive: true, force: true })
