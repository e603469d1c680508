/**
 * Mistakes of every code, each with the text that a user sees. `tests/golden/problems/<case>` holds `graph.yaml` (or
 * `.json`), its subgraphs, a lock where one matters, an empty file `strict` for `--strict`, and `expected.txt`.
 * `UPDATE_GOLDEN=1 bun test graph/problems.test.ts` writes the expected texts anew; read the difference before keeping it.
 */
import { describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { sample } from "../tests/kinds.ts"
import { checkFile } from "./check-file.ts"
import { EMPTY_LOCK, parseLock, pin } from "./lock.ts"
import { MESSAGES } from "./messages.ts"
import { renderProblems } from "./report.ts"

const folder = fileURLToPath(new URL("../tests/golden/problems/", import.meta.url))
const update = process.env["UPDATE_GOLDEN"] === "1"
const cases = readdirSync(folder).sort()

function rendered(name: string): string {
  const at = (file: string) => join(folder, name, file)
  const textOf = (file: string) => (existsSync(at(file)) ? readFileSync(at(file), "utf8") : undefined)
  const file = existsSync(at("graph.yaml")) ? "graph.yaml" : "graph.json"
  const lockText = textOf("shadowgraph.lock")
  const lock = lockText === undefined ? { lock: EMPTY_LOCK } : parseLock({ file: "shadowgraph.lock", text: lockText })
  if (!("lock" in lock)) throw new TypeError(`The lock of ${name} is broken`)
  const { problems, checked } = checkFile(
    { file, text: textOf(file)! },
    {
      registry: sample,
      pin: pin(lock.lock),
      strict: existsSync(at("strict")),
      load: (path) => {
        const sub = path.replace("./", "")
        const text = textOf(sub)
        return text === undefined ? { problem: "there is no such file" } : { file: sub, text }
      },
    },
  )
  expect(checked !== undefined).toBe(problems.every((p) => p.severity === "warning"))
  return renderProblems(problems, textOf, { colour: false })
}

describe("mistakes", () => {
  for (const name of cases) {
    test(name, () => {
      const expected = join(folder, name, "expected.txt")
      const text = rendered(name)
      if (update) writeFileSync(expected, text)
      expect(text).toBe(readFileSync(expected, "utf8"))
      expect(text).toContain(name.slice(0, 4))
    })
  }

  test("every code has a case", () => {
    // G4xx are of the project's file, which `check` of a graph does not read: their cases are in tests/cli/triggers.test.ts.
    const ofGraphs = Object.keys(MESSAGES).filter((code) => !code.startsWith("G4"))
    const missing = ofGraphs.filter((code) => !cases.some((name) => name.startsWith(code)))
    expect(missing).toEqual([])
  })
})
