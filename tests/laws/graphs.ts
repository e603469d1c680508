// Random graphs, built as the checker will find them: every node kind and control, effects with the order that they need,
// bodies in bodies, subgraphs in subgraphs. Types and touches are followed along, so that almost every graph passes.
import type { Graph, Scope, Type } from "../../graph/mod.ts"
import { Chance } from "./chance.ts"
import { declaredFor } from "./declared.ts"
import { limiting, type Resources } from "./declaring.ts"
import { type Known, type Made, needsOf } from "./parts.ts"
import { ScopeMaker } from "./scopes.ts"
import { someInput } from "./values.ts"

export interface Size {
  /** Nodes of the whole graph, about. */
  readonly nodes: number
  /** Percent of calls that go wrong in a flawed tool; 0 makes graphs whose tools never fail. */
  readonly flaw: number
  /** Percent of expressions that may fail which are let in. */
  readonly risk: number
  /** Mostly reads that answer later, each from what others gave: graphs that looking ahead is for. */
  readonly reads?: boolean
}

/** The graph of a seed. Most pass the checker; the others are for the caller to leave out. */
export function someGraph(seed: string): Graph {
  const c = new Chance(seed)
  const size: Size = { nodes: c.of([3, 6, 10, 18]), flaw: c.of([0, 0, 4, 25]), risk: c.of([1, 1, 4, 40]) }
  return new GraphMaker(c, size).graph("laws", 0, undefined).graph
}

/** A graph of a seed that is mostly reads, with writes among them. */
export function someReads(seed: string): Graph {
  const c = new Chance(`${seed} reads`)
  const size: Size = { nodes: c.of([6, 10, 16, 24]), flaw: c.of([0, 0, 4, 12]), risk: c.of([1, 1, 4]), reads: true }
  return new GraphMaker(c, size).graph("laws", 0, undefined).graph
}

export class GraphMaker {
  readonly c: Chance
  readonly size: Size
  readonly pool: Known[] = []
  /** Calls made so far, which others may make again. */
  readonly calls: Made[] = []
  left: number
  graphs = 0
  /** What the graph at hand declares. */
  resources: Resources = {}

  constructor(c: Chance, size: Size) {
    this.c = c
    this.size = size
    this.left = size.nodes
  }

  graph(name: string, level: number, wanted: Type | undefined): Known {
    const { c } = this
    const around = this.resources
    this.resources = {}
    const input = someInput(c, ["p", "q", "r", "s"].slice(0, c.between(0, 4)))
    const names = new Map<string, Type>([["input", input]])
    const maker = new ScopeMaker(this, level, 0, names, [])
    const count = level === 0 ? this.left : Math.min(this.left, c.between(1, 4))
    maker.fill(count)
    const { output, type } = maker.output(wanted)
    const declared = wanted ?? (c.percent(25) ? declaredFor(c, type) : undefined)
    const body: Scope = { params: [], nodes: maker.listed(), output }
    const touches = maker.touches()
    const limits = limiting(c, touches)
    const graph: Graph = {
      name,
      types: {},
      input,
      ...(c.percent(15) ? { needs: needsOf(touches) } : {}),
      resources: { ...this.resources, ...(Object.keys(limits).length === 0 ? {} : { limits }) },
      body,
      ...(declared === undefined ? {} : { output: declared }),
      ...(level === 0 && c.percent(12) ? { onFailure: "undo" } : {}),
    }
    this.resources = around
    const known: Known = { graph, type: declared ?? type, touches }
    if (level > 0) this.pool.push(known)
    return known
  }
}
