// Graphs that once broke a law, made small: each says in its `about` what went wrong. Held against the laws thoroughly, with
// several seeds, since many of them broke only for some order of events.
import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { readGraph } from "../../graph/file/mod.ts"
import { printProblemShort } from "../../graph/mod.ts"
import { judge } from "./agree.ts"
import { kinds } from "./runs.ts"

const base = new URL("../golden/laws/", import.meta.url)
const SEEDS = 8

describe("a graph that once broke a law keeps it", () => {
  for (const file of readdirSync(base).filter((name) => name.endsWith(".graph.yaml"))) {
    test(file, async () => {
      const load = (path: string) => ({ file: path, text: readFileSync(new URL(path, base), "utf8") })
      const { graph, problems } = readGraph(load(file), { registry: kinds, load })
      expect(problems.map(printProblemShort)).toEqual([])
      for (let seed = 0; seed < SEEDS; seed++) {
        const { checked, broken } = await judge(graph!, `${file} ${seed}`)
        expect(checked).toBe(true)
        expect(broken).toEqual([])
      }
    })
  }
})
