/**
 * What the ledger says afterwards: that every run which clients were told of is there and has ended as they were told, that no
 * run at all is without an end, that each payment was made once, and that the whole record is sound.
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { auditLedger } from "../../audit/mod.ts"
import { LEDGER_KEY } from "../../deploy/ledger/place.ts"
import { hostDigest, openLedgerKey } from "../../deploy/mod.ts"
import { openLedger } from "../../deploy/project/project.ts"
import { hex } from "../../graph/mod.ts"
import { type LedgerStore, openRow } from "../../kernel/mod.ts"
import { BOOKS } from "./house.ts"

export interface Found {
  /** Runs that clients were told of. */
  readonly accepted: number
  /** Of these, that are not in the ledger, have no end there, or another one than was told. */
  readonly lost: readonly string[]
  /** Runs in the ledger, told of or not. */
  readonly runs: number
  /** Runs without an end that wait for nobody. */
  readonly open: readonly string[]
  /** Runs at rest until a person says what came of a payment whose answer was cut off. */
  readonly asked: readonly string[]
  /** Payments that the tool took. */
  readonly payments: number
  /** Of these, those of which there is more than one. */
  readonly twice: readonly string[]
  readonly entries: number
  /** What the audit of the ledger finds wrong. */
  readonly findings: readonly string[]
}

/** @param told A line for each run that a client was told of: its id and, where it was told, the hash of its end. */
export async function reckon(folder: string, told: string): Promise<Found> {
  const heads = headsOf(join(folder, ".shadowgraph", "ledger.db"))
  const store = await openLedger(folder, "file", {})
  const asked = new Set<string>()
  for (const [run, { kind }] of heads) if (kind === "parked" && (await isUncertain(store, run))) asked.add(run)
  const lost: string[] = []
  const accepted = new Set<string>()
  for (const line of readFileSync(told, "utf8").split("\n").slice(0, -1)) {
    const [run = "", head = ""] = line.split(" ")
    accepted.add(run)
    const found = heads.get(run)
    if (found === undefined) lost.push(`${run} is not in the ledger`)
    else if (asked.has(run)) continue
    else if (found.kind !== "end") lost.push(`${run} has no end: ${found.kind}`)
    else if (head !== "" && found.hash !== head) lost.push(`${run} ended otherwise than its client was told`)
  }
  const open = [...heads].flatMap(([run, { kind }]) => (kind === "end" || asked.has(run) ? [] : [`${run}: ${kind}`]))
  const { payments, twice } = booked(join(folder, BOOKS))
  const { signer } = await openLedgerKey(join(folder, LEDGER_KEY))
  const audit = await auditLedger(store.archive, { digest: hostDigest, verify: signer.verify })
  await store.close()
  const findings = audit.findings.map((finding) => JSON.stringify(finding))
  return {
    accepted: accepted.size,
    lost,
    runs: heads.size,
    open,
    asked: [...asked],
    payments,
    twice,
    entries: audit.entries,
    findings,
  }
}

/** Does the run wait for somebody to say what came of a write? */
async function isUncertain(store: LedgerStore, run: string): Promise<boolean> {
  const last = (await store.entries("", run)).rows.at(-1)!
  const { body } = openRow(last)
  return body.kind === "parked" && body.why === "uncertain"
}

function headsOf(file: string): Map<string, { readonly kind: string; readonly hash: string }> {
  const db = new DatabaseSync(file, { readOnly: true })
  const heads = new Map<string, { readonly kind: string; readonly hash: string }>()
  for (const row of db.prepare("SELECT run, kind, hash FROM ledger_head").iterate()) {
    const { run, kind, hash } = row as { readonly run: string; readonly kind: string; readonly hash: Uint8Array }
    heads.set(run, { kind, hash: hex(hash) })
  }
  db.close()
  return heads
}

function booked(file: string): { readonly payments: number; readonly twice: readonly string[] } {
  const seen = new Set<string>()
  const twice: string[] = []
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : []
  for (const line of lines) {
    const { id } = JSON.parse(line) as { readonly id: string }
    if (seen.has(id)) twice.push(id)
    seen.add(id)
  }
  return { payments: lines.length, twice }
}
