/** Options that several commands take, in the same words. */
import type { Option } from "./command.ts"

export const FOLDER: Option = {
  name: "in",
  value: "<folder>",
  about: "Where relative paths, the lock and the ledger count from. Default: the file's own folder.",
}
export const LOG: Option = {
  name: "log",
  value: "<text|json>",
  about: "json: one object per line on the error stream, with the ids of run and trace. Default: text.",
}
export const STRICT: Option = { name: "strict", about: "Also list what only a run can decide." }
export const JSON_OUT: Option = { name: "json", about: "Print one JSON object, for programs." }
export const POLICY: Option = {
  name: "policy",
  value: "<line>",
  many: true,
  about: "A line after those of the project's policy: 'allow model text into url at fetch.page'. May be repeated.",
}
export const GRANTS: readonly Option[] = [
  {
    name: "grant",
    short: "g",
    value: "<capability>",
    many: true,
    about: "Grant a capability; it covers what lies below it. May be repeated.",
  },
  { name: "yes", short: "y", about: "Grant everything that the graph asks for." },
  POLICY,
]

export const BUDGETS: readonly Option[] = [
  {
    name: "budget",
    value: "<amounts>",
    about: "The most a run may spend: calls=100,tokens=50000,money=0.50,wall=30s,bytes=10MB.",
  },
  { name: "fuel", value: "<steps>", about: "The most steps and iterations of a run, counted alike on every host." },
]

export const AHEAD: readonly Option[] = [
  {
    name: "speculate",
    about: "Look ahead on the answers of shadows; the outcome is the same. Its bounds stand in the project's file.",
  },
  { name: "no-speculate", about: "Look ahead nowhere, whatever the project's file says." },
]

export const SPACE: Option = {
  name: "space",
  value: "<name>",
  about: "The tenant whose runs are meant. Default: the command line's own.",
}
