/**
 * Node kinds for the tests of this room: small, with every form of field, so that the reader and the checker are tested
 * without the adapters of `nodes`. Each does what it says.
 */
import { type NodeKind, type Rec, type Registry, registry, T } from "../graph/mod.ts"

/** Reads the time. */
export const clock: NodeKind = {
  kind: "clock",
  about: "Reads the time.",
  main: { form: "static", type: T.enum("now", "tick"), required: true, about: "`now`, or `tick` for durations." },
  fields: {},
  schemes: ["time"],
  takesWith: false,
  sign: () => ({ effect: "read", resource: "time", needs: ["time"], output: T.number }),
  open: (config, _resources, services) => ({
    execute: () => (config["clock"] === "now" ? services.clock.now() : services.clock.tick()),
  }),
}

/** Keeps texts by key on a shelf: a cell of memory that outlives a node. */
const shelves = new Map<string, Map<string, string>>()
const shelfOf = (name: string) => {
  const shelf = shelves.get(name) ?? new Map<string, string>()
  shelves.set(name, shelf)
  return shelf
}

export const put: NodeKind = {
  kind: "put",
  about: "Puts a text on a shelf.",
  main: { form: "static", type: T.string, required: true, about: "The shelf." },
  fields: {
    key: { form: "text", type: T.string, required: true, about: "Under which key." },
    when_full: { form: "static", type: T.enum("fail", "drop"), about: "What to do with a full shelf." },
    wait: { form: "duration", about: "How long to wait for room." },
    room: { form: "size", about: "The size of the shelf." },
  },
  schemes: ["shelf"],
  takesWith: true,
  sign: (node) => ({
    effect: "write",
    resource: `shelf:${String(node.config["put"])}`,
    needs: [`shelf:${String(node.config["put"])}:write`],
    input: T.record({ key: T.string, text: T.string }),
    output: T.null,
  }),
  open: (config) => ({
    execute: (args) => {
      const { key, text } = args as { key: string; text: string }
      shelfOf(String(config["put"])).set(key, text)
      return null
    },
  }),
}

export const take: NodeKind = {
  kind: "take",
  about: "Looks at a text on a shelf.",
  main: { form: "static", type: T.string, required: true, about: "The shelf." },
  fields: { key: { form: "cel", type: T.string, required: true, about: "Under which key." } },
  schemes: ["shelf"],
  takesWith: false,
  sign: (node) => ({
    effect: "read",
    resource: `shelf:${String(node.config["take"])}`,
    needs: [`shelf:${String(node.config["take"])}:read`],
    input: T.record({ key: T.string }),
    output: T.union(T.string, T.null),
  }),
  open: (config) => ({
    execute: (args) => shelfOf(String(config["take"])).get((args as { key: string }).key) ?? null,
  }),
}

/** Calls a declared service by name; its answer has the type that the node declares. */
export const call: NodeKind = {
  kind: "call",
  about: "Asks a declared server.",
  main: { form: "static", type: T.string, required: true, about: "The server and the question, `server/question`." },
  fields: { parse: { form: "static", type: T.enum("json", "text"), about: "How the answer is read." } },
  schemes: ["call"],
  takesWith: true,
  sign: (node) => {
    const [server = "", question = ""] = String(node.config["call"]).split("/")
    const declared = node.resources["servers"] ?? {}
    if (!Object.hasOwn(declared, server)) {
      return [
        { code: "G202", key: "call", message: `No server is called "${server}".`, fix: "Declare it under `servers:`." },
      ]
    }
    const pinned = node.pin(`call:${server}`)
    const tools = (pinned?.["tools"] ?? {}) as Rec
    const version = (declared[server] as Rec | null)?.["version"]
    if (pinned !== undefined && version !== undefined && pinned["version"] !== version) {
      const was = `${String(pinned["version"])}, is ${String(version)}`
      return [{ code: "G204", key: "call", message: `The server ${server} is not what the lock pins: was ${was}.` }]
    }
    if (pinned !== undefined && !Object.hasOwn(tools, question)) {
      const has = Object.keys(tools).join(", ")
      return [{ code: "G203", key: "call", message: `The server ${server} has no "${question}". It has: ${has}.` }]
    }
    if (node.output === undefined && pinned === undefined) {
      const message = `Nothing is known of ${server}/${question}.`
      return [{ code: "G205", key: "call", message, fix: "Run `shadowgraph lock`, or declare `output:`." }]
    }
    return {
      effect: "read",
      resource: `server:${server}`,
      needs: [`call:${server}/${question}`],
      output: T.unknown,
      async: true,
    }
  },
  open: (config) => ({ execute: () => ({ asked: String(config["call"]) }) }),
}

/** Gives its lines one by one. */
export const lines: NodeKind = {
  kind: "lines",
  about: "Gives the lines of a text one by one.",
  main: { form: "cel", type: T.string, required: true, about: "The text." },
  fields: {},
  takesWith: false,
  sign: () => ({ effect: "pure", resource: null, needs: [], output: T.stream(T.string) }),
  open: () => ({
    execute: (args) =>
      (async function* () {
        yield* (args as { lines: string }).lines.split("\n")
      })(),
  }),
}

/** Lets its tools answer, each asked once. */
export const panel: NodeKind = {
  kind: "panel",
  about: "Asks each of its tools, in order.",
  main: { form: "text", type: T.string, required: true, about: "The question." },
  fields: {},
  scopes: { key: "tools", role: "tool", about: "Who is asked." },
  takesWith: false,
  sign: () => ({ effect: "pure", resource: null, needs: [], output: T.list(T.unknown) }),
  open: (config) => ({
    execute: async (args, { invoke }) => {
      const answers: unknown[] = []
      for (const name of Object.keys(config["tools"] ?? {})) {
        answers.push(await invoke?.(`tool:${name}`, { question: (args as { panel: string }).panel }))
      }
      return answers as never
    },
  }),
}

/** Carries a text to an address; hands back what was carried. */
const carried: Rec[] = []
export const carry: NodeKind = {
  kind: "carry",
  about: "Carries a text to an address.",
  main: { form: "text", type: T.string, required: true, about: "The address." },
  fields: { text: { form: "text", type: T.string, required: true, about: "What is carried." } },
  takesWith: false,
  sign: () => ({
    effect: "write",
    resource: "road",
    needs: ["app:road"],
    input: T.record({ carry: T.string, text: T.string }),
    output: T.string,
    sinks: { carry: "url", text: "body" },
  }),
  open: () => ({
    execute: (args) => {
      carried.push(args as Rec)
      return (args as { text: string }).text
    },
  }),
}

export const sample: Registry = registry(clock, put, take, call, lines, panel, carry)
