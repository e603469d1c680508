/** Claims about the ledger: whatever is done to a record behind its back is found. */
import { sha256 } from "../../graph/mod.ts"
import { type Chain, type Head, type Row, verifyChain } from "../../kernel/mod.ts"
import { MemoryLedger } from "../ledger/memory.ts"
import type { Checked, Claim, Depth } from "./claim.ts"
import { engineOf, nothingSeen, planOf, probe, withProbe } from "./tools.ts"

const TEXT = `graph: g
nodes:
  m: { map: '[1, 2, 3, 4]', as: x, do: { probe: p, with: { x: '\${x}' } } }
  w: { probe: q, effect: write, with: { x: '\${m}' } }
output: w
`

async function tampering({ thorough }: Depth): Promise<Checked> {
  const store = new MemoryLedger()
  const kinds = withProbe(probe(nothingSeen()))
  const engine = engineOf(kinds, { store })
  const { checked, bytes } = planOf(TEXT, kinds)
  const ready = await engine.prepare(bytes, { grants: checked.needs })
  const one = await ready.run({})
  const two = await ready.run({})
  const { rows } = store.entries("", one.run)
  const other = store.entries("", two.run).rows
  await engine.close()
  const last = rows.at(-1)!
  const head: Head = { seq: last.seq, hash: last.hash }
  const verdict = (changed: readonly Row[]) =>
    verifyChain({ before: null, rows: changed } satisfies Chain, { digest: sha256, space: "", run: one.run, head })
  const wrong: string[] = []
  let tried = 1
  if (!verdict(rows).ok) wrong.push("the record as it was written does not verify")
  for (const [name, changed] of tampered(rows, other, thorough)) {
    tried++
    if (verdict(changed).ok) wrong.push(`${name}: nobody noticed`)
  }
  return { tried, what: "ways to tamper with a record", how: "every", wrong }
}

/** Every changed byte, deletion, repetition, swap, renumbering, foreign entry and cut end of a record. */
function* tampered(rows: readonly Row[], other: readonly Row[], thorough: boolean): Generator<[string, Row[]]> {
  const renumbered = (changed: readonly Row[]) => changed.map((row, seq) => ({ ...row, seq }))
  for (const [i, row] of rows.entries()) {
    for (const part of ["entry", "hash", "data"] as const) {
      const bytes = row[part]
      for (let at = 0; bytes !== null && at < bytes.length; at++)
        for (let bit = 0; bit < 8; bit += thorough ? 1 : 8)
          yield [
            `byte ${at} of ${part} ${i}`,
            rows.with(i, { ...row, [part]: bytes.with(at, bytes[at]! ^ (1 << (thorough ? bit : at % 8))) }),
          ]
    }
    yield [`entry ${i} deleted`, rows.toSpliced(i, 1)]
    yield [`entry ${i} deleted and the rest renumbered`, renumbered(rows.toSpliced(i, 1))]
    yield [`entry ${i} twice`, renumbered(rows.toSpliced(i, 0, row))]
    if (i > 0) yield [`cut before entry ${i}`, rows.slice(0, i)]
    if (other[i] !== undefined) {
      yield [`entry ${i} of another run instead`, rows.with(i, other[i]!)]
      yield [`entry ${i} of another run under this name`, rows.with(i, { ...other[i]!, run: row.run })]
      yield [`entry ${i} of another run put in`, renumbered(rows.toSpliced(i, 0, other[i]!))]
    }
    for (let j = i + 1; j < rows.length; j++) {
      const swapped = rows.with(i, rows[j]!).with(j, row)
      yield [`entries ${i} and ${j} swapped`, swapped]
      yield [`entries ${i} and ${j} swapped and renumbered`, renumbered(swapped)]
    }
  }
}

export const RECORD: readonly Claim[] = [
  {
    name: "ledger",
    says: "Every edit, deletion, insertion, swap and cut of a record is found, given its head.",
    check: tampering,
  },
]
