// Plans brought to a server with a token, kept over a restart, and graphs served anew when their files are saved.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { folderWith, type Running, shadowgraph, start } from "./command.ts"

setDefaultTimeout(60_000)

const running: Running[] = []
afterAll(() => {
  for (const server of running) server.signal("SIGKILL")
})

async function serve(
  folder: string,
  ...words: readonly string[]
): Promise<{ readonly server: Running; readonly url: string }> {
  const server = start(folder, ["serve", "--port", "0", ...words])
  running.push(server)
  await server.said("http://127.0.0.1:")
  return { server, url: (await server.output()).match(/http:\/\/127\.0\.0\.1:\d+/)![0] }
}
const said = async (response: Response) => ({ status: response.status, json: JSON.parse(await response.text()) })

const graph = (name: string, text: string) => `graph: ${name}\n${text}`
const FILES = {
  "data/a.txt": "A",
  "here.graph.yaml": graph("here", "nodes:\n  x: { expr: '1 + 1' }\noutput: x\n"),
  "away/plus.graph.yaml": graph("plus", "input: { n: number }\nnodes:\n  x: { expr: input.n + 1 }\noutput: x\n"),
  "away/plus2.graph.yaml": graph("plus", "input: { n: number }\nnodes:\n  x: { expr: input.n + 2 }\noutput: x\n"),
  "away/here.graph.yaml": graph("here", "nodes:\n  x: { expr: '3' }\noutput: x\n"),
  "away/reads.graph.yaml": graph("reads", "nodes:\n  t: { read_file: ./data/a.txt }\noutput: t\n"),
  "away/runs.graph.yaml": graph(
    "runs",
    'servers: { s: { stdio: [sh, -c, "touch /tmp/owned"] } }\nnodes:\n  t: { mcp: s/t, output: string }\noutput: t\n',
  ),
  "away/calls.graph.yaml": graph("calls", "nodes:\n  f: { fn: ./f.ts#f, output: number }\noutput: f\n"),
  "away/f.ts": "export const f = () => 1\n",
}

describe("a plan that is brought", () => {
  test("needs the right to, is served to those who may, and is there after a restart", async () => {
    const folder = folderWith(FILES)
    const add = async (name: string, ...words: readonly string[]) =>
      (await shadowgraph(folder, "token", "add", name, ...words)).out.trim()
    const ci = await add("ci", "-g", "serve:upload", "-g", "fs:read:./data")
    const user = await add("user", "-g", "fs:read:./data")
    const poor = await add("poor", "-g", "serve:upload")
    for (const name of ["plus", "plus2", "here", "reads"])
      expect((await shadowgraph(folder, "compile", `away/${name}.graph.yaml`)).exit).toBe(0)
    const plan = (name: string) => readFileSync(join(folder, `away/${name}.plan`))
    const words = ["here.graph.yaml", "-g", "serve:upload", "-g", "fs:read:./data"]
    let { server, url } = await serve(folder, ...words)
    const bring = async (token: string, body: Buffer | string) =>
      said(
        await fetch(`${url}/plans`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}` },
          body: body as BodyInit,
        }),
      )
    const run = async (token: string, name: string, input: object = {}) =>
      said(
        await fetch(`${url}/graphs/${name}/runs`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify({ input }),
        }),
      )
    expect(await bring(user, plan("plus"))).toMatchObject({
      status: 403,
      json: { type: "/problems/upload-not-granted" },
    })
    expect(await bring(ci, plan("plus"))).toMatchObject({ status: 201, json: { name: "plus", replaced: false } })
    expect(await run(user, "plus", { n: 1 })).toMatchObject({ status: 200, json: { output: 2 } })
    expect(await bring(ci, plan("plus2"))).toMatchObject({ status: 200, json: { replaced: true } })
    expect(await run(user, "plus", { n: 1 })).toMatchObject({ status: 200, json: { output: 3 } })
    // A name that is taken, by a file or by another token; bytes that are no plan; a plan that needs more than its bringer has.
    expect(await bring(ci, plan("here"))).toMatchObject({ status: 409, json: { type: "/problems/graph-taken" } })
    expect(await bring(poor, plan("plus"))).toMatchObject({ status: 409 })
    for (const bytes of ["", "nonsense", plan("plus").subarray(0, 40)])
      expect(await bring(ci, bytes)).toMatchObject({ status: 422, json: { type: "/problems/plan-refused" } })
    expect(await bring(poor, plan("reads"))).toMatchObject({
      status: 422,
      json: { type: "/problems/plan-refused", refusals: [{ path: "t", capability: "fs:read:./data" }] },
    })
    expect(await bring(ci, plan("reads"))).toMatchObject({ status: 201 })
    expect(await run(user, "reads")).toMatchObject({ status: 200, json: { output: "A" } })
    expect(await run(poor, "reads")).toMatchObject({ status: 403 })
    server.signal("SIGTERM")
    await server.done
    ;({ server, url } = await serve(folder, ...words))
    expect(await run(user, "plus", { n: 1 })).toMatchObject({ status: 200, json: { output: 3 } })
    const drop = async (token: string) =>
      (await fetch(`${url}/plans/plus`, { method: "DELETE", headers: { authorization: `Bearer ${token}` } })).status
    expect([await drop(poor), await drop(ci), await drop(ci)]).toEqual([404, 200, 404])
    expect(await run(user, "plus", { n: 1 })).toMatchObject({ status: 404 })
  })

  test("declares no server, database or function that no graph of the folder declares", async () => {
    const folder = folderWith(FILES)
    const add = await shadowgraph(folder, "token", "add", "ci", "-g", "serve:upload", "-g", "mcp:s", "-g", "spawn:sh")
    for (const name of ["runs", "calls"]) await shadowgraph(folder, "compile", `away/${name}.graph.yaml`)
    const { url } = await serve(folder, "here.graph.yaml", "-g", "serve:upload", "-g", "mcp:s", "-g", "spawn:sh")
    for (const [name, what] of [
      ["runs", "servers.s"],
      ["calls", "the function"],
    ] as const) {
      const body = readFileSync(join(folder, `away/${name}.plan`))
      const headers = { authorization: `Bearer ${add.out.trim()}` }
      const refused = await said(await fetch(`${url}/plans`, { method: "POST", headers, body }))
      expect(refused).toMatchObject({ status: 422, json: { type: "/problems/plan-refused" } })
      expect(refused.json.detail).toContain(what)
    }
  })

  test("is never taken by a server without tokens", async () => {
    const folder = folderWith({ "here.graph.yaml": FILES["here.graph.yaml"] })
    const { url } = await serve(folder, "-g", "serve:upload")
    expect(await said(await fetch(`${url}/plans`, { method: "POST", body: "x" }))).toMatchObject({ status: 403 })
  })
})

test("--watch serves what was saved, and keeps what it has of a file while that is wrong", async () => {
  const folder = folderWith({
    "here.graph.yaml": FILES["here.graph.yaml"],
    "other.graph.yaml": graph("other", "nodes:\n  x: { expr: '5' }\noutput: x\n"),
  })
  const { server, url } = await serve(folder, "--watch", "--ledger", "memory")
  const file = join(folder, "here.graph.yaml")
  const run = async (name = "here") =>
    said(
      await fetch(`${url}/graphs/${name}/runs`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "{}",
      }),
    )
  expect(await run()).toMatchObject({ json: { output: 2 } })
  await new Promise((wake) => setTimeout(wake, 200))
  writeFileSync(file, graph("here", "nodes:\n  x: { expr: '1 + 41' }\noutput: x\n"))
  await server.said("here is served anew")
  expect(await run()).toMatchObject({ json: { output: 42 } })
  writeFileSync(file, graph("here", "nodes:\n  x: { expr: '1 +' }\noutput: x\n"))
  await server.said("here stays as it was")
  expect(await run()).toMatchObject({ json: { output: 42 } })
  // It is in the way of no other.
  writeFileSync(join(folder, "other.graph.yaml"), graph("other", "nodes:\n  x: { expr: '6' }\noutput: x\n"))
  await server.said("other is served anew, here stays as it was")
  expect(await run("other")).toMatchObject({ json: { output: 6 } })
  // One that is new and wrong is shown, and that is all.
  writeFileSync(join(folder, "new.graph.yaml"), "graph: new\noutput: nothing\n")
  await server.said("new.graph.yaml was saved: here stays as it was")
  writeFileSync(file, graph("there", "nodes:\n  x: { expr: '7' }\noutput: x\n"))
  await server.said("here is gone")
  expect(await run()).toMatchObject({ status: 404 })
  expect(await run("there")).toMatchObject({ json: { output: 7 } })
})
