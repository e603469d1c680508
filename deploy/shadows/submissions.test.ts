/** The count of submissions: kept over processes, and nobody's to lower but by taking everything away. */
import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { LEDGER_KEY } from "../ledger/place.ts"
import { ShadowStoreError } from "./card.ts"
import { ShadowStore } from "./store.ts"

const folder = mkdtempSync(join(tmpdir(), "shadowgraph-submissions-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const file = join(folder, ".shadowgraph", "shadows", "submissions.json")
const book = () => new ShadowStore(folder).book()
async function refused(work: () => unknown): Promise<string> {
  const cause = await Promise.resolve()
    .then(work)
    .catch((why: unknown) => why)
  if (!(cause instanceof ShadowStoreError)) throw new TypeError("it was taken")
  return `${cause.reason}: ${cause.message}`
}

test("counts each target by itself, over processes; a count that was changed is refused, for reading and for writing", async () => {
  expect(await book().last("a")).toBe(0)
  await book().keep("a", 1, "c")
  await book().keep("b", 7, "c")
  expect([await book().last("a"), await book().last("b"), await book().last("toString")]).toEqual([1, 7, 0])
  const text = readFileSync(file, "utf8")
  for (const [other, reason] of [
    [text.replace('"b": 7', '"b": 1'), "changed"],
    [text.replace(/"signature": "..../, '"signature": "AAAA'), "changed"],
    [JSON.stringify({ submissions: { b: 0 } }), "changed"],
    ['{ "b": 0 }', "unreadable"],
    ["{", "unreadable"],
  ] as const) {
    writeFileSync(file, other)
    expect(await refused(() => book().last("b"))).toStartWith(`${reason}: Cannot use the count of submissions`)
    expect(await refused(() => book().keep("b", 8, "c"))).toStartWith(reason)
    expect(readFileSync(file, "utf8")).toBe(other)
  }
  writeFileSync(file, text)
  expect(await book().last("b")).toBe(7)
  // Another key: whoever takes the file to another project takes no count with it.
  rmSync(join(folder, LEDGER_KEY))
  expect(await refused(() => book().last("b"))).toStartWith("changed")
})
