/**
 * A graph file as IR: text in, a graph and every problem out. Nothing is run and nothing is fetched; the texts of
 * subgraphs are handed in by whoever knows where files are. Types and effects are the checker's (`check.ts`); here it is
 * decided what stands in the file.
 */
import { type Graph, NESTING_MAX, type Scope } from "../ir.ts"
import type { Registry } from "../node.ts"
import { joinPath, type Mark, Places } from "../places.ts"
import { inOrder, type Problem } from "../problem.ts"
import type { Type } from "../type.ts"
import type { Value } from "../value.ts"
import { celOf, wordOf } from "./cells.ts"
import { folderOf, fromOutside } from "./folder.ts"
import { parseJson } from "./json.ts"
import { nodesOf } from "./nodes.ts"
import { plainValue } from "./plain.ts"
import {
  brokenExpr,
  describe,
  entriesOf,
  type Load,
  type Reading,
  refuse,
  refuseKey,
  refuseUnknownKeys,
  type Session,
  under,
} from "./reading.ts"
import { capabilitiesOf } from "./settings.ts"
import { type Cell, FILE_LENGTH_MAX, formProblem, type Parsed, Source } from "./source.ts"
import { NamedTypes, recordOf, typeOf } from "./types.ts"
import { GRAPH_WORDS, SECTIONS } from "./vocabulary.ts"
import { parseYaml } from "./yaml.ts"

export type { Load, Loaded } from "./reading.ts"
export { FILE_LENGTH_MAX } from "./source.ts"

export interface ReadOptions {
  readonly registry: Registry
  /** The text of a subgraph's file, by the path that a `graph:` node gives and the file that it stands in. */
  readonly load?: Load
  /** The file's folder, from the one that a run's paths will count from: the file is to stand inside another graph. Default: the same. */
  readonly folder?: string
}

export interface ReadResult {
  /**
   * The graph, as far as it could be read. Where `problems` holds an error the graph holds parts that no check accepts;
   * it is given so that `check` can find what else is wrong.
   */
  readonly graph?: Graph
  readonly places: Places
  /** In the order of the files' lines. */
  readonly problems: readonly Problem[]
}

/** Reads a graph file. JSON by its name or its look, YAML otherwise. Never throws on any text. */
export function readGraph(file: { readonly file: string; readonly text: string }, options: ReadOptions): ReadResult {
  const places = new Places()
  const problems: Problem[] = []
  const session: Session = { registry: options.registry, places, problems, load: options.load, graphs: new Map() }
  const graph = readFile(session, new Source(file.file, file.text), "", [], options.folder ?? "")
  const ordered = inOrder(problems)
  return graph === undefined ? { places, problems: ordered } : { graph, places, problems: ordered }
}

/** `base` is the path of the `graph:` node that this file is read for; empty for the outermost file. */
function readFile(
  session: Session,
  source: Source,
  base: string,
  chain: readonly string[],
  folder: string,
): Graph | undefined {
  const { root, problems } = parseSource(source)
  for (const { code, message, fix, start, end } of problems) {
    const place = source.place(start, end)
    const path = root === undefined ? base : pathAt(root, start, base)
    session.problems.push({ code, severity: "error", path, place, message, ...(fix ? { fix } : {}) })
  }
  if (root === undefined) return undefined
  const r: Reading = { session, source, chain: [...chain, source.file], named: new NamedTypes(), folder }
  const mark: Mark = { source, cell: root, path: base }
  if (root.kind !== "map") {
    refuse(r, mark, "G001", `A graph file is a mapping with graph, nodes and output, found ${describe(root)}.`)
    return undefined
  }
  return graphOf(r, mark)
}

/** The path of the innermost cell, or key, that stands at an offset. */
function pathAt(root: Cell, offset: number, base: string): string {
  let path = base
  for (let cell: Cell | undefined = root; cell !== undefined && cell.kind !== "scalar"; ) {
    let next: Cell | undefined
    if (cell.kind === "list") {
      const i = cell.items.findIndex((item) => item.start <= offset && offset < item.end)
      if (i >= 0) path = joinPath(path, i)
      next = cell.items[i]
    } else {
      for (const entry of cell.entries.values()) {
        if (entry.keyStart > offset || offset >= Math.max(entry.cell.end, entry.keyEnd)) continue
        path = joinPath(path, entry.key)
        next = entry.cell
        break
      }
    }
    cell = next
  }
  return path
}

function parseSource({ file, text }: Source): Parsed {
  if (text.length > FILE_LENGTH_MAX) return { problems: [formProblem.tooLong(text.length)] }
  if (/\.json$/i.test(file)) return parseJson(text)
  if (/^\s*\{/.test(text)) {
    const json = parseJson(text)
    // YAML in braces is not JSON, and is read as YAML.
    if (json.root !== undefined) return json
  }
  return parseYaml(text)
}

function graphOf(r: Reading, mark: Mark): Graph {
  refuseUnknownKeys(r, mark, Object.keys(GRAPH_WORDS), "A graph file")
  const name = stringAt(r, mark, "graph")
  const about = stringAt(r, mark, "about")
  if (under(mark, "graph") === undefined) missing(r, mark, "graph", "its name")
  const types = typesOf(r, mark)
  const inputMark = under(mark, "input")
  const input = inputMark === undefined ? { kind: "record" as const, fields: {} } : recordOf(r, inputMark)
  const needsMark = under(mark, "needs")
  const needs = needsMark === undefined ? undefined : capabilitiesOf(r, needsMark, "needs")
  const returnsMark = under(mark, "returns")
  const returns = returnsMark === undefined ? undefined : typeOf(r, returnsMark)
  const onFailure = onFailureOf(r, mark)
  const graph: Graph = {
    name: name ?? "",
    ...(about === undefined ? {} : { about }),
    types,
    input,
    ...(needs === undefined ? {} : { needs }),
    resources: resourcesOf(r, mark),
    body: rootBody(r, mark),
    ...(returns === undefined ? {} : { output: returns }),
    ...(onFailure === undefined ? {} : { onFailure }),
  }
  r.session.places.mark(graph, mark)
  return graph
}

const missing = (r: Reading, mark: Mark, key: string, what: string) => {
  const place = r.source.place(mark.cell.start, mark.cell.start + 1)
  const message = `The file has no \`${key}:\`, ${what}.`
  r.session.problems.push({ code: "G005", severity: "error", path: mark.path, place, message })
}

function stringAt(r: Reading, mark: Mark, key: string): string | undefined {
  const part = under(mark, key)
  return part === undefined ? undefined : wordOf(r, part, `\`${key}\``)
}

/** What a run of the graph does when it fails. There is one thing that it can do. */
function onFailureOf(r: Reading, mark: Mark): "undo" | undefined {
  const part = under(mark, "on_failure")
  if (part === undefined) return undefined
  const word = wordOf(r, part, "`on_failure`")
  if (word === "undo" || word === undefined) return word
  refuse(
    r,
    part,
    "G207",
    `\`on_failure\` says what a run that fails does: \`undo\`, found ${JSON.stringify(word)}.`,
    "Write undo.",
  )
  return undefined
}

function typesOf(r: Reading, mark: Mark): { readonly [name: string]: Type } {
  const part = under(mark, "types")
  if (part === undefined) return {}
  const entries = new Map<string, Mark>()
  for (const [name, type] of entriesOf(r, part, "`types`")) {
    if (/^[A-Z][A-Za-z0-9_]*$/.test(name)) entries.set(name, type)
    else refuseKey(r, type, "G004", `A type's name begins with a capital letter, found ${JSON.stringify(name)}.`)
  }
  r.named.declare(entries.keys(), (name) => typeOf(r, entries.get(name)!))
  return Object.fromEntries([...entries.keys()].map((name) => [name, r.named.get(name)!]))
}

function resourcesOf(r: Reading, mark: Mark): Graph["resources"] {
  const resources: { [section: string]: { [name: string]: Value } } = {}
  for (const section of SECTIONS) {
    const part = under(mark, section)
    if (part === undefined) continue
    resources[section] = Object.fromEntries(
      entriesOf(r, part, `\`${section}\``).map(([name, value]) => [name, moved(r, section, plainValue(value.cell))]),
    )
  }
  return resources
}

/** What is declared, its paths as the outermost file would write them. */
function moved({ session, folder }: Reading, section: string, declared: Value): Value {
  if (folder === "") return declared
  const kind = [...session.registry.values()].find((kind) => kind.moved?.section === section)
  return kind?.moved?.declared(declared, (path) => fromOutside(path, folder)) ?? declared
}

function rootBody(r: Reading, mark: Mark): Scope {
  const nodesMark = under(mark, "nodes")
  const outputMark = under(mark, "output")
  if (nodesMark === undefined) missing(r, mark, "nodes", "the steps")
  if (outputMark === undefined) missing(r, mark, "output", "what the graph gives")
  const body: Scope = {
    params: [],
    nodes: nodesMark === undefined ? [] : nodesOf(r, nodesMark, 0, subgraphOf),
    output: outputMark === undefined ? brokenExpr(r) : celOf(r, outputMark),
  }
  r.session.places.mark(body, mark)
  return body
}

/** The graph of a `graph:` node; read once for each file, whatever the number of nodes that use it. */
function subgraphOf(r: Reading, mark: Mark, path: string): Graph | undefined {
  const { session } = r
  if (session.load === undefined) {
    refuse(r, mark, "G206", `The subgraph ${JSON.stringify(path)} cannot be read: no files are at hand here.`)
    return undefined
  }
  const loaded = session.load(path, r.source.file)
  if ("problem" in loaded) {
    refuse(r, mark, "G206", `The subgraph ${JSON.stringify(path)} cannot be read: ${loaded.problem}.`)
    return undefined
  }
  const from = r.chain.indexOf(loaded.file)
  if (from >= 0) {
    const circle = [...r.chain.slice(from), loaded.file].join(" → ")
    refuse(
      r,
      mark,
      "G007",
      `Graphs contain one another in a circle: ${circle}.`,
      "Use `loop` or `fold`, which are bounded.",
    )
    return undefined
  }
  if (session.graphs.has(loaded.file)) return session.graphs.get(loaded.file)
  if (r.chain.length >= NESTING_MAX) {
    refuse(r, mark, "G006", `Subgraphs are nested deeper than ${NESTING_MAX} levels here.`)
    return undefined
  }
  const folder = folderOf(r.folder, path)
  const graph = readFile(session, new Source(loaded.file, loaded.text), mark.path, r.chain, folder)
  session.graphs.set(loaded.file, graph)
  return graph
}
