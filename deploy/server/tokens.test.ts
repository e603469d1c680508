/** Who may run graphs of a program on a server: by a file that changes while it serves, by a variable, by nothing. */
import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TokenError } from "../http/holder.ts"
import { serverTokens } from "./mod.ts"

const folder = mkdtempSync(join(tmpdir(), "shadowgraph-tokens-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const entry = (name: string, more: object = {}) => ({
  name,
  sha256: "ab".repeat(32),
  grants: [],
  created: "2026-01-01T00:00:00Z",
  ...more,
})
const names = async (tokens: ReturnType<typeof serverTokens>) =>
  (await tokens()).map((token) => (typeof token === "string" ? token : `${token.name} ${token.revoked ?? "good"}`))

test("a file is read again when it changes, and one that is not there lets nobody in", async () => {
  const file = join(folder, "tokens.json")
  const tokens = serverTokens({ SHADOWGRAPH_TOKENS_FILE: file, SHADOWGRAPH_TOKENS: "ab".repeat(32) })
  expect(await names(tokens)).toEqual([])
  writeFileSync(file, JSON.stringify({ tokens: [entry("clerk")] }))
  expect(await names(tokens)).toEqual(["clerk good"])
  const before = await tokens()
  expect(await tokens()).toBe(before)
  writeFileSync(file, JSON.stringify({ tokens: [entry("clerk", { revoked: "2026-02-01T00:00:00Z" })] }))
  expect(await names(tokens)).toEqual(["clerk 2026-02-01T00:00:00Z"])
  writeFileSync(file, "{")
  await expect((async () => tokens())()).rejects.toBeInstanceOf(TokenError)
})

test("without a file the variable says it", async () => {
  expect(await names(serverTokens({ SHADOWGRAPH_TOKENS: "ab".repeat(32) }))).toEqual(["ab".repeat(32)])
  expect(await names(serverTokens({ SHADOWGRAPH_TOKENS_FILE: "" }))).toEqual([])
})
