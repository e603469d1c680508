// The log of heads: its leaves are what they say, a log goes on only from a row that its key signed, and whoever changes a
// row of it is noticed there.
import { describe, expect, test } from "bun:test"
import { encode as msgpack } from "@msgpack/msgpack"
import { encode, hex, sha256 } from "../graph/mod.ts"
import { signerOf } from "../tests/sealed.ts"
import {
  continueLog,
  EMPTY_LOG,
  type HeadRow,
  type Leaf,
  leafBytes,
  type Note,
  noteHeads,
  openLeaf,
  peaksBytes,
  rowLink,
  signedHeadOf,
  treeHeadBytes,
} from "./heads.ts"
import { appended, EMPTY_TREE, merkleLeaf, rootOf } from "./merkle.ts"

const ZERO = new Uint8Array(32)
const HASH = sha256(new Uint8Array([1]))
const head = (seq: number, run = "r1"): Note => ({ kind: "head", space: "acme", run, seq, hash: HASH, state: "open" })
const REDACTED: Note = { kind: "redacted", space: "acme", run: "r1", seqs: [1, 2], inputs: [3] }
const signer = signerOf("a")
const noted = (state: Parameters<typeof noteHeads>[0], notes: readonly Note[]) =>
  noteHeads(state, notes, { signer, digest: sha256, at: 5 })
/** A log of so many groups of notes. */
async function logOf(...groups: number[]) {
  const rows: HeadRow[] = []
  let state = EMPTY_LOG
  for (const n of groups) {
    const { rows: more, next } = await noted(
      state,
      Array.from({ length: n }, (_, i) => head(rows.length + i)),
    )
    rows.push(...more)
    state = next
  }
  return { rows, state }
}

describe("a leaf", () => {
  const leaf: Leaf = { log: "a", index: 3, prev: HASH, at: 7, closes: true, note: head(4) }
  test("is msgpack, the bytes that another encoder writes", () => {
    const list = [1, "a", 3, HASH, 7, true, "head", "acme", "r1", 4, HASH, "open"]
    expect(hex(leafBytes(leaf))).toBe(hex(msgpack(list)))
    const redacted = [1, "a", 3, HASH, 7, false, "redacted", "acme", "r1", [1, 2], [3]]
    expect(hex(leafBytes({ ...leaf, closes: false, note: REDACTED }))).toBe(hex(msgpack(redacted)))
  })

  test("is read back as it was written, and nothing else is", () => {
    for (const note of [head(4), REDACTED]) expect(openLeaf(leafBytes({ ...leaf, note }))).toEqual({ ...leaf, note })
    const head8 = [1, "a", 3, HASH, 7, true, "head", "acme", "r1", 4, HASH, "open"]
    for (const [bytes, says] of [
      [new Uint8Array([0xc1]), "corrupt: Cannot read a leaf of the log of heads: Cannot decode"],
      [encode({ a: 1 }), "corrupt: Cannot read a leaf of the log of heads: it has not the form of one"],
      [encode("text"), "corrupt: "],
      [encode(head8.slice(0, -1)), "corrupt: "],
      [encode([...head8, 1]), "corrupt: "],
      [encode(head8.with(3, "text")), "corrupt: "],
      [encode(head8.with(6, "other")), "corrupt: "],
      [encode(head8.slice(0, -1).with(6, "other")), "corrupt: "],
      [encode(head8.with(0, 2)), "format: Cannot read a leaf of the log of heads: its format must be 1, found 2"],
    ] as const) {
      let found = "read"
      try {
        openLeaf(bytes)
      } catch (cause) {
        const { reason, message } = cause as { readonly reason: string; readonly message: string }
        found = `${reason}: ${message}`
      }
      expect(found).toStartWith(says)
    }
  })
})

describe("a log", () => {
  test("signs the last note of a group, and holds each row by the next", async () => {
    const { rows, state } = await logOf(1, 3, 2)
    expect(rows.map((r) => [r.index, r.peaks !== null, r.signature !== null])).toEqual([
      [0, true, true],
      [1, false, false],
      [2, false, false],
      [3, true, true],
      [4, false, false],
      [5, true, true],
    ])
    let tree = EMPTY_TREE
    let link: Uint8Array = ZERO
    for (const row of rows) {
      const leaf = openLeaf(row.leaf)
      expect([leaf.log, leaf.index, leaf.at, leaf.closes]).toEqual([signer.log, row.index, 5, row.signature !== null])
      expect(leaf.prev).toEqual(link)
      expect([row.log, row.space]).toEqual([signer.log, "acme"])
      tree = appended(tree, merkleLeaf(row.leaf, sha256), sha256)
      link = rowLink(row, sha256)
      const signed = signedHeadOf(row, sha256)
      if (row.signature === null) {
        expect(signed).toBeUndefined()
        continue
      }
      expect(row.peaks).toEqual(peaksBytes(tree))
      expect(signed).toEqual({
        log: signer.log,
        size: tree.size,
        root: rootOf(tree, sha256),
        signature: row.signature!,
      })
      expect(await signer.verify(signer.log, treeHeadBytes(signed!), row.signature!)).toBe(true)
    }
    expect(state).toEqual({ tree, link })
  })

  test("says of no row that it signs where roots or signature are missing or have another length", async () => {
    const { rows } = await logOf(1)
    const [row] = rows as [HeadRow]
    for (const odd of [
      { peaks: null },
      { signature: null },
      { peaks: row.peaks!.slice(1) },
      { peaks: new Uint8Array(64) },
      { index: 2 },
    ])
      expect(signedHeadOf({ ...row, ...odd }, sha256)).toBeUndefined()
  })

  test("goes on from its last row as if it had never stopped", async () => {
    for (const groups of [[], [1], [2], [3], [1, 2], [4, 1], [2, 2, 3]]) {
      const { rows, state } = await logOf(...groups)
      expect(await continueLog(rows.at(-1), signer, sha256)).toEqual(state)
    }
  })

  test("goes on from no row that its key has not signed as it is", async () => {
    for (const groups of [[3], [4]]) {
      const { rows } = await logOf(...groups)
      const last = rows.at(-1)!
      const refused = async (row: HeadRow): Promise<string> => {
        try {
          await continueLog(row, signer, sha256)
        } catch (cause) {
          expect(cause).toMatchObject({ _tag: "KernelError", reason: "corrupt" })
          return (cause as Error).message.replace(/^Cannot continue the log of heads after leaf \d+: |; .*$/g, "")
        }
        return "goes on"
      }
      expect(await refused(last)).toBe("goes on")
      expect(await refused(rows.at(-2)!)).toBe("it carries no signature")
      expect(await refused({ ...last, signature: new Uint8Array(32) })).toContain("signature is not that of this")
      expect(await refused({ ...last, peaks: last.peaks!.map((b) => b ^ 1) })).toContain("signature is not that of")
      expect(await refused({ ...last, log: "nobody" })).toContain("signature is not that of this ledger's key")
      // Where the leaf stands alone at the tree's edge its hash is one of the roots; elsewhere the next audit finds it.
      const other = { ...last, leaf: rows[0]!.leaf }
      expect(await refused(other)).toBe(groups[0] === 3 ? "it is not the leaf that was signed" : "goes on")
    }
  })
})
