/** Calls out of files: every broken line is named, every message finds its answer, and nothing throws. */
import { describe, expect, test } from "bun:test"
import type { Rec } from "../../graph/mod.ts"
import { drawOf } from "./generate.ts"
import { readCalls } from "./jsonl.ts"
import { readMcpLog } from "./mcp_log.ts"

const into = { space: "", tool: "fn:t", version: "v", at: 5 }

describe("calls, one a line", () => {
  test("are read with all that a line may say", () => {
    const { calls, broken } = readCalls(
      [
        '{"args":{"a":1},"result":2}',
        "",
        '{"args":[9007199254740993],"result":null,"at":7,"ms":1.5,"version":"w"}',
        '{"args":{},"ok":false,"failure":{"code":"ToolError","message":"no","data":[1]}}',
      ].join("\r\n"),
      into,
    )
    expect(broken).toEqual([])
    expect(calls).toEqual([
      {
        space: "",
        tool: "fn:t",
        version: "v",
        args: { a: 1 },
        outcome: { ok: true, value: 2 },
        at: 5,
        ms: null,
        source: "import",
      },
      {
        space: "",
        tool: "fn:t",
        version: "w",
        args: [9007199254740993n],
        outcome: { ok: true, value: null },
        at: 7,
        ms: 1.5,
        source: "import",
      },
      {
        space: "",
        tool: "fn:t",
        version: "v",
        args: {},
        outcome: { ok: false, code: "ToolError", message: "no", data: [1] },
        at: 5,
        ms: null,
        source: "import",
      },
    ])
  })

  test.each([
    ["nope", "Cannot read JSON"],
    ["[1]", "found a list"],
    ['{"result":1}', 'it has no "args"'],
    ['{"args":1}', 'it has no "result"'],
    ['{"args":1,"result":1,"extra":1}', '"extra" is no key of a call'],
    ['{"args":1,"result":1,"at":"noon"}', '"at" must be'],
    ['{"args":1,"result":1,"ms":-1}', '"ms" must be'],
    ['{"args":1,"result":1,"version":""}', '"version" must be'],
    ['{"args":1,"ok":true,"failure":{"code":"X"}}', 'it says "ok": true'],
    ['{"args":1,"ok":false}', "a call that failed has"],
    ['{"args":{"__proto__":1},"result":1}', "__proto__"],
    ['{"args":{"a":1,"a":2},"result":1}', 'the key "a" is written twice'],
  ])("%s is named with its line", (line, words) => {
    const { calls, broken } = readCalls(`{"args":0,"result":0}\n${line}\n`, into)
    expect(calls).toHaveLength(1)
    expect(broken.map((b) => b.line)).toEqual([2])
    expect(broken[0]!.problem).toContain(words)
  })

  test("garbage never throws", () => {
    const draw = drawOf("garbage")
    const pieces = ['{"args":', "1", "}", "[", '"', "\\u", "result", ":", "\n", "null", "\0", "𝄞", "{", ","]
    for (let i = 0; i < 500; i++) {
      const text = Array.from({ length: draw.below(30) }, () => draw.pick(pieces)).join("")
      readCalls(text, into)
      readMcpLog(text, { space: "", at: 0, versionOf: () => "v" })
    }
  })
})

const m = (message: object) => JSON.stringify({ jsonrpc: "2.0", ...message })
const listed = (id: unknown) =>
  m({
    id,
    result: {
      tools: [
        { name: "add", inputSchema: { type: "object", properties: { key: { writeOnly: true } } } },
        { name: "say", inputSchema: {} },
      ],
    },
  })
const options = { space: "", at: 9, versionOf: (tool: Rec) => `of ${String(tool["name"])}` }

describe("a log of messages", () => {
  test("pairs requests with answers, whatever comes between, and knows what is secret", () => {
    const text = [
      "server starting…",
      m({ id: 0, method: "initialize", params: {} }),
      m({ id: 0, result: { serverInfo: { name: "calc", version: "1" } } }),
      `2026-01-02T03:04:05.000Z [debug] --> ${m({ id: 1, method: "tools/call", params: { name: "add", arguments: { a: 1, key: "s3cret" } } })}`,
      `2026-01-02T03:04:05.250Z [debug] <-- ${m({ id: "1", method: "sampling/createMessage", params: {} })}`,
      m({ id: "1", result: { role: "assistant", content: { type: "text", text: "hi" }, model: "x" } }),
      m({ id: 2, method: "tools/list" }),
      listed(2),
      JSON.stringify({
        timestamp: "2026-01-02T03:04:06.000Z",
        direction: "in",
        message: {
          jsonrpc: "2.0",
          id: 1,
          result: { content: [{ type: "text", text: "3" }], structuredContent: { sum: 3 } },
        },
      }),
      JSON.stringify({
        ts: 1_767_323_046,
        raw: m({ id: 3, method: "tools/call", params: { name: "say", arguments: {} } }),
      }),
      m({ id: 3, error: { code: -32602, message: "bad" } }),
      m({ id: 4, method: "tools/call", params: { name: "say" } }),
    ].join("\n")
    const { calls, others, unanswered, unlisted, broken } = readMcpLog(text, options)
    expect({ others, unanswered, unlisted, broken }).toEqual({ others: 1, unanswered: 1, unlisted: 0, broken: [] })
    expect(calls.map(({ tool, version, args, outcome, ms }) => ({ tool, version, args, outcome, ms }))).toEqual([
      {
        tool: "mcp:calc/add",
        version: "of add",
        args: { a: 1, key: "[redacted]" },
        outcome: { ok: true, value: { sum: 3 } },
        ms: 1_000,
      },
      {
        tool: "mcp:calc/say",
        version: "of say",
        args: {},
        outcome: { ok: false, code: "ToolError", message: "bad", data: { code: -32602, text: "bad" } },
        ms: null,
      },
    ])
  })

  test("that never lists its tools is used only where somebody says which version they are", () => {
    const text = [
      m({ id: 1, method: "tools/call", params: { name: "add" } }),
      m({ id: 1, result: { content: [] } }),
    ].join("\n")
    expect(readMcpLog(text, { ...options, server: "s" })).toMatchObject({ calls: [], unlisted: 1 })
    const told = readMcpLog(text, { ...options, server: "s", version: "old" })
    expect(told.calls.map(({ tool, version }) => [tool, version])).toEqual([["mcp:s/add", "old"]])
  })

  test('a message that breaks off is named; 1 and "1" are two ids', () => {
    const text = [
      '{"jsonrpc":"2.0","id":1,"method":"tools/ca',
      m({ id: 9, method: "tools/list" }),
      listed(9),
      m({ id: 1, method: "tools/call", params: { name: "say", arguments: { n: 1 } } }),
      m({ id: "1", method: "tools/call", params: { name: "say", arguments: { n: 2 } } }),
      m({ id: "1", result: { content: [{ type: "text", text: "two" }] } }),
      m({ id: 1, result: { content: [{ type: "text", text: "one" }], isError: true } }),
    ].join("\n")
    const { calls, broken } = readMcpLog(text, options)
    expect(broken.map((b) => b.line)).toEqual([1])
    expect(calls.map(({ args, outcome }) => [args, outcome.ok ? outcome.value : outcome.message])).toEqual([
      [{ n: 2 }, "two"],
      [{ n: 1 }, "one"],
    ])
  })
})
