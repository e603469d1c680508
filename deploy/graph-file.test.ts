// Graph files in TypeScript: read as values of the builder, imported by a program of their own, run and called in graphs.
import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Effect } from "effect"
import * as v from "valibot"
import { type Graph, GraphProblems, graph, graphFile, map, run } from "../mod.ts"

const root = join(import.meta.dirname, "..")
const folder = mkdtempSync(join(tmpdir(), "graph-file-"))
afterAll(() => rmSync(folder, { recursive: true }))
symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

type Price = Graph<{ readonly kg: number; readonly margin?: number }, { readonly price: number }>
const path = file(
  "price.graph.yaml",
  "graph: price\ninput: { kg: number, margin: number = 2 }\nnodes: { price: { expr: input.kg * input.margin } }\noutput: { price: price }\n",
)

test("a graph file is run and called as a graph in TypeScript is", async () => {
  const price = await graphFile<Price>(path)
  expect(await Effect.runPromise(run(price, { kg: 3 }))).toEqual({ price: 6 })
  const all = graph("all", { input: { kgs: v.array(v.number()) } }, (input) =>
    map("prices", input.kgs, (kg) => price({ kg, margin: 3 })),
  )
  expect(await Effect.runPromise(run(all, { kgs: [1, 2] }))).toEqual([{ price: 3 }, { price: 6 }])
  const same = await graphFile(pathToFileURL(path))
  expect(same.ir).toEqual(price.ir)
})

test("the problems of a file are told, each with its place", async () => {
  const broken = file(
    "broken.graph.yaml",
    "graph: broken\ninput: { kg: number }\nnodes: { a: { expr: input.kilo } }\noutput: a\n",
  )
  const problems = await graphFile(broken).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  expect(problems).toBeInstanceOf(GraphProblems)
  expect((problems as GraphProblems).message).toContain("broken.graph.yaml:3:21")
})

test("`import` gives it, in a program that was started with the register", async () => {
  const main = file(
    "main.ts",
    `import price from "./price.graph.yaml"
import { run } from ${JSON.stringify(join(root, "mod.ts"))}
import { runPromise } from "effect/Effect"
console.log(JSON.stringify(await runPromise(run(price, { kg: 5 }))))
`,
  )
  const child = Bun.spawn([process.execPath, "--preload", join(root, "deploy/register.ts"), main], {
    stderr: "inherit",
  })
  expect(await new Response(child.stdout).text()).toBe('{"price":10}\n')
})
