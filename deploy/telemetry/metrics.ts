/**
 * Figures of a process: counters, histograms and gauges, each with a bounded number of series. They are read in one form,
 * which OTLP and Prometheus are written from. Sums are of this process since it began (cumulative).
 */

interface Definition {
  readonly kind: "counter" | "histogram" | "gauge"
  /** As UCUM writes it; figures in braces are counts of something. */
  readonly unit: string
  readonly labels: readonly string[]
  readonly about: string
}

const define = <const M extends { readonly [name: string]: Definition }>(metrics: M): M => metrics

/** Every metric that there is. */
export const METRICS = define({
  "shadowgraph.runs": {
    kind: "counter",
    unit: "{run}",
    labels: ["graph", "outcome", "code"],
    about: "Runs that ended or came to rest: `ok`, `failed`, `cancelled`, `parked`, `broken`; `code` of a failure.",
  },
  "shadowgraph.run.duration": {
    kind: "histogram",
    unit: "s",
    labels: ["graph", "outcome"],
    about: "How long runs took here, until they ended or came to rest.",
  },
  "shadowgraph.runs.active": { kind: "gauge", unit: "{run}", labels: [], about: "Runs that go on here now." },
  "shadowgraph.runs.parked": {
    kind: "gauge",
    unit: "{run}",
    labels: [],
    about: "Runs that rest in the ledger now; at most 1,000 are counted.",
  },
  "shadowgraph.calls": {
    kind: "counter",
    unit: "{call}",
    labels: ["kind", "effect", "outcome"],
    about:
      "Calls of tools: `ok`, `failed`, `cached` (answered by the cache), `discarded` (called ahead, not wanted), `unfinished`.",
  },
  "shadowgraph.call.duration": {
    kind: "histogram",
    unit: "s",
    labels: ["kind", "effect"],
    about: "How long calls took, all attempts and the pauses between them. Answers of the cache are not among them.",
  },
  "shadowgraph.retries": {
    kind: "counter",
    unit: "{attempt}",
    labels: ["kind", "effect"],
    about: "Attempts after the first.",
  },
  "shadowgraph.guesses": {
    kind: "counter",
    unit: "{guess}",
    labels: ["verdict"],
    about: "Guesses of calls' answers: `kept`, `wrong`, `dropped`; `off` where none was made.",
  },
  "shadowgraph.tokens": {
    kind: "counter",
    unit: "{token}",
    labels: ["graph"],
    about: "Tokens of models, where they are counted.",
  },
  "shadowgraph.money": {
    kind: "counter",
    unit: "{currency}",
    labels: ["graph"],
    about: "Money spent, in the currency of the price list.",
  },
  "shadowgraph.bytes": {
    kind: "counter",
    unit: "By",
    labels: ["graph"],
    about: "Bytes that tools sent and received, where they are counted.",
  },
  "shadowgraph.queue.running": { kind: "gauge", unit: "{run}", labels: [], about: "Places at work that are taken." },
  "shadowgraph.queue.waiting": { kind: "gauge", unit: "{run}", labels: [], about: "Requests that wait for a place." },
  "shadowgraph.shed": {
    kind: "counter",
    unit: "{run}",
    labels: ["reason"],
    about:
      "Requests that were turned away: `full`, `late` (waited too long), `closing`, `cancelled` (gone while it waited).",
  },
  "shadowgraph.telemetry.dropped": {
    kind: "counter",
    unit: "{item}",
    labels: ["signal"],
    about: "Spans, and reports of metrics, that could not be handed over and are lost.",
  },
})

export type Metric = keyof typeof METRICS
type OfKind<K> = { [M in Metric]: (typeof METRICS)[M]["kind"] extends K ? M : never }[Metric]
export type Labels<M extends Metric> = { readonly [L in (typeof METRICS)[M]["labels"][number]]?: string }

/** Upper bounds of a histogram's buckets, in seconds; one more bucket holds what is above. */
export const BOUNDS: readonly number[] = [
  0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
]

/** Series of one metric; what comes then is counted in one series, as OpenTelemetry names it. */
const SERIES_MAX = 2_000
const OVERFLOW = { "otel.metric.overflow": "true" }

export interface Point {
  readonly labels: { readonly [label: string]: string }
  readonly value: number
  /** Of a histogram: how many fell into each bucket; `value` is the sum of them all. */
  readonly buckets?: readonly number[]
}
export interface Figures {
  readonly name: Metric
  readonly points: readonly Point[]
}

interface Series {
  readonly labels: { readonly [label: string]: string }
  value: number
  readonly buckets: number[] | undefined
}

/** Looks at figures that others keep, when they are asked for. */
export type Look = () => readonly Point[] | Promise<readonly Point[]>

export class Metrics {
  readonly #series = new Map<Metric, Map<string, Series>>()
  readonly #looks: { readonly name: Metric; readonly look: Look }[] = []

  add<M extends OfKind<"counter">>(name: M, labels: Labels<M>, n = 1): void {
    this.#of(name, labels).value += n
  }

  /** Moves a gauge. */
  move<M extends OfKind<"gauge">>(name: M, by: number): void {
    this.#of(name, {}).value += by
  }

  /** @param seconds One more of a histogram. */
  record<M extends OfKind<"histogram">>(name: M, labels: Labels<M>, seconds: number): void {
    const series = this.#of(name, labels)
    series.value += seconds
    let i = 0
    while (i < BOUNDS.length && seconds > BOUNDS[i]!) i++
    series.buckets![i]!++
  }

  /** Figures of several places are added up. */
  look(name: OfKind<"counter" | "gauge">, look: Look): void {
    this.#looks.push({ name, look })
  }

  /** What there is now, in the order of `METRICS`. A look that fails gives nothing. */
  async read(): Promise<readonly Figures[]> {
    const looked = await Promise.all(
      this.#looks.map(async ({ name, look }) => ({
        name,
        points: await Promise.resolve()
          .then(look)
          .catch(() => []),
      })),
    )
    const figures = (Object.keys(METRICS) as Metric[]).map((name) => {
      const own: Point[] = [...(this.#series.get(name)?.values() ?? [])].map(({ labels, value, buckets }) => ({
        labels,
        value,
        ...(buckets === undefined ? {} : { buckets: [...buckets] }),
      }))
      return { name, points: summed([...own, ...looked.filter((l) => l.name === name).flatMap((l) => l.points)]) }
    })
    return figures.filter(({ points }) => points.length > 0)
  }

  #of(name: Metric, labels: { readonly [label: string]: string | undefined }): Series {
    const all = this.#series.get(name) ?? new Map<string, Series>()
    this.#series.set(name, all)
    const said = Object.entries(labels).filter((e): e is [string, string] => e[1] !== undefined)
    const key = JSON.stringify(said)
    const known = all.get(key)
    if (known !== undefined) return known
    const full = all.size >= SERIES_MAX
    const [at, of] = full ? ["overflow", OVERFLOW] : [key, Object.fromEntries(said)]
    const fresh = all.get(at) ?? {
      labels: of,
      value: 0,
      buckets: METRICS[name].kind === "histogram" ? new Array<number>(BOUNDS.length + 1).fill(0) : undefined,
    }
    all.set(at, fresh)
    return fresh
  }
}

function summed(points: readonly Point[]): readonly Point[] {
  const sums = new Map<string, Point>()
  for (const point of points) {
    const key = JSON.stringify(point.labels)
    const before = sums.get(key)
    sums.set(key, before === undefined ? point : { ...point, value: before.value + point.value })
  }
  return [...sums.values()]
}
