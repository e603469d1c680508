// Tokens of `serve`, as processes: made, used, narrowed to their grants and graphs, and revoked while the server runs.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type TokenError, Tokens } from "../../deploy/mod.ts"
import { type Running, shadowgraph, start } from "./command.ts"

setDefaultTimeout(60_000)

const folder = mkdtempSync(join(tmpdir(), "tokens-"))
const sg = (...args: readonly string[]) => shadowgraph(folder, ...args)
let server: Running
let url = ""
const made: { [name: string]: string } = {}

beforeAll(async () => {
  mkdirSync(`${folder}/data`)
  writeFileSync(`${folder}/data/a.txt`, "A")
  const reads = (name: string) => `graph: ${name}\nnodes:\n  t: { read_file: ./data/a.txt }\noutput: t\n`
  for (const name of ["one", "two"]) writeFileSync(`${folder}/${name}.graph.yaml`, reads(name))
  const add = async (name: string, ...words: readonly string[]) => {
    const { out, err, exit } = await sg("token", "add", name, ...words)
    expect([exit, err]).toEqual([0, expect.stringContaining("shown this once")])
    made[name] = out.trim()
  }
  await add("all", "-g", "fs:read:.", "-g", "net:*")
  await add("bare")
  await add("one", "-g", "fs:read:./data", "--graph", "one")
  await add("poor", "-g", "fs:read:.", "--budget", "calls=2", "--per", "1h")
  await add("short", "-g", "fs:read:.", "--expires", "1ms")
  server = start(folder, ["serve", "--port", "0", "-g", "fs:read:./data", "--ledger", "memory"])
  await server.said("Requests carry a token")
  url = (await server.output()).match(/http:\/\/127\.0\.0\.1:\d+/)![0]
})
afterAll(() => {
  server.signal("SIGKILL")
  rmSync(folder, { recursive: true, force: true })
})

test("a token is for graphs by their names, one by one", async () => {
  const { exit, err } = await sg("token", "add", "two", "--graph", "one,two")
  expect(exit).toBe(2)
  expect(err).toContain('--graph wants the name of a graph, found "one,two"')
  expect(err).toContain("Say --graph once for each.")
})

const ask = async (path: string, token: string | undefined, method = "GET") => {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(method === "POST" ? { "content-type": "application/json" } : {}),
    },
    ...(method === "POST" ? { body: "{}" } : {}),
  })
  const json = await response.json()
  return { status: response.status, json, head: response.headers }
}
const post = (name: string, token: string | undefined) => ask(`/graphs/${name}/runs`, token, "POST")

describe("tokens", () => {
  test("are 256 bits of chance, and only their hashes are kept", () => {
    const text = readFileSync(`${folder}/.shadowgraph/tokens.json`, "utf8")
    for (const token of Object.values(made)) {
      expect(token).toMatch(/^sg_[A-Za-z0-9_-]{43}$/)
      expect(text).not.toContain(token)
    }
  })

  test("open what both the server and the token grant", async () => {
    expect(await post("one", made["all"])).toMatchObject({ status: 200, json: { output: "A" } })
    const { status, json } = await post("one", made["bare"])
    expect([status, json.type, json.missing]).toEqual([403, "/problems/capability-not-granted", ["fs:read:./data"]])
    expect(json.detail).toContain('the token "bare" grants nothing')
  })

  test("open the graphs that they name", async () => {
    expect((await post("one", made["one"])).status).toBe(200)
    expect((await post("two", made["one"])).json.type).toBe("/problems/graph-not-allowed")
    expect((await ask("/graphs/two", made["one"])).status).toBe(403)
    expect((await ask("/runs/x/resume", made["one"], "POST")).json.type).toBe("/problems/no-such-run")
    expect((await ask("/graphs", made["one"])).json.map((g: { name: string }) => g.name)).toEqual(["one"])
  })

  test("spend what they may, whichever graph they run", async () => {
    for (const name of ["one", "two"]) expect((await post(name, made["poor"])).status).toBe(200)
    const { status, json } = await post("one", made["poor"])
    expect([status, json.type, json.data]).toEqual([
      429,
      "/problems/tenant-budget",
      { of: "caller", budget: "calls", limit: 2 },
    ])
    expect(json.detail).toContain("the caller's budget of 2 calls in 3600000 ms is used up")
    expect((await post("one", made["all"])).status).toBe(200)
    expect((await sg("token", "list")).out).toContain("calls=2 per 1h")
  })

  test("without one, with another, with one that is over: 401 and the reason", async () => {
    const cases = [
      [undefined, "token-missing"],
      ["", "token-missing"],
      ["sg_nothing", "token-unknown"],
      [`${made["all"]}x`, "token-unknown"],
      [made["all"]!.toUpperCase(), "token-unknown"],
      [made["short"], "token-expired"],
    ] as const
    for (const [token, reason] of cases) {
      for (const path of ["/graphs", "/graphs/one", "/graphs/nowhere"]) {
        const { status, json, head } = await ask(path, token)
        expect([status, json.type]).toEqual([401, `/problems/${reason}`])
        expect(head.get("content-type")).toContain("problem+json")
        expect(head.get("www-authenticate")).toStartWith("Bearer")
      }
      expect((await post("one", token)).status).toBe(401)
      // Runs and events too: whoever resumes a run acts with its rights.
      for (const path of ["/runs/x/resume", "/events/go"]) expect((await ask(path, token, "POST")).status).toBe(401)
      expect((await ask("/runs/x", token)).status).toBe(401)
    }
    expect((await fetch(`${url}/health`)).status).toBe(200)
  })

  test("are what a browser's password is, for the pages that it shows and for nothing that is done", async () => {
    const basic = (path: string, password: string, method = "GET") =>
      fetch(`${url}${path}`, { method, headers: { authorization: `Basic ${btoa(`me:${password}`)}` } })
    const asked = await fetch(`${url}/docs`)
    expect([asked.status, asked.headers.get("www-authenticate")]).toEqual([
      401,
      'Bearer realm="shadowgraph", Basic realm="shadowgraph", charset="UTF-8"',
    ])
    const page = await basic("/docs", made["one"]!)
    expect([page.status, page.headers.get("content-type")]).toEqual([200, expect.stringContaining("text/html")])
    const text = await page.text()
    expect([text.includes("/graphs/one/runs"), text.includes("/graphs/two/runs")]).toEqual([true, false])
    expect((await basic("/openapi.json", made["one"]!)).status).toBe(200)
    for (const wrong of ["", "sg_nothing", "a:b", "\u00e4", "\n", "\0", made["short"]!])
      expect((await basic("/docs", wrong)).status).toBe(401)
    for (const header of ["Basic", "Basic !", "Basic a", "Basic YQ==="])
      expect((await fetch(`${url}/docs`, { headers: { authorization: header } })).status).toBe(401)
    // Another site can make a browser send its password: nothing may come of that.
    expect((await basic("/graphs/one/runs", made["one"]!, "POST")).status).toBe(401)
    expect((await basic("/graphs", made["one"]!)).status).toBe(401)
  })

  test("that were revoked are refused at the next request, and say so when they are used again", async () => {
    expect((await post("one", made["all"])).status).toBe(200)
    expect((await sg("token", "revoke", "all")).exit).toBe(0)
    for (let i = 0; i < 3; i++) {
      const { status, json } = await post("one", made["all"])
      expect([status, json.type]).toEqual([401, "/problems/token-revoked"])
      expect(json.detail).toContain('The token "all" was revoked at 20')
    }
    for (const path of ["/runs/x/resume", "/events/go"])
      expect((await ask(path, made["all"], "POST")).json.type).toBe("/problems/token-revoked")
    expect((await ask("/runs/x", made["all"])).json.type).toBe("/problems/token-revoked")
    // Another of the same name is another token.
    const again = (await sg("token", "add", "all", "-g", "fs:read:.")).out.trim()
    expect((await post("one", again)).status).toBe(200)
    expect((await post("one", made["all"])).json.type).toBe("/problems/token-revoked")
    expect((await sg("token", "list")).out).toContain("all    revoked")
    expect(JSON.parse((await sg("token", "list", "--json")).out)).toHaveLength(6)
  })

  test("a file that cannot be read lets nobody in", async () => {
    const file = `${folder}/.shadowgraph/tokens.json`
    const good = readFileSync(file, "utf8")
    for (const bad of [
      "{",
      "[]",
      good.replace('"grants"', '"grant"'),
      good.replace("fs:read:.", "fs:read:.."),
      good.replace("fs:read:.", "weather:oslo"),
      good.replace('"1h"', '"soon"'),
    ]) {
      writeFileSync(file, bad)
      expect((await post("one", made["one"])).json.type).toBe("/problems/tokens-unreadable")
    }
    writeFileSync(file, good)
    expect((await post("one", made["one"])).status).toBe(200)
    // What no kind of this host knows is said at the start, with its place.
    const strange = join(folder, "strange.json")
    writeFileSync(strange, good.replace("net:*", "weather:oslo"))
    const { exit, err } = await sg("serve", "--port", "0", "--tokens", strange)
    expect([exit, err]).toEqual([1, expect.stringContaining('tokens[0].grants[1]: "weather:oslo" is no capability')])
    expect(err).toContain(strange)
  })

  test("mistakes on the command line name what is wrong", async () => {
    const wrong = async (...args: readonly string[]) => {
      const { exit, err } = await sg("token", ...args)
      expect(exit).not.toBe(0)
      return err
    }
    expect(await wrong("add", "x", "-g", "fs:read:../up")).toContain('".."')
    expect(await wrong("add", "x", "-g", "nett:a.com")).toContain("net:a.com")
    expect(await wrong("add", "x y")).toContain("A token's name")
    expect(await wrong("add", "one")).toContain("already")
    expect(await wrong("revoke", "nobody")).toContain("nobody")
    expect(await wrong("add", "x", "--expires", "soon")).toContain("duration")
    expect(await wrong("add", "x", "--budget", "calls=3")).toContain("--per go together")
    expect(await wrong("add", "x", "--budget", "coins=3", "--per", "1d")).toContain('no "coins"')
    expect(await wrong("add", "x", "--budget", "calls=3", "--per", "soon")).toContain('wants "per"')
    expect(await wrong("drop")).toContain("token is followed by")
  })
})

test("a change is seen whatever the file's size and time", async () => {
  const file = join(folder, "own.json")
  const tokens = new Tokens(file)
  const token = await tokens.add({ name: "a", grants: [], created: "2026-01-01T00:00:00.000Z" })
  const reader = new Tokens(file)
  expect((await reader.holder(`Bearer ${token}`, 0)).name).toBe("a")
  const same = new Date("2026-01-02T00:00:00Z")
  utimesSync(file, same, same)
  expect((await reader.holder(`Bearer ${token}`, 0)).name).toBe("a")
  await tokens.revoke("a", "2026-01-01T00:00:00.000Z")
  utimesSync(file, same, same)
  const reason = await reader.holder(`Bearer ${token}`, 0).catch((cause) => (cause as TokenError).reason)
  expect(reason).toBe("token-revoked")
})
