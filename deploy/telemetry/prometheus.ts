/**
 * Figures as Prometheus reads them: the text format 0.0.4. Names and units follow the rules of OpenTelemetry: dots become
 * underscores, seconds and bytes are said, counters end in `_total`.
 * Source: Prometheus, "Exposition formats"; OpenTelemetry, "Prometheus and OpenMetrics Compatibility".
 */
import { BOUNDS, type Figures, METRICS, type Metric } from "./metrics.ts"

export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

const UNITS: { readonly [unit: string]: string } = { s: "_seconds", By: "_bytes" }

/** The name of a metric in this format. */
export function prometheusName(name: Metric): string {
  const { kind, unit } = METRICS[name]
  const base = name.replaceAll(".", "_")
  const suffix = UNITS[unit] ?? ""
  return `${base.endsWith(suffix) ? base : base + suffix}${kind === "counter" ? "_total" : ""}`
}

export function prometheusText(figures: readonly Figures[]): string {
  const lines: string[] = []
  for (const { name, points } of figures) {
    const { kind, about } = METRICS[name]
    const as = prometheusName(name)
    lines.push(`# HELP ${as} ${about.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`, `# TYPE ${as} ${kind}`)
    for (const { labels, value, buckets } of points) {
      if (buckets === undefined) {
        lines.push(`${as}${labelsOf(labels)} ${value}`)
        continue
      }
      let below = 0
      buckets.forEach((n, i) => {
        below += n
        lines.push(
          `${as}_bucket${labelsOf({ ...labels, le: i < BOUNDS.length ? String(BOUNDS[i]) : "+Inf" })} ${below}`,
        )
      })
      lines.push(`${as}_sum${labelsOf(labels)} ${value}`, `${as}_count${labelsOf(labels)} ${below}`)
    }
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`
}

function labelsOf(labels: { readonly [label: string]: string }): string {
  const all = Object.entries(labels)
  if (all.length === 0) return ""
  const text = (value: string) => value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")
  return `{${all.map(([label, value]) => `${label.replaceAll(".", "_")}="${text(value)}"`).join(",")}}`
}
