// `ledger` as a user uses it: verified, signed, proved, redacted, tampered with, and put back to an earlier state.
import { expect, setDefaultTimeout, test } from "bun:test"
import { mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { compile } from "../../compile/mod.ts"
import { Engine } from "../../deploy/mod.ts"
import { openLedger } from "../../deploy/project/project.ts"
import { systemChance as chance } from "../../deploy/services/chance.ts"
import { systemClock as clock } from "../../deploy/services/clock.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { registry } from "../../graph/mod.ts"
import { folderWith, shadowgraph } from "./command.ts"

setDefaultTimeout(120_000)

test("--space means a tenant's runs: they are proved, redacted and verified by themselves", async () => {
  const folder = folderWith({})
  const sg = (...words: string[]) => shadowgraph(folder, ...words)
  const file = join(folder, ".shadowgraph", "ledger.db")
  await sg("init", ".")
  const store = await openLedger(folder, "file", {})
  const engine = new Engine({ registry: registry(), services: { clock, chance }, store, space: "acme", parks: true })
  const text = "graph: one\ninput: { n: number }\nnodes: { a: { expr: input.n + 1 } }\noutput: a\n"
  const { checked } = checkFile({ file: "one.graph.yaml", text }, { registry: registry() })
  const { run } = await (await engine.prepare(compile(checked!).bytes, { grants: [] })).run({ n: 1 })
  await engine.close()
  await store.close()
  expect((await sg("run", "deliveries", "-y", "-q")).exit).toBe(0)

  expect((await sg("runs")).out).not.toContain(run)
  expect((await sg("runs", "--space", "acme", "--json")).out).toContain(run)
  expect((await sg("runs", run, "--space", "acme")).out).toContain("chain of 2 entries is whole")
  expect((await sg("replay", run, "--space", "acme", "--json")).exit).toBe(0)
  expect((await sg("runs", "cancel", run, "--space", "acme")).err).toContain("has ended")
  for (const words of [["runs"], ["runs", "resume"], ["replay"]]) {
    const nowhere = await sg(...words, run)
    expect([nowhere.exit, nowhere.err.includes("--space acme")]).toEqual([1, true])
  }

  const lost = await sg("ledger", "prove", run)
  expect(lost).toMatchObject({ exit: 1 })
  expect(lost.err).toContain("--space acme")
  expect((await sg("ledger", "prove", run, "--space", "acne")).err).toContain('no run "' + run + '" in space "acne"')
  writeFileSync(join(folder, "proof.json"), (await sg("ledger", "prove", run, "--space", "acme")).out)
  const key = (await sg("ledger", "key")).out.trim()
  const shown = await sg("ledger", "verify-proof", "proof.json", "--key", key)
  expect(shown).toMatchObject({ exit: 0 })
  expect(shown.out).toContain(`Run ${run} of space "acme": 2 entries, ended`)
  for (const action of ["heads", "key"])
    expect(await sg("ledger", action, "--space", "acme")).toMatchObject({ exit: 2 })

  expect((await sg("ledger", "redact", run, "--space", "acme")).out).toContain("Removed what stood beside 2 entries")
  expect((await sg("ledger", "verify")).out).toContain("7 entries of 2 runs")
  expect((await sg("ledger", "verify", "--space", "acme")).out).toContain("2 entries of 1 runs")
  const db = new DatabaseSync(file)
  db.exec("DROP TRIGGER ledger_no_delete; DELETE FROM ledger WHERE seq = 1 AND space = 'acme'")
  db.close()
  expect(await sg("ledger", "verify", "--space", "acme")).toMatchObject({ exit: 1 })
  expect((await sg("ledger", "verify", "--space", "")).out).toContain("whole: 5 entries of 1 runs")
})

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

  const heads = join(folder, ".shadowgraph", "ledger.heads.json")
  const kept = readFileSync(heads)
  expect(whole.out).toContain("Held against the head in .shadowgraph")
  rmSync(heads)
  expect((await sg("ledger", "verify")).out).toContain("Held against no head: none is kept in .shadowgraph")
  mkdirSync(heads)
  const unheard = await sg("run", "deliveries", "-y", "--json")
  expect([unheard.exit, JSON.parse(unheard.out).ok]).toEqual([1, true])
  expect(unheard.err).toContain(`Cannot keep the signed head of the ledger in "${heads}"`)
  rmdirSync(heads)
  writeFileSync(heads, kept)

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
