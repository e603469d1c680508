/** Early answers over every way to a client: at once, on the stream of the call, with the verdict behind, and no second answer. */
import { afterAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import { VERIFICATION, VERIFIED } from "../../deploy/proxy/early.ts"
import { listenHttp } from "../../deploy/proxy/http_front.ts"
import { startProcess } from "../../deploy/proxy/process_back.ts"
import type { RelayOptions } from "../../deploy/proxy/relay.ts"
import { Reverse } from "../../deploy/proxy/reverse.ts"
import { Sessions } from "../../deploy/proxy/sessions.ts"
import { serveStdio } from "../../deploy/proxy/stdio_front.ts"
import type { Shadow } from "../../graph/mod.ts"
import { MemoryCallLog } from "../../learn/mod.ts"
import { HttpTalk } from "./talk.ts"

const FRAME = 1 << 20
const rough = { command: "node", args: [join(import.meta.dirname, "rough.mjs")], cwd: ".", env: process.env }
const closing: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closing.reverse()) await close()
})

/** Says what the rough server's tools say, but of 13. */
const shadow: Shadow = {
  predict: (args) => {
    const { n } = args as { n: number }
    return { ok: true, value: n === 13 ? "unlucky" : `${n}`, by: "f00d", alpha: 0.01, confidence: 1 }
  },
}
let handles = 0
const relay = (mode: "observe" | "speculate"): RelayOptions => ({
  mode,
  space: "",
  log: new MemoryCallLog(),
  clock: { now: () => 0, tick: () => performance.now() },
  shadowFor: (tool) => (tool.endsWith("/slow") ? shadow : undefined),
  reads: () => true,
  handle: () => `h${handles++}`,
  warn: () => undefined,
})
const open = (events: Parameters<typeof startProcess>[2]) => startProcess(rough, FRAME, events)

async function overSessions(mode: "observe" | "speculate"): Promise<string> {
  const options = { open, relay: relay(mode), frameBytesMax: FRAME, sessionsMax: 8, idleMs: 60_000 }
  const sessions = new Sessions({ ...options, id: () => crypto.randomUUID() })
  const front = await listenHttp("127.0.0.1", 0, sessions.serve)
  closing.push(async () => {
    await front.close()
    await sessions.close()
  })
  return front.url
}

const hello = async (talk: HttpTalk) => {
  await talk.ask('{"jsonrpc":"2.0","id":"i","method":"initialize","params":{}}', "i")
  await talk.ask('{"jsonrpc":"2.0","id":"t","method":"tools/list"}', "t")
}
const slow = (id: number, n: number, meta: object = { "shadowgraph/speculate": true, progressToken: "p" }) =>
  JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name: "slow", arguments: { n }, _meta: meta } })

/** What a client sees of a call: the messages on its stream. */
async function seen(talk: HttpTalk, id: number, n: number) {
  return (await talk.ask(slow(id, n), id)).map((text) => JSON.parse(text))
}

async function expectEarly(talk: HttpTalk): Promise<void> {
  const [early, verdict, ...more] = await seen(talk, 1, 7)
  expect(early.result.content).toEqual([{ type: "text", text: "7" }])
  const { handle, bound } = early.result._meta["shadowgraph/speculate"]
  expect(bound).toBe(0.01)
  expect(verdict).toEqual({ jsonrpc: "2.0", method: VERIFIED, params: { handle, verdict: "verified" } })
  expect(more).toEqual([])
  const [wrong, refuted] = await seen(talk, 2, 13)
  expect(wrong.result.content[0].text).toBe("unlucky")
  expect(refuted.params).toMatchObject({ verdict: "refuted", answer: { id: 2, result: { content: [{ text: "13" }] } } })
  const asked = { jsonrpc: "2.0", id: 3, method: VERIFICATION, params: { handle: refuted.params.handle, wait: true } }
  const [told] = await talk.ask(JSON.stringify(asked), 3)
  expect(JSON.parse(told!).result.verdict).toBe("refuted")
  // Who does not ask gets what the tool says, when it says it: its progress, and its answer.
  const plain = (await talk.ask(slow(4, 13, { progressToken: "q" }), 4)).map((text) => JSON.parse(text))
  expect(plain.map((m) => m.method ?? m.result.content[0].text)).toEqual(["notifications/progress", "13"])
}

describe("early answers", () => {
  test("over HTTP, the server a process", async () => {
    const talk = new HttpTalk(await overSessions("speculate"))
    await hello(talk)
    await expectEarly(talk)
    await talk.close()
  })

  test("over HTTP on both sides", async () => {
    const url = new URL(await overSessions("observe"))
    const reverse = new Reverse({ url, headers: [], relay: relay("speculate"), frameBytesMax: FRAME })
    const front = await listenHttp("127.0.0.1", 0, reverse.serve)
    closing.push(front.close)
    const talk = new HttpTalk(front.url)
    await hello(talk)
    await expectEarly(talk)
    await talk.close()
    expect(reverse.passed).toMatchObject({ early: 2, verified: 1, refuted: 1, recorded: 3 })
  })

  test("over standard streams", async () => {
    const input = new PassThrough()
    const output = new PassThrough()
    const lines: string[] = []
    output.on("data", (chunk: Buffer) => lines.push(...chunk.toString("utf8").split("\n").filter(Boolean)))
    const until = async (count: number) => {
      while (lines.length < count) await Bun.sleep(5)
      return lines.splice(0).map((text) => JSON.parse(text))
    }
    const done = serveStdio({
      input,
      output,
      relay: relay("speculate"),
      frameBytesMax: FRAME,
      open,
      signal: new AbortController().signal,
    })
    input.write(
      '{"jsonrpc":"2.0","id":"i","method":"initialize","params":{}}\n{"jsonrpc":"2.0","id":"t","method":"tools/list"}\n',
    )
    await until(2)
    const began = performance.now()
    input.write(`${slow(1, 7)}\n`)
    const [early] = await until(1)
    const earlyMs = performance.now() - began
    const [verdict] = await until(1)
    expect(early.result.content[0].text).toBe("7")
    expect(verdict.params.verdict).toBe("verified")
    // The tool takes 150 ms.
    expect(earlyMs).toBeLessThan(performance.now() - began - 50)
    input.end()
    const { relay: over, code } = await done
    expect(code).toBe(0)
    expect(over.passed).toMatchObject({ calls: 1, early: 1, verified: 1, recorded: 1 })
  })
})
