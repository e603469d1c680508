/** Commands of a server and of those who use it: what help and docs/cli.md say of them. */
import type { Command } from "./command.ts"
import { AHEAD, BUDGETS, FOLDER, GRANTS, JSON_OUT, LOG } from "./options.ts"

export const SERVER_COMMANDS: readonly Command[] = [
  {
    name: "serve",
    about: "Serve graphs over HTTP.",
    takes: "[file|folder…]",
    options: [
      { name: "port", short: "p", value: "<port>", about: "Default: 8787; 0 takes any that is free." },
      { name: "host", value: "<address>", about: "Default: 127.0.0.1, this machine alone." },
      ...GRANTS,
      { name: "timeout", value: "<duration>", about: "The longest a run may take. Default: 60s." },
      {
        name: "background",
        value: "<duration>",
        about: "The longest a run may take for which nobody waits (Prefer: respond-async, streams). Default: 1h.",
      },
      { name: "body", value: "<size>", about: "The largest body of a request. Default: 1 MiB." },
      { name: "concurrent", value: "<count>", about: "Most runs at once. Default: 64." },
      {
        name: "waiting",
        value: "<count>",
        about: "Most runs that wait for a free place, 10s at most. Who comes then is answered 503. Default: 256.",
      },
      {
        name: "per-token",
        value: "<count>",
        about: "Most runs of one token at once. Default: as many as there are places.",
      },
      { name: "batch", value: "<count>", about: "Most inputs of one batch. Default: 100." },
      { name: "streams", value: "<count>", about: "Most event streams at once. Default: 1000." },
      { name: "watch", short: "w", about: "Check and serve graphs anew when a file is saved: for development." },
      {
        name: "grace",
        value: "<duration>",
        about:
          "How long runs on their way may go on when the server stops. Default: 5s. A second Ctrl-C ends it at once.",
      },
      {
        name: "cors",
        value: "<origin>",
        many: true,
        about: "An origin whose pages may ask and read, as in https://app.example.com. May be repeated. Default: none.",
      },
      ...BUDGETS,
      ...AHEAD,
      { name: "ledger", value: "<place>", about: "Where the record of the runs is kept, as for run. Default: file." },
      {
        name: "lease",
        value: "<duration>",
        about: "How long this server may be silent before another on the same store takes up its runs. Default: 15s.",
      },
      {
        name: "tokens",
        value: "<file>",
        about: "Who may run what (shadowgraph token). Default: .shadowgraph/tokens.json, where it holds any.",
      },
      LOG,
      {
        name: "metrics",
        value: "<port>",
        about:
          "Show figures to Prometheus at /metrics, on a port of their own on this machine; 0.0.0.0:9464 for every address.",
      },
      { name: "quiet", short: "q", about: "Log nothing." },
    ],
    more: [
      'POST /graphs/<name>/runs with { "input": { … } } runs a graph; GET /graphs lists them, GET /graphs/<name> has the JSON Schemas, GET /health says that the server lives. Errors are problem documents (application/problem+json).',
      "Grants are given at the start and hold for every run. A graph that lacks one answers 403 and says which.",
      "It also starts what shadowgraph.project.json declares: schedules by the clock, and hooks, POST /hooks/<name>, by signed requests of other servers. And it goes on with runs whose time has come, and with those that a dead process left.",
      "Every graph is also a tool of MCP, at /mcp: see docs/mcp-server.md; `mcp serve` has the same over standard streams.",
      "Where there are tokens, a request for a graph carries one (authorization: Bearer …) and gets what both the server and the token grant. A token that is missing, not known, expired or revoked is answered 401; one that was revoked stops at the next request.",
    ],
    examples: [
      ["shadowgraph serve -g sql:shop -g 'net:*.example.com'", "all graphs of this folder"],
      ['curl localhost:8787/graphs/delivery_quote/runs --json \'{ "input": { "order": "A17" } }\'', "run one"],
    ],
    load: () => import("./serve.ts"),
  },
  {
    name: "deploy",
    about: "Write graphs as the few files that a host wants.",
    takes: "<target> [file|folder]",
    options: [
      { name: "out", short: "o", value: "<folder>", about: "Where to write. Default: deploy-<target>." },
      ...GRANTS,
      { name: "name", value: "<name>", about: "Of the worker, image or service. Default: the graph's." },
      {
        name: "ledger",
        value: "<place>",
        about:
          "Where it keeps the record of its runs: file or memory on servers, durable (a Durable Object) or memory in a worker.",
      },
      {
        name: "interface",
        value: "<form>",
        about:
          "small: runs are begun and waited for. full: all that serve answers, with runs that rest. Default: full where the record lasts or a graph asks.",
      },
      { name: "mcp", about: "Graphs are tools of MCP as well, at /mcp, with the whole interface." },
      {
        name: "cors",
        value: "<origin>",
        many: true,
        about:
          "An origin whose pages may ask and read, as in https://app.example.com, with the whole interface. Default: none.",
      },
      { name: "open", about: "Whoever reaches it may run what was granted, without a token." },
      ...AHEAD,
      { name: "force", about: "Write also where the host lacks what a graph needs." },
      JSON_OUT,
    ],
    more: [
      "Targets: bun (Dockerfile, or one executable file), deno (Deno Deploy, or deno compile), node (Dockerfile, systemd), workerd (wrangler.jsonc and a bundle) and browser (a static page).",
      "What the host lacks for these graphs is said before anything is written: node kinds, grants, secrets, private networks, size. What would change what runs come to is refused, unless --force is given.",
      "The program holds compiled plans, what they are granted, pins, policy, budgets, and the code of functions under the hashes that the lock has. Nothing of it parses or compiles graphs.",
      "Requests carry a token: the variable SHADOWGRAPH_TOKENS of the host holds the text of a file of tokens (`shadowgraph token`), with grants and budgets, or the SHA-256 of each token that may do all. Without it nobody may run anything, unless --open was given.",
      "Where a graph asks a person or waits for an event, its runs rest in the ledger and are answered over HTTP: on servers and in a Durable Object. In a page they rest while it is open.",
      "Where runs look ahead (--speculate, or the project's file), shadows that the gate has admitted come along with what was promised of them.",
      "Schedules and hooks of shadowgraph.project.json come along with the graphs that they start: on servers, and in a Durable Object.",
    ],
    examples: [
      ["shadowgraph deploy workerd quote -g net:rates.example.com", "a Cloudflare worker"],
      ["shadowgraph deploy bun . --yes -o out", "all graphs of a folder, with all they need"],
    ],
    load: () => import("./deploy.ts"),
  },
  {
    name: "openapi",
    about: "Print the OpenAPI document of the graphs, as serve has it at /openapi.json.",
    takes: "[file|folder…]",
    options: [
      { name: "url", value: "<url>", about: "Where the server will be, for the document's `servers`." },
      { name: "tokens", about: "Say that requests carry tokens." },
      { name: "out", short: "o", value: "<file>", about: "Where to write. Default: the output." },
    ],
    more: ["OpenAPI 3.1, made from the types of the graphs' ports. Nothing is run and nothing needs to be granted."],
    examples: [["shadowgraph openapi --url https://graphs.example.com -o openapi.json", "all graphs of this folder"]],
    load: () => import("./openapi.ts"),
  },
  {
    name: "client",
    about: "Write a typed client in TypeScript for the graphs, or for a server that runs.",
    takes: "[file|folder…]",
    options: [
      {
        name: "from",
        value: "<url>",
        about: "A server, asked for its /openapi.json; with the token in SHADOWGRAPH_TOKEN where it wants one.",
      },
      { name: "out", short: "o", value: "<file>", about: "Where to write. Default: the output." },
    ],
    more: [
      "One file without dependencies, for whatever has fetch: run, begin, stream, batch, and runs by their ids. Inputs and outputs have the types of the graphs' ports; a stream whose connection breaks goes on from the last event that came.",
    ],
    examples: [
      ["shadowgraph client -o client.ts", "for the graphs of this folder"],
      ["shadowgraph client --from http://127.0.0.1:8787 -o client.ts", "for a server that runs"],
    ],
    load: () => import("./openapi.ts"),
  },
  {
    name: "schedules",
    about: "Show what the project starts by the clock: when it comes next, and what came of it last.",
    takes: "",
    options: [
      { name: "limit", short: "n", value: "<count>", about: "How many of each. Default: 3." },
      JSON_OUT,
      FOLDER,
    ],
    more: [
      'Schedules stand in shadowgraph.project.json: "schedules": { "morning": { "graph": "report", "cron": "0 7 * * 1-5", "timezone": "Europe/Zurich" } }. `serve` runs them; each tick has one run, however many servers there are. Times are shown in the schedule\'s own zone.',
    ],
    examples: [["shadowgraph schedules", "what comes next"]],
    load: () => import("./schedules.ts"),
  },
  {
    name: "token",
    about: "Make, list and revoke the tokens of serve.",
    takes: "add <name> | list | revoke <name>",
    options: [
      {
        name: "grant",
        short: "g",
        value: "<capability>",
        many: true,
        about: "What the token hands on of the server's grants. May be repeated.",
      },
      { name: "graph", value: "<name>", many: true, about: "A graph that it may run. May be repeated. Default: all." },
      {
        name: "budget",
        value: "<amounts>",
        about: "The most that its runs may spend together: calls=1000,tokens=50000,money=5.",
      },
      { name: "per", value: "<duration>", about: "The time that --budget is for: 1h, 30d." },
      { name: "expires", value: "<duration>", about: "How long it is good: 12h, 30d. Default: until it is revoked." },
      { name: "tokens", value: "<file>", about: "Where tokens are kept. Default: .shadowgraph/tokens.json." },
      { name: "json", about: "Print the list as JSON, without hashes." },
    ],
    more: [
      "The token is printed once and kept nowhere; the file holds its SHA-256. A token never grants more than the server was granted: --grant names what it hands on.",
    ],
    examples: [
      ["shadowgraph token add ci -g sql:shop:read --graph delivery_quote --expires 30d", "make one"],
      ["shadowgraph token revoke ci", "stop it, at once"],
    ],
    load: () => import("./token.ts"),
  },
]
