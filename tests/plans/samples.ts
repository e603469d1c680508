/**
 * Right plans, drawn by hand, that between them use every instruction: what the tests of the codec, of the text form and
 * of the verifier start from, and what hostile tests break.
 */
import { ERROR_TYPE, T } from "../../graph/mod.ts"
import type { Plan } from "../../plan/mod.ts"
import { Sketch } from "./sketch.ts"

const num = T.number
const str = T.string
const bool = T.boolean

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

/** `a.x > 0 || b.x > 0`, where either side may fail and the other one decide. */
function logic(): Plan {
  const s = new Sketch("logic")
  const input = T.record({ a: T.unknown, b: T.unknown })
  const side = (failed: number, found: number, from: number, name: string) =>
    [
      ["attempt", failed],
      ["field", from, 0, s.text(name)],
      ["const", 2, s.const("x", str)],
      ["index", from, from, 2],
      ["accept", from, from, s.type(num)],
      ["const", 2, s.const(0, num)],
      ["gt", found, from, 2],
      ["end"],
      ["is_none", 3, failed],
    ] as const
  s.scope({
    params: [input],
    slots: 10,
    result: 1,
    type: bool,
    steps: [
      s.block("either", [
        ...side(4, 5, 6, "a"),
        ["if", 3],
        ["copy", 7, 5],
        ["else"],
        ["const", 7, s.const(false, bool)],
        ["end"],
        ["if", 7],
        ["const", 1, s.const(true, bool)],
        ["else"],
        ...side(8, 9, 6, "b"),
        ["if", 3],
        ["if", 9],
        ["const", 1, s.const(true, bool)],
        ["else"],
        ["is_none", 3, 4],
        ["not", 3, 3],
        ["if", 3],
        ["raise", 4],
        ["else"],
        ["const", 1, s.const(false, bool)],
        ["end"],
        ["end"],
        ["else"],
        ["copy", 2, 8],
        ["raise", 2],
        ["end"],
        ["end"],
      ]),
    ],
  })
  return s.plan(input, bool)
}

/** Every macro of `each`, one of them inside another. */
function gathering(): Plan {
  const s = new Sketch("gathering")
  const input = T.record({ rows: T.list(T.list(num)), names: T.map(num) })
  const output = T.record({
    all: bool,
    exists: bool,
    filter: T.list(str),
    map: T.list(num),
    one: bool,
    sorted: T.list(T.list(num)),
  })
  s.scope({
    params: [input],
    slots: 20,
    result: 19,
    type: output,
    steps: [
      s.block("macros", [
        ["field", 1, 0, s.text("rows")],
        ["field", 2, 0, s.text("names")],
        ["const", 3, s.const(1, num)],
        ["each", 4, 1, 0, 5, 6, 7],
        ["each", 8, 5, 6, 9, 10, 11],
        ["mul", 11, 9, 3],
        ["end"],
        ["add", 7, 8, 6],
        ["end"],
        ["each", 12, 2, 1, 9, 10, 11],
        ["index", 13, 2, 9],
        ["gt", 11, 13, 3],
        ["end"],
        ["each", 14, 4, 2, 9, 10, 11],
        ["ge", 11, 9, 3],
        ["end"],
        ["each", 15, 4, 3, 9, 10, 11],
        ["le", 11, 9, 3],
        ["end"],
        ["each", 16, 4, 4, 9, 10, 11],
        ["eq", 11, 9, 3],
        ["end"],
        ["each", 17, 1, 5, 9, 10, 11],
        ["call", 11, s.text("size"), [9]],
        ["end"],
        ["record", 19, s.texts("all", "exists", "filter", "map", "one", "sorted"), [14, 15, 12, 4, 16, 17]],
      ]),
    ],
  })
  return s.plan(input, output)
}

/** Ways to look into values and to put them together. */
function values(): Plan {
  const s = new Sketch("values")
  const input = T.record({ list: T.list(num), map: T.map(str), any: T.unknown, maybe: T.optional(str), i: num })
  const output = T.record({
    b: bool,
    entries: T.map(T.union(num, str)),
    first: T.union(num, T.null),
    maybe: T.union(str, T.null),
    pair: T.list(T.union(num, str)),
    text: str,
  })
  s.scope({
    params: [input],
    slots: 20,
    result: 19,
    type: output,
    steps: [
      s.block("look", [
        ["field", 1, 0, s.text("list")],
        ["field", 2, 0, s.text("map")],
        ["field", 3, 0, s.text("any")],
        ["field", 4, 0, s.text("i")],
        ["const", 9, s.const("maybe", str)],
        ["index_or_none", 5, 0, 9],
        ["has", 6, 0, s.text("maybe")],
        ["index", 7, 1, 4],
        ["index_or_none", 8, 1, 4],
        ["const", 9, s.const("key", str)],
        ["index", 10, 2, 9],
        ["index", 11, 3, 9],
        ["list", 12, [7, 10]],
        ["map_of", 13, [9, 7, 10, 9]],
        ["text", 14, [9, 4, 11]],
        ["is_none", 15, 5],
        ["if", 15],
        ["const", 16, s.const("none", str)],
        ["else"],
        ["copy", 16, 5],
        ["end"],
        ["text", 17, [14, 16]],
        ["record", 19, s.texts("b", "entries", "first", "maybe", "pair", "text"), [6, 13, 8, 5, 12, 17]],
      ]),
    ],
  })
  return s.plan(input, output)
}

/** Every comparison and operator. */
function comparing(): Plan {
  const s = new Sketch("comparing")
  const input = T.record({ a: num, b: num, c: str })
  s.scope({
    params: [input],
    slots: 14,
    result: 13,
    type: T.list(T.union(bool, num)),
    steps: [
      s.block("ops", [
        ["field", 1, 0, s.text("a")],
        ["field", 2, 0, s.text("b")],
        ["field", 3, 0, s.text("c")],
        ["sub", 4, 1, 2],
        ["div", 5, 4, 2],
        ["neg", 6, 5],
        ["lt", 7, 1, 2],
        ["le", 8, 1, 2],
        ["gt", 9, 1, 2],
        ["ge", 10, 1, 2],
        ["eq", 11, 3, 3],
        ["ne", 12, 7, 8],
        ["not", 12, 12],
        ["list", 13, [6, 7, 8, 9, 10, 11, 12]],
      ]),
    ],
  })
  return s.plan(input, T.list(T.union(bool, num)))
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

export const SAMPLES: { readonly [name: string]: () => Plan } = {
  arithmetic,
  tools,
  mapping,
  choosing,
  switching,
  folding,
  looping,
  catching,
  entering,
  roles,
  logic,
  gathering,
  values,
  comparing,
  reusing,
  ordered,
  writing,
  handing,
}
export const samples = (): readonly Plan[] => Object.values(SAMPLES).map((make) => make())
