/** Every command, in the order in which a person meets them. Help and docs/cli.md are made from this list. */
import type { Command } from "./command.ts"
import { LEARNING } from "./commands_learn.ts"
import { SERVER_COMMANDS } from "./commands_server.ts"
import { AHEAD, BUDGETS, FOLDER, GRANTS, JSON_OUT, POLICY, SPACE, STRICT } from "./options.ts"

export const COMMANDS: readonly Command[] = [
  {
    name: "init",
    about: "Start a project that runs at once: a graph, its data, its test cases.",
    takes: "[folder]",
    options: [],
    more: [
      "Without a folder it starts in this one where that is empty, in deliveries/ where not. Files that are there are kept.",
    ],
    examples: [["npx shadowgraph init", "then: npx shadowgraph run deliveries"]],
    load: () => import("./init.ts"),
  },
  {
    name: "check",
    about: "Check graph files: every problem at once, with its place and what to write instead.",
    takes: "[file|folder…]",
    options: [
      STRICT,
      { name: "needs", about: "Print the capabilities that each graph needs, the least that will do." },
      { name: "labels", about: "Print where the value of each port comes from: user, tool, model." },
      POLICY,
      JSON_OUT,
    ],
    more: [
      "Without words it checks every *.graph.yaml, *.graph.yml and *.graph.json below this folder. A module that exports a graph can be named too: quote.graph.ts.",
      "Nothing is run and nothing is fetched: a check depends on the files and shadowgraph.lock alone.",
    ],
    examples: [
      ["shadowgraph check", "all graphs of this folder"],
      ["shadowgraph check quote.graph.yaml --strict", "one, with what only a run can decide"],
      ["shadowgraph check --needs", "what to write under needs:"],
      ["shadowgraph check --labels", "whose words reach which node"],
    ],
    load: () => import("./check.ts"),
  },
  {
    name: "compile",
    about: "Compile graphs to plans: verified bytes that run without the compiler.",
    takes: "[file|folder…]",
    options: [
      {
        name: "out",
        short: "o",
        value: "<file|folder>",
        about: "Where to write. Default: beside each graph, as <name>.plan.",
      },
      POLICY,
      JSON_OUT,
    ],
    more: ["The same files and lock give the same bytes, on every machine."],
    examples: [
      ["shadowgraph compile quote.graph.yaml", "writes quote.plan beside it"],
      ["shadowgraph compile graphs -o build", "all graphs of a folder into another"],
    ],
    load: () => import("./compile.ts"),
  },
  {
    name: "lock",
    about:
      "Pin what graphs depend on outside their files: schemas of tools, hashes of code, ports and hashes of models.",
    takes: "[file|folder…]",
    options: [{ name: "check", about: "Write nothing; exit 1 where the lock is out of date." }],
    more: [
      "Starts the MCP servers that the graphs declare and asks for their tools; bundles the modules of fn nodes; reads the files of onnx nodes. No tool is called. Commit shadowgraph.lock beside the graphs.",
    ],
    examples: [
      ["shadowgraph lock", "all graphs of this folder"],
      ["shadowgraph lock --check", "in CI: has anything drifted?"],
    ],
    load: () => import("./lock.ts"),
  },
  {
    name: "import",
    about: "Write graphs from an OpenAPI 3 document: one for each operation, typed, with the least rights.",
    takes: "<openapi.json|yaml|url>",
    options: [
      {
        name: "only",
        value: "<operation>",
        many: true,
        about: "This one alone: its operationId, or 'GET /pets/{id}'.",
      },
      { name: "list", about: "Write nothing; say what can be imported." },
      { name: "out", short: "o", value: "<folder>", about: "Where the graph files go. Default: this folder." },
      { name: "server", value: "<url>", about: "Where the service is, in place of what the document says." },
      { name: "force", about: "Write files anew that were changed by hand." },
    ],
    more: [
      "Parameters and the body become inputs, the answer the output, both with the types of the document's schemas; each graph needs the host of its server and the secret of its credentials, and nothing else. Every file that is written passes `check`.",
      "What is not taken over is listed with its place in the document: operations that are left out, and what the types allow beyond the schemas.",
    ],
    examples: [
      ["shadowgraph import openapi.json --list", "what is there"],
      ["shadowgraph import openapi.json --only getPet -o pets", "one operation, into a folder"],
      ["shadowgraph import https://api.example.com/openapi.json", "all of it"],
    ],
    load: () => import("./import.ts"),
  },
  {
    name: "run",
    about: "Run a graph or a plan.",
    takes: "<graph|plan> [key=value…]",
    options: [
      {
        name: "input",
        short: "i",
        value: "<file|->",
        about: "The input as JSON, from a file or from standard input. key=value comes on top.",
      },
      ...GRANTS,
      JSON_OUT,
      { name: "timeout", value: "<duration>", about: "The whole run's deadline: 30s, 5m." },
      ...BUDGETS,
      ...AHEAD,
      {
        name: "early",
        about:
          "Look ahead, and tell what the run will probably come to before it is known, with its bound. Not the result.",
      },
      {
        name: "ledger",
        value: "<place>",
        about:
          "Where the record of the run is kept: memory, a postgres:// URL, secret:NAME of one, or file, .shadowgraph/ledger.db. Default: what shadowgraph.project.json says, else file.",
      },
      { name: "timeline", about: "Show what ran when, also where there is no terminal to show it live." },
      { name: "quiet", short: "q", about: "Show nothing but the result." },
      FOLDER,
    ],
    more: [
      "Values are read by the type of the input: 3 is a number where a number is wanted and text where text is. Lists and records are JSON; a list can also be given item by item, tags=a tags=b. key=@file takes the text of a file.",
      "A graph says what it needs, and whoever runs it grants: with --grant, in shadowgraph.project.json, or by answering. Without a terminal a missing grant ends with exit code 3 and the line to add.",
      "The result goes to standard output: a text as it is, anything else as JSON. Progress goes to the terminal only, and so does what --early tells; with --json that is a line of its own before the result, an object with early. Ctrl-C stops the tools, closes the ledger and ends with 130.",
    ],
    examples: [
      ["shadowgraph run quote.graph.yaml order=A17 currency=USD", "asks for what is not granted"],
      ["shadowgraph run quote.plan order=A17 currency=USD -g sql:shop -g 'net:*.example.com'", "a plan, with grants"],
      ["cat order.json | shadowgraph run quote --input - --json | jq .output", "in a pipe"],
    ],
    load: () => import("./run.ts"),
  },
  {
    name: "dev",
    about: "Check and run again at every save.",
    takes: "<graph> [key=value…]",
    options: [
      { name: "input", short: "i", value: "<file>", about: "The input as JSON, from a file. key=value comes on top." },
      ...GRANTS,
      { name: "timeout", value: "<duration>", about: "The deadline of each run: 30s, 5m." },
      ...BUDGETS,
      ...AHEAD,
      { name: "ledger", value: "<place>", about: "Where the record of the runs is kept, as for run. Default: file." },
    ],
    more: [
      "Watches the graph's folder: graph files, JSON, modules, the lock. A save while a run is on its way ends that run. Every run is a real one: writes happen.",
    ],
    examples: [["shadowgraph dev quote.graph.yaml order=A17 currency=USD", "edit, save, see"]],
    load: () => import("./dev.ts"),
  },
  ...SERVER_COMMANDS,
  {
    name: "test",
    about: "Play a graph's own cases, with the tools' parts spoken by the case: no tool is touched.",
    takes: "[file|folder…]",
    options: [
      { name: "only", value: "<text>", about: "Only cases whose name contains the text." },
      { name: "update", short: "u", about: "Write what the cases give into the file, as what they are to give." },
      POLICY,
      JSON_OUT,
    ],
    more: [
      "The cases of quote.graph.yaml stand in quote.test.yaml. Each has input:, tools: (what a node or tool answers), faults: (what goes wrong), and output: or failure:, effects: (the calls that are to happen, with their arguments) and check: (expressions over output and input).",
      'A tool is named by its node (rates, cost.do, cost[3].do) or by what it is (mcp:files/read_text_file, sql:shop:read, http). { $each: [a, b] } answers in turn, { $expr: "args.x + 1" } computes. A fault is { fail: HttpStatus, data: { status: 503 }, times: 2 }, { delay: 2s }, timeout, or die.',
      "Every case runs through the compiler and the engine, and once more through the reference evaluator; both must agree. Time does not pass, so timeouts and retries take none. Pure functions run for real, twice, to catch those that are not pure.",
    ],
    examples: [
      ["shadowgraph test", "every *.test.yaml below this folder"],
      ["shadowgraph test quote --only dollars", "one graph, one case"],
    ],
    load: () => import("./test.ts"),
  },
  {
    name: "explain",
    about:
      "Explain a problem of check, a failure, a refusal, an exit code, a pass of the compiler, or what the compiler made of a graph and why.",
    takes: "[code|exit code|pass|graph|plan]",
    options: [
      {
        name: "picture",
        short: "p",
        value: "<file.svg>",
        about: "Draw it: the graph as written beside the plan it became.",
      },
      { name: "verbose", about: "Show the compiler's own form after every pass that changed it." },
      FOLDER,
    ],
    examples: [
      ["shadowgraph explain G101", "the page of a problem"],
      ["shadowgraph explain HttpStatus", "what a run failed with, and what to do"],
      ["shadowgraph explain 4", "an exit code"],
      ["shadowgraph explain quote.graph.yaml", "what each pass changed, and the plan"],
      ["shadowgraph explain fold", "one pass"],
      ["shadowgraph explain quote.graph.yaml -p quote.svg", "before and after, side by side"],
    ],
    load: () => import("./explain.ts"),
  },
  {
    name: "draw",
    about: "Draw a graph or a plan, as SVG or as Mermaid text.",
    takes: "<graph|plan>",
    options: [
      {
        name: "svg",
        value: "<file|->",
        about: "The file to write. Default on a terminal: <name>.svg; in a pipe: standard output.",
      },
      { name: "text", short: "t", about: "Print it as lines of text; with --svg, write the file too." },
      { name: "mermaid", short: "m", about: "Print Mermaid text instead." },
      FOLDER,
    ],
    more: ["Blue reads the world, orange writes to it, grey is pure. Dotted lines are an order without data."],
    examples: [
      ["shadowgraph draw quote.graph.yaml", "writes quote.svg"],
      ["shadowgraph draw quote.graph.yaml --mermaid >> README.md", "for pages that draw Mermaid"],
    ],
    load: () => import("./draw.ts"),
  },
  {
    name: "disasm",
    about: "Print a plan as text, a line a step.",
    takes: "<plan|graph>",
    options: [{ name: "verbose", about: "Print the instructions of blocks too." }, FOLDER],
    examples: [
      ["shadowgraph disasm quote.plan", "the steps"],
      ["shadowgraph disasm quote.plan --verbose", "every instruction"],
    ],
    load: () => import("./disasm.ts"),
  },
  {
    name: "runs",
    about: "List what ran here; show one run, resume, cancel, undo or rerun it.",
    takes: "[show|resume|cancel|undo|rerun] [run]",
    options: [
      { name: "limit", short: "n", value: "<count>", about: "How many. Default: 20." },
      ...BUDGETS,
      ...AHEAD,
      {
        name: "answer",
        short: "a",
        value: "<path=value>",
        many: true,
        about:
          "resume: what the node at the path is answered; of a write that nobody knows the end of: it was done, and gave that.",
      },
      {
        name: "refuse",
        value: "<path[=why]>",
        many: true,
        about: "resume: no; of a write: it was not done, and counts as failed.",
      },
      { name: "send", value: "<path>", many: true, about: "resume: the write never arrived, or was held: send it." },
      { name: "undo", about: "cancel: then take back what the run did, as `runs undo` does." },
      { name: "leave", value: "<path>", many: true, about: "undo: this write stays, for good." },
      {
        name: "pin",
        value: "<path=value>",
        many: true,
        about: "rerun: an outcome in place of the tool's; =!Code is a failure.",
      },
      SPACE,
      ...GRANTS,
      JSON_OUT,
      FOLDER,
    ],
    more: [
      "With an id, or its beginning, every entry of the run is shown, and the hash chain is verified.",
      "A run rests (exit code 4) where an ask has nobody at the terminal, a sleep is long, an event has not come, or nobody knows what came of a write. `runs resume` goes on with it, on the plan and the code that it began with and with today's grants; what is on record is not done again. It also goes on with a run whose process died.",
      "`runs undo` takes back what a run did that is over: every write that was delivered and has an `undo:`, the latest first. It stops at the first that cannot be taken back; asked again, it goes on from there. The run keeps its outcome, and its trace says what was undone.",
      "`runs rerun` begins a new run with the same input.",
    ],
    examples: [
      ["shadowgraph runs", "the latest first"],
      ["shadowgraph runs 01JD8", "one run, entry by entry"],
      ["shadowgraph runs resume 01JD8 --answer approve=yes", "say yes, and go on"],
      ["shadowgraph runs undo 01JD8", "take back what it did"],
      ["shadowgraph runs rerun 01JD8 --pin 'rates={\"USD\": 1.1}'", "once more, with another answer of one tool"],
    ],
    load: () => import("./runs.ts"),
  },
  {
    name: "ledger",
    about: "Verify the record of all runs, keep its heads elsewhere, prove one run, redact data.",
    takes: "<verify|heads|key|prove|verify-proof|redact> [run|file] [path]",
    options: [
      {
        name: "heads",
        value: "<file>",
        about: "verify: heads that were kept elsewhere; then a cut or rolled back ledger is found too.",
      },
      { name: "since", value: "<file>", about: "heads: prove that the log goes on from these." },
      {
        name: "key",
        value: "<key|file>",
        many: true,
        about: "A public key that logs may be signed with, beside this folder's own.",
      },
      { name: "ledger", value: "<place>", about: "Where the record is kept, as for run." },
      {
        name: "space",
        value: "<name>",
        about:
          "verify, prove, redact: the tenant whose runs are meant. Default: all for verify, else the command line's own.",
      },
      JSON_OUT,
      FOLDER,
    ],
    more: [
      "verify walks every entry of every run and the signed log of their heads, and says where something was edited, removed, swapped, put in or cut off. heads prints the signed heads: keep them where the database is not. prove prints a file that shows one run to be on record; verify-proof checks it with the public key alone, which key prints.",
      "redact removes an ended run's data, or those of one effect, and leaves a signed note: the chain stays verifiable, and what was removed cannot be guessed from what is left. It cannot be undone.",
    ],
    examples: [
      ["shadowgraph ledger verify", "is everything there, as it was?"],
      ["shadowgraph ledger heads > heads.json", "what to keep elsewhere"],
      ["shadowgraph ledger verify --heads heads.json", "against what was kept"],
      ["shadowgraph ledger prove 01JD8 > proof.json", "one run, for somebody else"],
      ["shadowgraph ledger redact 01JD8 ask_name", "forget what one effect took and gave"],
    ],
    load: () => import("./ledger.ts"),
  },
  {
    name: "replay",
    about: "Compute a run again from its record, touching no tool; or begin another one from the middle of it.",
    takes: "<run>",
    options: [
      { name: "from", value: "<path>", about: "A new run: what stands before this effect on record is taken over." },
      { name: "with", value: "<value>", about: "The outcome of that effect in the new run; !Code is a failure." },
      {
        name: "with-input",
        value: "<json>",
        about: "A new run with another input; outcomes count where the arguments are the same.",
      },
      { name: "live", about: "Writes of the new run are sent; without it they are held until `runs resume --send`." },
      SPACE,
      ...GRANTS,
      JSON_OUT,
      FOLDER,
    ],
    more: [
      "Pure nodes are computed again, effects are answered from the record, and every hash is compared: of each call's arguments, of the outcome, of the trace. A call that differs names the functions that feed it and call themselves pure: one of them is not. No grant is needed for that.",
    ],
    examples: [
      ["shadowgraph replay 01JD8", "is it still what it was?"],
      ["shadowgraph replay 01JD8 --from rates --with '{\"USD\": 2}'", "what if the rate had been another one"],
    ],
    load: () => import("./replay.ts"),
  },
  ...LEARNING,
  {
    name: "types",
    about: "Write TypeScript declarations beside graph files, so that importing one is typed.",
    takes: "[file|folder…]",
    options: [{ name: "check", about: "Write nothing; exit 1 where a declaration is out of date." }],
    more: [
      "quote.graph.yaml gets quote.graph.d.yaml.ts; TypeScript finds it with allowArbitraryExtensions in tsconfig.json.",
    ],
    examples: [
      ["shadowgraph types", "all graphs of this folder"],
      ["shadowgraph types --check", "in CI"],
    ],
    load: () => import("./types.ts"),
  },
  {
    name: "verify",
    about: "Check every claim of the kernel here and now, and say what came of it.",
    takes: "[claim]",
    options: [
      { name: "thorough", about: "Try some ten times as much." },
      { name: "seed", value: "<text>", about: "Draw the same cases again. Default: new ones every time." },
      {
        name: "postgres",
        value: "<url>",
        about:
          "A server that may be written to: the ledger's tables, with runs of spaces of their own. Without it that claim is skipped.",
      },
      JSON_OUT,
    ],
    more: [
      "Each line is a promise of docs/kernel.md, checked with the installed program: how much was tried, and where it was drawn at random, how much could have been missed. Nothing outside of this process is touched, but for a server that is named. Exit 1 where a claim does not hold; what is skipped says why.",
    ],
    examples: [
      ["shadowgraph verify", "all claims"],
      ["shadowgraph verify ledger --thorough", "one, with more tries"],
    ],
    load: () => import("./verify.ts"),
  },
  {
    name: "doctor",
    about: "Say what this machine has, what it lacks, and what for.",
    takes: "",
    options: [JSON_OUT],
    examples: [["shadowgraph doctor", "exit 1 where something is missing that graphs need"]],
    load: () => import("./doctor.ts"),
  },
]
