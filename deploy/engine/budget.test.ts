/** Budgets as people write them, and what is said about those that cannot be read. */
import { describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PROJECT_FILE, ProjectError, readProjectFile } from "../project/project.ts"
import { parseBudget, readBudgets, readFuel } from "./budget.ts"

describe("on the command line", () => {
  test("each amount in its own unit, money to the millionth", () => {
    expect(parseBudget("calls=100,tokens=50000,money=0.50,wall=30s,bytes=10MB")).toEqual({
      calls: 100,
      tokens: 50_000,
      money: 500_000,
      wallMs: 30_000,
      bytes: 10_000_000,
    })
    expect(parseBudget(" money = 0.000001 , bytes=12")).toEqual({ money: 1, bytes: 12 })
    expect(parseBudget("money=12345678.9")).toEqual({ money: 12_345_678_900_000 })
  })

  const REFUSED: readonly (readonly [text: string, says: RegExp])[] = [
    ["", /"" is no part of a budget; write calls=100/],
    ["calls", /"calls" is no part of a budget/],
    ["calls=1,calls=2", /"calls" stands in the budget twice/],
    ["coins=3", /a budget has no "coins"; it has calls, bytes, tokens, money, wall/],
    ["__proto__=3", /a budget has no "__proto__"/],
    ["calls=-1", /"-1" is no budget of calls/],
    ["calls=1e9", /no budget of calls/],
    ["money=0.0000001", /"0.0000001" is no budget of money/],
    ["money=-1", /no budget of money/],
    ["wall=30", /"30" is no budget of wall/],
    ["bytes=ten", /"ten" is no budget of bytes/],
    ["tokens=1.5", /"1.5" is no budget of tokens/],
  ]
  for (const [text, says] of REFUSED) test(`refused: ${text}`, () => expect(() => parseBudget(text)).toThrow(says))

  test("fuel is a whole number", () => {
    expect(readFuel("1000")).toBe(1000)
    for (const text of ["-1", "1.5", "many", ""]) expect(() => readFuel(text)).toThrow(/whole number of steps/)
  })
})

describe("in the project's file", () => {
  test("of a run, of all runs in a window, and the prices of models", () => {
    const read = readBudgets({
      budget: { calls: 100, money: 0.5, wall: "30s", fuel: 1000 },
      tenant: { per: "1d", money: "20", tokens: 1_000_000 },
      prices: { currency: "EUR", models: { small: { in: 0.15, out: "0.60" } } },
    })
    expect(read).toEqual({
      budget: { calls: 100, money: 500_000, wallMs: 30_000 },
      fuel: 1000,
      tenant: { budget: { money: 20_000_000, tokens: 1_000_000 }, windowMs: 86_400_000 },
      prices: { currency: "EUR", models: { small: { in: 150_000, out: 600_000 } } },
    })
    expect(readBudgets({})).toEqual({})
  })

  const REFUSED: readonly (readonly [data: object, says: RegExp])[] = [
    [{ budget: [1] }, /"budget" must be a mapping, found \[1\]/],
    [{ budget: { calls: true } }, /"calls" of a budget is a number or a text, found true/],
    [{ budget: { fuel: 0.5 } }, /whole number of steps, found "0.5"/],
    [{ tenant: { calls: 3 } }, /"tenant" wants "per".*found nothing/],
    [{ tenant: { per: "0s", calls: 3 } }, /wants "per"/],
    [{ prices: { models: {} } }, /wants "currency", three letters like "EUR", found nothing/],
    [{ prices: { currency: "euro", models: {} } }, /found "euro"/],
    [{ prices: { currency: "EUR", models: {}, tax: 1 } }, /"prices" has no "tax"/],
    [{ prices: { currency: "EUR", models: { small: { in: 1 } } } }, /"prices.models.small" wants { "in": 0.15, "out"/],
    [{ prices: { currency: "EUR", models: { small: { in: 1, out: -1 } } } }, /"prices.models.small" wants/],
    [{ prices: { currency: "EUR", models: { small: 3 } } }, /"prices.models.small" must be a mapping, found 3/],
  ]
  for (const [data, says] of REFUSED)
    test(`refused: ${JSON.stringify(data)}`, () => expect(() => readBudgets(data as never)).toThrow(says))

  test("what is wrong in it is said with the file's name", async () => {
    const folder = mkdtempSync(join(tmpdir(), "budget-"))
    writeFileSync(join(folder, PROJECT_FILE), '{ "budget": { "coins": 3 } }')
    await expect(readProjectFile(folder)).rejects.toThrow(ProjectError)
    await expect(readProjectFile(folder)).rejects.toThrow(/shadowgraph.project.json": a budget has no "coins"/)
    await readProjectFile(folder).catch(() => {})
    rmSync(folder, { recursive: true })
  })
})
