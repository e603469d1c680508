/** A folder of graphs that do what a server of MCP has to tell of: give, fail, ask, wait, write, give files. */
import { folderWith } from "../cli/command.ts"

/** `hanging`: `127.0.0.1:<port>` of a server that never answers. */
export const folderOfGraphs = (hanging: string): string =>
  folderWith({
    "sum.graph.yaml": `graph: sum
about: Adds.
input: { a: number, b: number = 1 }
nodes:
  sum: { expr: input.a + input.b }
output: { sum: sum, parts: "[input.a, input.b]", big: int64(9007199254740993) }
`,
    "refund.graph.yaml": `graph: refund
about: Pays back, after a person said how much.
input: { euros: number }
nodes:
  how: { ask: "Pay \${ input.euros } EUR?", choices: ["all", "half", "none"] }
  sure: { ask: "Really?", output: boolean }
  paid:
    expr: "sure ? (how == 'all' ? input.euros : how == 'half' ? input.euros / 2 : 0.0) : 0.0"
  note:
    write_file: ./out/paid.json
    text: "\${ paid }"
output: paid
`,
    "slow.graph.yaml": `graph: slow
about: Waits for a server that never answers.
nodes:
  first: { sleep: 60ms }
  second: { http: "GET http://${hanging}/hang", output: string, after: [first] }
output: second
`,
    "locked.graph.yaml": "graph: locked\nnodes:\n  t: { read_file: ./secret/a.txt }\noutput: t\n",
    "fails.graph.yaml": "graph: fails\ninput: { at: number }\nnodes:\n  x: { expr: '[1, 2][input.at]' }\noutput: x\n",
    "picture.graph.yaml": "graph: picture\nnodes:\n  p: { read_file: ./data/pixel.png, parse: bytes }\noutput: p\n",
    "review.graph.yaml": `graph: review
about: A prompt to review something.
input: { what: string, how: "kindly | sternly" }
nodes:
  said: { expr: "'Review ' + input.how + ': ' + input.what" }
output: said
`,
    "stock.graph.yaml": `graph: stock
about: What is in store of an article.
input: { article: string }
nodes:
  file: { read_file: ./data/stock.json, parse: json, output: { "*": number } }
output: { article: input.article, pieces: "file[input.article]" }
`,
    "data/stock.json": '{ "screw": 12 }',
    "data/pixel.png": "\u{2}not yet",
    "shadowgraph.project.json": JSON.stringify({
      grants: ["ask:person", "fs:read:./data", "fs:write:./out", `net:${hanging}`, "net:private"],
      mcp: { prompts: ["review"], resources: { "stock://{article}": "stock" }, instructions: "Graphs of a shop." },
    }),
  })
