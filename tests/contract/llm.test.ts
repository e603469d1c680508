/**
 * The contract of the `llm` kind against a real server that speaks the protocol and refuses what breaks it: what a node
 * is, text and typed answers, repairs, tools in bounded rounds, token counts. Bad answers are in `llm-answer.test.ts`.
 */
import { beforeEach, describe, expect, test } from "bun:test"
import { type Call, fail, type Rec, T, type Type, type Value } from "../../graph/mod.ts"
import { ask as askServer, both, problems as problemsOf, sign as signOf, type Written } from "./llm-node.ts"
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
const sign = (node: Written) => signOf(server, node)
const problems = (node: Written) => problemsOf(server, node)

describe("what a node is", () => {
  test("a read of a foreign model", () => {
    expect(sign({ args: { prompt: "x" }, model: { auth: "secret:KEY" } })).toEqual({
      effect: "read",
      resource: "model:main",
      origin: "model",
      sinks: { system: "instructions" },
      needs: ["model:main", `net:${server.host}`, "secret:KEY"],
      output: T.string,
    })
  })

  test("with usage it gives a record, also where `output` describes another: `check` then tells", () => {
    const usage = T.record({ prompt_tokens: T.number, completion_tokens: T.number })
    const gives = (output: Type) => {
      const signed = sign({ args: { prompt: "x" }, config: { usage: true }, output })
      return "output" in signed ? signed.output : signed
    }
    expect(gives(T.record({ value: T.boolean, usage }))).toEqual(T.record({ value: T.boolean, usage }))
    expect(gives(T.record({ answer: T.string }))).toEqual(T.record({ value: T.string, usage }))
  })

  test("bad settings are told all at once", () => {
    const p = { prompt: "x" }
    expect(problems({})).toEqual(["G005 llm"])
    expect(
      problems({ args: p, config: { temperature: 3, max_tokens: 0, seed: 1.5, tool_rounds: 0, repairs: 9 } }),
    ).toEqual([
      "G207 temperature",
      "G207 max_tokens",
      "G207 seed",
      "G207 tool_rounds",
      "G207 repairs",
      "G207 tool_rounds",
    ])
    expect(problems({ args: p, config: { llm: "other" } })).toEqual(["G202 llm"])
    expect(problems({ args: p, model: { auth: "sk-abcdefghijklmnopqrst" } })).toEqual(["G304 llm.bearer"])
    expect(problems({ args: p, model: { url: "https://key@host/v1" } })).toEqual(["G304 llm"])
    expect(problems({ args: p, model: { url: "v1" } })).toEqual(["G207 llm"])
    expect(problems({ args: p, model: { tokens: 7 } })).toEqual(["G207 llm"])
    expect(problems({ args: p, output: T.list(T.bytes) })).toEqual(["G101 output"])
    const tools = {
      "a b": { input: T.record({}) },
      c: { input: T.record({ x: T.bytes, y: T.optional(T.string) }) },
      d: {},
    }
    expect(problems({ args: p, config: { tools: tools as unknown as Rec } })).toEqual([
      "G207 tools.a b",
      "G207 tools.c.input.x",
      "G207 tools.c.input",
      "G207 tools.d",
    ])
  })
})

describe("text", () => {
  both("a prompt, a system text, a conversation", async (stream) => {
    const text = "Grüße 😀, wie geht's?"
    const args = {
      system: "Be kind.",
      messages: [
        { role: "user", content: "a" },
        { role: "assistant", content: "b" },
      ],
      prompt: "c",
    }
    const config = { ...stream, temperature: 0.5, max_tokens: 50, seed: 7 }
    expect(await ask({ args, config }, [{ text }])).toBe(text)
    expect(server.requests).toEqual([
      {
        model: "tiny-1",
        messages: [
          { role: "system", content: "Be kind." },
          { role: "user", content: "a" },
          { role: "assistant", content: "b" },
          { role: "user", content: "c" },
        ],
        temperature: 0.5,
        max_tokens: 50,
        seed: 7,
        ...(stream["stream"] ? { stream: true, stream_options: { include_usage: true } } : {}),
      },
    ])
  })

  test("is shown as it arrives, and its tokens are counted", async () => {
    const notes: string[] = []
    await ask({ args: { prompt: "x" } }, [{ text: "one two three" }], { note: (t) => notes.push(t) })
    expect(notes.slice(0, -1).join("")).toBe("one two three")
    expect(notes.length).toBeGreaterThan(3)
    expect(notes.at(-1)).toContain("10 + 5 tokens")
  })

  both("with its tokens", async (stream) => {
    const node = { args: { prompt: "x" }, config: { usage: true, ...stream } }
    expect(await ask(node, [{ text: "hi", usage: [3, 4] }])).toEqual({
      value: "hi",
      usage: { prompt_tokens: 3, completion_tokens: 4 },
    })
    expect((await failure(ask(node, [{ text: "hi", usage: null }]))).code).toBe("BadAnswer")
  })

  test("the credential goes along, and into no message", async () => {
    const node = { args: { prompt: "x" }, model: { auth: "secret:KEY" } }
    await ask(node, [{ text: "hi" }], {}, { secrets: { KEY: "hush-hush" } })
    expect(server.headers[0]!.authorization).toBe("Bearer hush-hush")
    const leak = (r: import("node:http").ServerResponse) => void r.writeHead(401).end("bad key hush-hush")
    const f = await failure(ask(node, [{ raw: leak }], {}, { secrets: { KEY: "hush-hush" } }))
    expect(f).toMatchObject({ code: "HttpStatus", data: { status: 401 } })
    expect(f.message).toContain("bad key …")
    const echo = (r: import("node:http").ServerResponse) => void r.end("hush-hush is no JSON")
    expect((await failure(ask(node, [{ raw: echo }], {}, { secrets: { KEY: "hush-hush" } }))).message).not.toContain(
      "hush",
    )
    expect((await failure(ask(node, [{ text: "x" }]))).code).toBe("NoSecret")
  })
})

describe("values of the output type", () => {
  const Quote = T.record({ amount: T.number, currency: T.enum("EUR", "USD"), id: T.int64, tags: T.list(T.string) })

  both("a record, by its schema", async (stream) => {
    const answer = '{"amount": 12.5, "currency": "EUR", "id": 9007199254740993, "tags": []}'
    expect(await ask({ args: { prompt: "x" }, output: Quote, config: stream }, [{ text: answer }])).toEqual({
      amount: 12.5,
      currency: "EUR",
      id: 9007199254740993n,
      tags: [],
    })
    expect(server.requests[0]!.response_format).toEqual({
      type: "json_schema",
      json_schema: {
        name: "output",
        strict: true,
        schema: {
          type: "object",
          properties: {
            amount: { type: "number" },
            currency: { type: "string", enum: ["EUR", "USD"] },
            id: { type: "integer" },
            tags: { type: "array", items: { type: "string" } },
          },
          required: ["amount", "currency", "id", "tags"],
          additionalProperties: false,
        },
      },
    } as never)
  })

  test("what is no record is wrapped; what the strict form does not know is not held to it", async () => {
    expect(await ask({ args: { prompt: "x" }, output: T.enum("yes", "no") }, [{ text: '{"value":"yes"}' }])).toBe("yes")
    expect(
      await ask({ args: { prompt: "x" }, output: T.list(T.number) }, [{ text: '```json\n{"value":[1,2]}\n```' }]),
    ).toEqual([1, 2])
    const loose = T.record({ a: T.optional(T.number), b: T.map(T.number) })
    expect(await ask({ args: { prompt: "x" }, output: loose }, [{ text: '{"b":{"x":1}}' }])).toEqual({ b: { x: 1 } })
    expect(server.requests.map((r) => r.response_format!.json_schema.strict)).toEqual([true, true, false])
    const used = T.record({
      value: T.boolean,
      usage: T.record({ prompt_tokens: T.number, completion_tokens: T.number }),
    })
    expect(
      await ask({ args: { prompt: "x" }, output: used, config: { usage: true } }, [{ text: '{"value":true}' }]),
    ).toEqual({
      value: true,
      usage: { prompt_tokens: 10, completion_tokens: 5 },
    })
  })

  both("an answer that does not fit is sent back once, with what is wrong", async (stream) => {
    const node = { args: { prompt: "x" }, output: Quote, config: stream }
    const good = '{"amount":1,"currency":"USD","id":1,"tags":["a"]}'
    for (const bad of [
      "certainly! here it is",
      '{"amount":"1"}',
      good.replace("USD", "DKK"),
      good.replace("1,", "null,"),
      "",
      "[]",
      `${good}x`,
    ]) {
      server.requests.length = 0
      expect(await ask(node, [{ text: bad }, { text: good }])).toEqual({
        amount: 1,
        currency: "USD",
        id: 1n,
        tags: ["a"],
      })
      const [, assistant, repair] = server.requests[1]!.messages
      expect(assistant).toEqual({ role: "assistant", content: bad })
      expect(repair!.content).toContain("could not be used")
    }
    const f = await failure(ask(node, [{ text: "no" }]))
    expect(f).toMatchObject({ code: "BadOutput", data: { repairs: 1 }, retryable: true })
    server.requests.length = 0
    expect((await failure(ask({ ...node, config: { ...stream, repairs: 0 } }, [{ text: "no" }]))).code).toBe(
      "BadOutput",
    )
    expect(server.requests.length).toBe(1)
  })
})

describe("tools", () => {
  const tools = {
    add: { about: "Adds.", input: T.record({ a: T.number, b: { type: T.number, default: 1 } }) },
    find: { input: T.record({ id: T.int64 }) },
  } as unknown as Rec
  const calls: [string, Rec][] = []
  const invoke = async (role: string, args: Rec): Promise<Value> => {
    calls.push([role, args])
    if (role === "tool:add") return (args["a"] as number) + (args["b"] as number)
    throw fail("NotThere", "nothing has that id", { data: { id: args["id"]! } })
  }
  beforeEach(() => {
    calls.length = 0
  })

  both("are run in the order of the calls, and their results go back", async (stream) => {
    const script: Saying[] = [
      {
        text: "Let me see.",
        calls: [
          { name: "add", arguments: '{"a":1,"b":2}', id: "x" },
          { name: "find", arguments: '{"id": 9007199254740993}', id: "y" },
        ],
      },
      { calls: [{ name: "add", arguments: '{"a":5}' }] },
      { text: "It is 6." },
    ]
    const node = { args: { prompt: "x" }, config: { tools, usage: true, ...stream } }
    expect(await ask(node, script, { invoke })).toEqual({
      value: "It is 6.",
      usage: { prompt_tokens: 30, completion_tokens: 15 },
    })
    expect(calls).toEqual([
      ["tool:add", { a: 1, b: 2 }],
      ["tool:find", { id: 9007199254740993n }],
      ["tool:add", { a: 5, b: 1 }],
    ])
    expect(server.requests[0]!.tools!.map((t) => t.function) as unknown).toEqual([
      {
        name: "add",
        description: "Adds.",
        parameters: {
          type: "object",
          properties: { a: { type: "number" }, b: { type: "number" } },
          required: ["a"],
          additionalProperties: false,
        },
      },
      {
        name: "find",
        parameters: {
          type: "object",
          properties: { id: { type: "integer" } },
          required: ["id"],
          additionalProperties: false,
        },
      },
    ])
    const told = server.requests[2]!.messages.filter((m) => m.role === "tool").map((m) => m.content)
    expect(told).toEqual(["3", '{"error":{"code":"NotThere","message":"nothing has that id"}}', "6"])
  })

  test("a call that makes no sense is told so, and runs nothing", async () => {
    const script: Saying[] = [
      {
        calls: [
          { name: "rm", arguments: "{}" },
          { name: "add", arguments: "{a:1" },
          { name: "add", arguments: '{"a":"1"}' },
          { name: "add", arguments: "" },
        ],
      },
      { text: "sorry" },
    ]
    expect(await ask({ args: { prompt: "x" }, config: { tools } }, script, { invoke })).toBe("sorry")
    const told = server.requests[1]!.messages.slice(2).map(
      (m) => (JSON.parse(m.content!) as { error: { code: string } }).error.code,
    )
    expect([calls, told]).toEqual([[], ["UnknownTool", "BadArguments", "BadArguments", "BadArguments"]])
  })

  test("rounds are bounded", async () => {
    const forever: Saying[] = [{ calls: [{ name: "add", arguments: '{"a":1}' }] }]
    const f = await failure(ask({ args: { prompt: "x" }, config: { tools, tool_rounds: 3 } }, forever, { invoke }))
    expect(f).toMatchObject({ code: "ToolRounds", data: { limit: 3 } })
    expect([server.requests.length, calls.length]).toEqual([4, 3])
  })

  test("once one has run, the node is not tried again", async () => {
    const down: Saying = { raw: (r) => void r.writeHead(503).end() }
    const node = { args: { prompt: "x" }, config: { tools } }
    expect((await failure(ask(node, [down], { invoke }))).retryable).toBe(true)
    const f = await failure(ask(node, [{ calls: [{ name: "add", arguments: '{"a":1}' }] }, down], { invoke }))
    expect(f).toMatchObject({ code: "HttpStatus", data: { status: 503 }, retryable: false })
  })

  test("a typed answer may follow", async () => {
    const script: Saying[] = [
      { calls: [{ name: "add", arguments: '{"a":1}' }] },
      { text: "two" },
      { text: '{"value":2}' },
    ]
    expect(await ask({ args: { prompt: "x" }, config: { tools }, output: T.number }, script, { invoke })).toBe(2)
  })

  test("what ends the run is not told to the model", async () => {
    const abort = new AbortController()
    const ends = async (): Promise<Value> => {
      abort.abort()
      throw fail("Cancelled", "the run was cancelled")
    }
    const script: Saying[] = [{ calls: [{ name: "add", arguments: '{"a":1}' }] }]
    const f = await failure(
      ask({ args: { prompt: "x" }, config: { tools } }, script, { invoke: ends, signal: abort.signal }),
    )
    expect([f.code, server.requests.length]).toEqual(["Cancelled", 1])
    const bug = async (): Promise<Value> => {
      throw new TypeError("a bug, and no failure of the tool")
    }
    await expect(ask({ args: { prompt: "x" }, config: { tools } }, script, { invoke: bug })).rejects.toThrow(TypeError)
    expect((await failure(ask({ args: { prompt: "x" }, config: { tools } }, script))).code).toBe("Unavailable")
  })
})
