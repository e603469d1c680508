// Plans as bytes and as text, held against files: a change of the format or of the text form is a change of these files,
// made on purpose. `GOLDEN=write bun test tests/golden` writes them anew.
import { describe, expect, test } from "bun:test"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { hex, unhex } from "../../graph/mod.ts"
import { decodePlan, disasm, encodePlan, planHash } from "../../plan/mod.ts"
import { SAMPLES } from "../plans/samples.ts"

const folder = join(import.meta.dirname, "plans")
const CASES = ["arithmetic", "tools", "mapping", "switching", "catching", "roles", "logic", "gathering", "ordered"]

function golden(file: string, found: string): string {
  const path = join(folder, file)
  if (process.env["GOLDEN"] === "write") {
    mkdirSync(folder, { recursive: true })
    writeFileSync(path, found)
  }
  return existsSync(path) ? readFileSync(path, "utf8") : ""
}

/** Forty bytes a line. */
const lines = (bytes: Uint8Array) => `${hex(bytes).replace(/.{80}/g, "$&\n").trimEnd()}\n`

describe("golden plans", () => {
  for (const name of CASES) {
    const bytes = encodePlan(SAMPLES[name]!())
    test(`${name}: bytes`, () => {
      const wanted = golden(`${name}.hex`, lines(bytes))
      expect(lines(bytes)).toBe(wanted)
      expect(decodePlan(unhex(wanted.replaceAll("\n", "")))).toEqual(SAMPLES[name]!())
    })
    test(`${name}: text`, () => {
      const text = disasm(decodePlan(bytes), planHash(bytes), { verbose: true })
      expect(text).toBe(golden(`${name}.txt`, text))
    })
  }
})
