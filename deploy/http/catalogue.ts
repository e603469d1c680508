/**
 * The graphs that a server serves, by name. They may change while it serves: a file is saved in development, a plan is
 * uploaded. Runs on their way keep the plan that they began with, since they hold it and not its name.
 */
import type { Type } from "../../graph/mod.ts"
import type { AdmissionError } from "../../kernel/mod.ts"
import type { Engine, Ready } from "../engine/engine.ts"
import type { Holder } from "./holder.ts"

/** A graph that is served: ready, or refused with the reason that a caller is told. */
export interface Served {
  readonly name: string
  readonly about?: string | undefined
  readonly needs: readonly string[]
  readonly input: Type
  readonly output: Type
  /** Whose runs they are. */
  readonly engine: Engine
  readonly ready: Ready | AdmissionError
  /** The same for one who holds a token: ready with what both the server and the token grant, or refused. */
  readonly readyFor?: (holder: Pick<Holder, "name" | "grants">) => Promise<Ready | AdmissionError>
  /** Of a plan that came over HTTP: the name of the token that brought it. */
  readonly uploadedBy?: string
}

export class Catalogue {
  readonly #graphs = new Map<string, Served>()
  /** Grows with every change: what is made from the graphs is made anew then. */
  version = 0
  readonly #listeners = new Set<() => void>()
  #telling = false

  constructor(graphs: Iterable<Served> = []) {
    for (const graph of graphs) this.#graphs.set(graph.name, graph)
  }

  get size(): number {
    return this.#graphs.size
  }

  get(name: string): Served | undefined {
    return this.#graphs.get(name)
  }

  /** In the order of their names. */
  all(): readonly Served[] {
    return [...this.#graphs.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  put(graph: Served): void {
    this.#graphs.set(graph.name, graph)
    this.#changed()
  }

  delete(name: string): void {
    if (this.#graphs.delete(name)) this.#changed()
  }

  /** Hears that graphs have come, gone or changed, once for all that happens in one turn; until it is called off. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #changed(): void {
    this.version++
    if (this.#telling || this.#listeners.size === 0) return
    this.#telling = true
    queueMicrotask(() => {
      this.#telling = false
      for (const listener of [...this.#listeners]) listener()
    })
  }
}

/** Plans admitted for tokens, one for all tokens with the same grants. */
export function byGrants<Admitted>(
  prepare: (more: { readonly within: readonly (readonly string[])[] }) => Promise<Admitted>,
) {
  const known = new Map<string, Promise<Admitted>>()
  return ({ grants }: Pick<Holder, "grants">): Promise<Admitted> => {
    const key = grants.join("\n")
    const before = known.get(key)
    if (before !== undefined) return before
    const made = prepare({ within: [grants] })
    made.catch(() => known.delete(key))
    known.set(key, made)
    return made
  }
}
