// What a pass of the compiler does to a graph file, and whether the graph still means the same: run by the VM with the pass
// and without it, and held against the reference evaluator, which knows no passes. Every call of a tool is counted.
import { expect } from "bun:test"
import { type Compiled, type CompileOptions, compile, PASSES } from "../../compile/mod.ts"
import { checkFile, type Load } from "../../graph/file/mod.ts"
import {
  type Call,
  type CheckedGraph,
  evaluateGraph,
  Failure,
  hashValue,
  hex,
  printPath,
  printProblemShort,
  type Request,
  type Value,
} from "../../graph/mod.ts"
import { kindsOf, Machine, type Tools } from "./machine.ts"

export interface Sample {
  readonly text: string
  readonly tools?: Tools
  /** Files of subgraphs, by the path that a node gives. */
  readonly files?: { readonly [path: string]: string }
}

const loadOf = (files: NonNullable<Sample["files"]>): Load => {
  return (path) =>
    files[path] === undefined ? { problem: "there is no such file" } : { file: path, text: files[path] }
}
const filesOf = ({ files }: Sample) => (files === undefined ? {} : { load: loadOf(files) })

/** The sample read and checked. */
export function checkedOf(sample: Sample): CheckedGraph {
  const options = { registry: kindsOf(sample.tools ?? {}), ...filesOf(sample) }
  const { checked, problems } = checkFile({ file: "test.graph.yaml", text: sample.text }, options)
  if (checked === undefined) throw new RangeError(problems.map(printProblemShort).join("\n"))
  return checked
}

/** The sample compiled, the rules of the stage held after every pass. */
export const compiledOf = (sample: Sample, options: CompileOptions = {}): Compiled =>
  compile(checkedOf(sample), { checked: true, texts: true, ...options })

/** What a pass said that it changed, `where: what`. */
export const changesOf = (compiled: Compiled, name: string): readonly string[] =>
  compiled.passes.find((p) => p.name === name)!.changes.map(({ at, what }) => `${at}: ${what}`)

/** The compiler's own form after a pass. */
export const textAfter = (compiled: Compiled, name: string): string =>
  compiled.passes.find((p) => p.name === name)!.text!

/** How a run ended, and every call of a tool in it. */
export interface Meant {
  readonly out: string
  readonly trace: string
  /** Reads and writes by their path, in the order in which they came. */
  readonly effects: readonly string[]
  /** How often each pure function was called, by its name. */
  readonly pure: { readonly [name: string]: number }
}

const printed = (out: Value | Failure): string =>
  out instanceof Failure ? `${out.code} at ${printPath(out.path ?? [])}` : hex(hashValue(out))

/** Counts the calls of pure functions, which leave no entry. */
function counting(tools: Tools): { readonly tools: Tools; readonly calls: { [name: string]: number } } {
  const calls: { [name: string]: number } = {}
  const counted = Object.entries(tools).map(([name, tool]) => {
    const count = (args: unknown, call: Call) => {
      calls[name] = (calls[name] ?? 0) + 1
      return tool(args, call)
    }
    return [name, count] as const
  })
  return { tools: Object.fromEntries(counted), calls }
}

/** What the reference evaluator says. */
export async function evaluated(sample: Sample, input: Value): Promise<Meant> {
  const { tools, calls } = counting(sample.tools ?? {})
  const call = ({ node, args, invoke }: Request) => tools[String(node.config[node.kind])]!(args, { invoke } as Call)
  const { outcome, trace, effects } = await evaluateGraph(checkedOf(sample), input, { call })
  return {
    out: printed(outcome.ok ? outcome.value : outcome.failure),
    trace,
    effects: effects.map((e) => `${e.effect} ${e.resource} ${printPath(e.path)}`),
    pure: calls,
  }
}

/** What the VM did with the sample, compiled without some passes. */
export async function ran(sample: Sample, input: Value, without: readonly string[] = []): Promise<Meant> {
  const { tools, calls } = counting(sample.tools ?? {})
  const machine = new Machine(sample.text, tools, { without, ...filesOf(sample) })
  const ended = await machine.run(input)
  const effects = ended.ledger.flatMap((body) =>
    body.kind === "read" || body.kind === "intent"
      ? [`${body.kind === "read" ? "read" : "write"} ${body.resource} ${printPath(body.path)}`]
      : [],
  )
  return { out: printed(ended.out), trace: ended.trace, effects, pure: calls }
}

/** Effects on one resource keep their order; of what lies on different ones no order is promised. */
const byResource = (effects: readonly string[]) => {
  const rows = new Map<string, string[]>()
  for (const line of effects) {
    const resource = line.split(" ")[1]!
    rows.set(resource, [...(rows.get(resource) ?? []), line])
  }
  return Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * Holds that the sample means the same with every pass, without this one, and without all: the evaluator's outcome and
 * trace hash, each read and write once, none besides, those on one resource in one order. Gives the runs, to compare.
 */
export async function same(sample: Sample, input: Value, pass: string): Promise<{ on: Meant; off: Meant }> {
  const meant = await evaluated(sample, input)
  const [on, off, bare] = [
    await ran(sample, input),
    await ran(sample, input, [pass]),
    await ran(
      sample,
      input,
      PASSES.map((p) => p.name),
    ),
  ]
  for (const each of [on, off, bare]) {
    expect({ out: each.out, trace: each.trace }).toEqual({ out: meant.out, trace: meant.trace })
    expect(byResource(each.effects)).toEqual(byResource(meant.effects))
  }
  return { on, off }
}
