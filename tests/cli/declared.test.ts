// What a graph and its subgraphs declare, at work: databases of a subgraph, one name for one thing, bounds on calls of a
// resource under `limits:`. Real processes, a real database, a real server that counts who asks at once.
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
