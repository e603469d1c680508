/**
 * Capabilities in a graph: what its nodes need is written in the one grammar, and what a file says under `needs:` is
 * neither less nor more than that. A file says what it needs; it never grants itself anything.
 */
import { CapabilityError, coverage, covers, least, parseCapability, problemOf } from "../capability.ts"
import type { Graph } from "../ir.ts"
import type { Signature } from "../node.ts"
import type { Surroundings } from "./doings.ts"
import type { NodeAt, Report } from "./report.ts"

/** `needs:` of a graph, held against what its nodes and subgraphs need, as far as these could be read. */
export function checkNeeds(
  report: Report,
  schemes: ReadonlySet<string>,
  graph: Graph,
  path: string,
  needed: readonly string[],
): void {
  const stated = graph.needs
  if (stated === undefined) return
  const spot = (i: number) => report.spot(graph, path, `needs.${i}`)
  if (!readable(report, schemes, stated, spot)) return
  const all = !report.broken
  const covered = coverage(stated)
  const missing = least(needed.filter((need) => !covered(need)))
  if (missing.length > 0) {
    const fix = `Write needs: [${[...stated, ...missing].join(", ")}]`
    report.error(report.spot(graph, path, "needs"), "G302", `\`needs:\` does not cover ${missing.join(", ")}.`, fix)
  }
  // Where a node could not be read, what it needs is not known.
  if (!all) return
  stated.forEach((need, i) => {
    const wider = stated.find((other) => other !== need && covers(other, need))
    if (!needed.some((n) => covers(need, n)))
      report.warn(spot(i), "G307", `No node needs ${need}.`, "Take it out of `needs:`.")
    else if (wider !== undefined)
      report.warn(spot(i), "G307", `${need} is part of ${wider}, which stands there too.`, "Keep one of them.")
  })
}

/** What a registration says that a node needs: a kind that names what is no capability could never be granted it. */
export function checkSigned(report: Report, schemes: ReadonlySet<string>, at: NodeAt, { needs }: Signature): void {
  readable(report, schemes, needs, () => report.ofNode(at))
}

/** `grants:` of a subgraph, held against what stands inside: what is left out there can never be granted. */
export function checkGrants({ report, schemes }: Surroundings, at: NodeAt, needed: readonly string[]): void {
  const { node } = at
  if (node.grants === undefined) return
  if (node.kind !== "graph") {
    report.error(
      report.ofNode(at, "grants"),
      "G207",
      `\`grants\` has no meaning on ${node.kind}.`,
      "Make a subgraph of it.",
    )
    return
  }
  if (!readable(report, schemes, node.grants, (i) => report.ofNode(at, `grants.${i}`))) return
  const covered = coverage(node.grants)
  const missing = least(needed.filter((need) => !covered(need)))
  if (missing.length === 0) return
  const message = `Inside, ${missing.join(", ")} is needed, which \`grants:\` leaves out.`
  const fix = `Leave the need out of the subgraph, or write grants: [${[...node.grants, ...missing].join(", ")}]`
  report.error(report.ofNode(at, "grants"), "G308", message, fix)
}

/** Reports what is no capability; true where all are. */
export function readable(
  report: Report,
  schemes: ReadonlySet<string>,
  texts: readonly string[],
  spot: (i: number) => ReturnType<Report["spot"]>,
): boolean {
  let all = true
  texts.forEach((text, i) => {
    const read = parseCapability(text, schemes)
    if (!(read instanceof CapabilityError)) return
    all = false
    report.error(spot(i), "G306", problemOf(read), read.fix && `Write ${read.fix}`)
  })
  return all
}
