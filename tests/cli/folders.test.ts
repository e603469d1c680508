// Graphs of several folders in one server: each folder has a ledger of its own, or nothing is served.
import { expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { folderWith } from "./command.ts"
import { shadowgraphHere } from "./here.ts"

test("on one Postgres ledger they are refused, whoever says that it is one", async () => {
  const graph = (name: string) => `graph: ${name}\nnodes:\n  x: { expr: '1' }\noutput: x\n`
  const folder = folderWith({ "one.graph.yaml": graph("one") })
  mkdirSync(join(folder, "more"))
  writeFileSync(join(folder, "more", "two.graph.yaml"), graph("two"))
  const url = "postgres://nobody@127.0.0.1:1/none"
  const given = await shadowgraphHere(folder, "serve", "--port", "0", "--ledger", url)
  expect([given.exit, given.err]).toEqual([1, expect.stringContaining("Two folders of graphs would share one ledger")])
  for (const at of [folder, join(folder, "more")])
    writeFileSync(join(at, "shadowgraph.project.json"), '{ "ledger": "secret:LEDGER" }')
  const said = await shadowgraphHere(folder, "mcp", "serve")
  expect([said.exit, said.err]).toEqual([1, expect.stringContaining("a database for each")])
})
