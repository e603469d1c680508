// Graphs as tools of MCP, by the official client against the real commands: over standard streams and HTTP, in the protocol of
// today and in that of before.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import type { Client } from "@modelcontextprotocol/client"
import { type Running, start } from "../cli/command.ts"
import { shadowgraphHere as shadowgraph } from "../cli/here.ts"
import { type ClientOptions, NEW, OLD, overHttp, overStdio, toldBy } from "./clients.ts"
import { folderOfGraphs } from "./graphs.ts"

setDefaultTimeout(60_000)

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="

let hanging: Server
/** Connections of the server that never answers: a call that is taken back closes its own. */
let open = 0
let folder = ""
let server: Running
let url = ""

beforeAll(async () => {
  hanging = createServer((_, response) => {
    open++
    response.on("close", () => open--)
  }).listen(0, "127.0.0.1")
  await new Promise((go) => hanging.once("listening", go))
  folder = folderOfGraphs(`127.0.0.1:${(hanging.address() as AddressInfo).port}`)
  writeFileSync(join(folder, "data/pixel.png"), Buffer.from(PIXEL, "base64"))
  server = start(folder, ["serve", "--port", "0"])
  await server.said("/mcp")
  url = (await server.output()).match(/http:\/\/127\.0\.0\.1:\d+/)![0]
})
afterAll(() => {
  server?.signal("SIGKILL")
  hanging.closeAllConnections()
  hanging.close()
})

interface Way {
  readonly connect: (options?: ClientOptions) => ReturnType<typeof overHttp>
  readonly version: string
}
const WAYS: readonly (readonly [string, Way])[] = [
  [
    "standard streams, 2025-11-25",
    { connect: (o) => overStdio(folder, [], { ...o, mode: OLD }), version: "2025-11-25" },
  ],
  [
    "standard streams, 2026-07-28",
    { connect: (o) => overStdio(folder, [], { ...o, mode: NEW }), version: "2026-07-28" },
  ],
  ["HTTP with sessions, 2025-11-25", { connect: (o) => overHttp(url, { ...o, mode: OLD }), version: "2025-11-25" }],
  ["HTTP without sessions, 2026-07-28", { connect: (o) => overHttp(url, { ...o, mode: NEW }), version: "2026-07-28" }],
]

/** The last entry of a run on record, and the code of its failure. */
async function recordOf(run: string) {
  const { out } = await shadowgraph(folder, "runs", run, "--json")
  const { entries, outcome, sound } = JSON.parse(out)
  return { kind: entries.at(-1).kind as string, outcome: outcome as string, sound: sound as boolean }
}

async function until(holds: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  for (const end = Date.now() + ms; !(await holds()); await Bun.sleep(20))
    if (Date.now() > end) throw new Error("it did not come to be")
}

describe.each(WAYS)("over %s", (_, { connect, version }) => {
  let client: Client
  let forms: readonly { readonly message: string; readonly requestedSchema: object }[]
  const said: string[] = []
  beforeAll(async () => {
    const made = await connect({
      answer: (message) => {
        const word = said.shift()
        if (word === "decline" || word === "cancel") return { action: word }
        return { action: "accept", content: { answer: message === "Really?" ? word === "yes" : (word ?? "none") } }
      },
    })
    client = made.client
    forms = made.forms
  })
  afterAll(() => client.close())
  const call = async (name: string, args: object = {}, options: object = {}) =>
    client.callTool({ name, arguments: args as Record<string, unknown> }, options)

  test("the version is the one asked for, and the server says what it is for", () => {
    expect(client.getNegotiatedProtocolVersion()).toBe(version)
    expect(client.getInstructions()).toBe("Graphs of a shop.")
  })

  test("every graph without another part is a tool, its schemas from its ports, its annotations from its effects", async () => {
    const { tools } = await client.listTools()
    expect(tools.map((t) => t.name).sort()).toEqual(["fails", "locked", "picture", "refund", "slow", "sum"])
    const tool = (name: string) => tools.find((t) => t.name === name)!
    expect(tool("sum").description).toBe("Adds.")
    expect(tool("sum").inputSchema).toEqual({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: { a: { type: "number" }, b: { type: "number", default: 1 } },
      required: ["a"],
      additionalProperties: false,
    })
    expect(tool("sum").outputSchema?.["required"]).toEqual(["sum", "parts", "big"])
    expect(tool("picture").outputSchema).toBeUndefined()
    const hints = (readOnly: boolean, destructive: boolean, idempotent: boolean, openWorld: boolean) => ({
      readOnlyHint: readOnly,
      destructiveHint: destructive,
      idempotentHint: idempotent,
      openWorldHint: openWorld,
    })
    expect(tool("sum").annotations).toEqual(hints(true, false, true, false))
    expect(tool("refund").annotations).toEqual(hints(false, true, false, false))
    expect(tool("slow").annotations).toEqual(hints(true, false, true, true))
    // Nothing is known of what was not admitted, so nothing is promised.
    expect(tool("locked").annotations).toEqual(hints(false, true, false, true))
  })

  test("a call is a run: text, structured content that its schema takes, and the run's proof", async () => {
    // The client checks structured content against the schema by itself.
    const result = await call("sum", { a: 2 })
    expect(result.structuredContent).toEqual({ sum: 3, parts: [2, 1], big: "9007199254740993" })
    const { text, about, run } = toldBy(result)
    expect(JSON.parse(text)).toEqual({ sum: 3, parts: [2, 1], big: "9007199254740993" })
    expect(about).toMatchObject({
      run: expect.stringMatching(/^[0-9A-Z]{26}$/),
      trace: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(await recordOf(run!)).toEqual({ kind: "end", outcome: "ok", sound: true })
  })

  test("bytes are shown as what they are", async () => {
    expect((await call("picture")).content).toEqual([{ type: "image", data: PIXEL, mimeType: "image/png" }])
  })

  test("what goes wrong is told, so that a model can do better: input, failure, grant", async () => {
    expect(toldBy(await call("sum", {}))).toMatchObject({ failed: true, text: expect.stringContaining('"a"') })
    expect(toldBy(await call("sum", { a: 1, c: 2 }))).toMatchObject({
      failed: true,
      text: expect.stringContaining('"c"'),
    })
    expect(toldBy(await call("fails", { at: 5 }))).toMatchObject({
      failed: true,
      text: expect.stringContaining("(node x)"),
    })
    expect(toldBy(await call("locked"))).toMatchObject({
      failed: true,
      text: expect.stringContaining("fs:read:./secret"),
    })
    await expect(client.callTool({ name: "nothing", arguments: {} })).rejects.toMatchObject({ code: -32602 })
  })

  test("a graph that asks, asks the person at the client, question by question, and goes on with the answers", async () => {
    const before = forms.length
    said.push("half", "yes")
    const result = await call("refund", { euros: 100 })
    expect(toldBy(result)).toMatchObject({ failed: false, text: "50" })
    expect(
      forms
        .slice(before)
        .map((f) => f.message)
        .sort(),
    ).toEqual(["Pay 100 EUR?", "Really?"])
    expect(forms[before]!.requestedSchema).toEqual({
      type: "object",
      properties: { answer: { type: "string", enum: ["all", "half", "none"] } },
      required: ["answer"],
    })
  })

  test("a person who declines refuses; one who looks away leaves the run to rest, and the answer says how it goes on", async () => {
    said.push("decline", "decline")
    expect(toldBy(await call("refund", { euros: 1 }))).toMatchObject({
      failed: true,
      text: expect.stringContaining("Refused"),
    })
    said.push("cancel", "cancel")
    const { text, run } = toldBy(await call("refund", { euros: 7 }))
    expect(text).toContain("The run has not ended: it rests")
    const how = /shadowgraph runs resume (\S+) --answer how=…/.exec(text)
    expect(how?.[1]).toBe(run!)
    const done = await shadowgraph(folder, "runs", "resume", run!, "--answer", "how=all", "--answer", "sure=yes")
    expect(done).toMatchObject({ exit: 0, out: expect.stringContaining("7") })
  })

  test("progress grows with each call of a tool, and log messages name the nodes", async () => {
    const heard: number[] = []
    const stop = new AbortController()
    const calling = call(
      "slow",
      {},
      { onprogress: (p: { progress: number }) => heard.push(p.progress), signal: stop.signal },
    )
    calling.catch(() => undefined)
    await until(() => heard.length > 0)
    stop.abort()
    expect(heard[0]).toBe(1)
    await calling.catch(() => undefined)
  })

  test("a call that is taken back reaches the tool, and its run ends on record", async () => {
    await until(() => open === 0)
    const stop = new AbortController()
    const calling = call("slow", {}, { signal: stop.signal })
    calling.catch(() => undefined)
    await until(() => open === 1)
    const { resources } = await client.listResources()
    const run = resources
      .find((r) => r.title === "slow, unfinished")!
      .uri.split("/")
      .at(-1)!
    stop.abort("no more")
    await until(() => open === 0)
    await expect(calling).rejects.toMatchObject({ name: "SdkError", message: "no more" })
    const status = async () => {
      const [about] = (await client.readResource({ uri: `shadowgraph://runs/${run}` })).contents as readonly {
        text: string
      }[]
      return JSON.parse(about!.text).status as string
    }
    await until(async () => (await status()) === "ended")
    expect(await recordOf(run)).toMatchObject({ outcome: "Cancelled", sound: true })
  })

  test("runs are resources: listed, read, with their output by itself", async () => {
    const { run } = toldBy(await call("sum", { a: 5 }))
    const uri = `shadowgraph://runs/${run}`
    const { resources } = await client.listResources()
    expect(resources.find((r) => r.uri === uri)).toMatchObject({ title: "sum, ended", mimeType: "application/json" })
    const [about] = (await client.readResource({ uri })).contents as readonly { text: string }[]
    expect(JSON.parse(about!.text)).toMatchObject({ run, graph: "sum", status: "ended", ok: true, output: { sum: 6 } })
    const [output] = (await client.readResource({ uri: `${uri}/output` })).contents as readonly { text: string }[]
    expect(JSON.parse(output!.text)).toMatchObject({ sum: 6 })
    const { resourceTemplates } = await client.listResourceTemplates()
    expect(resourceTemplates.map((t) => t.uriTemplate)).toEqual([
      "stock://{article}",
      "shadowgraph://runs/{run}",
      "shadowgraph://runs/{run}/output",
    ])
    await expect(client.readResource({ uri: "shadowgraph://runs/01NOBODY" })).rejects.toMatchObject({ code: -32602 })
  })

  test("graphs can be prompts and resources; what is begun can be completed", async () => {
    const { prompts } = await client.listPrompts()
    expect(prompts).toMatchObject([{ name: "review", arguments: [{ name: "what" }, { name: "how" }] }])
    const { messages } = await client.getPrompt({ name: "review", arguments: { what: "this", how: "kindly" } })
    expect(messages).toEqual([{ role: "user", content: { type: "text", text: "Review kindly: this" } }])
    await expect(client.getPrompt({ name: "review", arguments: { what: "x", how: "badly" } })).rejects.toThrow(
      'Mismatch: Cannot take "how": want kindly | sternly, found "badly"',
    )
    const complete = (name: string, value: string) =>
      client.complete({ ref: { type: "ref/prompt", name: "review" }, argument: { name, value } })
    expect((await complete("how", "st")).completion.values).toEqual(["sternly"])
    expect((await complete("what", "st")).completion.values).toEqual([])
    const { contents } = await client.readResource({ uri: "stock://screw" })
    expect(contents).toEqual([
      { uri: "stock://screw", mimeType: "application/json", text: '{"article":"screw","pieces":12}' },
    ])
  })
})

describe("a client that cannot be asked", () => {
  test("hears that the run rests, and how it goes on; who follows it hears when it has", async () => {
    const { client } = await overHttp(url)
    const changed: string[] = []
    client.setNotificationHandler("notifications/resources/updated", ({ params }) => void changed.push(params.uri))
    const { text, run, failed } = toldBy(await client.callTool({ name: "refund", arguments: { euros: 3 } }))
    expect(failed).toBe(true)
    expect(text).toContain(`POST /runs/${run}/resume`)
    const uri = `shadowgraph://runs/${run}`
    await client.subscribeResource({ uri })
    await expect(client.subscribeResource({ uri: "shadowgraph://runs/01NONE" })).rejects.toMatchObject({ code: -32602 })
    await Bun.sleep(1_200)
    const answered = await fetch(`${url}/runs/${run}/resume`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ answers: { how: "all", sure: true } }),
    })
    expect(await answered.json()).toMatchObject({ output: 3 })
    await until(() => changed.includes(uri))
    const [about] = (await client.readResource({ uri })).contents as readonly { text: string }[]
    expect(JSON.parse(about!.text)).toMatchObject({ status: "ended", output: 3 })
    expect(readFileSync(join(folder, "out/paid.json"), "utf8").trim()).toBe("3")
    await client.unsubscribeResource({ uri })
    await client.close()
  })

  test("of the newest protocol follows runs by one request that stays open", async () => {
    const { client } = await overHttp(url, { mode: NEW })
    const { run } = toldBy(await client.callTool({ name: "refund", arguments: { euros: 4 } }))
    const uri = `shadowgraph://runs/${run}`
    const changed: string[] = []
    client.setNotificationHandler("notifications/resources/updated", ({ params }) => void changed.push(params.uri))
    const subscription = await client.listen({ resourceSubscriptions: [uri] })
    await Bun.sleep(1_200)
    await shadowgraph(folder, "runs", "resume", run!, "--answer", "how=all", "--answer", "sure=no")
    await until(() => changed.length > 0)
    expect(new Set(changed)).toEqual(new Set([uri]))
    await subscription.close()
    await client.close()
  })
})
