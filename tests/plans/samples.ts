/**
 * Right plans, drawn by hand, that between them use every instruction: what the tests of the codec, of the text form and
 * of the verifier start from, and what hostile tests break.
 */
import { T } from "../../graph/mod.ts"
import type { Plan } from "../../plan/mod.ts"
import { Sketch } from "./sketch.ts"

const num = T.number
const str = T.string

/** `(a + b) × 2`, one block. */
function arithmetic(): Plan {
  const s = new Sketch("arithmetic")
  const input = T.record({ a: num, b: num })
  s.scope({
    params: [input],
    slots: 6,
    result: 5,
    type: num,
    steps: [
      s.block("sum", [
        ["field", 1, 0, s.text("a")],
        ["field", 2, 0, s.text("b")],
        ["add", 3, 1, 2],
        ["const", 4, s.const(2, num)],
        ["mul", 5, 3, 4],
      ]),
    ],
  })
  return s.plan(input, num)
}

/** Two reads that overlap, and a write after both. */
function tools(): Plan {
  const s = new Sketch("tools")
  const input = T.record({ order: str })
  const read = s.extern({
    kind: "sql",
    config: { query: "select 1" },
    effect: "read",
    resource: "db:shop",
    needs: ["sql:shop:read"],
    input: T.record({ order: str }),
    output: T.list(num),
    async: false,
    settings: { timeoutMs: 2000, cacheMs: 600000 },
  })
  const get = s.extern({
    kind: "http",
    config: { url: "https://rates.example.com" },
    effect: "read",
    resource: "host:rates.example.com",
    needs: ["net:rates.example.com"],
    output: T.unknown,
    settings: { retry: { times: 3, delayMs: 100, delayMsMax: 1000 }, shadow: { error: 0.01 } },
  })
  const put = s.extern({
    kind: "sql",
    config: { query: "insert" },
    effect: "write",
    resource: "db:shop/orders",
    needs: ["sql:shop:write"],
    output: T.null,
  })
  s.scope({
    params: [input],
    slots: 5,
    result: 4,
    type: num,
    steps: [
      ["invoke", 1, read, 0, s.texts("lines"), []],
      ["invoke", 2, get, 0, s.texts("rates"), []],
      ["invoke", 3, put, 2, s.texts("store"), [0]],
      s.block("total", [["call", 4, s.text("sum"), [1]]]),
    ],
  })
  return s.plan(input, num)
}

/** Every item of a list through a body that takes one captured value, several at once. */
function mapping(): Plan {
  const s = new Sketch("mapping")
  const input = T.record({ xs: T.list(num), factor: num })
  const top = s.reserve()
  const body = s.scope({
    params: [num, num, num],
    slots: 5,
    result: 4,
    type: num,
    steps: [
      s.block("do", [
        ["mul", 3, 0, 2],
        ["add", 4, 3, 1],
      ]),
    ],
  })
  s.scope({
    at: top,
    params: [input],
    slots: 4,
    result: 3,
    type: T.list(num),
    steps: [
      s.block("xs", [
        ["field", 1, 0, s.text("xs")],
        ["field", 2, 0, s.text("factor")],
      ]),
      ["map", 3, 1, 16, [body], [2], s.texts("scaled"), []],
    ],
  })
  return s.plan(input, T.list(num))
}

export const SAMPLES: { readonly [name: string]: () => Plan } = { arithmetic, tools, mapping }
export const samples = (): readonly Plan[] => Object.values(SAMPLES).map((make) => make())
