// What a graph and its subgraphs declare, at work: databases of a subgraph, one name for one thing, paths of a subgraph in
// another folder, bounds on calls of a resource under `limits:`. Real processes, a real database, a real server that counts who asks at once.
import { describe, expect, setDefaultTimeout, test } from "bun:test"
import * as http from "node:http"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { listening } from "../contract/servers.ts"
import { folderWith, shadowgraph } from "./command.ts"

setDefaultTimeout(60_000)

/** A folder with a database in each file, whose one number tells which it is. */
function withDatabases(files: { readonly [path: string]: string }, databases: { readonly [file: string]: number }) {
  const folder = folderWith(files)
  for (const [file, n] of Object.entries(databases)) {
    const db = new DatabaseSync(join(folder, file))
    db.exec(`create table t (x); insert into t values (${n})`)
    db.close()
  }
  return folder
}

const asking = (name: string, database: string) => `graph: ${name}
databases: { db: "sqlite:./${database}" }
nodes:
  x: { sql: db, query: select x from t, output: number }
output: x
`
const using = (file: string, own = "") => `graph: outer
${own}nodes:
  inner: { graph: ./${file} }
output: inner
`

describe("what a subgraph declares", () => {
  test("is there when only the subgraph declares it, compiled and run from the outermost graph", async () => {
    const folder = withDatabases(
      { "inner.graph.yaml": asking("inner", "b.db"), "outer.graph.yaml": using("inner.graph.yaml") },
      { "b.db": 2 },
    )
    expect(await shadowgraph(folder, "run", "outer", "-g", "sql:db")).toMatchObject({ exit: 0, out: "2\n" })
    expect((await shadowgraph(folder, "compile", "outer")).exit).toBe(0)
    expect(await shadowgraph(folder, "run", "outer.plan", "-g", "sql:db")).toMatchObject({ exit: 0, out: "2\n" })
  })

  test("is never another thing of the same name: that is refused", async () => {
    const folder = withDatabases(
      {
        "inner.graph.yaml": asking("inner", "b.db"),
        "same.graph.yaml": using("inner.graph.yaml", 'databases: { db: "sqlite:./b.db" }\n'),
        "other.graph.yaml": using("inner.graph.yaml", 'databases: { db: "sqlite:./a.db" }\n'),
      },
      { "a.db": 1, "b.db": 2 },
    )
    expect(await shadowgraph(folder, "run", "same", "-g", "sql:db")).toMatchObject({ exit: 0, out: "2\n" })
    const refused = await shadowgraph(folder, "run", "other", "-g", "sql:db")
    expect(refused).toMatchObject({ exit: 1, out: "" })
    expect(refused.err).toContain("error G208  other.graph.yaml:4:19  nodes.inner.graph")
    expect(refused.err).toContain('db as "sqlite:./b.db" inside, and "sqlite:./a.db"')
  })
})

describe("a subgraph in another folder", () => {
  test("may declare what the graph around it declares: paths are compared by where they lead", async () => {
    const folder = withDatabases(
      {
        "outer.graph.yaml": using("deep/inner.graph.yaml", 'databases: { db: "sqlite:./b.db" }\n'),
        "deep/inner.graph.yaml": asking("inner", "../b.db"),
      },
      { "b.db": 2 },
    )
    expect(await shadowgraph(folder, "run", "outer", "-g", "sql:db")).toMatchObject({ exit: 0, out: "2\n" })
  })

  const inner = `graph: inner
input: { file: string = "x" }
needs: ["fs:read:.", sql:db:read, mcp:here/where]
databases: { db: "sqlite:b.db" }
servers: { here: { stdio: [${JSON.stringify(process.execPath)}, ./server.ts], reads: [where] } }
nodes:
  code: { fn: ./code.ts#who, with: {}, output: string, effect: pure }
  file: { read_file: "./data/\${ input.file }.txt", output: string }
  named: { read_file: "\${ input.file }.txt", output: string }
  row: { sql: db, query: select x from t, output: number }
  place: { mcp: here/where, output: string }
output: { code: code, file: file, named: named, row: row, place: place.endsWith("deep") }
`
  const server = `import { McpServer } from "@modelcontextprotocol/server"
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio"
const server = new McpServer({ name: "here", version: "1" })
const where = async () => ({ content: [{ type: "text", text: process.cwd() }] })
server.registerTool("where", { description: "The folder that it was started in." }, where)
await server.connect(new StdioServerTransport())
`

  test("reads its own files, code, database and server, by itself and inside another graph", async () => {
    const folder = withDatabases(
      {
        "outer.graph.yaml": using("middle/m.graph.yaml"),
        "middle/m.graph.yaml": using("deep/inner.graph.yaml"),
        "middle/deep/inner.graph.yaml": inner,
        "middle/deep/server.ts": server,
        "middle/deep/code.ts": 'export const who = () => "deep"\n',
        "middle/deep/data/x.txt": "deep",
        "middle/deep/x.txt": "deep",
        // What the same paths would mean from the outermost folder.
        "code.ts": 'export const who = () => "outer"\n',
        "data/x.txt": "outer",
        "x.txt": "outer",
      },
      { "b.db": 1, "middle/deep/b.db": 2 },
    )
    const deep = '{ "code": "deep", "file": "deep", "named": "deep", "place": true, "row": 2 }\n'
    expect((await shadowgraph(folder, "lock", "outer.graph.yaml")).exit).toBe(0)
    expect((await shadowgraph(folder, "lock", "middle/deep")).exit).toBe(0)
    expect(await shadowgraph(folder, "run", "middle/deep/inner", "--yes")).toMatchObject({ exit: 0, out: deep })
    expect(await shadowgraph(folder, "run", "outer", "--yes")).toMatchObject({ exit: 0, out: deep })
    expect((await shadowgraph(folder, "check", "outer", "--needs")).out).toBe(
      "needs: [fs:read:./middle/deep, mcp:here/where, sql:db:read]\n",
    )
    expect((await shadowgraph(folder, "compile", "outer")).exit).toBe(0)
    expect(await shadowgraph(folder, "run", "outer.plan", "--yes")).toMatchObject({ exit: 0, out: deep })
  })

  test("above the folder of the run it is told that its files are out of reach", async () => {
    const folder = folderWith({
      "runs/outer.graph.yaml": using("../inner.graph.yaml"),
      "inner.graph.yaml": "graph: inner\nnodes: { a: { read_file: ./x.txt } }\noutput: a\n",
    })
    const { exit, err } = await shadowgraph(folder, "check", "runs/outer")
    expect(exit).toBe(1)
    expect(err).toContain('The path "../x.txt" leaves the folder of the graph that is run by "..".')
  })
})

describe("limits:", () => {
  const asks = (limit: string, host: string) => `graph: many
limits:
  host:${host}: ${limit}
nodes:
  all:
    map: range(6)
    parallel: 6
    do: { http: "GET http://${host}/\${ item }", output: number }
output: all
`

  test("no more calls at once, and no more starts in a window, than the graph says of a resource", async () => {
    const seen = { now: 0, most: 0, starts: [] as number[] }
    const port = await listening(
      http.createServer((request, answer) => {
        seen.starts.push(performance.now())
        seen.most = Math.max(seen.most, ++seen.now)
        setTimeout(() => {
          seen.now--
          answer.setHeader("content-type", "application/json")
          answer.end(request.url!.slice(1))
        }, 30)
      }),
    )
    const host = `127.0.0.1:${port}`
    const all = "[0, 1, 2, 3, 4, 5]\n"
    const run = async (limit: string) => {
      Object.assign(seen, { now: 0, most: 0, starts: [] })
      const folder = folderWith({ "many.graph.yaml": asks(limit, host) })
      expect(await shadowgraph(folder, "run", "many", "-g", `net:${host}`)).toMatchObject({ exit: 0, out: all })
      return seen
    }
    expect((await run("{ concurrent: 2 }")).most).toBe(2)
    // Without the bound all six are on their way together, so it was the bound that held them.
    expect((await run("{ concurrent: 100 }")).most).toBe(6)
    const { starts } = await run("{ per_second: 20, concurrent: 6 }")
    // A window of 20 takes all six; one of two starts does not.
    expect(starts).toHaveLength(6)
    const slow = (await run("{ per_second: 2 }")).starts
    expect(slow[4]! - slow[0]!).toBeGreaterThan(1_900)
  })
})
