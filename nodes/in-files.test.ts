/**
 * The node kinds in graph files, through the reader and the checker: what a file that uses all of them needs, and where
 * each mistake is pointed at. The texts are what an author sees.
 */
import { expect, test } from "bun:test"
import { checkFile } from "../graph/file/mod.ts"
import { printProblemShort, type Rec, registry } from "../graph/mod.ts"
import { ask, fn, mcp, now, random, readFile, sql, writeFile } from "./mod.ts"

const kinds = registry(ask, fn, mcp, now, random, readFile, sql, writeFile)
const lock: { readonly [key: string]: Rec } = {
  "mcp:s/add": { input: { type: "object", properties: { a: { type: "number" } }, required: ["a"] } },
  "fn:./tools.ts#convert": { sha256: "00", effect: "pure", input: "{ amount: number }", output: "number" },
}
const check = (text: string) => checkFile({ file: "g.yaml", text }, { registry: kinds, pin: (key) => lock[key] })
const problems = (text: string) => check(text).problems.map(printProblemShort)

test("a file with every kind", () => {
  const { checked, problems: found } = check(`graph: report
input: { order: string }
types:
  Line: { weight_kg: number, distance_km: number }
servers:
  files: { stdio: [npx, -y, "@modelcontextprotocol/server-filesystem", ./data], reads: [read_text_file] }
databases:
  shop: sqlite:./shop.db
nodes:
  lines:
    sql: shop
    query: select weight_kg, distance_km from lines where order_id = :order
    with: { order: "\${ input.order }" }
    output: [Line]
  tariff:
    mcp: files/read_text_file
    with: { path: tariff.json }
    parse: json
    output: { per_kg: number }
  converted:
    fn: ./tools.ts#convert
    with: { amount: "\${ lines[0].weight_kg * tariff.per_kg }" }
  go:
    ask: Ship \${ size(lines) } lines for \${ converted }?
    output: boolean
    timeout: 10m
  at: { now: iso }
  dice: { random: integer, below: 6 }
  config:
    read_file: ./conf/\${ input.order }.txt
  report:
    write_file: ./out/report.md
    text: |
      Order \${ input.order }: \${ converted } at \${ at }, \${ go }, \${ dice }, \${ config }
output: report.path
`)
  expect(found.map(printProblemShort)).toEqual([])
  expect(checked?.needs).toEqual([
    "ask:person",
    "fs:read:./conf",
    "fs:write:./out",
    "mcp:files/read_text_file",
    "sql:shop:read",
  ])
  expect(checked?.touches.map((t) => `${t.resource}${t.write ? " write" : ""}`)).toEqual([
    "chance",
    "db:shop",
    "fs:./conf",
    "fs:./out write",
    "person",
    "server:files",
    "time",
  ])
})

const MISTAKES: readonly (readonly [name: string, node: string, problem: string])[] = [
  [
    "text in SQL",
    "sql: shop\n    query: select 1 where 1 = ${ input.order }\n    output: number",
    "error G207 g.yaml:9:12 nodes.n.query: A query takes no insertions: text put into SQL can be SQL. Write :name in the query, and name under `with:`.",
  ],
  [
    "a forgotten parameter",
    "sql: shop\n    query: select :a\n    output: number",
    "error G005 g.yaml:9:12 nodes.n.query: The query uses :a, and `with:` does not give it. Write a: under `with:`.",
  ],
  [
    "a boolean column",
    "sql: shop\n    query: select a from t\n    output: [{ a: boolean }]",
    "error G101 g.yaml:10:5 nodes.n.output: SQLite has no booleans, so no column can be one. Write number, and compare where you use it: row.active == 1.",
  ],
  [
    "a tool that nothing is known of",
    "mcp: s/sub",
    'error G205 g.yaml:8:10 nodes.n.mcp: The tool "s/sub" is not in the lock, and the node does not say what comes out. Run `shadowgraph lock`, or declare `output:`.',
  ],
  [
    "an argument of the wrong type",
    "mcp: s/add\n    with: { a: text }\n    output: { sum: number }",
    'error G101 g.yaml:9:16 nodes.n.with.a: a is "text", wanted number.',
  ],
  [
    "a function elsewhere",
    "fn: ../x.ts#y\n    output: number",
    'error G207 g.yaml:8:9 nodes.n.fn: "../x.ts#y" is not ./module.ts#export, a module below the graph file\'s folder and a name in it. Keep the module, and the subgraph that names it, below the folder of the graph that is run.',
  ],
  [
    "an argument of a pinned function",
    'fn: ./tools.ts#convert\n    with: { amount: "${ input.order }" }',
    "error G101 g.yaml:9:25 nodes.n.with.amount: amount is string, wanted number.",
  ],
  [
    "a list from a person",
    "ask: What?\n    output: [string]",
    "error G101 g.yaml:9:5 nodes.n.output: A person cannot answer [string]. Write boolean, number, int64, string, words: yes | no | later, or a record of such.",
  ],
  [
    "a way out of the folder",
    "read_file: ../x",
    'error G207 g.yaml:8:16 nodes.n.read_file: The path "../x" leaves the folder of the graph that is run by "..". Write it from the graph file\'s folder downward, or in full from /. A subgraph\'s file lies below that folder, too.',
  ],
  [
    "nothing to write",
    "write_file: ./x",
    "error G005 g.yaml:8:17 nodes.n.write_file: `write_file:` wants `text:`, what to write. Write text: ${ … }",
  ],
]
for (const [name, node, wanted] of MISTAKES) {
  test(name, () => {
    const text = `graph: g
input: { order: string }
servers:
  s: { stdio: [npx, y] }
databases: { shop: "sqlite:./shop.db" }
nodes:
  n:
    ${node}
output: n
`
    expect(problems(text)).toEqual([wanted])
  })
}
