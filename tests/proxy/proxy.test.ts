/** The same server with and without the proxy, over every way; `npm run proxy` is the whole of it. And what goes wrong. */
import { afterAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openCallLog } from "../../deploy/record/call_log.ts"
import { callsOn, lookOver } from "../../learn/mod.ts"
import { scoreOf } from "../conformance/suite.ts"
import { compare, type Way } from "./campaign.ts"
import { changed, clientChecks, serverChecks } from "./conformance.ts"
import { HttpTalk, listening, StdioTalk } from "./talk.ts"

const ways: readonly (readonly [Way, "filesystem" | "everything", number])[] = [
  ["stdio-stdio", "filesystem", 60],
  ["stdio-stdio", "everything", 60],
  ["http-stdio", "filesystem", 30],
  ["http-http", "everything", 30],
  ["stdio-http", "everything", 30],
]

describe("a server behind the proxy answers byte for byte as without it", () => {
  test.each(ways)("%s, %s", async (way, server, requests) => {
    const { differences, messages } = await compare(way, server, requests, 7)
    expect(differences).toEqual([])
    expect(messages).toBeGreaterThan(requests)
  })
})

describe("MCP's own conformance suite comes to the same with the proxy and without it", () => {
  test("server scenario", async () => {
    const { direct, http, stdio } = await serverChecks("tools-call-elicitation")
    expect(scoreOf(direct)).toEqual({ passed: 1, failed: 0 })
    expect([...changed(direct, http), ...changed(direct, stdio)]).toEqual([])
  })
  test("client scenario", async () => {
    const { direct, http, stdio } = await clientChecks(["tools_call"])
    expect(scoreOf(direct)).toEqual({ passed: 1, failed: 0 })
    expect([...changed(direct, http), ...changed(direct, stdio)]).toEqual([])
  })
})

const MAIN = join(import.meta.dirname, "..", "..", "deploy", "cli", "main.ts")
const ROUGH = ["node", join(import.meta.dirname, "rough.mjs")]
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), "proxy-"))
  folders.push(made)
  return made
}
const words = (cwd: string, more: readonly string[]) => ({
  command: process.execPath,
  args: [MAIN, "mcp", "proxy", "--in", cwd, ...more],
  cwd,
})
const through = (cwd: string, ...more: string[]) => new StdioTalk(words(cwd, [...more, "--", ...ROUGH]))
const call = (id: unknown, name: string, args: object = {}, meta?: object) =>
  JSON.stringify({
    jsonrpc: "2.0",
    id,
    method: "tools/call",
    params: { name, arguments: args, ...(meta ? { _meta: meta } : {}) },
  })
const hello = async (talk: StdioTalk | HttpTalk) => {
  await talk.ask('{"jsonrpc":"2.0","id":"i","method":"initialize","params":{}}', "i")
  await talk.ask('{"jsonrpc":"2.0","id":"t","method":"tools/list"}', "t")
}

describe("what passes", () => {
  test("is recorded with the tool's version, without its secrets", async () => {
    const cwd = folder()
    const talk = through(cwd)
    await hello(talk)
    for (let n = 0; n < 5; n++) await talk.ask(call(n, "double", { n, password: "hunter22" }), n)
    await talk.ask(call("x", "no-such"), "x")
    await talk.close()
    const log = openCallLog(cwd)
    const calls = [...callsOn(log, "", "mcp:rough/double")]
    expect(calls.map((c) => [c.args, c.outcome.ok && c.outcome.value])).toEqual(
      [0, 1, 2, 3, 4].map((n) => [{ n, password: "[redacted]" }, { twice: n * 2 }]),
    )
    expect(new Set(calls.map((c) => c.version)).size).toBe(1)
    expect(lookOver(log, { tool: "mcp:rough/double" }).refusals.map((r) => r.reason)).toContain("redacted")
    log.close()
    expect(talk.err).toContain("6 calls passed, 5 recorded, 1 not recorded")
  })

  test("may be odd, and stays so", async () => {
    const talk = through(folder())
    await hello(talk)
    expect(await talk.ask(call(1, "odd"), 1)).toEqual([
      '{ "id" :1, "result":{"content":[ {"text":"\\u0041\\ud83d\\ude00 12345678901234567890","type":"text"} ],"z":1e400,"a":12345678901234567890} ,"jsonrpc":"2.0"}\r',
    ])
    await talk.close()
  })

  test("may be garbage: it goes on as it came, and a person is told once", async () => {
    const talk = through(folder())
    await hello(talk)
    await talk.tell(call(1, "garbage"))
    const lines = [await talk.next(), await talk.next(), await talk.next(), await talk.next()]
    expect(lines.slice(0, 3)).toEqual(["this is no message", '{"jsonrpc":"2.0","id":', ""])
    expect(JSON.parse(lines[3]!).result.content[0].text).toBe("after garbage")
    await talk.close()
    expect(talk.err.match(/no message of JSON-RPC/g)).toHaveLength(1)
  })

  test("may be larger than what is looked at: it passes unseen", async () => {
    const cwd = folder()
    const talk = through(cwd, "--frame", "64kB")
    await hello(talk)
    for (const n of [1_000, 300_000, 2_000_000]) {
      const [line] = await talk.ask(call(n, "huge", { n }), n)
      expect(line!.length).toBeGreaterThan(n)
    }
    await talk.close()
    const log = openCallLog(cwd)
    expect([...callsOn(log, "", "mcp:rough/huge")]).toHaveLength(1)
    log.close()
  })
})

describe("trouble", () => {
  test("a server that dies in mid-call: the client is told what it waited for, and gets the server's exit code", async () => {
    const talk = through(folder())
    await hello(talk)
    await talk.tell(call(1, "never"))
    const said = await talk.ask(call(2, "die"), 2)
    const errors = said.map((line) => JSON.parse(line))
    expect(errors.map((e) => e.id)).toEqual([1, 2])
    expect(errors[1].error).toMatchObject({ code: -32000 })
    expect(errors[1].error.message).toMatch(/^The server `node .*` ended \(code 3\) before it answered tools\/call$/)
    expect(await talk.ended).toBe(3)
    expect(talk.err).toContain("The server ended: code 3")
  })

  test("a server that is not there", async () => {
    const talk = new StdioTalk(words(folder(), ["--", "no-such-program-at-all"]))
    expect(await talk.ended).toBe(1)
    expect(talk.err).toContain("Cannot start the server `no-such-program-at-all`: there is no such program")
  })

  test("a URL where nobody listens answers each request with an error", async () => {
    const talk = new StdioTalk(words(folder(), ["--url", "http://127.0.0.1:9/mcp"]))
    const [line] = await talk.ask('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}', 1)
    expect(JSON.parse(line!).error.message).toContain("Cannot reach http://127.0.0.1:9")
    await talk.close()
  })

  test("a client that reads nothing makes the server wait; nothing piles up in the proxy", async () => {
    const talk = through(folder(), "--no-record")
    await hello(talk)
    talk.child.stdout!.pause()
    const each = 4_000_000
    for (let i = 0; i < 40; i++) await talk.tell(call(i, "huge", { n: each }))
    await Bun.sleep(2_500)
    const { stdout } = Bun.spawnSync(["ps", "-o", "rss=", "-p", String(talk.child.pid)])
    const residentMb = Number(stdout.toString().trim()) / 1_024
    // All of it would be 160 MB beside what the process needs for itself.
    expect(residentMb).toBeLessThan(190)
    talk.child.stdout!.resume()
    for (let i = 0; i < 40; i++) expect((await talk.next()).length).toBeGreaterThan(each)
    await talk.close()
  }, 120_000)

  test("over HTTP: foreign names, sessions that ended, what is no message, a server that dies", async () => {
    const cwd = folder()
    const front = await listening(words(cwd, ["--listen", "0", "--", ...ROUGH]), /serving (\S+)/)
    const url = front.found[1]!
    const status = async (init: RequestInit) => (await fetch(url, init)).status
    expect(await status({ method: "POST", body: "{}", headers: { origin: "https://evil.example" } })).toBe(403)
    expect(await status({ method: "POST", body: "nonsense" })).toBe(400)
    expect(await status({ method: "POST", body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' })).toBe(400)
    expect(await status({ method: "PUT", body: "x" })).toBe(405)
    expect(await status({ method: "GET", headers: { "mcp-session-id": "gone" } })).toBe(404)
    expect((await fetch(url.replace("/mcp", "/other"))).status).toBe(404)
    const talk = new HttpTalk(url)
    await hello(talk)
    const [line] = await talk.ask(call(5, "double", { n: 21 }), 5)
    expect(JSON.parse(line!).result.structuredContent).toEqual({ twice: 42 })
    const [dead] = await talk.ask(call(6, "die"), 6)
    expect(JSON.parse(dead!).error.message).toContain("ended (code 3) before it answered tools/call")
    await talk.ask(call(7, "double", { n: 1 }), 7)
    expect(talk.status).toBe(404)
    await front.close()
    expect(front.said()).toContain("recorded")
  })
})
