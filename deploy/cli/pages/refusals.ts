/**
 * Why a plan is not admitted, why something is not on record, and what a command's exit code says: a page for each, typed by
 * what there is, so that none can be forgotten.
 */
import type { AdmissionError, KernelReason } from "../../../kernel/mod.ts"
import { EXIT } from "../command.ts"
import type { Page } from "./page.ts"

/** `reason` of an `AdmissionError`. Nothing of such a plan runs, and no tool is opened. */
export const ADMISSIONS: { readonly [R in AdmissionError["reason"]]: Page } = {
  unreadable: {
    title: "The bytes are no plan",
    page: "The file is cut off, changed, or of a version that this program does not read. Compile the graph again.",
  },
  unsound: {
    title: "The plan breaks a rule",
    page: "The bytes can be read, and what they say breaks a rule of plans; the message names it and the place. A compiler of this version never writes such a plan: compile the graph again, and report it if it stays.",
  },
  "not-registered": {
    title: "The tool is not registered",
    page: "No kind of that name is registered here, or the tool is not pinned in the lock. Run `shadowgraph lock`; a kind of your own is named under `kinds` in shadowgraph.project.json.",
  },
  "refused-by-kind": {
    title: "The kind refuses the settings",
    page: "The tool's own kind does not take the settings that the plan carries; the message has its words. Check and compile the graph again.",
  },
  "claims-less": {
    title: "The plan claims less than is true",
    page: "The plan says of a tool that it does less, needs less, or answers sooner than its registration says. Such a plan was not made from this graph and this lock, or was changed since. Compile it again.",
  },
  "claims-other": {
    title: "The plan claims something else",
    page: "Effect, resource or types of a tool are others than its registration gives: the tool or the lock has changed since the plan was made. Compile it again.",
  },
  "not-granted": {
    title: "A capability is not granted",
    page: "The run needs a right that nobody has granted. Add `--grant <capability>`, or a line under `grants` in shadowgraph.project.json; `shadowgraph check --needs` lists all that a graph needs.",
  },
  "not-a-capability": {
    title: "No capability",
    page: "A need or a grant could mean two things, or its scheme belongs to no kind that is registered here. The message says what to write.",
  },
  narrowed: {
    title: "The right is not handed on",
    page: "The run has the right, and the `grants:` of a subgraph around the call, or the caller's token, do not hand it on. Add it there, if the call is meant to be made.",
  },
  "forged-grants": {
    title: "The plan is of another graph",
    page: "The plan was not made from the graph that was checked, or lets one tool stand under two different grants. Compile it again from the graph's own file.",
  },
  "not-validated": {
    title: "The answer is not looked at closely enough",
    page: 'An answer is wanted that passed a validator of a higher level than any that is installed ("validate" in shadowgraph.project.json). Install a validator that reaches it, say `valid:` on the node, or demand less.',
  },
  "judges-itself": {
    title: "It would judge itself",
    page: "The only one to judge the tool's answer is who gave it. Install a validator that asks somebody else.",
  },
  flow: {
    title: "Somebody else's text would go where it must not",
    page: "Text of a tool, a model or a hook would become a command, code, a query or an address. `shadowgraph check` shows the way that it takes; a line of the policy allows it, where that is what you want (docs/labels.md).",
  },
}

/** `reason` of a `KernelError`: something could not be recorded, or read from the record, so it did not happen. */
export const RECORDS: { readonly [R in KernelReason]: Page } = {
  conflict: {
    title: "Another process goes on with the run",
    page: "Two processes tried to write the same entry of one run, and the store lets one of them. Nothing is done twice: look at the run with `shadowgraph runs <run>`.",
  },
  locked: {
    title: "The ledger is locked",
    page: "Another process holds the database of the ledger for longer than was waited. Try again when it has ended; `--ledger memory` runs without a file.",
  },
  corrupt: {
    title: "The ledger was damaged or changed",
    page: "What is in the store is not what a ledger of ours contains. `shadowgraph ledger verify` says where. Put back a copy that is whole.",
  },
  full: {
    title: "No room for the record",
    page: "The disk is full, or more entries wait for it than are held in memory. What was not recorded was not done. Make room, then go on with the run.",
  },
  format: {
    title: "A ledger of another version",
    page: "The store was written by another version of this program, or is no ledger. Use the version that wrote it, or another file.",
  },
  unavailable: {
    title: "The ledger cannot be reached",
    page: "The server of the ledger does not answer, or the file cannot be opened. What was kept by then is found when it is back.",
  },
  readonly: {
    title: "The ledger may only be read",
    page: "The file or the database lets this process read and not write.",
  },
  redacted: {
    title: "The data were removed",
    page: "What the run would need of its record was redacted. The chain is whole, and the run can be shown; it can neither be replayed nor gone on with.",
  },
  closed: {
    title: "Too late",
    page: "The store was closed, or the run has ended, before something was to be recorded.",
  },
  diverged: {
    title: "The run does not go as its record says",
    page: "A run that goes on, or is replayed, comes to a call with other arguments than on record. A function that is declared `pure` and is not is the usual reason; the message names those that feed the call.",
  },
  missing: {
    title: "Not on record",
    page: "There is no such run, or what it would go on from (its plan, what its tools were pinned to) is not kept. Runs that are to go on need a ledger that lasts (`--ledger file`).",
  },
  answer: {
    title: "The answer does not fit",
    page: "The answer fits nothing that the run waits for, is not of the type that is wanted there, or two answers were given to one question. `shadowgraph runs <run>` says what it waits for.",
  },
  undone: {
    title: "Nothing to undo",
    page: "The run did nothing that has an `undo:`, or all of that is taken back already.",
  },
  storage: { title: "The store refuses", page: "The store refused for another reason; the message has its own words." },
  misuse: {
    title: "Against the kernel's contract",
    page: "A program of one's own handed the kernel something that it did not make itself, or settled something twice. In the command line it is a defect: please report it.",
  },
}

/** What a command's exit code says, by the name that the code has in the program. */
export const EXITS: { readonly [K in keyof typeof EXIT]: string } = {
  ok: "done",
  failed: "the graph failed, or something was found wrong",
  usage: "the command line cannot be understood, or an input is missing or wrong",
  grant: "a capability is not granted",
  parked:
    "the run rests: it waits for an answer, an event, its time, or word of a write; `runs resume` goes on with it",
  interrupted: "interrupted; tools were stopped and the ledger was closed",
}

/** The meaning of an exit code; undefined for one that no command ends with. */
export const exitOf = (code: number): string | undefined => {
  const name = Object.entries(EXIT).find(([, value]) => value === code)?.[0]
  return name === undefined ? undefined : EXITS[name as keyof typeof EXIT]
}
