/** What leaves a ledger and what leaves nothing: proofs that need no ledger, heads kept elsewhere, data that are gone. */
import { afterAll, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { auditLedger, type SignedHead } from "../../audit/mod.ts"
import { decode, encode, fail, sha256 } from "../../graph/mod.ts"
import {
  admit,
  type EntryBody,
  GENESIS,
  type KernelError,
  openRow,
  openRun,
  SALT_BYTES,
  seal,
  verifyChain,
} from "../../kernel/mod.ts"
import { SHOP, SHOP_GRANTS, shopBytes, shopRegistry } from "../../tests/plans/shop.ts"
import { openLedgerKey, verifier } from "../services/ledger_key.ts"
import { SqliteStorage } from "../storage/sqlite.ts"
import { headsFile, LEDGER_FILE, openLedgerAt } from "./place.ts"
import { checkProof, exportHeads, keepHeads, proveRun, readHeads } from "./proof.ts"
import { SqlLedger } from "./sql.ts"

const folder = mkdtempSync(join(tmpdir(), "proofs-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const key = await openLedgerKey(join(folder, "own.key"))
const foreign = await openLedgerKey(join(folder, "foreign.key"))
const verify = await verifier([key.publicKey])
let files = 0

const plan = admit(shopBytes(), { registry: shopRegistry, grants: SHOP_GRANTS, digest: sha256 })
const salt = (n: number) => crypto.getRandomValues(new Uint8Array(n))
const openLedger = async (file = join(folder, `${files++}.db`), signer = key.signer) => ({
  file,
  ledger: await SqlLedger.open({ storage: new SqliteStorage({ file }), signer }),
})

/** A run that asks for a name, looks up a number, and writes. */
async function runOf(ledger: SqlLedger, run: string, { name = "Ada Lovelace", end = true, salted = true } = {}) {
  const record = openRun(plan, {
    store: ledger,
    digest: sha256,
    clock: { now: () => 1_000 },
    run,
    space: "",
    input: { order: "A17" },
    ...(salted ? { salt } : {}),
  })
  await record.read(["ask_name"], SHOP.lookup, { order: "A17" }, fail("Refused", `no number for ${name}`), 1)
  await record.read(["after"], SHOP.lookup, { order: name }, 42, 1)
  const intent = await record.intent(["store"], SHOP.store, { order: name })
  await record.delivered(intent, null, "delivered")
  return end ? record.end({ name }) : undefined
}
const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (cause: KernelError) => `${cause.reason}: ${cause.message}`,
  )

describe("the key", () => {
  test("is made once, for its owner alone, also where two processes begin together", async () => {
    const file = join(folder, "keys", "together.key")
    const made = await Promise.all(Array.from({ length: 8 }, () => openLedgerKey(file)))
    expect(new Set(made.map((k) => k.publicKey)).size).toBe(1)
    expect((statSync(file).mode & 0o777).toString(8)).toBe("600")
    expect(readdirSync(join(folder, "keys"))).toEqual(["together.key"])
    const signature = await made[0]!.signer.sign(Uint8Array.of(1))
    expect(await made[7]!.signer.verify(made[0]!.signer.log, Uint8Array.of(1), signature)).toBe(true)
    expect(await made[7]!.signer.verify(made[0]!.signer.log, Uint8Array.of(2), signature)).toBe(false)
    expect(await made[7]!.signer.verify(foreign.signer.log, Uint8Array.of(1), signature)).toBeUndefined()
  })

  test("that is none is refused", async () => {
    expect(await reasonOf(verifier(["short"]))).toMatch(/^misuse: .*"short"/)
    await Bun.write(join(folder, "bad.key"), "{}")
    expect(await reasonOf(openLedgerKey(join(folder, "bad.key")))).toMatch(/^corrupt: /)
  })

  test("of another log is not continued: a database from elsewhere, or whose last leaf was changed", async () => {
    const { file, ledger } = await openLedger()
    await runOf(ledger, "r1")
    await ledger.close()
    const storage = new SqliteStorage({ file })
    storage.all("DROP TRIGGER ledger_log_no_update", [])
    storage.all("UPDATE ledger_log SET signature = zeroblob(64) WHERE idx = (SELECT max(idx) FROM ledger_log)", [])
    storage.close()
    expect(await reasonOf(openLedger(file))).toMatch(/^corrupt: .*signature/)
    // Whoever has another key keeps a log of their own beside it.
    const { ledger: other } = await openLedger(file, foreign.signer)
    await runOf(other, "r2")
    expect(await other.archive.logs()).toEqual([key.signer.log, foreign.signer.log].sort())
    await other.close()
  })
})

describe("proofs", () => {
  test("of every run hold with the public key alone, and of nothing else", async () => {
    const { ledger } = await openLedger()
    for (let i = 0; i < 9; i++) await runOf(ledger, `r${i}`, { end: i !== 4 })
    for (let i = 0; i < 9; i++) {
      const proof = await proveRun(ledger, [key.publicKey], { space: "", run: `r${i}` })
      const text = JSON.stringify(proof)
      expect(text).not.toContain("Lovelace")
      const told = await checkProof(text, "proof.json", verify)
      expect(told).toMatchObject({ ok: true })
      expect(told.says[0]).toContain(`Run r${i}: ${i === 4 ? "5 entries, open" : "6 entries, ended"}`)
      const broken = [
        { ...proof, index: proof.index + 1 },
        { ...proof, entries: proof.entries.slice(0, -1) },
        { ...proof, entries: [proof.entries[1]!, proof.entries[0]!, ...proof.entries.slice(2)] },
        { ...proof, path: proof.path.slice(1) },
        { ...proof, leaf: proof.entries[0]! },
        { ...proof, head: { ...proof.head, size: proof.head.size + 1 } },
        { ...proof, head: { ...proof.head, root: proof.head.signature.slice(0, 44) } },
      ]
      for (const changed of broken)
        expect((await checkProof(JSON.stringify(changed), "proof.json", verify)).ok).toBe(false)
      expect((await checkProof(text, "proof.json", await verifier([foreign.publicKey]))).ok).toBe(false)
    }
    expect(await reasonOf(proveRun(ledger, [], { space: "", run: "r99" }))).toMatch(/^misuse: .*r99/)
    await ledger.close()
  })

  test("of files that are none say what they must be", async () => {
    for (const text of [
      "",
      "[]",
      '{"format":9}',
      '{"format":1}',
      '{"format":1,"shadowgraph":"heads","heads":3,"keys":[]}',
    ])
      expect(await reasonOf(checkProof(text, "x.json", verify))).toMatch(/^format: Cannot read "x.json"/)
  })

  test("heads go on from earlier heads; what was put back to an earlier state does not", async () => {
    const { file, ledger } = await openLedger()
    await runOf(ledger, "r1")
    const first = await exportHeads(ledger, [key.publicKey])
    await ledger.close()
    const before = readFileSync(file)
    const { ledger: later } = await openLedger(file)
    await runOf(later, "r2")
    await runOf(later, "r3", { end: false })
    const { heads } = readHeads(JSON.stringify(first), "heads.json")
    const second = await exportHeads(later, [key.publicKey], heads)
    expect(await checkProof(JSON.stringify(second), "heads.json", verify)).toMatchObject({ ok: true })
    const lie = { ...second, continues: [{ ...second.continues![0]!, path: [] }] }
    expect((await checkProof(JSON.stringify(lie), "heads.json", verify)).ok).toBe(false)
    const options = { digest: sha256, verify }
    const kept = readHeads(JSON.stringify(second), "heads.json").heads
    expect(await auditLedger(later.archive, { ...options, heads: kept })).toMatchObject({
      ok: true,
      runs: 3,
      unsigned: 0,
    })
    await later.close()
    await Bun.write(file, before)
    const { ledger: old } = await openLedger(file)
    expect(await auditLedger(old.archive, options)).toMatchObject({ ok: true, runs: 1 })
    const { ok, findings } = await auditLedger(old.archive, { ...options, heads: kept })
    expect([ok, findings[0]?.fault]).toEqual([false, "head"])
    // The file beside the key never goes back either.
    const beside = join(folder, "heads.json")
    const here = (before: SignedHead) => old.archive.holds(before, sha256)
    await keepHeads(beside, [key.publicKey], kept[0]!, here)
    await keepHeads(beside, [key.publicKey], heads[0]!, here)
    expect(readHeads(readFileSync(beside, "utf8"), beside).heads[0]!.size).toBe(kept[0]!.size)
    await old.close()
  })

  test("that a ledger was put back is told, also after more was written than was lost", async () => {
    const home = join(folder, "put-back")
    const session = async (...runs: string[]) => {
      const ledger = await openLedgerAt(home, "file", () => undefined)
      for (const run of runs) await runOf(ledger, run)
      await ledger.close()
    }
    mkdirSync(join(home, ".shadowgraph"), { recursive: true })
    await session("r1")
    const file = join(home, LEDGER_FILE)
    const before = readFileSync(file)
    await session("r2", "r3")
    const beside = headsFile(home, "file")
    const lost = readHeads(readFileSync(beside, "utf8"), beside).heads
    writeFileSync(file, before)
    await session("r4", "r5", "r6", "r7", "r8")
    expect(readHeads(readFileSync(beside, "utf8"), beside).heads).toEqual(lost)
    // One that goes on takes its place, whoever writes.
    rmSync(beside)
    await session("r9")
    const size = () => readHeads(readFileSync(beside, "utf8"), beside).heads[0]!.size
    const first = size()
    await session("r10")
    expect(size()).toBeGreaterThan(first)
  })

  test("two processes with one key write one log", async () => {
    const { file, ledger } = await openLedger()
    const { ledger: other } = await openLedger(file)
    for (let i = 0; i < 5; i++) await Promise.all([runOf(ledger, `a${i}`), runOf(other, `b${i}`)])
    expect(await auditLedger(ledger.archive, { digest: sha256, verify })).toMatchObject({
      ok: true,
      runs: 10,
      unsigned: 0,
    })
    await ledger.close()
    await other.close()
  })
})

describe("a redaction", () => {
  const bytesIn = (file: string) =>
    [file, `${file}-wal`]
      .map((f) => (statSync(f, { throwIfNoEntry: false }) ? readFileSync(f).toString("latin1") : ""))
      .join("")

  test("leaves a chain that verifies, a note, and no byte of the data nor anything to test a guess on", async () => {
    const { file, ledger } = await openLedger()
    await runOf(ledger, "r1")
    await runOf(ledger, "r2", { name: "Grace Hopper" })
    const before = (await ledger.entries("", "r1")).rows
    // The control: with what stands beside it a guess of the input can be tested.
    const guess = (name: string) => sha256(encode({ order: name }))
    const asked = (row: (typeof before)[number]) => (openRow(row).body as { input?: Uint8Array }).input
    expect(asked(before[2]!)).toEqual(guess("Ada Lovelace"))
    expect(bytesIn(file).includes("Ada Lovelace")).toBe(true)
    expect(await ledger.redact("", "r1")).toBe(6)
    expect(await ledger.redact("", "r1")).toBe(0)
    const { rows } = await ledger.entries("", "r1")
    expect(rows.map((r) => r.hash)).toEqual(before.map((r) => r.hash))
    expect(rows.every((r) => r.data === null && r.asked === undefined && r.told === undefined)).toBe(true)
    expect(rows.every((r) => openRow(r).redacted)).toBe(true)
    expect(bytesIn(file).includes("Ada Lovelace")).toBe(false)
    expect(bytesIn(file).includes("Grace Hopper")).toBe(true)
    // No hash of the data, nor the trace hash, is in the bytes that stay.
    const secrets = [guess("Ada Lovelace"), sha256(before[5]!.data!)]
    const text = bytesIn(file)
    for (const hash of secrets) expect(text.includes(Buffer.from(hash).toString("latin1"))).toBe(false)
    const end = openRow(before[5]!).body as { trace: string }
    expect(text.includes(end.trace)).toBe(false)
    expect(verifyChain({ before: null, rows }, { digest: sha256, space: "", run: "r1" })).toMatchObject({
      ok: false,
      reason: "redacted",
    })
    const redactions = await ledger.redactions("", "r1")
    expect(verifyChain({ before: null, rows }, { digest: sha256, space: "", run: "r1", redactions }).ok).toBe(true)
    expect(await auditLedger(ledger.archive, { digest: sha256, verify })).toMatchObject({ ok: true, redacted: 6 })
    await ledger.close()
  })

  test("of one effect takes its data, the end, and the hashes of later inputs; the rest stays", async () => {
    const { ledger } = await openLedger()
    await runOf(ledger, "r1")
    expect(await ledger.redact("", "r1", "ask_name")).toBe(2)
    const { rows } = await ledger.entries("", "r1")
    expect(rows.map((r) => [r.kind, r.data !== null, r.asked !== undefined, r.told !== undefined])).toEqual([
      ["start", true, false, true],
      ["read", false, false, false],
      ["read", true, false, true],
      ["intent", false, false, false],
      ["outcome", true, false, true],
      ["end", false, false, false],
    ])
    expect(decode(rows[2]!.data!)).toEqual(["value", 42])
    expect(await auditLedger(ledger.archive, { digest: sha256, verify })).toMatchObject({ ok: true, redacted: 2 })
    await ledger.close()
  })

  test("of one effect takes what it gave out of later waits and out of the failures that scopes met", async () => {
    const { file, ledger } = await openLedger()
    const secret = "Ada Lovelace"
    const found = encode(["value", secret])
    const input = encode({ order: "A17" })
    const asked = encode({ question: `Is it ${secret}?`, args: { ask: `Is it ${secret}?` } })
    const met = encode(["failure", { failure: "Unknown", data: secret }])
    const yes = encode(["value", "yes"])
    const args = sha256(encode({ ask: `Is it ${secret}?` }))
    const read = { kind: "read", resource: null, message: null, attempts: 1, cachedMs: null } as const
    const written: readonly (readonly [EntryBody, Uint8Array | null])[] = [
      [{ kind: "start", graph: plan.graph, plan: plan.hash, pins: null, input: sha256(input) }, input],
      [{ ...read, path: ["ask_name"], input: sha256(input), outcome: sha256(found) }, found],
      [{ kind: "met", path: ["tried"], outcome: sha256(met), message: `nobody is ${secret}` }, met],
      [{ kind: "parked", path: ["sure"], why: "ask", input: args, request: sha256(asked), until: null }, asked],
      [{ kind: "resume", by: "me" }, null],
      [{ ...read, path: ["sure"], input: args, outcome: sha256(yes) }, yes],
      [{ kind: "end", outcome: sha256(yes), message: null, trace: "t" }, yes],
    ]
    let prev = GENESIS
    for (const [seq, [body, data]] of written.entries()) {
      const row = seal({ space: "", run: "r1", seq, prev, at: 1, body }, data, sha256, salt(SALT_BYTES))
      await ledger.append(row)
      prev = row.hash
    }
    expect(bytesIn(file).includes(secret)).toBe(true)
    expect(await ledger.redact("", "r1", "ask_name")).toBe(4)
    expect(bytesIn(file).includes(secret)).toBe(false)
    expect(bytesIn(file).includes(Buffer.from(args).toString("latin1"))).toBe(false)
    const { rows } = await ledger.entries("", "r1")
    expect(rows.map((r) => r.data !== null)).toEqual([true, false, false, false, false, true, false])
    expect(await auditLedger(ledger.archive, { digest: sha256, verify })).toMatchObject({ ok: true, redacted: 4 })
    await ledger.close()
  })

  test("is refused for a run in flight, a path that is none, a run without salts, a ledger without its key", async () => {
    const { file, ledger } = await openLedger()
    await runOf(ledger, "open", { end: false })
    await runOf(ledger, "done")
    await runOf(ledger, "plain", { salted: false })
    expect(await reasonOf(ledger.redact("", "open"))).toMatch(/^misuse: .*has not ended/)
    expect(await reasonOf(ledger.redact("", "done", "nowhere"))).toMatch(/^misuse: .*"nowhere"/)
    expect(await reasonOf(ledger.redact("", "plain"))).toMatch(/^misuse: .*without a salt/)
    expect(await reasonOf(ledger.redact("", "gone"))).toMatch(/^misuse: .*no such run/)
    await ledger.close()
    const keyless = await SqlLedger.open({ storage: new SqliteStorage({ file }) })
    expect(await reasonOf(keyless.redact("", "done"))).toMatch(/^misuse: .*key/)
    await keyless.close()
  })
})
