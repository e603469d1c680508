/**
 * The catalogue of problems: one entry per code, with a title and the page that `shadowgraph explain CODE` prints and
 * `docs/errors.md` collects. Codes are never reused. Groups: G0xx files and structure, G1xx types and expressions,
 * G2xx nodes and resources, G3xx effects and capabilities.
 */
export interface Message {
  readonly title: string
  /** Two to six sentences: why this is refused, an example of what is wrong and of what is right. */
  readonly page: string
}

export const MESSAGES = {
  G001: {
    title: "Not a graph file",
    page: "The file is neither YAML nor JSON, or its top level is not a mapping. A graph file is a mapping with `graph:`, `nodes:` and `output:`.",
  },
  G002: {
    title: "Unknown key",
    page: "The key means nothing at this place. The message lists the keys that do; a close one is offered.",
  },
  G003: {
    title: "Duplicate name",
    page: "Two nodes, fields or keys share a name. Names identify values and paths in the trace, so each is used once; inner scopes may not hide an outer name.",
  },
  G004: {
    title: "Reserved name",
    page: "The name is a word of the expression language, a name with a meaning in graphs, or not of the form [a-z][a-z0-9_]*.",
  },
  G005: {
    title: "Something is missing",
    page: "A required key is not there. The message says which, and what it is for.",
  },
  G006: {
    title: "Too large",
    page: "The file, the nesting, an expression or the number of nodes is beyond a stated limit. Limits keep checking linear and stacks independent of data.",
  },
  G007: {
    title: "Cycle",
    page: "Nodes wait for one another in a circle, so none of them could ever run. The message walks the circle. Break it, or use `loop` or `fold`, which are bounded.",
  },
  G008: {
    title: "Wrong form",
    page: "The value has not the form wanted here: a list where a mapping is wanted, a duration that is not one, an anchor, a tab.",
  },
  G101: {
    title: "Types do not fit",
    page: "A value of one type flows into a port of another. The message names both types and the first place where they part.",
  },
  G102: {
    title: "Unknown name",
    page: "An expression uses a name that is neither an input, a node, nor a variable in scope.",
  },
  G103: {
    title: "Invalid expression",
    page: "The text is not a CEL expression, or uses a part of CEL that graphs leave out. The message points at the character.",
  },
  G104: {
    title: "Unknown function",
    page: "No function of that name takes arguments of these types. The message lists near ones.",
  },
  G105: {
    title: "Never true",
    page: "A comparison that can never hold, such as an enumeration compared with a word it does not contain. It is almost always a spelling mistake.",
  },
  G106: {
    title: "Unknown type",
    page: "A type notation names a type that is neither built in nor under `types:`, or refers to itself.",
  },
  G107: {
    title: "Path written as text",
    page: "Under `with:` text is text. `input.order` resolves as a path, so it was almost certainly meant to be inserted: write ${ input.order }, or quote it twice to keep the text.",
  },
  G108: {
    title: "Decided at run time",
    page: "The value may or may not fit the port; only the run can tell. `check --strict` lists these places.",
  },
  G017: {
    title: "No such field",
    page: "A record has no field of that name. The message lists the fields that it has, with their types.",
  },
  G201: {
    title: "Unknown node kind",
    page: "A node is a mapping whose one kind key says what it does: expr, fn, http, mcp, sql, llm, graph, when, switch, map, fold, loop, ask, or a registered kind. None or several were found.",
  },
  G202: {
    title: "Unknown resource",
    page: "A node refers to a server, database or model that the file does not declare.",
  },
  G203: {
    title: "Unknown tool",
    page: "The server or module has no tool of that name, according to shadowgraph.lock.",
  },
  G204: {
    title: "Drift",
    page: "What the lock pinned is not what is there now: a tool's schema, a module's code. Look at the difference; `shadowgraph lock` accepts it.",
  },
  G205: {
    title: "Not in the lock",
    page: "The node depends on something outside the file that the lock does not pin yet. Run `shadowgraph lock`, or declare `output:`.",
  },
  G206: {
    title: "Subgraph not found",
    page: "The file that a `graph:` node names cannot be read, or has problems of its own, which are listed at their own places.",
  },
  G207: { title: "Refused setting", page: "The setting has no meaning on this node, or a value outside its bounds." },
  G301: {
    title: "Conflicting effects without an order",
    page: "Two effects touch the same resource, at least one of them writes, and nothing says which comes first. Let one use the other's output, or write `after:`.",
  },
  G302: {
    title: "Need not declared",
    page: "A node needs a capability that `needs:` does not cover. A file says what it needs; whoever runs it grants.",
  },
  G303: {
    title: "Unused read",
    page: "Nothing uses what this read finds, but it will run all the same, since only pure work is dropped.",
  },
  G304: {
    title: "Secret in a file",
    page: "Something that looks like a credential stands in the file. Name a secret instead: secret:NAME.",
  },
} as const satisfies Record<string, Message>

export type Code = keyof typeof MESSAGES
