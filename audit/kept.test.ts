// What runs are replayed from, as an audit sees it: changed, removed, or there.
import { describe, expect, test } from "bun:test"
import { hex, sha256 } from "../graph/mod.ts"
import { archiveOf, headNote, listedOf, logOf, runOf, type Sealed, signerOf } from "../tests/sealed.ts"
import { type Audit, type AuditOptions, auditLedger } from "./audit.ts"
import { type Kept, wantedBy } from "./kept.ts"

const own = signerOf("a")
const audited = (made: Sealed, more: Partial<AuditOptions> = {}): Promise<Audit> =>
  auditLedger(archiveOf(made), { digest: sha256, verify: own.verify, ...more })

describe("what runs are replayed from", () => {
  const bytesOf = (i: number) => new Uint8Array([i, 1])
  const keptAs = (i: number) => ({ hash: hex(sha256(bytesOf(i))), bytes: bytesOf(i) })
  const [PLAN, PINS] = [keptAs(1), keptAs(2)]
  /** A run without pins and one with, and what is kept. */
  const replayable = async (...keeping: readonly Kept[]): Promise<Sealed> => {
    const one = runOf("a", ["start", "end"], { plan: PLAN.hash })
    const two = runOf("b", ["start", "end"], { plan: PLAN.hash, pins: PINS.hash })
    const signed = await logOf([[one, two].flatMap((rows) => rows.map(headNote))], own)
    return { rows: [...one, ...two], heads: [listedOf(one), listedOf(two)], log: signed, kept: [...keeping] }
  }

  test("is counted where it is not kept, and is no finding", async () => {
    for (const [keeping, unkept] of [
      [[PLAN, PINS], 0],
      [[PLAN], 1],
      [[PINS], 2],
      [[], 2],
    ] as const)
      expect(await audited(await replayable(...keeping))).toMatchObject({ ok: true, unkept, findings: [] })
  })

  test("is found wherever it was changed, however much is kept", async () => {
    const many = Array.from({ length: 40 }, (_, i) => keptAs(10 + i))
    expect(await audited(await replayable(PLAN, PINS, ...many))).toMatchObject({ ok: true, unkept: 0 })
    for (const changed of [PLAN, many[0]!, many[20]!, many[39]!]) {
      const odd = { ...changed, bytes: new Uint8Array([0]) }
      const all = [PLAN, PINS, ...many].map((k) => (k === changed ? odd : k))
      const audit = await audited(await replayable(...all), { space: "acme" })
      expect(audit).toMatchObject({ ok: false, unkept: changed === PLAN ? 2 : 0 })
      expect(audit.findings).toEqual([
        { fault: "kept", at: { kept: changed.hash }, message: "It has another hash: it is not what was kept" },
      ])
    }
  })

  test("of another space's runs is not counted", async () => {
    expect(await audited(await replayable(), { space: "other" })).toMatchObject({ ok: true, runs: 0, unkept: 0 })
  })
})

test("a run's first entry says what it is replayed from, and no other entry does", () => {
  const rows = runOf("a", ["start", "resume"], { plan: "p", pins: "q" })
  expect(rows.map(wantedBy)).toStrictEqual([["p", "q"], []])
  expect(runOf("a", ["start"], { plan: "p" }).map(wantedBy)).toStrictEqual([["p"]])
})
