/** Early answers: asked for, marked, verified, refuted, cancelled; and everything else passes as if there were none. */
import { describe, expect, test } from "bun:test"
import type { Prediction, Shadow, Value } from "../../graph/mod.ts"
import { MemoryCallLog } from "../../learn/mod.ts"
import { EARLY, VERIFICATION, VERIFIED } from "./early.ts"
import { Relay, type RelayOptions } from "./relay.ts"

const says = (value: unknown, more: Partial<Extract<Prediction, { ok: true }>> = {}): Prediction => {
  return { ok: true, value, by: "f00d", alpha: 0.01, confidence: 0.9, ...more }
}
/** A shadow that doubles, and is wrong about 13. */
const doubler = (observed: unknown[] = []): Shadow => ({
  predict: (args) => {
    const { n } = args as { n: number }
    return n < 0 ? { ok: false, why: "support" } : says({ twice: n === 13 ? 27 : n * 2 })
  },
  observe: (args, predicted, real) => void observed.push([args, predicted, real]),
})

const LIST = `{"jsonrpc":"2.0","id":"t","result":{"tools":[{"name":"double","inputSchema":{},"outputSchema":{"type":"object","properties":{"twice":{"type":"number"}},"required":["twice"]},"annotations":{"readOnlyHint":true}},{"name":"shout","inputSchema":{}},{"name":"write","inputSchema":{}}]}}`

function relayWith(shadow: Shadow | undefined, more: Partial<RelayOptions> = {}) {
  const sent: string[] = []
  const log = new MemoryCallLog()
  let handles = 0
  const asked: string[] = []
  const relay = new Relay(
    {
      mode: "speculate",
      space: "",
      log,
      clock: { now: () => 0, tick: () => 0 },
      server: "s",
      shadowFor: (tool, version) => {
        asked.push(`${tool} ${version.slice(0, 4)}`)
        return shadow
      },
      reads: (tool) => tool.name !== "write",
      handle: () => `h${handles++}`,
      warn: () => undefined,
      ...more,
    },
    (text) => void sent.push(text),
  )
  relay.fromClient('{"jsonrpc":"2.0","id":"t","method":"tools/list"}')
  relay.fromServer(LIST)
  return { relay, sent, log, asked, take: () => sent.splice(0).map((text) => JSON.parse(text)) }
}
const call = (id: Value, name: string, args: object, meta: object | null = { [EARLY]: true }) =>
  JSON.stringify({
    jsonrpc: "2.0",
    id,
    method: "tools/call",
    params: { name, arguments: args, ...(meta ? { _meta: meta } : {}) },
  })
const answer = (id: Value, twice: number) =>
  `{"result": {"structuredContent":{"twice":${twice}},"content":[{"type":"text","text":"{\\"twice\\":${twice}}"}]},"jsonrpc":"2.0","id":${JSON.stringify(id)}}`

describe("an early answer", () => {
  test("comes at once, marked with its bound and a handle; the tool is asked all the same, and verifies it", () => {
    const observed: unknown[] = []
    const { relay, take, log } = relayWith(doubler(observed))
    expect(relay.fromClient(call(1, "double", { n: 21 }))).toBe(true)
    expect(take()).toEqual([
      {
        jsonrpc: "2.0",
        id: 1,
        result: {
          content: [{ type: "text", text: '{"twice":42}' }],
          structuredContent: { twice: 42 },
          _meta: { [EARLY]: { handle: "h0", bound: 0.01, confidence: 0.9, by: "f00d", verify: VERIFICATION } },
        },
      },
    ])
    // The tool's own answer does not go on: the client has one.
    expect(relay.fromServer(answer(1, 42))).toBe(false)
    expect(take()).toEqual([{ jsonrpc: "2.0", method: VERIFIED, params: { handle: "h0", verdict: "verified" } }])
    expect(observed).toEqual([[{ n: 21 }, { twice: 42 }, { ok: true, value: { twice: 42 } }]])
    expect(log.tools("")[0]).toMatchObject({ tool: "mcp:s/double", calls: 1 })
    expect(relay.passed).toMatchObject({ calls: 1, early: 1, verified: 1, refuted: 0 })
  })

  test("that was wrong is refuted with the tool's answer, byte for byte", () => {
    const { relay, sent } = relayWith(doubler())
    relay.fromClient(call("a", "double", { n: 13 }))
    sent.length = 0
    const real = answer("a", 26)
    expect(relay.fromServer(real)).toBe(false)
    expect(sent[0]).toContain(`"verdict":"refuted","answer":${real}`)
  })

  test("that the tool fails to give is refuted too", () => {
    const { relay, take } = relayWith(doubler())
    relay.fromClient(call(1, "double", { n: 1 }))
    take()
    relay.fromServer('{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no"}}')
    expect(take()[0].params).toMatchObject({ verdict: "refuted", answer: { error: { message: "no" } } })
  })

  test("that says what the tool says, and less of it, is verified and gets the rest", () => {
    const { relay, sent } = relayWith(doubler())
    const rest = [
      '"content":[{"type":"text","text":"twice two is four"}]',
      '"content":[],"_meta":{"took":3}',
      '"content":[{"type":"text","text":"{\\"twice\\":4}"},{"type":"text","text":"see also: eight"}]',
    ]
    for (const [id, more] of rest.entries()) {
      relay.fromClient(call(id, "double", { n: 2 }))
      sent.length = 0
      const real = `{"jsonrpc":"2.0","id":${id},"result":{"structuredContent":{"twice":4},${more}}}`
      relay.fromServer(real)
      expect(sent[0]).toContain(`"verdict":"verified","answer":${real}`)
    }
  })

  test("is never verified by an answer that cannot be read exactly, nor given on arguments that cannot", () => {
    const observed: unknown[] = []
    const { relay, sent } = relayWith({ ...doubler(observed), predict: () => says({ twice: 2 }) })
    relay.fromClient(call(1, "double", { n: 1 }))
    sent.length = 0
    const real = answer(1, 2).replace('"jsonrpc"', '"took":1e999,"jsonrpc"')
    expect(relay.fromServer(real)).toBe(false)
    expect(sent[0]).toContain(`"verdict":"refuted","answer":${real}`)
    expect(observed).toEqual([])
    sent.length = 0
    expect(relay.fromClient(call(2, "double", { n: 0 }).replace('"n":0', '"n":1e999'))).toBe(true)
    expect(sent).toEqual([])
  })

  test("is heard of by the shadow that gave it, whatever the server calls itself", () => {
    const observed: unknown[] = []
    const { relay, log } = relayWith(doubler(observed), { server: "mcp-servers/everything" })
    relay.fromClient(call(1, "double", { n: 13 }))
    relay.fromServer(answer(1, 26))
    expect(observed).toEqual([[{ n: 13 }, { twice: 27 }, { ok: true, value: { twice: 26 } }]])
    expect(log.tools("")[0]?.tool).toBe("mcp:mcp-servers-everything/double")
  })

  test("can be asked about, also before it is known", () => {
    const { relay, take } = relayWith(doubler())
    relay.fromClient(call(1, "double", { n: 2 }))
    take()
    const ask = (id: number, more: object = {}) =>
      relay.fromClient(JSON.stringify({ jsonrpc: "2.0", id, method: VERIFICATION, params: { handle: "h0", ...more } }))
    expect(ask(2)).toBe(false)
    expect(take()).toEqual([{ jsonrpc: "2.0", id: 2, result: { handle: "h0", verdict: "pending" } }])
    ask(3, { wait: true })
    expect(take()).toEqual([])
    relay.fromServer(answer(1, 4))
    expect(take().map((m) => m.id ?? m.method)).toEqual([3, VERIFIED])
    ask(4)
    expect(take()[0].result).toEqual({ handle: "h0", verdict: "verified" })
    expect(relay.fromClient(`{"jsonrpc":"2.0","id":5,"method":"${VERIFICATION}","params":{"handle":"none"}}`)).toBe(
      false,
    )
    expect(take()[0].error.message).toContain('no early answer "none"')
  })

  test("that the client takes back is known to nobody; progress behind it does not reach the client", () => {
    const { relay, take } = relayWith(doubler())
    relay.fromClient(call(1, "double", { n: 2 }, { [EARLY]: true, progressToken: "p" }))
    take()
    expect(
      relay.fromServer(
        '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}',
      ),
    ).toBe(false)
    expect(
      relay.fromServer(
        '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"q","progress":1}}',
      ),
    ).toBe(true)
    expect(relay.fromClient('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}')).toBe(true)
    expect(take()[0].params).toEqual({ handle: "h0", verdict: "cancelled" })
    // A server may answer all the same: the client has an answer to this request.
    expect(relay.fromServer('{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p"}}')).toBe(
      false,
    )
    expect(relay.fromServer(answer(1, 4))).toBe(false)
    expect(take()).toEqual([])
  })

  test("in a batch of answers holds back nobody else's", () => {
    const { relay, take } = relayWith(doubler())
    relay.fromClient(call(1, "double", { n: 2 }))
    relay.fromClient(call(2, "shout", {}, null))
    take()
    expect(relay.fromServer(`[${answer(1, 4)},{"jsonrpc":"2.0","id":2,"result":{"content":[]}}]`)).toBe(true)
    expect(take()[0].params.verdict).toBe("verified")
  })

  test("is given to a thousand calls that the tool has not answered, and to no more", () => {
    const { relay, sent } = relayWith(doubler())
    for (let id = 0; id < 1_100; id++) relay.fromClient(call(id, "double", { n: 1 }))
    expect(sent).toHaveLength(1_000)
    relay.fromServer(answer(0, 2))
    relay.fromClient(call(2_000, "double", { n: 1 }))
    expect(sent).toHaveLength(1_002)
  })

  test("of a server that ends is known to nobody, and whoever waits for an answer is told", () => {
    const { relay, take } = relayWith(doubler())
    relay.fromClient(call(1, "double", { n: 2 }))
    relay.fromClient(call(2, "shout", {}, null))
    take()
    relay.ended("The server `x` ended (code 1)")
    expect(take()).toEqual([
      { jsonrpc: "2.0", method: VERIFIED, params: { handle: "h0", verdict: "unknown" } },
      {
        jsonrpc: "2.0",
        id: 2,
        error: { code: -32000, message: "The server `x` ended (code 1) before it answered tools/call" },
      },
    ])
  })
})

describe("no early answer is given", () => {
  const none: readonly (readonly [string, Shadow | undefined, string, Partial<RelayOptions>])[] = [
    ["where the client does not ask", doubler(), call(1, "double", { n: 1 }, null), {}],
    ["in the mode observe", doubler(), call(1, "double", { n: 1 }), { mode: "observe" }],
    ["where the tool has no shadow", undefined, call(1, "double", { n: 1 }), {}],
    ["where the shadow does not say", doubler(), call(1, "double", { n: -1 }), {}],
    ["of a tool that may write", doubler(), call(1, "write", { n: 1 }), {}],
    [
      "where the client wants a smaller bound",
      doubler(),
      call(1, "double", { n: 1 }, { [EARLY]: { bound: 0.001 } }),
      {},
    ],
    [
      "that the tool's schema does not allow",
      { predict: () => says({ twice: "two" }) },
      call(1, "double", { n: 1 }),
      {},
    ],
    ["that is no text, of a tool that answers with text", { predict: () => says(5) }, call(1, "shout", {}), {}],
    [
      "by a shadow that throws",
      {
        predict: () => {
          throw new TypeError("weights")
        },
      },
      call(1, "double", { n: 1 }),
      {},
    ],
    ["that JSON has no word for", { predict: () => says({ twice: Number.NaN }) }, call(1, "double", { n: 1 }), {}],
    ["of a tool that was never listed", doubler(), call(1, "other", { n: 1 }), {}],
  ]
  test.each(none)("%s", (_, shadow, request, more) => {
    const { relay, sent } = relayWith(shadow, more)
    expect(relay.fromClient(request)).toBe(true)
    expect(sent).toEqual([])
    expect(relay.fromServer(answer(1, 2))).toBe(true)
    expect(sent).toEqual([])
    expect(relay.passed.early).toBe(0)
  })

  test("after the server said that its tools have changed, until it lists them", () => {
    const { relay, sent } = relayWith(doubler())
    relay.fromServer('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}')
    relay.fromClient(call(1, "double", { n: 1 }))
    expect(sent).toEqual([])
    relay.fromClient('{"jsonrpc":"2.0","id":"t2","method":"tools/list"}')
    relay.fromServer(LIST.replace('"t"', '"t2"'))
    relay.fromClient(call(2, "double", { n: 1 }))
    expect(sent).toHaveLength(1)
  })
})

describe("a text answer", () => {
  test("is answered early as text", () => {
    const { relay, take } = relayWith({ predict: () => says("HEY") })
    relay.fromClient(call(9, "shout", { n: 1 }))
    expect(take()[0].result.content).toEqual([{ type: "text", text: "HEY" }])
    relay.fromServer('{"jsonrpc":"2.0","id":9,"result":{"content":[{"type":"text","text":"HEY"}]}}')
    expect(take()[0].params.verdict).toBe("verified")
  })
})

describe("a call", () => {
  const asked = (id: string) => `{"jsonrpc":"2.0","id":"${id}","method":"tools/list"}`
  const CHANGED = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'

  test("during which its tool became another one is recorded of neither", () => {
    const { relay, log } = relayWith(undefined)
    relay.fromClient(call(1, "double", { n: 1 }, null))
    relay.fromServer(CHANGED)
    relay.fromClient(asked("t2"))
    relay.fromServer(LIST.replace('"t"', '"t2"').replace('"number"', '"integer"'))
    relay.fromServer(answer(1, 2))
    expect(log.tools("")).toEqual([])
    expect(relay.passed).toMatchObject({ calls: 1, recorded: 0, unrecorded: 1 })
  })

  test("during which its tools were listed anew, and are what they were, is recorded", () => {
    const { relay, log } = relayWith(undefined)
    relay.fromClient(call(1, "double", { n: 1 }, null))
    relay.fromServer(CHANGED)
    relay.fromServer(answer(1, 2))
    expect(log.tools("")).toEqual([])
    relay.fromClient(asked("t2"))
    relay.fromServer(LIST.replace('"t"', '"t2"'))
    expect(log.tools("")[0]).toMatchObject({ tool: "mcp:s/double", calls: 1 })
  })
})
