/** `check --labels`: for each port whose text it may hold, and who else had a say in it. */
import { type CheckedGraph, labelsOf, printOrigin } from "../../graph/mod.ts"

/** A line for each port, in the order in which they are computed; bodies stand under their nodes' paths. */
export function labelLines(checked: CheckedGraph): readonly string[] {
  const { ports, origins } = labelsOf(checked)
  const rows = ports.map(({ at, label }): readonly [string, string, string] => {
    const text = origins.of(label.text).map(printOrigin)
    const others = origins.of(label.any & ~label.text).map(printOrigin)
    const port = at.slice(at.indexOf(".") + 1)
    return [port, text.join(", ") || "-", others.length > 0 ? `decided by ${others.join(", ")}` : ""]
  })
  rows.unshift(["port", "text of", ""])
  const width = (i: 0 | 1) => Math.max(0, ...rows.map((row) => row[i].length))
  const [port, text] = [width(0), width(1)]
  return rows.map((row) => `  ${row[0].padEnd(port)}  ${row[1].padEnd(text)}  ${row[2]}`.trimEnd())
}
