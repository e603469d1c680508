/**
 * Right plans of several steps, drawn by hand: every kind of step, effects in order, slots taken over.
 */
import { ERROR_TYPE, T } from "../../graph/mod.ts"
import type { Plan } from "../../plan/mod.ts"
import { Sketch } from "./sketch.ts"

const num = T.number
const str = T.string
const bool = T.boolean

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

/** One of two bodies, each with a capture of its own; the bodies' types differ. */
function choosing(): Plan {
  const s = new Sketch("choosing")
  const input = T.record({ n: num, who: str })
  const top = s.reserve()
  const then = s.scope({
    params: [num],
    slots: 2,
    result: 1,
    type: num,
    steps: [s.block("then", [["neg", 1, 0]])],
  })
  const or = s.scope({
    params: [str],
    slots: 3,
    result: 2,
    type: str,
    steps: [
      s.block("else", [
        ["const", 1, s.const("hello ", str)],
        ["text", 2, [1, 0]],
      ]),
    ],
  })
  s.scope({
    at: top,
    params: [input],
    slots: 6,
    result: 5,
    type: T.union(num, str),
    steps: [
      s.block("parts", [
        ["field", 1, 0, s.text("n")],
        ["field", 2, 0, s.text("who")],
        ["const", 3, s.const(0, num)],
        ["lt", 4, 1, 3],
      ]),
      ["when", 5, 4, [then, or], [1, 2], s.texts("choice"), []],
    ],
  })
  return s.plan(input, T.union(num, str))
}

/** A case, another, and the default. */
function switching(): Plan {
  const s = new Sketch("switching")
  const currency = T.enum("EUR", "USD", "GBP")
  const input = T.record({ currency })
  const top = s.reserve()
  const rate = (value: number) =>
    s.scope({
      params: [],
      slots: 1,
      result: 0,
      type: num,
      steps: [s.block("rate", [["const", 0, s.const(value, num)]])],
    })
  const bodies = [rate(1), rate(1.1), rate(0)]
  s.scope({
    at: top,
    params: [input],
    slots: 3,
    result: 2,
    type: num,
    steps: [
      s.block("which", [["field", 1, 0, s.text("currency")]]),
      ["switch", 2, 1, s.texts("EUR", "USD"), bodies, [], s.texts("rate"), []],
    ],
  })
  return s.plan(input, num)
}

/** A sum, item by item. */
function folding(): Plan {
  const s = new Sketch("folding")
  const input = T.list(num)
  const top = s.reserve()
  const body = s.scope({
    params: [num, num, num],
    slots: 4,
    result: 3,
    type: num,
    steps: [s.block("do", [["add", 3, 0, 1]])],
  })
  s.scope({
    at: top,
    params: [input],
    slots: 3,
    result: 2,
    type: num,
    steps: [s.block("zero", [["const", 1, s.const(0, num)]]), ["fold", 2, 0, 1, [body], [], s.texts("total"), []]],
  })
  return s.plan(input, num)
}

/** Doubles until it is large; the limit is captured by the test alone. */
function looping(): Plan {
  const s = new Sketch("looping")
  const top = s.reserve()
  const test = s.scope({
    params: [num, num, num],
    slots: 4,
    result: 3,
    type: bool,
    steps: [s.block("while", [["lt", 3, 0, 2]])],
  })
  const body = s.scope({
    params: [num, num],
    slots: 3,
    result: 2,
    type: num,
    steps: [s.block("do", [["add", 2, 0, 0]])],
  })
  s.scope({
    at: top,
    params: [num],
    slots: 3,
    result: 2,
    type: num,
    steps: [
      s.block("one", [["const", 1, s.const(1, num)]]),
      ["loop", 2, 1, 100, [test, body], [0], s.texts("double"), []],
    ],
  })
  return s.plan(num, num)
}

/** A tool that may fail, and what is answered then. */
function catching(): Plan {
  const s = new Sketch("catching")
  const get = s.extern({ effect: "read", resource: "server:files", needs: ["mcp:files/read"], input: str, output: str })
  const top = s.reserve()
  const tried = s.scope({
    params: [str],
    slots: 2,
    result: 1,
    type: str,
    steps: [["invoke", 1, get, 0, s.texts("file"), []]],
  })
  const handler = s.scope({
    params: [ERROR_TYPE, str],
    slots: 4,
    result: 3,
    type: str,
    steps: [
      s.block("catch", [
        ["field", 2, 0, s.text("code")],
        ["text", 3, [2, 1]],
      ]),
    ],
  })
  s.scope({
    at: top,
    params: [str],
    slots: 2,
    result: 1,
    type: str,
    steps: [["catch", 1, [tried, handler], [0, 0], s.texts(), []]],
  })
  return s.plan(str, str)
}

/** Subgraphs three deep, the innermost handing its parameter on. */
function entering(): Plan {
  const s = new Sketch("entering")
  const top = s.reserve()
  const inner = s.reserve()
  const last = s.scope({ params: [num], slots: 1, result: 0, type: num, steps: [] })
  const call = (at: number, body: number, name: string) =>
    s.scope({
      at,
      params: [num],
      slots: 2,
      result: 1,
      type: num,
      steps: [["enter", 1, [body], [0], s.texts(name), []]],
    })
  call(top, inner, "outer")
  call(inner, last, "inner")
  return s.plan(num, num)
}

/** A model that may call a body of the graph while it works. */
function roles(): Plan {
  const s = new Sketch("roles")
  const ask = T.record({ prompt: str })
  const llm = s.extern({
    kind: "llm",
    effect: "read",
    resource: "model:small",
    needs: ["model:small"],
    input: ask,
    output: str,
    settings: { speculate: true },
  })
  const find = s.extern({ effect: "read", resource: "server:files/find", needs: ["mcp:files/find"], output: T.unknown })
  const top = s.reserve()
  const tool = s.scope({
    params: [T.record({ name: str }), str],
    slots: 6,
    result: 5,
    type: str,
    steps: [
      s.block("args", [
        ["field", 2, 0, s.text("name")],
        ["record", 3, s.texts("name", "root"), [2, 1]],
      ]),
      ["invoke", 4, find, 3, s.texts("find"), []],
      s.block("found", [["accept", 5, 4, s.type(str)]]),
    ],
  })
  s.scope({
    at: top,
    params: [str],
    slots: 3,
    result: 2,
    type: str,
    steps: [
      s.block("prompt", [["record", 1, s.texts("prompt"), [0]]]),
      ["invoke_with", 2, llm, 1, s.texts("tool:find"), [tool], [0], s.texts("answer"), []],
    ],
  })
  return s.plan(str, str)
}

/** A chain that takes its slot over again and again, and blocks that share a temporary. */
function reusing(): Plan {
  const s = new Sketch("reusing")
  const f = s.extern({ input: num, output: num, async: false })
  s.scope({
    params: [num],
    slots: 4,
    result: 2,
    type: num,
    steps: [
      ["invoke", 1, f, 0, s.texts("a"), []],
      ["invoke", 1, f, 1, s.texts("b"), []],
      s.block("c", [
        ["add", 3, 1, 1],
        ["mul", 1, 3, 3],
      ]),
      s.block("d", [
        ["neg", 3, 0],
        ["sub", 2, 3, 0],
      ]),
      ["invoke", 1, f, 1, s.texts("e"), []],
      s.block("sum", [
        ["add", 3, 1, 2],
        ["copy", 2, 3],
      ]),
    ],
  })
  return s.plan(num, num)
}

/** Effects on one tree of resources, ordered by data, by `after`, and over others. */
function ordered(): Plan {
  const s = new Sketch("ordered")
  const tool = (effect: "read" | "write", resource: string) =>
    s.extern({ effect, resource, needs: [`fs:${effect}`], output: num })
  const readAll = tool("read", "fs:/data")
  const writeA = tool("write", "fs:/data/a")
  const writeB = tool("write", "fs:/data/b")
  const other = tool("write", "fs:/database")
  s.scope({
    params: [num],
    slots: 8,
    result: 7,
    type: num,
    steps: [
      ["invoke", 1, readAll, 0, s.texts("r1"), []],
      ["invoke", 2, readAll, 0, s.texts("r2"), []],
      ["invoke", 3, writeA, 1, s.texts("w1"), [1]],
      ["invoke", 4, writeB, 2, s.texts("w2"), [0]],
      ["invoke", 5, other, 0, s.texts("w3"), []],
      ["invoke", 6, writeA, 3, s.texts("w4"), []],
      ["invoke", 7, readAll, 4, s.texts("r3"), [5]],
    ],
  })
  return s.plan(num, num)
}

/** Writes inside a map inside a map: one after another, each under its numbers. */
function writing(): Plan {
  const s = new Sketch("writing")
  const put = s.extern({ effect: "write", resource: "db:shop", needs: ["sql:shop:write"], input: num, output: T.null })
  const rows = T.list(T.list(num))
  const top = s.reserve()
  const outer = s.reserve()
  const inner = s.scope({
    params: [num, num],
    slots: 3,
    result: 2,
    type: T.null,
    steps: [["invoke", 2, put, 0, s.texts("do"), []]],
  })
  s.scope({
    at: outer,
    params: [T.list(num), num],
    slots: 3,
    result: 2,
    type: T.list(T.null),
    steps: [["map", 2, 0, 1, [inner], [], s.texts("do", "cells"), []]],
  })
  s.scope({
    at: top,
    params: [rows],
    slots: 2,
    result: 1,
    type: T.list(T.list(T.null)),
    steps: [["map", 1, 0, 1, [outer], [], s.texts("rows"), []]],
  })
  return s.plan(rows, T.list(T.list(T.null)))
}

/** A graph that gives its input back. */
function handing(): Plan {
  const s = new Sketch("handing")
  s.scope({ params: [T.unknown], slots: 1, result: 0, type: T.unknown, steps: [] })
  return s.plan(T.unknown, T.unknown)
}

export const STEPS: { readonly [name: string]: () => Plan } = {
  tools,
  mapping,
  choosing,
  switching,
  folding,
  looping,
  catching,
  entering,
  roles,
  reusing,
  ordered,
  writing,
  handing,
}
