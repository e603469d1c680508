// What nobody should send over MCP: each has the right error, and the service stays up. Drawn garbage in a small number here,
// in a large one by `npm run fuzz:mcp`; what a server may not send to our client as well.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { folderWith } from "../cli/command.ts"
import { fuzzHttp, fuzzStdio } from "./fuzz.ts"
import { inApp } from "./in_app.ts"
import { fuzzClient } from "./liar.ts"

setDefaultTimeout(60_000)

const MAIN = join(import.meta.dirname, "..", "..", "deploy", "cli", "main.ts")

describe("over standard streams", () => {
  const folder = folderWith({
    "sum.graph.yaml": "graph: sum\ninput: { a: number }\nnodes:\n  s: { expr: input.a + 1.0 }\noutput: s\n",
  })
  const child = spawn(process.execPath, [MAIN, "mcp", "serve", "--frame", "2kB"], {
    cwd: folder,
    stdio: ["pipe", "pipe", "ignore"],
  })
  const lines: string[] = []
  let wake = () => {}
  let rest = ""
  child.stdout.on("data", (chunk: Buffer) => {
    const all = (rest + chunk.toString("utf8")).split("\n")
    rest = all.pop()!
    lines.push(...all)
    wake()
  })
  afterAll(() => child.kill("SIGKILL"))
  /** The next message that is an answer. */
  const heard = async () => {
    for (;;) {
      const line = lines.shift()
      if (line === undefined) {
        await new Promise<void>((go) => (wake = go))
        continue
      }
      const message = JSON.parse(line)
      if (message.method === undefined) return message
    }
  }
  const say = (message: unknown) =>
    child.stdin.write(`${typeof message === "string" ? message : JSON.stringify(message)}\n`)
  const request = (id: unknown, method: string, params: object = {}) => ({ jsonrpc: "2.0", id, method, params })
  const call = (id: unknown, args: unknown) => request(id, "tools/call", { name: "sum", arguments: args })

  test("each line is answered for itself, and the next one is read", async () => {
    say(
      request(0, "initialize", {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "t", version: "1" },
      }),
    )
    expect((await heard()).result.protocolVersion).toBe("2025-11-25")
    say("{ not json")
    expect(await heard()).toMatchObject({ id: null, error: { code: -32700 } })
    say('{"jsonrpc":"1.0","id":7,"method":"ping"}')
    expect(await heard()).toMatchObject({ id: 7, error: { code: -32600 } })
    say("[]")
    expect(await heard()).toMatchObject({ id: null, error: { code: -32600 } })
    say(call("big", { a: "x".repeat(5_000) }))
    expect(await heard()).toMatchObject({
      id: null,
      error: { code: -32600, message: "The message has more than 2000 bytes" },
    })
    say(request(8, "no/such"))
    expect(await heard()).toMatchObject({ id: 8, error: { code: -32601 } })
    say(request(9, "tools/call", { name: 5 }))
    expect(await heard()).toMatchObject({ id: 9, error: { code: -32602 } })
    say(request(10, "resources/read", { uri: "shadowgraph://runs/../../etc/passwd" }))
    expect(await heard()).toMatchObject({ id: 10, error: { code: -32602 } })
    say(request(11, "resources/list", { cursor: "-1; drop table" }))
    expect(await heard()).toMatchObject({ id: 11, error: { code: -32602 } })
    say(call(12, { a: { deep: JSON.parse(`${"[".repeat(300)}${"]".repeat(300)}`) } }))
    expect(await heard()).toMatchObject({ id: 12, result: { isError: true } })
    // Answers to nothing, and cancellations of what is not there or was there, are passed over.
    say({ jsonrpc: "2.0", id: "nobody", result: {} })
    for (let i = 0; i < 2; i++) say({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 12 } })
    say({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "never" } })
    say({ jsonrpc: "2.0", method: "notifications/no/such" })
    say(call(13, { a: 1 }))
    expect(await heard()).toMatchObject({ id: 13, result: { structuredContent: { result: 2 } } })
  })

  test("it ends with its client", async () => {
    const ended = new Promise((go) => child.once("exit", go))
    child.stdin.end()
    expect(await ended).toBe(0)
  })
})

describe("over HTTP", () => {
  test("a body that does not come in its time is answered for", async () => {
    const app = await inApp({ way: { http: { bodyMsMax: 30 } } })
    const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" }
    const body = new ReadableStream({ start: (c) => c.enqueue(new TextEncoder().encode('{"json')) })
    const init = { method: "POST", headers, body, duplex: "half" } as RequestInit
    expect((await app.fetch(new Request("http://localhost/mcp", init))).status).toBe(408)
    await app.close()
  })

  test("a whole number beyond 2^53 has all of its digits, or is refused", async () => {
    const app = await inApp({})
    const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" }
    const call = async (name: string, args: string, id = "1") => {
      const body = `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}","arguments":${args}}}`
      return await (await app.fetch(new Request("http://localhost/mcp", { method: "POST", headers, body }))).text()
    }
    expect(await call("whole", '{"n":9007199254740993}')).toContain('"9007199254740994"')
    expect(await call("whole", '{"n":5}')).toContain('"result":6')
    expect(await call("double", '{"x":9007199254740993}')).toContain('"isError":true')
    expect(await call("double", '{"x":0.10000000000000000555}')).not.toContain('"isError":true')
    // As other programs write a float64: their numbers stay numbers, and are as exact.
    expect(await call("double", '{"x":100000000000000000}')).toContain('"twice":100000000000000000')
    expect(await call("whole", '{"n":100000000000000000}')).toContain('"100000000000000001"')
    expect(await call("whole", '{"n":1152921504606846976}')).toContain('"1152921504606846977"')
    expect(await call("whole", '{"n":5}', "1700000000000000000")).toContain('"id":1700000000000000000')
    await app.close()
  })

  test("each request has its status, and a good one its answer afterwards", async () => {
    const app = await inApp({ way: { http: { bodyBytesMax: 10_000 } } })
    const ask = async (body: string, headers: Record<string, string> = {}, method = "POST") => {
      const type = { "content-type": "application/json", accept: "application/json, text/event-stream" }
      const init = { method, headers: { ...type, ...headers }, ...(method === "POST" ? { body } : {}) }
      const response = await app.fetch(new Request("http://localhost/mcp", init))
      const text = await response.text()
      return [response.status, /"code":(-\d+)/.exec(text)?.[1]]
    }
    const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'
    expect(await ask("{")).toEqual([400, "-32700"])
    expect(await ask("")).toEqual([400, "-32700"])
    expect(await ask('{"a":1}')).toEqual([400, "-32600"])
    expect(await ask(list, { "content-type": "text/plain" })).toEqual([415, expect.anything()])
    expect(await ask(list, { accept: "text/html" })).toEqual([406, expect.anything()])
    expect(await ask(list, { "mcp-session-id": "none" })).toEqual([404, "-32000"])
    expect(await ask(list, { "mcp-protocol-version": "1999-01-01" })).toEqual([400, expect.anything()])
    expect(await ask("", {}, "GET")).toEqual([405, expect.anything()])
    expect(await ask("", {}, "PUT")).toEqual([405, expect.anything()])
    expect(await ask(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"${"y".repeat(20_000)}"}}`)).toEqual([
      413,
      expect.anything(),
    ])
    expect(await ask('{"jsonrpc":"2.0","id":1,"method":"no/such"}')).toEqual([200, "-32601"])
    expect(await ask(list, { "content-encoding": "gzip" })).toEqual([415, "-32000"])
    expect(await ask(list)).toEqual([200, undefined])
    expect(app.defects).toEqual([])
    await app.close()
  })
})

describe("drawn", () => {
  test("garbage over HTTP", async () => {
    const { frames, errors, wrong } = await fuzzHttp(1, 300)
    expect(wrong).toEqual([])
    expect([frames, errors > 100]).toEqual([300, true])
  })
  test("garbage over standard streams: every request that can be answered is", async () => {
    const { answers, wrong } = await fuzzStdio(1, 300)
    expect(wrong).toEqual([])
    expect(answers).toBeGreaterThan(150)
  })
  test("garbage from a server: our client gives a value or a typed failure, and never hangs", async () => {
    const { values, failures, wrong } = await fuzzClient(1, 25, 1_000)
    expect(wrong).toEqual([])
    expect(values + failures).toBe(25)
    expect(Math.min(values, failures)).toBeGreaterThan(2)
  })
})
