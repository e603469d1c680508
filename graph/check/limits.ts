/** `limits:` of a graph: bounds that can be read, on resources that something in the graph touches. */
import type { Touch } from "../checked.ts"
import type { Graph } from "../ir.ts"
import { readLimit } from "../limit.ts"
import { nearest } from "../near.ts"
import type { Report } from "./report.ts"

/** `touches`: of the whole graph; undefined where parts of it could not be read, so that nobody knows them all. */
export function checkLimits(report: Report, graph: Graph, path: string, touches: readonly Touch[] | undefined): void {
  for (const [resource, stated] of Object.entries(graph.resources["limits"] ?? {})) {
    const spot = (key: string) => report.spot(graph, path, ["limits", resource, ...(key === "" ? [] : [key])])
    const read = readLimit(stated)
    if ("wrong" in read) report.error(spot(read.key), "G207", `The limit of ${resource}: ${read.wrong}.`)
    if (touches === undefined || touches.some((touch) => touch.resource === resource)) continue
    const known = touches.map((touch) => touch.resource)
    const near = nearest(resource, known)
    const there = known.length === 0 ? "Nothing here touches any." : `There are: ${known.join(", ")}.`
    const message = `Nothing in this graph touches the resource "${resource}", so a limit of it would bound nothing. ${there}`
    report.error(spot(""), "G202", message, near === undefined ? undefined : `Write ${near}.`)
  }
}
