/**
 * Checks a graph: names, order, types, effects, capabilities. Works on the IR alone, so a file and a graph built in
 * TypeScript meet the same rules; places, where there are any, only tell where to point. Every problem is found at once.
 * Only this file mints a `CheckedGraph`.
 */
import { least } from "./capability.ts"
import { graphHash } from "./check/canonical.ts"
import { checkNeeds } from "./check/capabilities.ts"
import { conflictsOf } from "./check/conflicts.ts"
import { Declared } from "./check/declared.ts"
import { type BodyFacts, type Doings, type SubgraphFacts, type Surroundings, together } from "./check/doings.ts"
import { fit, typeOfExpr } from "./check/expressions.ts"
import { freezeDeep } from "./check/freeze.ts"
import { checkFlows } from "./check/labels.ts"
import { checkLimits } from "./check/limits.ts"
import { EXPR_LEVELS_MAX, EXPR_SIZE_MAX, type Excess, measure, NODES_MAX } from "./check/measure.ts"
import { Names } from "./check/names.ts"
import { factsOf } from "./check/nodes.ts"
import { FreeNames, orderOf } from "./check/order.ts"
import { type NodeAt, Report } from "./check/report.ts"
import { secretsInResources } from "./check/secrets.ts"
import { checkNames, isSingle } from "./check/structure.ts"
import { checkUses } from "./check/uses.ts"
import type { CheckedGraph, GraphFacts, NodeFacts, ScopeFacts } from "./checked.ts"
import { type Graph, NESTING_MAX, type Node, type Scope } from "./ir.ts"
import type { Labelled } from "./labels/graph.ts"
import { DEFAULT_POLICY, type Policy } from "./labels/policy.ts"
import { cuts } from "./looks.ts"
import { narrowedHash, narrowingsOf } from "./narrowed.ts"
import { nearest } from "./near.ts"
import { type NodeView, type Registry, schemesOf } from "./node.ts"
import { joinPath, type Places } from "./places.ts"
import { inOrder, type Problem } from "./problem.ts"
import { T, type Type } from "./type.ts"
import { TYPE_SIZE_MAX, typeSize } from "./type-size.ts"
import { undoneHash, undosOf } from "./undo.ts"
import { hashWith, validsOf } from "./valid.ts"
import { ValueError } from "./value.ts"

export interface CheckOptions {
  readonly registry: Registry
  /** What the lock pins (`pin` in `lock.ts`); nothing is pinned without it. */
  readonly pin?: NodeView["pin"]
  /** Places of a graph that was read from a file. */
  readonly places?: Places
  /** Also lists, as warnings, what only the run can decide. */
  readonly strict?: boolean
  /** Whose text may go where (docs/labels.md). Admission asks again, of the plan. Default: `DEFAULT_POLICY`. */
  readonly policy?: Policy
}

export interface CheckResult {
  /** There only when no problem is an error. */
  readonly checked?: CheckedGraph
  /** In the order of the file's lines, or of the graph. */
  readonly problems: readonly Problem[]
}

const minted = new WeakSet<object>()

/** Was this very object made by `check`? */
export const isChecked = (graph: unknown): graph is CheckedGraph =>
  typeof graph === "object" && graph !== null && minted.has(graph)

/** Checks a graph and its subgraphs. The graph is frozen when it passes: what was checked is what runs. */
export function check(graph: Graph, options: CheckOptions): CheckResult {
  const report = new Report(options.places, options.strict === true)
  const measured = measure(graph)
  if ("excess" in measured) {
    tooLarge(report, graph, measured.excess)
    return { problems: report.problems }
  }
  const checking = new Checking(report, options, measured.nodes)
  const facts = checking.graph(graph, "")
  if (!report.broken) checkFlows(report, checking.labelled(graph), options.registry, options.policy ?? DEFAULT_POLICY)
  const problems = inOrder(report.problems)
  if (report.broken) return { problems }
  const { nodes, scopes, graphs } = checking
  const checked: CheckedGraph = Object.freeze({ graph: freezeDeep(graph), ...facts, nodes, scopes, graphs })
  minted.add(checked)
  return { checked, problems }
}

/** The least that `needs:` can say: all that the graph's nodes need, without what another need covers. */
export const leastNeeds = (checked: CheckedGraph): readonly string[] => least(checked.needs)

function tooLarge(report: Report, graph: Graph, excess: Excess): void {
  if (excess.what === "nesting") {
    const message = `Bodies and subgraphs are nested deeper than ${NESTING_MAX} levels, or in a circle.`
    report.error(report.spot(graph, ""), "G006", message, "Move inner parts into subgraphs, side by side.")
    return
  }
  const { scope, node } = excess
  const spot =
    node === undefined ? report.spot(scope, "output", "output") : report.spot(node, `nodes.${node.name}`, node.kind)
  const bound = excess.what === "expression levels" ? `${EXPR_LEVELS_MAX} levels` : `${EXPR_SIZE_MAX} parts`
  report.error(spot, "G006", `An expression has more than ${bound}.`, "Name parts of it in `expr` nodes.")
}

/** How often a node may be looked at, on average, because a body's variable had no type at first. */
const LOOKS_MAX = 20

class Checking {
  readonly nodes = new Map<Node, NodeFacts>()
  readonly scopes = new Map<Scope, ScopeFacts>()
  readonly graphs = new Map<Graph, GraphFacts>()
  readonly #report: Report
  readonly #options: CheckOptions
  readonly #schemes: ReadonlySet<string>
  readonly #free = new FreeNames()
  /** Nodes seen outside of trials: an object that stands at two places would have two meanings. */
  readonly #placed = new Set<Node>()
  #trials = 0
  /** What was found in subgraphs during a trial. */
  #lasting: Problem[] = []
  #repeats = 0
  readonly #repeatsMax: number

  /** `nodes`: how many there are in all bodies. */
  constructor(report: Report, options: CheckOptions, nodes: number) {
    this.#repeatsMax = LOOKS_MAX * nodes
    this.#report = report
    this.#options = options
    this.#schemes = schemesOf(options.registry)
  }

  labelled(graph: Graph): Labelled {
    const { nodes, scopes, graphs } = this
    return { graph, nodes, scopes, graphs }
  }

  /** A subgraph is what it is wherever it is used: what is wrong with it counts also where a trial meets it first. */
  graph(graph: Graph, path: string): GraphFacts {
    const known = this.graphs.get(graph)
    if (known !== undefined) return known
    if (this.#trials === 0) return this.#graph(graph, path)
    const report = this.#report
    const { problems } = report
    const trials = this.#trials
    report.problems = []
    this.#trials = 0
    const facts = this.#graph(graph, path)
    this.#lasting.push(...report.problems)
    report.problems = problems
    this.#trials = trials
    return facts
  }

  #graph(graph: Graph, path: string): GraphFacts {
    const report = this.#report
    const names = new Names()
    names.set("input", graph.input)
    this.#declared(graph, path)
    const declared = new Declared(report, graph.resources)
    const surroundings: Surroundings = {
      report,
      registry: this.#options.registry,
      schemes: this.#schemes,
      pin: this.#options.pin ?? (() => undefined),
      resources: graph.resources,
      declared,
      onFailure: graph.onFailure,
      body: (scope, names, at, role, params) => this.scope(surroundings, scope, names, at.path, role, at, params),
      graph: (graph, path): SubgraphFacts => this.graph(graph, path),
      trial: (run) => this.#trial(run),
      mayLookAgain: () => this.#repeats < this.#repeatsMax,
    }
    const body = this.scope(surroundings, graph.body, names, path, undefined, undefined, [])
    const spot = () => report.spot(graph, path, "output")
    const output = graph.output ?? body.type
    const fits = fit(report, "output", graph.body.output, body.type, output, spot)
    const outFits = fits === "yes" && cuts(body.type, output) ? "check" : fits
    const size = this.#size(graph, path)
    const { effect, touches, needs } = body
    checkLimits(report, graph, path, report.broken ? undefined : touches)
    checkNeeds(report, this.#schemes, graph, path, needs)
    const core = report.broken ? "" : this.#hash(graph, output, path)
    const narrowed = narrowingsOf(graph)
    const hash = core === "" ? "" : this.#wholeHash(graph, core, narrowed)
    const does = { effect, touches, needs }
    const { all: resources } = declared
    const facts: GraphFacts = { input: graph.input, output, outFits, ...does, resources, size, hash, core, narrowed }
    this.graphs.set(graph, facts)
    return facts
  }

  #wholeHash(graph: Graph, core: string, narrowed: GraphFacts["narrowed"]): string {
    const undos = undosOf({ graph, nodes: this.nodes })
    return narrowedHash(undoneHash(hashWith(core, validsOf(graph)), undos, graph.onFailure), narrowed)
  }

  /** What a graph declares about itself. */
  #declared(graph: Graph, path: string): void {
    const report = this.#report
    const missing = graph.name === "" && report.places !== undefined
    if (!missing && !/^[A-Za-z][A-Za-z0-9_-]{0,127}$/.test(graph.name)) {
      report.error(
        report.spot(graph, path, "graph"),
        "G004",
        `A graph's name has letters, digits, "_" and "-", found ${JSON.stringify(graph.name)}.`,
      )
    }
    for (const [key, type] of [["input", graph.input] as const, ["returns", graph.output] as const]) {
      if (type === undefined) continue
      const { size, stream } = typeSize(type)
      const spot = () => report.spot(graph, path, key)
      if (size > TYPE_SIZE_MAX) report.error(spot(), "G006", `The type unfolds to more than ${TYPE_SIZE_MAX} parts.`)
      if (stream)
        report.error(
          spot(),
          "G101",
          "A graph neither takes nor gives a stream; only `map` and `fold` take one.",
          "Write a list.",
        )
    }
    secretsInResources(report, graph, path)
  }

  #size(graph: Graph, path: string): number {
    let size = 0
    const count = (scope: Scope): void => {
      for (const node of scope.nodes) {
        size += 1 + (node.graph === undefined ? 0 : (this.graphs.get(node.graph)?.size ?? 0))
        for (const inner of Object.values(node.scopes)) count(inner)
      }
    }
    count(graph.body)
    if (size > NODES_MAX) {
      this.#report.error(
        this.#report.spot(graph, path),
        "G006",
        `With its subgraphs the graph has ${size} nodes; ${NODES_MAX} is the most.`,
      )
    }
    return size
  }

  #hash(graph: Graph, output: Type, path: string): string {
    try {
      return graphHash(graph, {
        nodes: this.nodes,
        scopes: this.scopes,
        output,
        hashOf: (inner) => this.graphs.get(inner)?.core ?? "",
      })
    } catch (cause) {
      if (!(cause instanceof ValueError)) throw cause
      this.#report.error(
        this.#report.spot(graph, path),
        "G008",
        `A constant of the graph is no value: ${cause.message}.`,
      )
      return ""
    }
  }

  #trial<A>(run: () => A): A {
    const report = this.#report
    const { problems, broken } = report
    report.problems = []
    this.#trials++
    try {
      return run()
    } finally {
      this.#trials--
      report.problems = problems
      report.broken = broken
      if (this.#trials === 0 && this.#lasting.length > 0) {
        report.problems.push(...this.#lasting)
        report.broken ||= this.#lasting.some((p) => p.severity === "error")
        this.#lasting = []
      }
    }
  }

  scope(
    s: Surroundings,
    scope: Scope,
    outer: Names,
    path: string,
    role: string | undefined,
    control: NodeAt | undefined,
    params: readonly Type[],
  ): BodyFacts {
    const report = this.#report
    const base = role === undefined ? path : joinRole(path, role)
    const single = isSingle(scope, role)
    const names = new Names(outer, single ? [] : scope.nodes)
    const at = (node: Node): NodeAt => ({ node, path: single ? base : joinPath(joinPath(base, "nodes"), node.name) })
    checkNames(report, scope, outer, role, control, at)
    for (let i = 0; i < scope.params.length; i++) names.set(scope.params[i]!, params[i] ?? T.unknown)
    const { order, waits, cycles } = single
      ? { order: scope.nodes, waits: new Map([[scope.nodes[0]!, []]]), cycles: [] }
      : orderOf(scope, this.#free)
    for (const cycle of cycles) this.#cycle(cycle, at)
    this.#afters(scope, at)
    // Names that are not known yet belong to circles, which are reported: they fit everywhere.
    const own = new Map<Node, NodeFacts>()
    if (cycles.length > 0) for (const node of scope.nodes) names.set(node.name, T.never)
    for (const node of order) own.set(node, this.#node(s, at(node), names, single))
    const type = typeOfExpr(report, scope.output, names, () => this.#outputSpot(scope, base, role))
    const touched = (node: Node) => own.get(node)?.touches ?? []
    const { conflicts, follows, complete } = conflictsOf(order, waits, touched)
    if (!complete)
      report.error(
        report.spot(scope, base),
        "G006",
        "There are more effects here than can be put in order.",
        "Move parts into subgraphs.",
      )
    for (const { resource, first, second } of conflicts) this.#conflict(resource, at(first), at(second), own)
    checkUses(report, scope, own, this.#free, at, single, names)
    const all = new Map(names.own)
    this.scopes.set(scope, Object.freeze({ names: all, order, waits, follows, type }))
    const doings: Doings = together([...own.values()])
    return { ...doings, type }
  }

  #node(s: Surroundings, at: NodeAt, names: Names, single: boolean): NodeFacts {
    const { node } = at
    if (this.#trials > 0) this.#repeats++
    else if (this.#placed.has(node)) {
      this.#report.error(
        this.#report.ofNode(at),
        "G003",
        "The same node object stands at two places of the graph.",
        "Make one for each place.",
      )
    } else this.#placed.add(node)
    const facts = Object.freeze(factsOf(s, at, names))
    this.nodes.set(node, facts)
    if (!names.own.has(node.name) || names.own.get(node.name) === T.never || single) names.set(node.name, facts.type)
    return facts
  }

  #outputSpot(scope: Scope, base: string, role: string | undefined): { path: string } {
    const report = this.#report
    return role === undefined || scope.name !== undefined
      ? report.spot(scope, base, "output")
      : report.spot(scope, base)
  }

  #cycle(cycle: readonly Node[], at: (node: Node) => NodeAt): void {
    const shown = cycle.slice(0, CYCLE_SHOWN)
    const way = [
      ...shown.map((node) => node.name),
      ...(cycle.length > shown.length ? [`… ${cycle.length - shown.length} more …`] : []),
      cycle[0]!.name,
    ]
    const [first] = cycle
    const message =
      cycle.length === 1
        ? `The node "${first!.name}" waits for itself.`
        : `Nodes wait for one another in a circle: ${way.join(" → ")}.`
    this.#report.error(
      this.#report.ofNode(at(first!)),
      "G007",
      message,
      "Break it, or use `loop` or `fold`, which are bounded.",
    )
  }

  #afters(scope: Scope, at: (node: Node) => NodeAt): void {
    let known: Set<string> | undefined
    for (const node of scope.nodes) {
      for (const name of node.settings.after ?? []) {
        known ??= new Set(scope.nodes.map((other) => other.name))
        if (known.has(name)) continue
        const near = nearest(name, known)
        const fix = near === undefined ? "`after:` names nodes of the same scope." : `Write ${near}.`
        this.#report.error(
          this.#report.ofNode(at(node), "after"),
          "G102",
          `\`after\` names "${name}", which is no node of this scope.`,
          fix,
        )
      }
    }
  }

  #conflict(resource: string, first: NodeAt, second: NodeAt, facts: ReadonlyMap<Node, NodeFacts>): void {
    const does = (node: Node) => touchText(facts.get(node), resource)
    const a = first.node.name
    const b = second.node.name
    const message = `"${a}" ${does(first.node)} and "${b}" ${does(second.node)}, and nothing says which comes first.`
    this.#report.error(
      this.#report.ofNode(second),
      "G301",
      message,
      `Write after: ${a} on "${b}", or after: ${b} on "${a}".`,
    )
  }
}

const CYCLE_SHOWN = 12

/** `writes shelf:box/drawer`: what a node does to a resource, to a part of it, or to what contains it. */
function touchText(facts: NodeFacts | undefined, resource: string): string {
  const related = facts?.touches.filter(
    (touch) =>
      touch.resource === resource ||
      touch.resource.startsWith(`${resource}/`) ||
      resource.startsWith(`${touch.resource}/`),
  )
  const touch = related?.find(({ write }) => write) ?? related?.[0]
  return `${touch?.write ? "writes" : "reads"} ${touch?.resource ?? resource}`
}

/** `cases.EUR` for the role `case:EUR`; other roles are keys themselves. */
function joinRole(path: string, role: string): string {
  const colon = role.indexOf(":")
  if (colon < 0) return joinPath(path, role)
  return joinPath(joinPath(path, `${role.slice(0, colon)}s`), role.slice(colon + 1))
}
