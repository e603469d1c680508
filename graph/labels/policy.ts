/**
 * The policy on labels: whose text may go where. A list of lines, each of which refuses or allows; the last line that
 * speaks of a flow decides it. Whoever runs a graph states it, like grants; a graph file cannot.
 */
import * as Data from "effect/Data"
import { nearest } from "../near.ts"
import { type Label, type Origin, type OriginSet, type Origins, printOrigin } from "./label.ts"

/** What kind of place an argument is, where somebody else's text could do harm: `Signature.sinks` names them. */
export const SORTS = {
  shell: "a command line",
  code: "a program",
  sql: "an SQL statement",
  url: "an address",
  "url-path": "part of the path of an address",
  "url-query": "part of the query of an address",
  path: "the name of a file",
  header: "a header of a request",
  body: "what is sent to a host",
  instructions: "the instructions of a model",
} as const
export type Sort = keyof typeof SORTS
export const isSort = (word: string): word is Sort => Object.hasOwn(SORTS, word)

export interface Rule {
  readonly does: "refuse" | "allow"
  readonly who: Origin["who"] | "any"
  /** One origin, and what lies below it: `server:files`. Undefined: all of `who`. */
  readonly of: string | undefined
  /** Only text counts. Otherwise also numbers, choices, and whether the call is made at all. */
  readonly text: boolean
  /** Undefined: into anything. */
  readonly into: readonly Sort[] | undefined
  /** `graph.node`, and what lies below it. Undefined: everywhere. */
  readonly at: string | undefined
  /** As it was written. */
  readonly line: string
}

export interface Policy {
  readonly rules: readonly Rule[]
}

/** A line that is none. */
export class PolicyError extends Data.TaggedError("PolicyError")<{ readonly message: string; readonly line: string }> {}

/** What holds where nobody says otherwise (`docs/decisions/0010-labels.md` says why). */
export const DEFAULT_LINES: readonly string[] = [
  "refuse model text into shell, code, sql, url, url-path, path",
  "refuse tool text into shell, code, sql, url",
]

const LINE =
  /^(refuse|allow) +(user|tool|model|any)(?: +(?!text\b|into\b)(\S+))?( +text)? +into +([a-z-]+(?: *, *[a-z-]+)*)(?: +at +(\S+))?$/

/**
 * Reads a policy. `default` stands for the lines that hold where nobody says anything; an empty list refuses nothing.
 * Throws `PolicyError` for the first line that is none.
 */
export function parsePolicy(lines: readonly string[]): Policy {
  return { rules: lines.flatMap((line) => (line.trim() === "default" ? DEFAULT_POLICY.rules : [parseRule(line)])) }
}

function parseRule(line: string): Rule {
  const wrong = (what: string): PolicyError =>
    new PolicyError({ line, message: `Cannot read the policy line ${JSON.stringify(line)}: ${what}` })
  const found = LINE.exec(line.trim())
  if (found === null) {
    throw wrong(
      "wanted `default`, or refuse|allow user|tool|model|any [which] [text] into <sorts> [at graph.node], as in: refuse model text into shell, url",
    )
  }
  const [, does, who, of, text, sorts, at] = found
  const words = sorts!.split(",").map((word) => word.trim())
  for (const word of words) {
    if (word === "anything" || isSort(word)) continue
    const near = nearest(word, Object.keys(SORTS))
    const known = `${Object.keys(SORTS).join(", ")}, anything`
    throw wrong(`there is no sort "${word}"${near === undefined ? `; known: ${known}` : `, write ${near}`}`)
  }
  if (of !== undefined && (who === "user" || who === "any"))
    throw wrong(`\`${who}\` is followed by \`text\` or \`into\`, found "${of}"`)
  return {
    does: does as Rule["does"],
    who: who as Rule["who"],
    of: of === undefined ? undefined : who === "model" && !of.startsWith("model:") ? `model:${of}` : of,
    text: text !== undefined,
    into: words.includes("anything") ? undefined : (words as Sort[]),
    at,
    line: line.trim(),
  }
}

export const DEFAULT_POLICY: Policy = { rules: DEFAULT_LINES.map(parseRule) }
/** Refuses nothing. */
export const NO_POLICY: Policy = { rules: [] }

/** A value that stands in a place: `at` is the graph's name and the static path of the node, joined by dots. */
export interface Flow {
  readonly at: string
  readonly arg: string
  readonly sort: Sort
  readonly label: Label
}

/** One origin of a flow that the policy refuses, and the line that does. */
export interface Refused {
  readonly origin: Origin
  readonly bit: OriginSet
  readonly rule: Rule
}

/** Every origin of the flow that is refused. */
export function refusedOrigins({ rules }: Policy, flow: Flow, origins: Origins): readonly Refused[] {
  const out: Refused[] = []
  if (rules.length === 0) return out
  for (const origin of origins.of(flow.label.any)) {
    const bit = origins.bit(origin)
    const text = (flow.label.text & bit) !== 0n
    let refusing: Rule | undefined
    for (const rule of rules) {
      if (!speaksOf(rule, origin, flow)) continue
      if (rule.does === "refuse") refusing = !rule.text || text ? rule : refusing
      // What allows text alone lifts nothing that forbids every say.
      else if (refusing === undefined || !rule.text || refusing.text) refusing = undefined
    }
    if (refusing !== undefined) out.push({ origin, bit, rule: refusing })
  }
  return out
}

const speaksOf = (rule: Rule, origin: Origin, { sort, at }: Flow): boolean =>
  (rule.who === "any" || rule.who === origin.who) &&
  (rule.of === undefined || below(origin.of, rule.of, "/")) &&
  (rule.into === undefined || rule.into.includes(sort)) &&
  (rule.at === undefined || below(at, rule.at, "."))

const below = (name: string, of: string, separator: string): boolean =>
  name === of || name.startsWith(`${of}${separator}`)

/** What a flow would do, in words, with the lines that refuse it: `Text of the model main would be an address. …` */
export function flowText(refused: readonly Refused[], sort: Sort): string {
  const said: string[] = []
  const texts = refused.filter(({ rule }) => rule.text).map(({ origin }) => whose(origin))
  const says = refused.filter(({ rule }) => !rule.text).map(({ origin }) => whose(origin))
  if (texts.length > 0) said.push(`text of ${listed(texts)} would be ${SORTS[sort]}`)
  if (says.length > 0) said.push(`${listed(says)} would have a say in ${SORTS[sort]}`)
  return said.join("; ").replace(/^./, (c) => c.toUpperCase())
}

/** The lines of the policy that refuse a flow. */
export const refusingLines = (refused: readonly Refused[]): string =>
  [...new Set(refused.map(({ rule }) => rule.line))].join("; ")

/** The line that allows exactly one flow, for whoever decides to. */
export function allowingLine(flow: Flow, refused: readonly Refused[]): string {
  const who = refused.length === 1 ? printOrigin(refused[0]!.origin) : "any"
  return `allow ${who}${refused.every(({ rule }) => rule.text) ? " text" : ""} into ${flow.sort} at ${flow.at}`
}

const whose = (origin: Origin): string => (origin.who === "user" ? "the user" : `the ${printOrigin(origin)}`)
const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`
