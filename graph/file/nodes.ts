/**
 * Nodes and bodies: what stands under `nodes:`, `do:`, `then:` and the like. The kind of a node is its key; control
 * kinds go by the tables of `vocabulary.ts`, all others by what their registration says they take.
 */
import { type Expr, lit, ref } from "../expr.ts"
import { type Graph, NESTING_MAX, type Node, type Scope } from "../ir.ts"
import { nearest } from "../near.ts"
import type { Mark } from "../places.ts"
import { UNDO, UNDO_PARAMS } from "../undo.ts"
import type { Value } from "../value.ts"
import { celOf, withOf, wordOf } from "./cells.ts"
import {
  article,
  brokenExpr,
  describe,
  entriesOf,
  listing,
  type NodeBody,
  type Reading,
  refuse,
  refuseKey,
  refuseUnknownKeys,
  under,
} from "./reading.ts"
import { capabilitiesOf, countOf, settingsOf } from "./settings.ts"
import { toolOf } from "./tools.ts"
import { typeOf } from "./types.ts"
import {
  BODY_WORDS,
  COMMON_WORDS,
  CONTROL_WORDS,
  type ControlWords,
  DEFAULT_NAMES,
  ERROR_NAME,
  TOOL_SETTINGS,
} from "./vocabulary.ts"

/** Reads a subgraph; given by `read.ts`, which alone knows how files follow one another. */
export type ReadSubgraph = (r: Reading, mark: Mark, path: string) => Graph | undefined

/** The nodes of a graph or of a body of several, in the order of the file. */
export function nodesOf(r: Reading, mark: Mark, depth: number, subgraph: ReadSubgraph): readonly Node[] {
  const nodes: Node[] = []
  for (const [name, part] of entriesOf(r, mark, "`nodes`")) nodes.push(nodeOf(r, part, name, depth, subgraph))
  return nodes
}

export function nodeOf(r: Reading, mark: Mark, name: string, depth: number, subgraph: ReadSubgraph): Node {
  const kind = kindOf(r, mark)
  if (kind === undefined) return brokenNode(r, mark, name)
  const control = Object.hasOwn(CONTROL_WORDS, kind) ? CONTROL_WORDS[kind] : undefined
  const body =
    control === undefined
      ? toolOf(r, mark, r.session.registry.get(kind)!, (part, role, params) =>
          bodyOf(r, part, role, params, depth, subgraph),
        )
      : controlOf(r, mark, kind, control, depth, subgraph)
  const settings = settingsOf(r, mark)
  if (control !== undefined) refuseToolSettings(r, mark, kind)
  const outputMark = under(mark, "output")
  const output = outputMark === undefined ? undefined : typeOf(r, outputMark)
  const aboutMark = under(mark, "about")
  const about = aboutMark === undefined ? undefined : wordOf(r, aboutMark, "`about`")
  const catcher = catchOf(r, mark, depth, subgraph)
  // On a control node it has been refused already.
  const undo = control === undefined ? undoAt(r, mark, depth, subgraph) : undefined
  const scopes =
    catcher === undefined && undo === undefined
      ? body.scopes
      : {
          ...body.scopes,
          ...(undo === undefined ? {} : { undo }),
          ...(catcher === undefined ? {} : { catch: catcher }),
        }
  const node: Node = {
    name,
    kind,
    ...(about === undefined ? {} : { about }),
    config: body.config,
    args: body.args,
    scopes,
    ...(body.graph === undefined ? {} : { graph: body.graph }),
    ...(body.grants === undefined ? {} : { grants: body.grants }),
    ...(output === undefined ? {} : { output }),
    settings,
  }
  r.session.places.mark(node, mark)
  if (body.half === true) r.session.places.markHalf(node)
  return node
}

/** Keeps the name, so that those who use it are not told that it is unknown. */
function brokenNode(r: Reading, mark: Mark, name: string): Node {
  const node: Node = { name, kind: "", config: {}, args: brokenExpr(r), scopes: {}, settings: {} }
  r.session.places.mark(node, mark)
  r.session.places.markBroken(node)
  return node
}

/** The one key of the mapping that is a kind. Where a key of one kind has the name of another, the first one counts. */
function kindOf(r: Reading, mark: Mark): string | undefined {
  const { registry } = r.session
  const isKind = (key: string) => Object.hasOwn(CONTROL_WORDS, key) || registry.has(key)
  if (mark.cell.kind !== "map") {
    const fix = mark.cell.kind === "scalar" ? "Write { expr: … } for an expression." : undefined
    refuse(r, mark, "G201", `A node must be a mapping with its kind as a key, found ${describe(mark.cell)}.`, fix)
    return undefined
  }
  const kinds = [...mark.cell.entries.keys()].filter(isKind)
  const own = kinds.filter((kind) => kinds.every((other) => other === kind || wordsOf(r, kind).has(other)))
  if (own.length === 1) return own[0]
  if (kinds.length > 1) {
    refuseKey(r, mark, "G201", `A node has one kind, found ${kinds.join(" and ")}.`, "Make a node of each.")
    return undefined
  }
  const known = [...Object.keys(CONTROL_WORDS), ...registry.keys()]
  for (const key of mark.cell.entries.keys()) {
    if (Object.hasOwn(COMMON_WORDS, key) || key === "with") continue
    const near = nearest(key, known)
    const fix = near === undefined ? undefined : `Write ${near}.`
    refuseKey(
      r,
      under(mark, key)!,
      "G201",
      `There is no node kind ${JSON.stringify(key)}. There are: ${listing(known, 30)}.`,
      fix,
    )
    return undefined
  }
  refuseKey(r, mark, "G201", `No key says what the node does. One of these is wanted: ${listing(known, 30)}.`)
  return undefined
}

function wordsOf(r: Reading, kind: string): ReadonlySet<string> {
  const control = Object.hasOwn(CONTROL_WORDS, kind) ? CONTROL_WORDS[kind] : undefined
  return new Set(Object.keys(control?.words ?? r.session.registry.get(kind)?.fields ?? {}))
}

function refuseToolSettings(r: Reading, mark: Mark, kind: string): void {
  for (const word of TOOL_SETTINGS) {
    const part = under(mark, word)
    if (part === undefined) continue
    refuseKey(
      r,
      part,
      "G207",
      `\`${word}\` has no meaning on ${kind}: it does nothing outside by itself.`,
      `Put it on the nodes inside that do.`,
    )
  }
}

const roleWord = (role: string): string => role.slice(role.indexOf(":") + 1)

/** A body as a scope. `role` is its key in `Node.scopes`; its word names the scope, or its only node. */
export function bodyOf(
  r: Reading,
  mark: Mark,
  role: string,
  params: readonly string[],
  depth: number,
  subgraph: ReadSubgraph,
): Scope {
  const word = roleWord(role)
  let scope: Scope
  if (depth >= NESTING_MAX) {
    // Once is enough: what lies deeper stands beside what lies deeper.
    if (!r.session.problems.some((p) => p.code === "G006" && p.place?.file === r.source.file))
      refuseKey(
        r,
        mark,
        "G006",
        `Bodies are nested deeper than ${NESTING_MAX} levels here.`,
        "Move the inner part into a subgraph.",
      )
    scope = { params, nodes: [], output: brokenExpr(r) }
  } else if (mark.cell.kind === "map" && mark.cell.entries.has("nodes")) {
    refuseUnknownKeys(r, mark, BODY_WORDS, "A body of several nodes")
    const nodes = nodesOf(r, under(mark, "nodes")!, depth + 1, subgraph)
    const output = under(mark, "output")
    if (output === undefined)
      refuseKey(r, mark, "G005", "A body of several nodes must say what it gives.", "Add output: and an expression.")
    scope = { name: word, params, nodes, output: output === undefined ? brokenExpr(r) : celOf(r, output) }
  } else {
    scope = { params, nodes: [nodeOf(r, mark, word, depth + 1, subgraph)], output: ref(word) }
  }
  r.session.places.mark(scope, mark)
  return scope
}

/** A scope that is one expression. */
export function testOf(r: Reading, mark: Mark, params: readonly string[]): Scope {
  const scope: Scope = { params, nodes: [], output: celOf(r, mark) }
  r.session.places.mark(scope, mark)
  return scope
}

function catchOf(r: Reading, node: Mark, depth: number, subgraph: ReadSubgraph): Scope | undefined {
  const mark = under(node, "catch")
  if (mark === undefined) return undefined
  return mark.cell.kind === "map"
    ? bodyOf(r, mark, "catch", [ERROR_NAME], depth, subgraph)
    : testOf(r, mark, [ERROR_NAME])
}

function undoAt(r: Reading, node: Mark, depth: number, subgraph: ReadSubgraph): Scope | undefined {
  const mark = under(node, UNDO)
  return mark === undefined ? undefined : bodyOf(r, mark, UNDO, UNDO_PARAMS, depth, subgraph)
}

function controlOf(
  r: Reading,
  mark: Mark,
  kind: string,
  control: ControlWords,
  depth: number,
  subgraph: ReadSubgraph,
): NodeBody {
  refuseUnknownKeys(
    r,
    mark,
    [kind, ...Object.keys(control.words), ...Object.keys(COMMON_WORDS)],
    `${article(kind)} node`,
  )
  for (const [word, { required, about }] of Object.entries(control.words)) {
    if (required && under(mark, word) === undefined) {
      refuseKey(r, mark, "G005", `The ${kind} node has no \`${word}\`. ${about}`)
    }
  }
  const main = under(mark, kind)!
  const variable = (word: string, otherwise?: string): string | undefined => {
    const part = under(mark, word)
    return part === undefined ? otherwise : (wordOf(r, part, `\`${word}\``) ?? otherwise)
  }
  const body = (role: string, params: readonly (string | undefined)[]): { [role: string]: Scope } => {
    const part = under(mark, role)
    const names = params.filter((name) => name !== undefined)
    return part === undefined ? {} : { [role]: bodyOf(r, part, role, names, depth, subgraph) }
  }
  const count = (word: string): { [key: string]: Value } => {
    const part = under(mark, word)
    const { min = 0, max = Number.MAX_SAFE_INTEGER } = control.words[word]!
    const n = part === undefined ? undefined : countOf(r, part, min, max)
    return n === undefined ? {} : { [word]: n }
  }
  const record = (...fields: readonly (readonly [string, string])[]): Expr => ({
    op: "record",
    fields: fields.map(([name, word]) => {
      const part = under(mark, word)
      return [name, part === undefined ? brokenExpr(r) : celOf(r, part)] as const
    }),
  })
  const index = variable("index")
  switch (kind) {
    case "graph":
      return subgraphOf(r, mark, main, subgraph)
    case "when": {
      const scopes = { ...body("then", []), ...body("else", []) }
      return { config: {}, args: celOf(r, main), scopes: { ...scopes, ...(scopes["else"] ? {} : { else: NOTHING }) } }
    }
    case "switch":
      return { config: {}, args: celOf(r, main), scopes: { ...casesOf(r, mark, depth, subgraph), ...body("else", []) } }
    case "map": {
      const item = variable("as", DEFAULT_NAMES.as.map)
      return { config: count("parallel"), args: celOf(r, main), scopes: body("do", [item, index]) }
    }
    case "fold": {
      const params = [variable("into", DEFAULT_NAMES.into), variable("as", DEFAULT_NAMES.as.fold), index]
      return { config: {}, args: record(["over", "fold"], ["from", "from"]), scopes: body("do", params) }
    }
    case "loop": {
      const params = [variable("as", DEFAULT_NAMES.as.loop), index]
      const names = params.filter((name) => name !== undefined)
      const test = under(mark, "while")
      const scopes = { ...(test ? { while: testOf(r, test, names) } : {}), ...body("do", params) }
      return { config: count("max"), args: record(["from", "loop"]), scopes }
    }
    default:
      return { config: {}, args: celOf(r, main), scopes: {} }
  }
}

/** What a `when` without `else` gives. */
const NOTHING: Scope = Object.freeze({ params: [], nodes: [], output: lit(null) })

function casesOf(r: Reading, mark: Mark, depth: number, subgraph: ReadSubgraph): { [role: string]: Scope } {
  const cases = under(mark, "cases")
  if (cases === undefined) return {}
  const scopes: { [role: string]: Scope } = {}
  for (const [word, part] of entriesOf(r, cases, "`cases`")) {
    if (word === "else" || word === "catch") {
      refuseKey(
        r,
        part,
        "G004",
        `A case cannot be called "${word}": it would share its path with the node's own \`${word}\`.`,
      )
    } else scopes[`case:${word}`] = bodyOf(r, part, `case:${word}`, [], depth, subgraph)
  }
  return scopes
}

function subgraphOf(r: Reading, node: Mark, main: Mark, subgraph: ReadSubgraph): NodeBody {
  const file = wordOf(r, main, "`graph`")
  const graph = file === undefined ? undefined : subgraph(r, main, file)
  const given = withOf(r, node)
  const granted = under(node, "grants")
  const grants = granted === undefined ? undefined : capabilitiesOf(r, granted, "grants")
  return {
    config: file === undefined ? {} : { file },
    args: "whole" in given ? given.whole : { op: "record", fields: given.entries },
    scopes: {},
    ...(graph ? { graph } : {}),
    ...(grants ? { grants } : {}),
  }
}
