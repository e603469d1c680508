/**
 * The contract of the `llm` kind where the answer is none: refusals, garbage, errors in the middle, streams that stop or
 * never do, statuses, and servers that bend the protocol.
 */
import { beforeEach, describe, expect, test } from "bun:test"
import { type Call, type Rec, T } from "../../graph/mod.ts"
import { ask as askServer, both, type Written } from "./llm-node.ts"
import { type Saying, startModelServer } from "./model-server.ts"
import { failure } from "./servers.ts"
import type { Lent } from "./services.ts"

const server = startModelServer()
beforeEach(() => {
  server.requests.length = 0
  server.headers.length = 0
})
const ask = (node: Written, script: Saying[], call: Partial<Call> = {}, lent: Lent = {}) =>
  askServer(server, node, script, call, lent)

describe("answers that are none", () => {
  const node = { args: { prompt: "x" } }
  const raw = (type: string, body: string, status = 200): Saying[] => [
    { raw: (r) => void r.writeHead(status, { "content-type": type }).end(body) },
  ]
  const code = async (script: Saying[], config: Rec = {}) => (await failure(ask({ ...node, config }, script))).code

  both("refusals, filters, limits", async (config) => {
    expect(await failure(ask({ ...node, config }, [{ refusal: "I will not" }]))).toMatchObject({
      code: "Refusal",
      data: { reason: "refusal" },
    })
    expect(await failure(ask({ ...node, config }, [{ text: "I", finish: "content_filter" }]))).toMatchObject({
      code: "Refusal",
      data: { reason: "content_filter" },
    })
    const cut = await failure(
      ask({ ...node, config: { ...config, max_tokens: 9 } }, [{ text: "half an ans", finish: "length" }]),
    )
    expect(cut).toMatchObject({ code: "Truncated", data: { max_tokens: 9 } })
  })

  test("garbage of every kind", async () => {
    for (const body of [
      "",
      "null",
      "[]",
      "{}",
      '{"choices":[]}',
      '{"choices":[{}]}',
      '{"choices":[{"message":null}]}',
      "<html>",
      '{"choices":',
    ])
      expect([body, await code(raw("application/json", body))]).toEqual([body, "BadAnswer"])
    for (const body of [
      "data: {\n\n",
      "data: 7\n\n",
      'data: {"choices":[{"delta":{"tool_calls":[{"index":1e9}]}}]}\n\n',
    ])
      expect([body, await code(raw("text/event-stream", body))]).toEqual([body, "BadAnswer"])
    const nameless = '{"choices":[{"message":{"content":null,"tool_calls":[{"function":{"arguments":"{}"}}]}}]}'
    expect(await code(raw("application/json", nameless))).toBe("BadAnswer")
    const many = JSON.stringify({
      choices: [{ message: { tool_calls: Array(1000).fill({ function: { name: "a", arguments: "" } }) } }],
    })
    expect(await code(raw("application/json", many))).toBe("BadAnswer")
  })

  test("errors in the middle, and streams that stop", async () => {
    const half = 'data: {"choices":[{"delta":{"content":"half"}}]}\n\n'
    expect(
      await failure(ask(node, raw("text/event-stream", `${half}data: {"error":{"message":"overloaded"}}\n\n`))),
    ).toMatchObject({
      code: "ModelError",
      retryable: true,
    })
    expect(await code(raw("application/json", '{"error":{"message":"overloaded"}}'))).toBe("ModelError")
    expect(await failure(ask(node, raw("text/event-stream", half)))).toMatchObject({
      code: "Unreachable",
      data: { reason: "cut" },
      retryable: true,
    })
    const destroyed: Saying = {
      raw: (r) => {
        r.writeHead(200, { "content-type": "text/event-stream" })
        r.write(half)
        setTimeout(() => r.destroy(), 10)
      },
    }
    expect(await failure(ask(node, [destroyed]))).toMatchObject({ code: "Unreachable", data: { reason: "cut" } })
    // A server that never says [DONE], but says why it stopped, has answered.
    const done = 'data: {"choices":[{"delta":{"content":"whole"},"finish_reason":"stop"}]}\n\n'
    expect(await ask(node, raw("text/event-stream", done))).toBe("whole")
  })

  test("statuses and retries are those of http", async () => {
    for (const [status, retryable] of [
      [400, false],
      [401, false],
      [429, true],
      [500, false],
      [503, true],
    ] as const)
      expect(await failure(ask(node, raw("application/json", '{"error":{"message":"no"}}', status)))).toMatchObject({
        code: "HttpStatus",
        data: { status },
        retryable,
      })
    expect(
      (await failure(ask({ ...node, model: { url: server.url.replace("/v1", "/v2") } }, [{ text: "x" }]))).data,
    ).toEqual({ status: 404 })
  })

  test("an answer that does not end is cut, and an aborted call ends", async () => {
    const endless: Saying = {
      raw: (r) => {
        r.writeHead(200, { "content-type": "text/event-stream" })
        const line = `data: {"choices":[{"delta":{"content":"${"x".repeat(60_000)}"}}]}\n\n`
        const more = () => {
          while (!r.destroyed && r.write(line));
          if (!r.destroyed) r.once("drain", more)
        }
        more()
      },
    }
    expect((await failure(ask(node, [endless]))).code).toBe("TooLarge")
    const abort = new AbortController()
    const silent: Saying = {
      raw: (r) => void r.writeHead(200, { "content-type": "text/event-stream" }).write("data: {}\n\n"),
    }
    const waiting = failure(ask(node, [silent], { signal: abort.signal }))
    setTimeout(() => abort.abort(), 20)
    expect((await waiting).code).toBe("Cancelled")
  })

  test("a model inside needs its grant by name", async () => {
    const f = await failure(ask(node, [{ text: "x" }], {}, { grants: ["net:*", "model:*"] }))
    expect(f).toMatchObject({ code: "Refused", data: { reason: "address" } })
  })

  test("servers that ignore `stream`, give parts, parsed arguments or no ids are understood", async () => {
    expect(
      await ask(node, raw("application/json", '{"choices":[{"message":{"content":"whole"},"finish_reason":"stop"}]}')),
    ).toBe("whole")
    const parts = '{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}}]}'
    expect(await ask(node, raw("application/json", parts))).toBe("ab")
    const odd =
      '{"choices":[{"message":{"content":null,"tool_calls":[{"function":{"name":"add","arguments":{"a":1}}}]},"finish_reason":"stop"}]}'
    const tools = { add: { input: T.record({ a: T.number }) } } as unknown as Rec
    const script = [raw("application/json", odd)[0]!, { text: "two" }]
    expect(await ask({ ...node, config: { tools } }, script, { invoke: async (_r, a) => (a["a"] as number) + 1 })).toBe(
      "two",
    )
    expect(server.requests.at(-1)!.messages.at(-1)).toEqual({ role: "tool", tool_call_id: "call_0", content: "2" })
  })
})
