/** Pages G001 to G008: the form of files, names, circles. */
import type { Message } from "./message.ts"

export const FILE_MESSAGES = {
  G001: {
    title: "Not a graph file",
    page: "The file is neither YAML nor JSON, holds more than one document, or its top level is not a mapping. A graph file is one mapping with `graph:`, `nodes:` and `output:`. A file that ends in .json is read as strict JSON, without comments or trailing commas.",
    wrong: `- graph: quote
- nodes: {}`,
    right: `graph: quote
nodes:
  price: { expr: 2 * 3 }
output: price`,
  },
  G002: {
    title: "Unknown key",
    page: "The key, or the argument of a tool or subgraph, means nothing at this place. The message lists those that do, and offers a near one. Nothing that is written in a file is passed over in silence: a setting with a slip in its name would otherwise be one that is not there.",
    wrong: `nodes:
  time: { now: ms, timout: 2s }
output: time`,
    right: `nodes:
  time: { now: ms, cache: 2s }
output: time`,
  },
  G003: {
    title: "Duplicate name",
    page: "Two nodes, fields, keys or variables share a name, or a body uses a name that something around it has. A name identifies a value, and its path in the trace, so each is used once, and an inner one may not hide an outer one. Two bodies beside one another may use the same names.",
    wrong: `nodes:
  line: { expr: "[1, 2]" }
  twice: { map: line, as: line, do: { expr: line * 2 } }
output: twice`,
    right: `nodes:
  lines: { expr: "[1, 2]" }
  twice: { map: lines, as: line, do: { expr: line * 2 } }
output: twice`,
  },
  G004: {
    title: "Reserved name",
    page: "The name is a word of the expression language (`in`, `for`, `true`), a name with a meaning in graphs (`input`, `error`, `do`), or has not the form wanted: nodes and variables are lower case, [a-z][a-z0-9_]*, types begin with a capital letter. Names are used in expressions, so they must be names there too.",
    wrong: `nodes:
  lineCost: { expr: 1 }
output: lineCost`,
    right: `nodes:
  line_cost: { expr: 1 }
output: line_cost`,
  },
  G005: {
    title: "Something is missing",
    page: "A required key, argument, case or value is not there. The message says which, and what it is for. An empty value, as in `expr:` and the end of the line, is missing too: write null where nothing is meant.",
    wrong: `input: { currency: EUR | USD }
nodes:
  sign:
    switch: input.currency
    cases:
      EUR: { expr: "'€'" }
output: sign`,
    right: `input: { currency: EUR | USD }
nodes:
  sign:
    switch: input.currency
    cases:
      EUR: { expr: "'€'" }
      USD: { expr: "'$'" }
output: sign`,
  },
  G006: {
    title: "Too large",
    page: "The file, its nesting, an expression, a type or the number of nodes is beyond a stated limit. Limits keep checking linear and stacks independent of data, so that no file can hang or crash whoever reads it. Name parts in nodes of their own, move them into subgraphs, or put data into files that a node reads.",
    wrong: `types:
  A: { x: B, y: B, z: B, u: B, v: B, w: B }
  B: { x: C, y: C, z: C, u: C, v: C, w: C }
  C: { x: D, y: D, z: D, u: D, v: D, w: D }
  D: { x: E, y: E, z: E, u: E, v: E, w: E }
  E: { x: F, y: F, z: F, u: F, v: F, w: F }
  F: { x: number, y: number, z: number, u: number, v: number, w: number }
input: { a: A }
nodes: {}`,
    right: `types:
  A: { x: B, y: B, z: unknown }
  B: { x: number, y: number }
input: { a: A }
nodes: {}`,
  },
  G007: {
    title: "Cycle",
    page: "Nodes wait for one another in a circle, by data or by `after:`, so none of them could ever run; or graph files contain one another. The message walks the circle. Break it, or say what goes round and for how long: `loop` and `fold` are circles with a bound.",
    wrong: `nodes:
  guess: { expr: "(better + 2 / better) / 2" }
  better: { expr: guess }
output: better`,
    right: `nodes:
  root:
    loop: 1
    as: guess
    while: guess * guess - 2 > 0.0001 || 2 - guess * guess > 0.0001
    max: 20
    do: { expr: "(guess + 2 / guess) / 2" }
output: root`,
  },
  G008: {
    title: "Wrong form",
    page: "The value has not the form wanted here: a list where a mapping is wanted, a time without a unit, an anchor, a tab, a number that cannot be held exactly. YAML takes some characters of expressions for its own: quote an expression that starts with a quote, `!`, `[` or `{`, or that holds a colon or `#` after a space, and quote `${ … }` inside { }.",
    wrong: `nodes:
  size: { expr: 2 }
  word:
    expr: size > 1 ? "many" : "one"
output: word`,
    right: `nodes:
  size: { expr: 2 }
  word:
    expr: 'size > 1 ? "many" : "one"'
output: word`,
  },
} as const satisfies Record<string, Message>
