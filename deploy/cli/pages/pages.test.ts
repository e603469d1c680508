/** Every code that a user meets has a page, and every page is of a code that there is. */
import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { PASSES } from "../../../compile/mod.ts"
import { EXIT } from "../command.ts"
import { FAILURES } from "./failures.ts"
import { type Found, failurePages, listed, names, pagesOf } from "./pages.ts"
import { ADMISSIONS, exitOf, RECORDS } from "./refusals.ts"

const ROOT = join(import.meta.dirname, "..", "..", "..")
const filesOf = (folder: string, ending: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file))
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8")

/** What programs say, without tests and without the claims that make tools of their own. */
const sources = ["graph", "plan", "bus", "kernel", "nodes", "deploy"]
  .flatMap((room) => filesOf(room, ".ts"))
  .filter((file) => !/\.(test|sample)\.ts$|^deploy\/(verify|cli\/pages)\//.test(file))
  .map((file) => [file, read(file)] as const)
const codes = new Map<string, string>()
for (const [file, text] of sources)
  for (const [, thrown, made] of text.matchAll(/\bfail\(\s*"([A-Z][a-z][A-Za-z]*)"|\bcode: "([A-Z][a-z][A-Za-z]*)"/g))
    codes.set((thrown ?? made)!, file)

describe("a page", () => {
  test("is there for every failure that the rooms make, and for every one that the pages of kinds name", () => {
    expect(codes.size).toBeGreaterThan(60)
    expect([...codes].filter(([code]) => !Object.hasOwn(FAILURES, code))).toEqual([])
    const told = filesOf("docs/nodes", ".md").flatMap((file) =>
      read(file)
        .split("\n")
        .filter((line) => /^\| `[A-Z][a-z][A-Za-z]*`/.test(line))
        .flatMap((line) => [...line.split("|")[1]!.matchAll(/`([A-Z][A-Za-z]*)`/g)].map(([, code]) => [code!, file])),
    )
    expect(told.length).toBeGreaterThan(60)
    expect(told.filter(([code]) => !Object.hasOwn(FAILURES, code!))).toEqual([])
  })

  test("is of something that there is, by one name, and says what to make of it", () => {
    const all = sources.map(([, text]) => text).join("\n")
    expect(names().filter((name) => !all.includes(`"${name}"`))).toEqual([])
    expect(new Set(names()).size).toBe(names().length)
    // A pass of the compiler is asked for by the same command.
    expect(names().filter((name) => PASSES.some((pass) => pass.name === name))).toEqual([])
    for (const name of names()) {
      const [{ title, page }] = pagesOf(name) as readonly [Found]
      expect([name, /^[A-Z].*[^.]$/.test(title), page.endsWith("."), page.length > 40]).toEqual([
        name,
        true,
        true,
        true,
      ])
    }
  })

  test("is found however it is written, in the list and in the document", () => {
    expect(pagesOf("httpstatus")).toMatchObject([{ name: "HttpStatus", of: expect.stringContaining("`http`") }])
    expect(pagesOf("Not-Granted")[0]!.page).toContain("--grant")
    expect(["locked", "Locked"].map((word) => pagesOf(word).map(({ name }) => name))).toEqual([
      ["locked", "Locked"],
      ["Locked", "locked"],
    ])
    expect(pagesOf("nothing")).toEqual([])
    const document = failurePages()
    for (const name of names()) expect(document).toContain(`\n### ${name}\n`)
    expect(listed().flatMap(([, entries]) => entries)).toHaveLength(names().length)
    expect(names()).toHaveLength([FAILURES, ADMISSIONS, RECORDS].flatMap((pages) => Object.keys(pages)).length)
  })

  test("of an exit code is there for each that a command may end with", () => {
    for (const code of Object.values(EXIT)) expect(exitOf(code)).toBeString()
    expect(exitOf(7)).toBeUndefined()
  })
})
