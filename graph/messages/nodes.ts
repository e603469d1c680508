/** Pages G201 to G208: kinds of nodes, what they refer to, their settings. */
import type { Message } from "./message.ts"

export const NODE_MESSAGES = {
  G201: {
    title: "Unknown node kind",
    page: "A node is a mapping whose one kind key says what it does: `expr`, `when`, `switch`, `map`, `fold`, `loop`, `graph`, or a registered kind such as `http`, `mcp`, `sql`, `fn`, `llm`, `ask`. None or several were found. The message lists the kinds that are known here.",
    wrong: `nodes:
  total: { exp: 1 + 2 }
output: total`,
    right: `nodes:
  total: { expr: 1 + 2 }
output: total`,
  },
  G202: {
    title: "Unknown resource",
    page: "A node refers to a server, database or model that the file does not declare under `servers:`, `databases:` or `models:`. Each is declared once, with where it is; nodes use its name. Or `limits:` bounds a resource that nothing in the graph touches; the message lists those that something does.",
    wrong: `nodes:
  lines: { sql: shop, query: select 1 as n, output: [{ n: number }] }
output: lines`,
    right: `databases:
  shop: sqlite:./shop.db
nodes:
  lines: { sql: shop, query: select 1 as n, output: [{ n: number }] }
output: lines`,
  },
  G203: {
    title: "Unknown tool",
    page: "The server or module has no tool or export of that name, according to shadowgraph.lock. The message lists what there is. When the server has changed since the lock was made, run `shadowgraph lock`.",
  },
  G204: {
    title: "Drift",
    page: "What the lock pinned is not what is there now: the schema of a tool, the code of a module. Nothing runs against something else than what was checked. Look at the difference; `shadowgraph lock` accepts it, and `check` then says what no longer fits.",
  },
  G205: {
    title: "Not in the lock",
    page: "The node depends on something outside the file that the lock does not pin yet, so its types are not known. Run `shadowgraph lock`, which asks the servers once, or declare `output:` on the node.",
    wrong: `servers:
  files: { stdio: [npx, server-filesystem, ./data] }
nodes:
  text: { mcp: files/read_text_file, with: { path: a.txt } }
output: text`,
    right: `servers:
  files: { stdio: [npx, server-filesystem, ./data] }
nodes:
  text: { mcp: files/read_text_file, with: { path: a.txt }, output: string }
output: text`,
  },
  G206: {
    title: "Subgraph not found",
    page: "The file that a `graph:` node names cannot be read. Its path is relative to the file that names it: `./freight.graph.yaml`. Problems inside a subgraph are listed at their own places, with the path that leads there from the outermost graph.",
    wrong: `nodes:
  freight: { graph: ./no-such-file.graph.yaml }
output: freight`,
  },
  G207: {
    title: "Refused setting",
    page: "The setting has no meaning on this node, or a value outside its bounds. `timeout`, `retry`, `cache`, `shadow` and `speculate` belong to nodes that do something outside: put them on the nodes inside a body, not on the body's control node. A write is never cached and never runs on a guess. What runs synchronously cannot be stopped by a timeout.",
    wrong: `nodes:
  all:
    map: "[1, 2]"
    retry: 3
    do: { http: "GET https://example.com/\${ item }", output: string }
output: all`,
    right: `nodes:
  all:
    map: "[1, 2]"
    do: { http: "GET https://example.com/\${ item }", output: string, retry: 3 }
output: all`,
  },
  G208: {
    title: "One name, two things",
    page: "A subgraph declares a server, database or model under a name that stands for something else in the graph that uses it, or in another of its subgraphs. Grants (`sql:shop:read`), the lock and the order of effects go by these names, so in one run a name stands for one thing. What is declared in both places must be declared alike; otherwise give one of them another name. Paths count from the folder of the file that they stand in.",
  },
} as const satisfies Record<string, Message>
