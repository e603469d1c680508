/**
 * The codes that a node or a run fails with, each with its page: what `shadowgraph explain <code>` prints and
 * docs/failures.md collects. A test holds them against the code of all rooms and against the tables of `docs/nodes`.
 */
import type { Page } from "./page.ts"

export interface FailurePage extends Page {
  /** What fails so. */
  readonly from: string
}

const EXPRESSIONS = "expressions"
const FILES = "`read_file`, `write_file`, `onnx`"
const REQUESTS = "`http`, `llm`, `mcp`, `onnx`"

export const FAILURES: { readonly [code: string]: FailurePage } = {
  // ---- any node
  Timeout: {
    title: "No answer in time",
    from: "any tool with `timeout:`, questions and events with `within:`, a run with `--timeout`",
    page: "An attempt took longer than its `timeout:`, or nobody answered within the stated time. A read may be tried again (`retry:`). Of a write nobody knows whether it was done: where runs can rest it parks until a person says so, elsewhere it is told as uncertain.",
  },
  Cancelled: {
    title: "Stopped from outside",
    from: "any node, any run",
    page: "The run was stopped (Ctrl-C, `runs cancel`, a client that went away, a deadline), or the work can no longer matter because something beside it has failed. What was committed stays, and is reported.",
  },
  Mismatch: {
    title: "A value of another type",
    from: "any port that is looked at when the value comes; answers that a validator refuses",
    page: "A value does not have the type that its place wants, or the answer of a tool was refused by its port's type, by `valid:` or by a validator. The message names the place, the value wanted and the value found. `check --strict` lists the places that are only looked at when a run comes to them.",
  },
  Missing: {
    title: "Nothing there",
    from: EXPRESSIONS,
    page: "An expression reads a field, an item or a value that is not there: an absent optional field, an index beyond a list's end, the least of an empty list. Write `input.?field.orValue(…)`, or look first with `has(…)`.",
  },
  Threw: {
    title: "A function threw",
    from: "`fn`, `script`",
    page: "The code of a function threw something that is no typed failure. The message is its own; `--trace-errors` shows where. Throw a `Failure`, or fail with a tagged error, to give it a code that a `catch:` can tell apart.",
  },
  Uncertain: {
    title: "Nobody knows whether it was done",
    from: "writes",
    page: "The run ended, or its process died, before it was known what came of a write. Look at the tool's own side. `shadowgraph runs resume <run> --answer <path>=…` says that it was done, `--refuse <path>` that it was not, `--send <path>` sends it again.",
  },
  Busy: {
    title: "Too many calls wait for the resource",
    from: "resources with `limits:`, or bounds of their own",
    page: "10,000 calls already wait for a resource whose bounds (`concurrent`, `per_second`) let no more through. The call was certainly not sent, and may be tried again.",
  },
  Budget: {
    title: "The budget is used up",
    from: "runs with a budget, tenants, tokens",
    page: "A request would go beyond what the run, its tenant or its caller may spend. No `catch:` meets this. Where runs can rest it parks: `shadowgraph runs resume <run> --budget …` goes on with a larger one. A model whose price nobody stated ends a run whose money is bounded.",
  },
  Fuel: {
    title: "The fuel is used up",
    from: "runs with `--fuel`; conditions of `valid:` and defaults, which have some of their own",
    page: "The run has taken as many steps and iterations as it was given. They are counted alike on every host. Give more with `--fuel`, or look for a loop that goes on longer than it was meant to.",
  },
  LoopBound: {
    title: "The loop still wants to go on",
    from: "`loop`",
    page: "The condition under `while:` still holds after `max:` iterations. Raise `max:`, or let the condition end.",
  },
  NoCase: {
    title: "No case for the value",
    from: "`switch`, `when`",
    page: "The value has no case of its own, and there is no `else:`. Of an enumeration `check` says so before a run; of a text only a run can.",
  },
  NoRole: {
    title: "The node has no such body",
    from: "tools that run bodies of the graph",
    page: "A tool asked for a body, such as one of a model's tools, that its node does not have. It is a defect of the tool, or the tool was changed since the graph was checked.",
  },
  Parked: {
    title: "The run rests",
    from: "runs",
    page: "The run waits for an answer, an event, its time, a larger budget, or word of a write. `shadowgraph runs <run>` says for what, `runs resume` goes on with it; a server does so by itself when it is due.",
  },
  CannotRest: {
    title: "This run cannot rest",
    from: "`ask`, `event`, `sleep`",
    page: "A node would wait for longer than the process lives, and the run has no ledger that outlives it, or stands in a place where it cannot stop. Run it with `--ledger file`, or on a server.",
  },
  BadCost: {
    title: "A cost that is none",
    from: "tools that say what they cost",
    page: "A tool said that a call cost a part of a byte, or less than nothing. Amounts are whole numbers from 0, money in millionths of the currency.",
  },
  Unavailable: {
    title: "This host lacks something",
    from: "any tool",
    page: "What the tool works with is not there on this host: no SQLite, no HTTP, no files, or a resource that is not declared. The message says what. `shadowgraph deploy <host>` says what a host lacks before anything goes live.",
  },
  Stopped: {
    title: "Nobody reads on",
    from: "streams",
    page: "Whoever read the items of a stream has enough, and the tool was told to stop.",
  },
  StreamTaken: {
    title: "A stream is read once",
    from: "streams",
    page: "Two nodes read one stream, whose items are gone once they are taken. Gather it in a `map` or `fold`, and use what comes of that twice.",
  },

  // ---- expressions
  Overflow: {
    title: "Beyond an int64",
    from: EXPRESSIONS,
    page: "The result does not fit the 64 bits of an int64. Compute with `number`, which has no such bound and keeps 53 bits.",
  },
  DivideByZero: {
    title: "Division by zero",
    from: EXPRESSIONS,
    page: "An int64, or the whole quotient of two numbers, has no result when divided by 0. Look at the divisor first: `b == 0 ? 0 : a / b`.",
  },
  OutOfRange: {
    title: "An argument out of its range",
    from: EXPRESSIONS,
    page: "A function was given a number that it does not take, such as sixteen digits to round to, or a range that is not of whole numbers. The message says what it takes.",
  },
  TooLarge: {
    title: "Too large",
    from: `${EXPRESSIONS}, requests, files`,
    page: "A text, list, body or file is larger than its bound, which the message states. The bound of an answer over HTTP can be raised with `limit:`.",
  },
  BadBoolean: {
    title: "No boolean",
    from: EXPRESSIONS,
    page: 'A text that is to be read as a boolean is neither "true" nor "false".',
  },
  BadNumber: {
    title: "No number",
    from: EXPRESSIONS,
    page: "A text that is to be read as a number is none, or NaN or an infinity is to be written as JSON, which has no word for them.",
  },
  BadText: {
    title: "No such text",
    from: EXPRESSIONS,
    page: "Bytes are no UTF-8, or a text is no base64 or hexadecimal, as it is wanted.",
  },
  BadJson: {
    title: "No JSON",
    from: `${EXPRESSIONS}, inputs`,
    page: "A text is no JSON, or holds what no value may: the key `__proto__`, nesting that is too deep, a number that none holds, or, where a person wrote it, a key twice. The message says at which character.",
  },
  BadKey: {
    title: "No key",
    from: EXPRESSIONS,
    page: "A map is to have a key that is no text, or the key `__proto__`. Of a server of MCP: the key that seals its sessions is too short.",
  },
  DuplicateKey: {
    title: "A key twice",
    from: EXPRESSIONS,
    page: "A list that is to become a map gives one key twice. Group what belongs together first, or make the keys different.",
  },
  BadPattern: {
    title: "No pattern",
    from: EXPRESSIONS,
    page: "A regular expression cannot be read, is too long, or uses what takes more than linear time (look-arounds, references back).",
  },
  NoPatterns: {
    title: "No engine for patterns",
    from: "programs of one's own",
    page: 'An expression uses a regular expression in a program without the engine for them. Write import "shadowgraph/graph/patterns" where the program begins.',
  },

  // ---- requests
  HttpStatus: {
    title: "The server answered with an error",
    from: REQUESTS,
    page: "The server answered with a status that is no success; the message has the beginning of what it said. 408, 425, 429, 502, 503 and 504 may be tried again, and `retry:` waits as long as the server asks.",
  },
  Unreachable: {
    title: "The server cannot be reached",
    from: REQUESTS,
    page: "No name, no route, nobody listens, no TLS, or the connection broke. `data.reason` says which. Where it says `dns`, `refused`, `route`, `timeout` or `tls` the request was certainly not delivered; where it says `cut`, `silent` or `protocol` it may have been: of a write nobody knows then, and where runs can rest it parks until a person says so.",
  },
  Refused: {
    title: "The request is not sent",
    from: `${REQUESTS}, \`sql\`, files`,
    page: "Where it would go, or what it would carry, is not allowed: a private address that is not granted, a redirect to another host, characters that no header carries, a value that the other side has no word for. `data.reason` says which. Nothing was sent.",
  },
  TooManyRedirects: {
    title: "Too many redirects",
    from: REQUESTS,
    page: "The server still redirects after as many as are followed. Ask the last address by its own URL.",
  },
  BadBody: {
    title: "The body is something else",
    from: "`http`; requests to a server of graphs",
    page: "The body of an answer is not what `output:` wants: no JSON, no text in its encoding, or packed in a way that is not known. The message shows how it begins.",
  },
  NoSecret: {
    title: "A secret is not set",
    from: "any tool with secrets",
    page: "The secret that the graph names is not set on this host, or cannot be sent in a header. Set the variable of that name, where the process starts.",
  },

  // ---- MCP
  ToolError: {
    title: "The tool says no",
    from: "`mcp`",
    page: "The tool answered that it failed; the message is its own.",
  },
  ToolDied: {
    title: "The server ended in mid-call",
    from: "`mcp` over stdio",
    page: "The process of the server ended while it was asked. The message has the end of what it wrote to its error stream. The call may have been delivered.",
  },
  UnknownTool: {
    title: "The server has no such tool",
    from: "`mcp`",
    page: "The server lists no tool of that name; the message lists those that it has.",
  },
  Drift: {
    title: "Not what the lock pinned",
    from: "`mcp`, `fn`, `onnx`",
    page: "The tool's schema, the code of a function or a model's file is another than when `shadowgraph lock` was run. Look at the difference, then run `shadowgraph lock` to accept it. Nothing was called.",
  },
  BadAnswer: {
    title: "An answer that cannot be used",
    from: "`mcp`, `llm`, `ask`, `event`",
    page: "What came back is not of the protocol, or not of the form that is wanted; of a person: three answers of another form.",
  },
  NoLogin: {
    title: "Nobody is logged in",
    from: "`mcp` with `auth: oauth`",
    page: "The server wants a login, and there is none, or it has run out. `shadowgraph mcp login <server>` makes one.",
  },
  NoScope: {
    title: "The login allows too little",
    from: "`mcp` with `auth: oauth`",
    page: "The login is good, and the call wants more than it allows. The message says how to log in for more.",
  },
  Denied: {
    title: "The login was refused",
    from: "`shadowgraph mcp login`",
    page: "The authorization server sent an error in place of a login; the message has its words.",
  },
  NoSuchRun: {
    title: "No such run",
    from: "servers of MCP",
    page: "A client wants to go on with a run of a graph that is not on record here, or that it may not see.",
  },

  // ---- models
  BadOutput: {
    title: "The answer does not fit its type",
    from: "`llm`",
    page: "The model's answer does not fit `output:`, after as many repairs as `repairs:` allows. It may be tried again. Simpler types, and a description of the fields in the prompt, help most.",
  },
  Truncated: {
    title: "The answer was cut off",
    from: "`llm`",
    page: "The model stopped at its limit of tokens. Raise `max_tokens:`, or ask for less.",
  },
  Refusal: {
    title: "The model refuses",
    from: "`llm`",
    page: "The model, or a filter of its server, will not answer. `data.reason` says which of the two.",
  },
  ToolRounds: {
    title: "Too many rounds of tools",
    from: "`llm` with tools",
    page: "The model still calls tools after `tool_rounds:` rounds. Raise that, or give it fewer tools.",
  },
  ModelError: {
    title: "The model's server reports an error",
    from: "`llm`",
    page: "The server answered with an error inside a successful answer. It may be tried again.",
  },
  BadModel: {
    title: "A model that cannot be run",
    from: "`onnx`",
    page: "The file is truncated, corrupt, of another version of the format, or uses an operator that no provider here has. The message has each provider's own words.",
  },
  NoProvider: {
    title: "Nothing here runs models",
    from: "`onnx`",
    page: "No runtime for ONNX is installed, or none of those under `providers:` is there. `npm install onnxruntime-node`, or onnxruntime-web.",
  },
  ModelFailed: {
    title: "The model gives no answer",
    from: "`onnx`",
    page: "The model's own computation failed on this input, on every provider that was tried.",
  },
  NotANumber: {
    title: "The answer holds NaN",
    from: "`onnx`",
    page: "The model answered NaN, which no port of numbers takes. `allow_nan: true` lets it through.",
  },

  // ---- code
  NoCode: {
    title: "The code cannot be loaded",
    from: "`fn`",
    page: "The module is not there, does not load, or does not export a function of that name; the message lists what it exports. Of a deployment: deploy the graph again.",
  },
  NotSync: {
    title: "Not at once",
    from: "`fn` with `async: false`",
    page: "A function that is declared to answer at once gave a promise or an Effect. Leave `async: false` out.",
  },
  NoEffect: {
    title: "No library for Effects",
    from: "`fn`, in programs of one's own",
    page: "A function gave an Effect, and the program was made without what runs one: use `fnWith(settleEffect)`.",
  },
  NoSandbox: {
    title: "No sandbox",
    from: "`script`",
    page: "The sandbox that runs scripts cannot be started here, or its file was changed.",
  },
  BadLimit: {
    title: "A limit that is none",
    from: "`script`, in programs of one's own",
    page: "A bound of the sandbox is no whole number in its range, or is not one that it has.",
  },

  // ---- databases and files
  Locked: {
    title: "The database is locked",
    from: "`sql`",
    page: "Another connection held the database for longer than was waited. It may be tried again.",
  },
  Constraint: {
    title: "The database refuses the change",
    from: "`sql`",
    page: "A constraint of the database, such as a key that is there already, refuses the statement. `data.detail` has SQLite's own words.",
  },
  ReadOnly: {
    title: "The database is read-only",
    from: "`sql`",
    page: "The statement writes, and the file, or the way in which it was opened, allows reading only.",
  },
  SqlError: {
    title: "SQLite refuses the statement",
    from: "`sql`",
    page: "No such table or column, a slip in the statement. `data.detail` has SQLite's own words.",
  },
  Corrupt: {
    title: "The database is damaged",
    from: "`sql`",
    page: "The file is damaged, or no database of SQLite at all.",
  },
  NoRow: {
    title: "No row",
    from: "`sql` with `one: true`",
    page: "The query found no row where one is wanted. Leave `one:` out for a list that may be empty, or use `catch:`.",
  },
  ManyRows: {
    title: "Several rows",
    from: "`sql` with `one: true`",
    page: "The query found more rows than the one that is wanted. Make the condition narrower, or add `limit 1` with an order.",
  },
  ManyColumns: {
    title: "Several columns",
    from: "`sql`",
    page: "`output:` wants one value, and the row has several columns. Select the one that is wanted.",
  },
  MissingFile: {
    title: "No such file",
    from: `\`sql\`, ${FILES}`,
    page: "There is no file or folder of that name. Paths count from the folder of the graph file.",
  },
  NotAFile: { title: "Not a file", from: FILES, page: "The path names a folder, a device or a pipe." },
  NotPermitted: {
    title: "Not permitted",
    from: FILES,
    page: "The system does not let this process use the file, or the disk is read-only.",
  },
  OutsideRoot: {
    title: "Outside of the granted folder",
    from: FILES,
    page: "The path, or a link on its way, leads out of the folder that is granted.",
  },
  BadFile: {
    title: "The file is something else",
    from: "`read_file`",
    page: "The file is no UTF-8, or no JSON, as `parse:` wants it.",
  },
  DiskFull: {
    title: "The disk is full",
    from: `\`sql\`, ${FILES}`,
    page: "Nothing more can be written. Make room, then try again.",
  },
  FileError: {
    title: "The file cannot be used",
    from: FILES,
    page: "The system reports something else about the file; the message has its words.",
  },

  // ---- people and time
  NoPerson: {
    title: "Nobody is there to ask",
    from: "`ask`",
    page: "The run has no terminal, and no ledger in which it could rest until somebody answers. Run it at a terminal, or with `--ledger file`.",
  },
  NoAnswer: {
    title: "No answer",
    from: "`ask`; undoing; rehearsals",
    page: "The person broke off. Of an undo: it needs the answer of the write, which did not count. Of a rehearsal: the test file says nothing of the call.",
  },
  Declined: {
    title: "It was declined",
    from: "`ask` with `confirm:`",
    page: "Somebody was asked to confirm a value, and said no.",
  },
  BadMoment: {
    title: "Neither a duration nor a moment",
    from: "`sleep`",
    page: "The text to sleep for is no duration (`90s`, `2d`), and no moment with its zone (`2026-11-22T09:00:00+01:00`).",
  },
}
