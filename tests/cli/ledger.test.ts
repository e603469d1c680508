// `ledger` as a user uses it: verified, signed, proved, redacted, tampered with, and put back to an earlier state.
import { expect, setDefaultTimeout, test } from "bun:test"
import { readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { folderWith, shadowgraph } from "./command.ts"

setDefaultTimeout(120_000)

test("a ledger is whole, proves its runs, forgets what it must, and tells every change", async () => {
  const folder = folderWith({})
  const sg = (...words: string[]) => shadowgraph(folder, ...words)
  const file = join(folder, ".shadowgraph", "ledger.db")
  expect((await sg("ledger", "verify")).err).toContain("There is no ledger at")
  expect(await sg("ledger", "verfy")).toMatchObject({ exit: 2 })
  await sg("init", ".")
  for (let i = 0; i < 2; i++) expect((await sg("run", "deliveries", "-y", "-q")).exit).toBe(0)
  const whole = await sg("ledger", "verify")
  expect({ ...whole, out: whole.out.split(",")[0] }).toMatchObject({ exit: 0, out: "whole: 10 entries of 2 runs" })
  expect((statSync(join(folder, ".shadowgraph", "ledger.key")).mode & 0o777).toString(8)).toBe("600")

  const runs = JSON.parse((await sg("runs", "--json")).out) as { run: string }[]
  const key = (await sg("ledger", "key")).out.trim()
  writeFileSync(join(folder, "proof.json"), (await sg("ledger", "prove", runs[0]!.run)).out)
  const shown = await sg("ledger", "verify-proof", "proof.json", "--key", key)
  expect(shown.exit).toBe(0)
  expect(shown.out).toContain(`shown: Run ${runs[0]!.run}: 5 entries, ended`)
  expect((await sg("ledger", "verify-proof", "proof.json", "--key", `${"A".repeat(43)}=`)).exit).toBe(1)

  const before = readFileSync(file)
  expect((await sg("ledger", "redact", runs[0]!.run)).out).toContain("Removed what stood beside 5 entries")
  expect((await sg("runs", runs[0]!.run)).out).toContain("what was redacted has its note")
  expect((await sg("replay", runs[0]!.run)).err).toContain("it was redacted")
  expect((await sg("ledger", "verify")).out).toContain("5 entries redacted with a note")

  const after = readFileSync(file)
  writeFileSync(file, before)
  const back = await sg("ledger", "verify")
  expect(back.exit).toBe(1)
  expect(back.out).toContain("its end was cut off")
  writeFileSync(file, after)
  const db = new DatabaseSync(file)
  db.exec("DROP TRIGGER ledger_no_delete; DELETE FROM ledger WHERE seq = 2 AND run = (SELECT min(run) FROM ledger)")
  db.close()
  const broken = await sg("ledger", "verify", "--json")
  expect(broken.exit).toBe(1)
  expect(JSON.parse(broken.out)).toMatchObject({
    ok: false,
    findings: [{ fault: "order", at: { run: runs[1]!.run, seq: 2 } }],
  })
})
