/**
 * What a graph and its subgraphs declare, taken together: servers, databases, models, limits. Grants, the lock and the
 * order of effects go by their names, so in one run a name stands for one thing, whichever file declares it.
 */
import type { Graph } from "../ir.ts"
import { tightest } from "../limit.ts"
import { show } from "../literal.ts"
import { sameValue, type Value } from "../value.ts"
import type { NodeAt, Report } from "./report.ts"

type Resources = Graph["resources"]

/** Takes over what a subgraph declares; a name that stands for something else here is refused. */
export class Declared {
  #all: { [section: string]: { readonly [name: string]: Value } }
  readonly #report: Report

  constructor(report: Report, own: Resources) {
    this.#report = report
    this.#all = { ...own }
  }

  get all(): Resources {
    return this.#all
  }

  take(from: Resources, at: NodeAt): void {
    for (const [section, things] of Object.entries(from)) {
      for (const [name, thing] of Object.entries(things)) {
        const here = this.#all[section] ?? {}
        if (!Object.hasOwn(here, name)) this.#all[section] = { ...here, [name]: thing }
        else if (section === "limits") this.#all[section] = { ...here, [name]: tightest(here[name]!, thing) }
        else if (!sameValue(here[name]!, thing)) this.#differ(section, name, here[name]!, thing, at)
      }
    }
  }

  #differ(section: string, name: string, here: Value, there: Value, at: NodeAt): void {
    const found = `${show(there)} inside, and ${show(here)} in this graph or in another of its subgraphs`
    const message = `\`${section}\` has ${name} as ${found}. Grants and the order of effects go by the name.`
    this.#report.error(this.#report.ofNode(at, "graph"), "G208", message, "Give one of them another name.")
  }
}
