/** Pages G301 to G308: effects, capabilities, secrets, labels. */
import type { Message } from "./message.ts"

export const EFFECT_MESSAGES = {
  G301: {
    title: "Conflicting effects without an order",
    page: "Two nodes touch the same resource (a server, a database, a host, a file), at least one of them writes, and nothing says which comes first. Nodes run as soon as their inputs are there, so the order in the file is no order. Let one use the other's output, or write `after:`. Reads alone never conflict, and the items of a `map` keep their order.",
    wrong: `databases:
  shop: sqlite:./shop.db
nodes:
  added: { sql: shop, query: "insert into orders (id) values ('A1')" }
  orders: { sql: shop, query: select id from orders, output: [{ id: string }] }
output: orders`,
    right: `databases:
  shop: sqlite:./shop.db
nodes:
  added: { sql: shop, query: "insert into orders (id) values ('A1')" }
  orders: { sql: shop, query: select id from orders, output: [{ id: string }], after: added }
output: orders`,
  },
  G302: {
    title: "Need not declared",
    page: "A node needs a capability that `needs:` does not cover. A file says what it needs; whoever runs it grants, and never the file itself. A name covers all below it (`sql:shop` covers `sql:shop:read`), and `*` stands for a part of a host. `check --needs` prints the least; without `needs:` the least is taken.",
    wrong: `needs: []
databases:
  shop: sqlite:./shop.db
nodes:
  orders: { sql: shop, query: select id from orders, output: [{ id: string }] }
output: orders`,
    right: `needs: [sql:shop:read]
databases:
  shop: sqlite:./shop.db
nodes:
  orders: { sql: shop, query: select id from orders, output: [{ id: string }] }
output: orders`,
  },
  G303: {
    title: "Unused read",
    page: "Nothing uses what this read finds, but it will run all the same: pure work that nobody uses is dropped, effects never are, since leaving one out could be noticed. Use the value, or take the node out.",
    wrong: `nodes:
  time: { now: ms }
  one: { expr: 1 }
output: one`,
    right: `nodes:
  time: { now: ms }
  later: { expr: time + 1000 }
output: later`,
  },
  G304: {
    title: "Secret in a file",
    page: "Something that looks like a credential stands in the file. Files are shared, hashed and logged. Name a secret instead, `secret:NAME`; whoever runs the graph gives its value, which is resolved in the adapter alone and appears in no plan, trace or log. If the credential was real, it is no longer a secret: revoke it.",
    wrong: `models:
  small: { url: https://llm.example.com/v1, model: m, auth: { bearer: sk-abcdefghijklmnopqrstuvwxyz123456 } }
nodes:
  text: { llm: small, prompt: Hello }
output: text`,
    right: `models:
  small: { url: https://llm.example.com/v1, model: m, auth: { bearer: secret:LLM_KEY } }
nodes:
  text: { llm: small, prompt: Hello }
output: text`,
  },
  G305: {
    title: "Text where it must not go",
    page: "Somebody else's text reaches an argument where it could do harm: a model's text or a tool's answer becomes an address, a command, the name of a file. That is how a prompt injection acts: a document tells the model what to ask for, and the model asks for it. The policy of whoever runs the graph refuses it; the message shows the way that the text takes. Numbers, booleans and words that you listed carry no text, so `output: yes | no` passes. Let a person confirm the text (`ask:` with `confirm:`), write it yourself, or allow the flow with the line that the message gives.",
    wrong: `models:
  main: { url: https://llm.example.com/v1, model: m }
nodes:
  name: { llm: main, prompt: Which notes matter today? }
  notes: { read_file: "./notes/\${ name }.md" }
output: notes`,
    right: `models:
  main: { url: https://llm.example.com/v1, model: m }
nodes:
  name: { llm: main, prompt: Which notes matter today?, output: sales | support }
  notes: { read_file: "./notes/\${ name }.md" }
output: notes`,
  },
  G306: {
    title: "Not a capability",
    page: "A capability is written in one way: a scheme and what it lets a run reach, `net:api.example.com`, `fs:read:./data`, `sql:shop:read`, `mcp:files/read_text_file`. Whatever could be read in two ways is refused, with the place and the form to write: `..` and its escapes, double slashes, backslashes, hosts in capitals or outside ASCII, addresses in odd forms, a `*` in the middle. A scheme that is not in the language must be declared by a registered node kind. `docs/capabilities.md` has the grammar.",
    wrong: `needs: [fs:read:./data/../etc]
nodes:
  text: { read_file: ./data/notes.txt }
output: text`,
    right: `needs: [fs:read:./data]
nodes:
  text: { read_file: ./data/notes.txt }
output: text`,
  },
  G307: {
    title: "Need not used",
    page: "`needs:` names a capability that no node needs, or one that is part of another that stands there too. It does no harm until somebody grants it: whoever runs the graph is asked for what stands there, and should be asked for no more than it takes. `check --needs` prints the least.",
    wrong: `needs: [fs:read:./data, net:api.example.com]
nodes:
  text: { read_file: ./data/notes.txt }
output: text`,
    right: `needs: [fs:read:./data]
nodes:
  text: { read_file: ./data/notes.txt }
output: text`,
  },
  G308: {
    title: "Subgraph narrowed too far",
    page: "`grants:` on a subgraph says what it may do at most: inside it, and in its `catch`, only these capabilities count, and of these only what is granted to the run. It hands on, it never grants. Here a node inside needs something that `grants:` leaves out, so no run could be admitted. Where the subgraph is somebody else's, this is what tells you that it wants more than before.",
  },
} as const satisfies Record<string, Message>
