/** `import` as a user uses it: the document of `openapi` itself comes back as graphs; what is no document is told why not. */
import { expect, test } from "bun:test"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { folderWith, shadowgraph } from "./command.ts"

const SUM = "graph: sum\ninput: { a: number, b?: number }\nnodes:\n  c: { expr: input.a + 1.0 }\noutput: c\n"

test("graphs that are served come back as graphs that ask for them", async () => {
  const folder = folderWith({ "sum.graph.yaml": SUM })
  expect((await shadowgraph(folder, "openapi", "--url", "http://127.0.0.1:8787", "-o", "openapi.json")).exit).toBe(0)
  const made = await shadowgraph(folder, "import", "openapi.json", "-o", "api")
  expect({ exit: made.exit, err: made.exit === 0 ? "" : made.err }).toEqual({ exit: 0, err: "" })
  const files = readdirSync(join(folder, "api"))
  expect(files.length).toBeGreaterThan(2)
  expect(made.out.split("\n").filter((line) => line.startsWith("ok")).length).toBe(files.length)
  for (const file of files) expect(made.out).toContain(`ok  api/${file}`)
  const checked = await shadowgraph(folder, "check", "api")
  expect({ exit: checked.exit, err: checked.exit === 0 ? "" : checked.err }).toEqual({ exit: 0, err: "" })
  // What was changed by hand stays.
  const own = join(folder, "api", files[0]!)
  writeFileSync(own, `# mine\n${readFileSync(own, "utf8")}`)
  expect((await shadowgraph(folder, "import", "openapi.json", "-o", "api")).err).toContain(`kept  api/${files[0]}`)
  expect(readFileSync(own, "utf8")).toStartWith("# mine\n")
})

test("what is no document of version 3, and an operation that is not there", async () => {
  const folder = folderWith({
    "old.json": '{ "swagger": "2.0", "paths": {} }',
    "broken.yaml": "openapi: 3.1.0\n  paths: {",
    "api.yaml":
      "openapi: 3.1.0\nservers: [{ url: https://a.example }]\npaths:\n  /x: { get: { operationId: getX, responses: {} } }\n",
  })
  const said = async (...words: string[]) => {
    const { exit, err } = await shadowgraph(folder, "import", ...words)
    return `${exit} ${err}`
  }
  expect(await said("old.json")).toContain(
    '1 error  Cannot import "old.json": want an OpenAPI document of version 3, found version "2.0"',
  )
  expect(await said("broken.yaml")).toContain('1 error  Cannot read "broken.yaml" as JSON or YAML')
  expect(await said("no.json")).toContain('1 error  Cannot read "no.json"')
  expect(await said("api.yaml", "--only", "getY")).toContain(
    '2 error  api.yaml has no operation "getY" that can be imported',
  )
  const listed = await shadowgraph(folder, "import", "api.yaml", "--list", "--only", "GET /x")
  expect(listed.out).toContain("getX  GET /x, needs net:a.example")
  expect(readdirSync(folder).filter((f) => f.endsWith(".graph.yaml"))).toEqual([])
})
