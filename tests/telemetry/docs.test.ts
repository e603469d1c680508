// docs/telemetry.md against the tables of the code: every attribute, event and metric stands there with its own words.
import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { METRICS, type Metric } from "../../deploy/telemetry/metrics.ts"
import { prometheusName } from "../../deploy/telemetry/prometheus.ts"
import { CALL_ATTRIBUTES, NODE_ATTRIBUTES, RUN_ATTRIBUTES, SPAN_EVENTS } from "../../deploy/telemetry/span.ts"

const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "telemetry.md"), "utf8")

/** Rows of the first table below a heading, without head and rule. */
const rowsBelow = (heading: string): readonly string[] =>
  page
    .split(`\n## ${heading}\n`)[1]!
    .split("\n## ")[0]!
    .split("\n")
    .filter((row) => row.startsWith("| `"))

const told = (table: { readonly [name: string]: string }) =>
  Object.entries(table).map(([name, about]) => `| \`${name}\` | ${about} |`)

test("the tables of the page are those of the code", () => {
  expect(rowsBelow("The span of a run")).toEqual(told(RUN_ATTRIBUTES))
  expect(rowsBelow("The span of a call")).toEqual(told(CALL_ATTRIBUTES))
  expect(rowsBelow("The span of a node without an effect")).toEqual(told(NODE_ATTRIBUTES))
  expect(rowsBelow("Events on spans")).toEqual(told(SPAN_EVENTS))
  expect(rowsBelow("Metrics")).toEqual(
    (Object.keys(METRICS) as Metric[]).map((name) => {
      const { kind, labels, about } = METRICS[name]
      const by = labels.map((label) => `\`${label}\``).join(", ")
      return `| \`${name}\` | \`${prometheusName(name)}\` | ${kind} | ${by} | ${about} |`
    }),
  )
})
