/** The commands about learning from calls, in the order in which a person meets them. */
import type { Command } from "./command.ts"
import { AHEAD, BUDGETS, FOLDER, GRANTS, JSON_OUT } from "./options.ts"

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
  {
    name: "train",
    about: "Learn shadows from the calls on record, and hold each against its tool; what the gate admits is kept.",
    takes: "<tool> | <graph>",
    options: [
      { name: "tool", value: "<name>", about: "This tool of the graph alone." },
      { name: "alpha", value: "<share>", about: "The share of accepted answers that may be wrong. Default: 1%." },
      { name: "steps", value: "<count>", about: "Steps of a training at most. Default: 6000." },
      { name: "hidden", value: "<widths>", about: "Widths of the hidden layers. Default: 128,128." },
      { name: "parallel", value: "<count>", about: "Inputs that the gate asks the tool at once. Default: 8." },
      ...GRANTS,
      JSON_OUT,
      FOLDER,
    ],
    more: [
      "The tool itself is asked some 3,700 fresh inputs that are drawn after the shadow was handed in. Tools that write have no shadow. Exit 1 where a tool got none, with the reason.",
      "A training that was interrupted goes on from .shadowgraph/training. What was admitted lies in .shadowgraph/shadows, signed with the project's key; --speculate uses it.",
    ],
    examples: [
      ["shadowgraph train quote.graph.yaml", "all tools of a graph"],
      ["shadowgraph train mcp:rates/convert", "one tool, which a graph of this folder calls"],
    ],
    load: () => import("./train.ts"),
  },
  {
    name: "shadow",
    about: "List, show and ask the shadows of tools, write their report, or bring in a model from elsewhere.",
    takes: "ls | show <tool> | ask <tool> [key=value…] | report | import <model.onnx>",
    options: [
      { name: "inputs", value: "<file.jsonl>", about: "ask: arguments, a JSON object a line." },
      { name: "out", value: "<file.html>", about: "report: where the page goes. Default: shadows.html." },
      { name: "tool", value: "<name>", about: "The tool it stands for. Default: what the file says." },
      { name: "version", value: "<word>", about: "Which version of the tool it was trained on." },
      {
        name: "input",
        value: "<schema.json>",
        about: "JSON Schema of the tool's arguments, which says how they are encoded.",
      },
      { name: "output", value: "<schema.json>", about: "JSON Schema of the tool's answer." },
      {
        name: "graph",
        value: "<file>",
        about: "import: a graph that calls the tool: calibrate the model on its calls and gate it.",
      },
      ...GRANTS,
      { name: "bare", about: "Keep it without encodings: it can be looked at, and not called." },
      JSON_OUT,
      FOLDER,
    ],
    more: [
      "Any ONNX file that is a chain of dense layers with ReLU between them can come in; everything else is refused with the place and the reason. It is written anew to .shadowgraph/models/<sha256>.onnx, with what goes in and comes out in its metadata.",
      "ask gives what the shadow would say, and calls no tool: of one call, or of a file of them as a batch, from 64 on by onnxruntime-node where it is installed. Exit 1 where some have no answer.",
      "An imported model answers nothing before it has passed the gate: with --graph it is calibrated on the calls on record and held against the tool, as those of train are.",
    ],
    examples: [
      ["shadowgraph shadow ls", "which tools have one, and what it promises"],
      ["shadowgraph shadow ask fn:./tools.js#add a=1 b=2", "what would it say?"],
      ["shadowgraph shadow report --out report.html", "one page, with pictures"],
      [
        "shadowgraph shadow import adder.onnx --tool fn:add --input in.json --output out.json",
        "a model trained elsewhere",
      ],
      ["shadowgraph shadow import 2952db93.onnx", "one of ours, from another machine"],
    ],
    load: () => import("./shadow.ts"),
  },
  {
    name: "mcp",
    about: "Serve graphs as tools of MCP, log in to servers, or stand in front of one and record what passes.",
    takes:
      "serve [file|folder…] | login <server> | logout <server> | logins | proxy -- <command…> | proxy --url <server> | learn -- <command…>",
    options: [
      ...GRANTS,
      {
        name: "timeout",
        value: "<duration>",
        about: "serve: the longest a run may take. Default: 10m. login: how long to wait for the person. Default: 5m.",
      },
      {
        name: "scope",
        value: "<words>",
        about: "login: ask for this beside what the server asks for and the login had.",
      },
      {
        name: "redirect",
        value: "<url>",
        about:
          "login: where on this machine the answer comes back, for clients that are registered with an address. Default: any free port of 127.0.0.1.",
      },
      {
        name: "watch",
        short: "w",
        about: "serve: check and serve graphs anew when a file is saved, and tell the client: for development.",
      },
      {
        name: "ledger",
        value: "<place>",
        about: "serve: where the record of the runs is kept, as for run. Default: file.",
      },
      ...BUDGETS,
      ...AHEAD,
      { name: "url", value: "<url>", about: "proxy: a server over streamable HTTP, in place of a command." },
      {
        name: "header",
        value: "<name=value>",
        many: true,
        about: "proxy: a header for the server at --url; secret:NAME stands for a secret. May be repeated.",
      },
      {
        name: "listen",
        value: "<[host:]port>",
        about:
          "proxy: serve clients over streamable HTTP at /mcp. Default: one client, over standard input and output.",
      },
      {
        name: "mode",
        value: "<observe|speculate>",
        about: "proxy: speculate lets clients ask for early answers. Default: observe.",
      },
      {
        name: "reads",
        value: "<tool>",
        many: true,
        about:
          "proxy, learn: this tool changes nothing: it may be answered early, learned, and asked for that; * is all of them.",
      },
      { name: "trust", about: "proxy, learn: the same of each tool of which the server says that it only reads." },
      { name: "learn", about: "proxy: learn shadows in the background from what is recorded, as learn does." },
      { name: "due", about: "learn: only tools without a shadow, or with twice the calls since." },
      {
        name: "alpha",
        value: "<share>",
        about: "learn: the share of accepted answers that may be wrong. Default: 1%.",
      },
      { name: "steps", value: "<count>", about: "learn: steps of a training at most. Default: 6000." },
      { name: "hidden", value: "<widths>", about: "learn: widths of the hidden layers. Default: 128,128." },
      { name: "parallel", value: "<count>", about: "learn: inputs that the gate asks a tool at once. Default: 8." },
      { name: "json", about: "learn, logins: print one JSON array, for programs." },
      {
        name: "name",
        value: "<name>",
        about: "proxy: what the server is called in the log. Default: what it calls itself.",
      },
      { name: "no-record", about: "proxy: record nothing." },
      {
        name: "frame",
        value: "<size>",
        about: "The largest message. serve refuses a larger one, proxy lets it pass unseen. Default: 64MB.",
      },
      { name: "quiet", short: "q", about: "Say nothing of runs, or at the end." },
      FOLDER,
    ],
    more: [
      "serve makes every graph of the folder a tool for the one client at its standard input and output: put the command into the client's settings. What the graphs may do is granted here, as for serve; a graph that asks a person asks the person at the client. Over HTTP `shadowgraph serve` has the same at /mcp.",
      "login is for servers that graphs of the folder declare with `auth: oauth`: it finds out whom the server trusts, registers a client where the file names none, prints the address at which you say yes, and waits for the answer on this machine. Nothing is sent to a host that you have not granted (-g net:login.example.com) or confirmed; --yes believes the server. The tokens stay in .shadowgraph/logins, readable by you alone, and are renewed by themselves; logout deletes them and takes them back at the server, where it lets one.",
      "proxy: put it where the server's command stands in a client's settings. Answers are the server's, byte for byte; so are requests of the server to the client, notifications, progress and cancellation. Calls go to .shadowgraph/calls.db, as those of record do, without the parts that the tools' schemas call secret.",
      "In the mode speculate a client that writes shadowgraph/speculate into the _meta of a call gets the answer of the tool's shadow at once, where there is one, and a word when the tool has answered. The tool is always asked.",
      "learn makes shadows of the tools that --reads or --trust name, from the calls that a proxy has recorded: it asks the server itself, over a connection of its own, some 3,700 inputs a tool. With proxy --learn that happens by itself, in a process of its own, after 2,000 calls and whenever there are twice as many.",
    ],
    examples: [
      ["shadowgraph mcp serve ./graphs -g sql:shop:read", "for the settings of a client"],
      ["shadowgraph mcp login wiki", "so that graphs may use the server wiki"],
      ["shadowgraph mcp proxy -- npx -y @modelcontextprotocol/server-filesystem .", "in place of the server itself"],
      ["shadowgraph mcp proxy --url https://mcp.example.com/mcp --listen 8788", "over HTTP on both sides"],
      [
        "shadowgraph mcp proxy --learn --mode speculate --reads add -- node adder.mjs",
        "records, learns, answers early",
      ],
      ["shadowgraph mcp learn --reads add -- node adder.mjs", "learn now, from what was recorded"],
    ],
    load: () => import("./mcp.ts"),
  },
]
