/**
 * Labels of graphs, one way of data at a time: whose text a port may hold, who else had a say, and the way that a refusal
 * shows. Expected by hand.
 */
import { describe, expect, test } from "bun:test"
import { checkFile } from "../file/mod.ts"
import { type NodeKind, registry } from "../node.ts"
import { T } from "../type.ts"
import { labelsOf } from "./graph.ts"
import { printOrigin } from "./label.ts"
import { NO_POLICY, parsePolicy } from "./policy.ts"

const nothing = { execute: () => null }
const text = { form: "static", type: T.string, required: true, about: "Which." } as const
const arg = { form: "text", about: "What." } as const

const look: NodeKind = {
  kind: "look",
  about: "A tool that reads.",
  main: text,
  fields: { q: arg },
  takesWith: false,
  sign: (n) => ({
    effect: "read",
    resource: `shelf:${String(n.config["look"])}`,
    needs: [],
    output: n.output ?? T.string,
  }),
  open: () => nothing,
}
const say: NodeKind = {
  kind: "say",
  about: "A model.",
  main: text,
  fields: { q: arg },
  scopes: { key: "tools", role: "tool", about: "Its tools." },
  takesWith: false,
  sign: (n) => ({
    effect: "read",
    resource: `model:${String(n.config["say"])}`,
    needs: [],
    output: n.output ?? T.string,
    origin: "model",
  }),
  open: () => nothing,
}
const calc: NodeKind = {
  kind: "calc",
  about: "A pure tool.",
  main: arg,
  fields: {},
  takesWith: false,
  sign: (n) => ({ effect: "pure", resource: null, needs: [], output: n.output ?? T.string }),
  open: () => nothing,
}
const show: NodeKind = {
  kind: "show",
  about: "A person sees it and lets it through.",
  main: arg,
  fields: {},
  takesWith: false,
  sign: () => ({
    effect: "read",
    resource: "person",
    needs: [],
    output: T.string,
    origin: "user",
    endorses: true,
  }),
  open: () => nothing,
}
const go: NodeKind = {
  kind: "go",
  about: "Goes to an address.",
  main: arg,
  fields: { body: arg },
  takesWith: false,
  sign: () => ({ effect: "read", resource: "road", needs: [], output: T.string, sinks: { go: "url", body: "body" } }),
  open: () => nothing,
}
const kinds = registry(look, say, calc, show, go)

const HEAD = "graph: g\ninput: { u: string, n: number, side: left | right, r: { a: string, b: number } }\n"
const load = (path: string) => ({
  file: path,
  text: `graph: sub
input: { x: string, y: 'string = "author"' }
nodes:
  seen: { look: sub, q: "\${ input.x }" }
output: { one: input.x, two: input.y, three: seen }
`,
})
const file = (nodes: string, output = '"1"') => ({
  file: "g.graph.yaml",
  text: `${HEAD}nodes:\n${nodes}\noutput: ${output}\n`,
})

/** `text | others` of a port. */
function label(nodes: string, port: string): string {
  const { checked, problems } = checkFile(file(nodes, port.split(".")[0]), { registry: kinds, policy: NO_POLICY, load })
  if (checked === undefined) throw new TypeError(JSON.stringify(problems))
  const { ports, origins } = labelsOf(checked)
  const found = ports.find(({ at }) => at === `g.${port}`)!
  const said = (set: bigint) => origins.of(set).map(printOrigin).sort().join(", ")
  const others = said(found.label.any & ~found.label.text)
  return others === "" ? said(found.label.text) : `${said(found.label.text)} | ${others}`
}

const M = "  m: { say: main, q: hello }\n"
const W = "  w: { look: web, q: hello }\n"

describe("whose text a port may hold", () => {
  for (const [what, nodes, port, want] of [
    ["the author's", "  x: { expr: '\"a\"' }", "x", ""],
    ["the user's", "  x: { expr: input.u }", "x", "user"],
    ["no number's", "  x: { expr: input.n + 1 }", "x", " | user"],
    ["a number's digits are no text", "  x: { expr: string(input.n) }", "x", " | user"],
    ["a listed word is the author's", "  x: { expr: input.side }", "x", " | user"],
    ["one field does not answer for another", `${M}  x: { expr: "{'a': m, 'b': input.u}.b" }`, "x", "user"],
    ["nor an item's field", `${M}${W}  x: { expr: "[{'a': m, 'b': w}].map(i, i.b)[0]" }`, "x", "tool shelf:web"],
    ["a field by its name in quotes", `${M}  x: { expr: "{'a': m, 'b': 'c'}['b']" }`, "x", ""],
    [
      "any field, by a name that the run decides",
      `${M}  x: { expr: "{'a': m, 'b': 'c'}[input.u]" }`,
      "x",
      "model main | user",
    ],
    [
      "a model that read the user and a tool",
      `${W}  x: { say: main, q: "\${ input.u } \${ w }" }`,
      "x",
      "model main, tool shelf:web, user",
    ],
    [
      "a tool that was asked with a model's text",
      `${M}  x: { look: web, q: "\${ m }" }`,
      "x",
      "model main, tool shelf:web",
    ],
    ["a pure tool passes on", `${M}  x: { calc: "\${ m }" }`, "x", "model main"],
    [
      "a model that answers with listed words",
      '  x: { say: main, q: "${ input.u }", output: yes | no }',
      "x",
      " | model main, user",
    ],
    [
      "and with a record: its words and numbers apart",
      '  m: { say: main, q: hello, output: { a: string, b: number, c: yes | no } }\n  x: { expr: "m.c + string(m.b)" }',
      "x",
      " | model main",
    ],
    ["text that says yes or no", `${M}  x: { expr: m.contains("a") }`, "x", " | model main"],
    ["a choice between the author's words", `${M}  x: { expr: "m == '1' ? 'a' : 'b'" }`, "x", " | model main"],
    [
      "when: the side's text, the test's say",
      `${M}  x: { when: m == "a", then: { expr: input.u }, else: { expr: "'b'" } }`,
      "x",
      "user | model main",
    ],
    [
      "switch",
      `${M}  x: { switch: m, cases: { a: { look: web } }, else: { expr: "'b'" } }`,
      "x",
      "tool shelf:web | model main",
    ],
    ["map", `${M}  x: { map: "[m, 'a']", as: i, do: { look: web, q: "\${ i }" } }`, "x", "model main, tool shelf:web"],
    ["map: the index is no text", `${M}  x: { map: "[m]", as: i, index: k, do: { expr: k } }`, "x", " | model main"],
    [
      "fold goes round",
      `${M}${W}  x: { fold: "[m, 'a']", into: s, as: i, from: "''", do: { expr: "s + i" } }`,
      "x",
      "model main",
    ],
    [
      "loop: what comes in later counts from the start",
      `${W}  x:\n    loop: "{'a': 'x', 'b': 'y'}"\n    as: s\n    while: size(s.a) < 9\n    max: 9\n    do: { expr: "{'a': s.b, 'b': w}" }`,
      "x",
      "tool shelf:web",
    ],
    [
      "catch: what failed tells of all that it took",
      `${M}  x: { look: web, q: "\${ m }", catch: error.message }`,
      "x",
      "model main, tool shelf:web",
    ],
    [
      "a subgraph is walked for each use",
      `${M}  s: { graph: ./sub.graph.yaml, with: { x: "\${ m }" } }\n  t: { graph: ./sub.graph.yaml, with: { x: "a" } }\n  x: { expr: t.one + t.two + s.two }`,
      "x",
      "",
    ],
    [
      "and its node knows its own use",
      `${M}  s: { graph: ./sub.graph.yaml, with: { x: "\${ m }" } }\n  t: { graph: ./sub.graph.yaml, with: { x: "a" } }`,
      "s.seen",
      "model main, tool shelf:sub",
    ],
    ["a person who let it through", `${M}  x: { show: "\${ m }" }`, "x", "user"],
    [
      "a tool of a model: its arguments are the model's",
      '  a:\n    say: main\n    q: "${ input.u }"\n    tools: { find: { input: { k: string }, do: { look: web, q: "${ k }" } } }',
      "a.find",
      "model main, tool shelf:web, user",
    ],
    [
      "what one tool says may be the next one's argument",
      '  a:\n    say: main\n    q: hello\n    tools:\n      one: { input: { k: string }, do: { calc: "${ k }" } }\n      two: { input: {}, do: { look: web } }',
      "a.one",
      "model main, tool shelf:web",
    ],
    [
      "a listed word is a tool's argument without text",
      '  a:\n    say: main\n    q: hello\n    tools: { find: { input: { k: left | right }, do: { calc: "${ k }" } } }',
      "a.find",
      " | model main",
    ],
  ] as const)
    test(what, () => expect(label(nodes, port)).toBe(want))
})

describe("a refusal", () => {
  const problem = (nodes: string, lines: readonly string[] = ["default"]) =>
    checkFile(file(nodes), { registry: kinds, policy: parsePolicy(lines), load })
      .problems.filter(({ severity }) => severity === "error")
      .map(({ code, place, message }) => `${code} ${place?.line}:${place?.column} ${message.split(". The policy")[0]}`)

  test("shows the way, over nodes and bodies", () => {
    const nodes = `${M}  l: { map: "[m]", as: i, do: { expr: i.trim() } }\n  p: { expr: "l[0]" }\n  x: { go: "\${ p }", body: "\${ m }" }`
    expect(problem(nodes)).toEqual(["G305 7:16 Text of the model main would be an address: m → l → p → x.go"])
  })
  test("shows the way through a subgraph", () => {
    const nodes = `  s: { graph: ./sub.graph.yaml, with: { x: "\${ input.u }" } }\n  x: { go: "\${ s.three }" }`
    expect(problem(nodes)).toEqual(["G305 5:16 Text of the tool shelf:sub would be an address: s.seen → s → x.go"])
  })
  test("names everybody at once", () => {
    const nodes = `${W}  m: { say: main, q: "\${ w }" }\n  x: { go: "\${ m }" }`
    expect(problem(nodes)).toEqual([
      "G305 6:16 Text of the tool shelf:web and the model main would be an address: w → m → x.go",
    ])
  })
  test("a say counts where the policy says so: a call that a model decides on", () => {
    const nodes = `${M}  x: { when: m == "a", then: { go: there }, else: { expr: "'b'" } }`
    expect(problem(nodes)).toEqual([])
    expect(problem(nodes, ["refuse model into url"])).toEqual([
      "G305 5:36 The model main would have a say in an address: m → x.then.go",
    ])
  })
  test("nothing where nothing is refused", () => {
    expect(problem(`${M}  y: { show: "\${ m }" }\n  x: { go: "\${ y }", body: "\${ m }" }`)).toEqual([])
    expect(problem(`${M}  x: { go: "\${ m }" }`, [])).toEqual([])
    expect(problem(`${M}  x: { go: "\${ m }" }`, ["default", "allow model text into url at g.x"])).toEqual([])
  })
})

test("what takes too many rounds counts as everybody's", () => {
  const fields = Array.from({ length: 24 }, (_, i) => `'f${i}'`)
  const start = fields.map((f) => `${f}: string(1)`).join(", ")
  const next = fields.map((f, i) => `${f}: ${i === 0 ? "m" : `s.f${i - 1}`}`).join(", ")
  const nodes = `${M}${W}  x:\n    loop: "{${start}}"\n    as: s\n    while: size(s.f0) < 9\n    max: 99\n    do: { expr: "{${next}}" }\n  y: { expr: x.f23 }`
  expect(label(nodes, "y")).toBe("model main, tool shelf:web, user")
})
