/**
 * The words of a graph file: its keys, the settings that any node may carry, and what each control node holds. The
 * reader, the printer and the JSON Schema for editors all go by these tables, so they cannot disagree.
 */
import { LOOP_MAX } from "../ir.ts"

/** What stands under a key. */
export type Form =
  /** CEL, written bare; a mapping or list builds a record or list. */
  | "cel"
  /** A body: one node without a name, or `{ nodes, output }`. */
  | "body"
  /** A body for each word. */
  | "bodies"
  /** A body, or a CEL expression: for `catch`. */
  | "body or cel"
  /** One node without a name: for `undo`. */
  | "node"
  /** A CEL expression and nothing else: for `while`. */
  | "test"
  /** The name that a body's variable gets. */
  | "variable"
  | "count"
  | "file"
  /** A mapping of arguments whose texts may insert `${ … }`. */
  | "with"
  | "text"
  | "type"
  | "duration"
  | "retry"
  | "names"
  | "capabilities"
  | "share"
  | "yes or no"

export interface Word {
  readonly form: Form
  readonly required?: boolean
  readonly about: string
  /** `count`: bounds, both included. */
  readonly min?: number
  readonly max?: number
}

export const PARALLEL_MAX = 10_000
export const RETRIES_MAX = 100
/** A day: an attempt that takes longer is not an attempt. */
export const TIMEOUT_MS_MAX = 86_400_000
/** What `retry: 3` means beside its number. */
export const RETRY_DELAY_MS = 200
export const RETRY_DELAY_MS_MAX = 10_000

/** The keys of a graph file, in the order in which they are printed. */
export const GRAPH_WORDS = {
  $schema: "The JSON Schema of this file, for editors.",
  graph: "The graph's name.",
  about: "What the graph is for, in a sentence.",
  types: "Named types, for use anywhere below.",
  input: "The values that the graph takes: name and type.",
  returns: "The type of the output, where it is to be stated.",
  on_failure: "What a run does when it fails: `undo` takes back, in reverse order, every write that has an `undo:`.",
  needs: "The capabilities that the graph needs. Whoever runs it grants them.",
  servers: "MCP servers, by name.",
  databases: "Databases, by name.",
  models: "Language models, by name.",
  limits: "Bounds on calls by resource: `host:api.example.com: { concurrent: 4, per_second: 10 }`.",
  nodes: "The steps, by name. A node's name is its output.",
  output: "What the graph gives: an expression.",
} as const
export type GraphWord = keyof typeof GRAPH_WORDS

/** Sections of declared things, kept as data under `Graph.resources`. */
export const SECTIONS = ["servers", "databases", "models", "limits"] as const

/** Settings that any node may carry. */
export const COMMON_WORDS: Readonly<Record<string, Word>> = {
  about: { form: "text", about: "What the step is for, in a sentence." },
  output: { form: "type", about: "The type of what the node gives." },
  after: { form: "names", about: "Nodes of the same scope whose effects come first." },
  timeout: { form: "duration", about: "How long one attempt may take: `2s`." },
  retry: { form: "retry", about: "Attempts after the first: `3`, or `{ times, delay, delay_max }`." },
  cache: { form: "duration", about: "How long an outcome may be used again for the same arguments: `10m`." },
  shadow: { form: "share", about: "A shadow may answer early: `{ error: 1% }` of its accepted answers may be wrong." },
  speculate: { form: "yes or no", about: "May this read run on a guessed argument?" },
  valid: { form: "test", about: "What holds of every answer that counts, over `out` and `args`: `out.total >= 0`." },
  undo: {
    form: "node",
    about: "The call that takes the write back, over `out`, its answer, and `args`, its arguments.",
  },
  catch: { form: "body or cel", about: "What the node gives when it fails; `error` is the failure." },
}

/** Settings that only a node which does something outside can carry. */
export const TOOL_SETTINGS: ReadonlySet<string> = new Set([
  "timeout",
  "retry",
  "cache",
  "shadow",
  "speculate",
  "valid",
  "undo",
])

/** Control kinds: what their own key holds, and the keys beside it. */
export interface ControlWords {
  readonly about: string
  readonly main: Word
  readonly words: Readonly<Record<string, Word>>
}

const variable = (about: string): Word => ({ form: "variable", about })

export const CONTROL_WORDS: Readonly<Record<string, ControlWords>> = {
  expr: {
    about: "An expression: a value computed from other values.",
    main: { form: "cel", required: true, about: "CEL, written bare. A mapping or list builds a record or list." },
    words: {},
  },
  graph: {
    about: "A subgraph: another graph file, run as one node.",
    main: { form: "file", required: true, about: "The file, relative to this one: `./freight.graph.yaml`." },
    words: {
      with: { form: "with", about: "The subgraph's input." },
      grants: {
        form: "capabilities",
        about: "The capabilities that count inside, of those that count here: what the subgraph may do at most.",
      },
    },
  },
  when: {
    about: "A choice between two bodies; one runs.",
    main: { form: "cel", required: true, about: "The condition: true or false." },
    words: {
      then: { form: "body", required: true, about: "What runs when it is true." },
      else: { form: "body", about: "What runs when it is false. Without it the node gives null." },
    },
  },
  switch: {
    about: "A choice between bodies by a word; one runs.",
    main: { form: "cel", required: true, about: "The word to choose by." },
    words: {
      cases: { form: "bodies", required: true, about: "A body for each word." },
      else: { form: "body", about: "What runs for any other word. Not needed where the cases cover an enumeration." },
    },
  },
  map: {
    about: "One body for each item of a list; gives the list of results, in order.",
    main: { form: "cel", required: true, about: "The list, or stream." },
    words: {
      as: variable("Name of the item inside `do`; `item` unless said."),
      index: variable("Name of the item's position inside `do`, from 0."),
      parallel: { form: "count", min: 1, max: PARALLEL_MAX, about: "How many items may run at a time." },
      do: { form: "body", required: true, about: "What runs for each item. Settings in it are per item." },
    },
  },
  fold: {
    about: "One body for each item of a list, in order, each going on from the result of the one before.",
    main: { form: "cel", required: true, about: "The list, or stream." },
    words: {
      from: { form: "cel", required: true, about: "The value to start from." },
      as: variable("Name of the item inside `do`; `item` unless said."),
      into: variable("Name of the value so far inside `do`; `acc` unless said."),
      index: variable("Name of the item's position inside `do`, from 0."),
      do: { form: "body", required: true, about: "The next value." },
    },
  },
  loop: {
    about: "One body again and again while a condition holds, up to a bound.",
    main: { form: "cel", required: true, about: "The state to start from." },
    words: {
      as: variable("Name of the state inside `while` and `do`; `state` unless said."),
      index: variable("Name of the number of the iteration, from 0."),
      while: { form: "test", required: true, about: "Goes on while this is true." },
      max: { form: "count", required: true, min: 1, max: LOOP_MAX, about: "The greatest number of iterations." },
      do: { form: "body", required: true, about: "The next state." },
    },
  },
}

/** Names of body variables where the file does not choose them. */
export const DEFAULT_NAMES = { as: { map: "item", fold: "item", loop: "state" }, into: "acc" } as const
/** What `catch` bodies call the failure. */
export const ERROR_NAME = "error"
/** The keys of a body of several nodes. */
export const BODY_WORDS = ["nodes", "output"] as const
/** The keys of one of a kind's own bodies (`NodeKind.scopes`). */
export const TOOL_WORDS = ["about", "input", "do"] as const
