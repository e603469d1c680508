/** The commands about learning from calls, in the order in which a person meets them. */
import type { Command } from "./command.ts"
import { FOLDER, GRANTS, JSON_OUT } from "./options.ts"

export const LEARNING: readonly Command[] = [
  {
    name: "record",
    about: "Record real calls of tools, to learn shadows from; import calls, and say what is on record.",
    takes: "<graph> | ls | show <tool> | import <file> | forget <tool>",
    options: [
      {
        name: "inputs",
        value: "<file.jsonl|schema>",
        about: "One input a line, as JSON; or drawn from the schema, which is the default.",
      },
      { name: "calls", short: "n", value: "<count>", about: "How many calls to record. Default: 1000." },
      { name: "tool", value: "<name>", about: "Ask this tool of the graph alone. import: what the calls are of." },
      { name: "parallel", value: "<count>", about: "Runs at once. Default: 8." },
      { name: "seed", value: "<text>", about: "Draw other inputs. Default: the same for the same graph." },
      { name: "writes", about: "Also where the graph changes the world." },
      { name: "mcp", about: "import: the file is a log of MCP messages." },
      { name: "server", value: "<name>", about: "import --mcp: what the server is called. Default: what it says." },
      { name: "version", value: "<word>", about: "import: which version of the tool the calls are of." },
      { name: "skip-broken", about: "import: leave broken lines out. Without it they keep the whole file out." },
      ...GRANTS,
      { name: "ledger", value: "<place>", about: "Where the record of the runs is kept, as for run. Default: memory." },
      JSON_OUT,
      FOLDER,
    ],
    more: [
      "The calls go to .shadowgraph/calls.db, without the parts that a tool's schema calls secret. Of each tool the newest 100,000 are kept, 64 MiB at most.",
      'What other commands do is recorded only where the project says so: "record": ["mcp:files/*"] in shadowgraph.project.json.',
      "show says whether a shadow can be learned: enough calls, one answer to one input, one version. Exit 1 where not.",
    ],
    examples: [
      ["shadowgraph record quote.graph.yaml --calls 10000", "with inputs that fit the graph"],
      ["shadowgraph record quote.graph.yaml --tool mcp:rates/convert", "one tool, with inputs of its own schema"],
      ["shadowgraph record import server.log --mcp --server files", "calls that were logged elsewhere"],
      ["shadowgraph record show mcp:rates/convert", "what is on record, and is it enough?"],
    ],
    load: () => import("./record.ts"),
  },
]
