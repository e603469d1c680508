/**
 * What a graph is once it has been checked: the graph itself, and for each node, scope and subgraph the facts that the
 * evaluator, the compiler and admission build on. Only `check` mints one: it is frozen and remembered in a private set,
 * so a door that wants a checked graph cannot be handed a look-alike.
 */
import type { Effect, Graph, Node, Scope } from "./ir.ts"
import type { Narrowing } from "./narrowed.ts"
import type { Signature } from "./node.ts"
import type { Fits, Type } from "./type.ts"

/** What a node and everything inside it may do to one resource. */
export interface Touch {
  readonly resource: string
  readonly write: boolean
}

export interface NodeFacts {
  /** Type of the value that the node's name stands for: declared by `output:` or inferred, joined with its `catch`. */
  readonly type: Type
  /** Type of the value before `catch:` is joined in; what the kernel validates an outcome against. */
  readonly outcome: Type
  /** Type of `node.args`, inferred. */
  readonly argType: Type
  /** Do the arguments fit what the node takes? "check": the value must be looked at before each call. */
  readonly argFits: Fits
  /** Does what the node produces fit `outcome`? "check": the value must be looked at when it arrives. */
  readonly outFits: Fits
  /** Tools only: what the registration says of this node. */
  readonly signature?: Signature
  /** The greatest effect of the node and everything inside it. */
  readonly effect: Effect
  /** Every resource that the node and everything inside it touches, sorted by name, each once. */
  readonly touches: readonly Touch[]
  /** Capabilities that the node and everything inside it needs, sorted, each once. */
  readonly needs: readonly string[]
}

export interface ScopeFacts {
  /** Types of the scope's own names: its params and its nodes. */
  readonly names: ReadonlyMap<string, Type>
  /** The nodes in an order in which each comes after all that it waits for; the author's order breaks ties. */
  readonly order: readonly Node[]
  /** For each node: nodes of this scope that it waits for, by data (bodies included) or by `after:`; author's order. */
  readonly waits: ReadonlyMap<Node, readonly Node[]>
  /**
   * For each node with effects: the nearest earlier nodes of this scope that touch the same resource, one of them
   * writing. A path of `waits` leads from each of them to the node; every effect inside them precedes those inside it.
   */
  readonly follows: ReadonlyMap<Node, readonly Node[]>
  /** Type of `scope.output`. */
  readonly type: Type
}

export interface GraphFacts {
  readonly input: Graph["input"]
  readonly output: Type
  /** Does the value of `body.output` fit a declared output type? "check": it must be looked at when the graph ends. */
  readonly outFits: Fits
  readonly effect: Effect
  readonly touches: readonly Touch[]
  /** Capabilities that the graph's nodes need, subgraphs included, sorted, each once. */
  readonly needs: readonly string[]
  /** What the graph and its subgraphs declare, by section: in one run a name stands for one thing. */
  readonly resources: Graph["resources"]
  /** Nodes when every subgraph is counted where it is used. */
  readonly size: number
  /** SHA-256, in hexadecimal, of the graph's canonical form (`hashWith`, `undoneHash`, `narrowedHash`): the same for a file and for the TypeScript builder. */
  readonly hash: string
  /** The same without the `valid:`s, undos and `grants:` of its nodes, and without what it does on failure. */
  readonly core: string
  /** Where the graph and its subgraphs narrow what a run may do; part of the hash too. */
  readonly narrowed: readonly Narrowing[]
}

export interface CheckedGraph extends GraphFacts {
  readonly graph: Graph
  /** Facts of every node, those of subgraphs included. */
  readonly nodes: ReadonlyMap<Node, NodeFacts>
  readonly scopes: ReadonlyMap<Scope, ScopeFacts>
  /** The graph and its subgraphs; one that is used twice appears once. */
  readonly graphs: ReadonlyMap<Graph, GraphFacts>
}
