/**
 * `npm run soak [-- --minutes 10]`: a server at 80 % of the most that it does, while tools are killed and clients misbehave. Prints
 * what went wrong, and the figures; fails when a run was lost, an answer was wrong, or the record is not sound.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Report } from "../../bench/report.ts"
import { type MemorySample, type Soaked, soak } from "./soak.ts"

const SAYS = {
  order: "an order: five expressions",
  price: "a price: a tool over HTTP",
  pay: "a payment: a write over HTTP, with a key",
  add: "a sum: a tool of MCP",
  later: "an order for which nobody waits, asked for twice under one key",
  cancel: "a run that is cancelled",
  leave: "a run, or half a request, whose client goes away",
  broken: "a broken request",
  dribble: "a body that comes slowly",
  listen: "a stream of events that is read late",
} as const
const CAME = {
  right: "right",
  refused: "refused, as it had to be",
  left: "left by the client",
  down: "failed, since the tool was dead",
  asked: "at rest: a person is to say what came of a payment",
  shed: "turned away: no place",
  silent: "given up: nothing came for 30 s",
} as const

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    share: { type: "string", default: "0.8" },
    connections: { type: "string", default: "32" },
    /** Where the ledger is kept meanwhile; it is removed afterwards. */
    folder: { type: "string", default: tmpdir() },
  },
})
const seconds = number("minutes") * 60
const folder = mkdtempSync(join(values.folder, "shadowgraph-soak-"))
try {
  const soaked = await soak({
    folder: join(folder, "graphs"),
    mostSeconds: 15,
    seconds,
    share: number("share"),
    connections: number("connections"),
    killEverySeconds: 10,
    sampleMs: 1_000,
    says: (line) => console.log(line),
  })
  process.exitCode = tell(soaked) ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function number(name: "minutes" | "share" | "connections"): number {
  const n = Number(values[name])
  if (n > 0) return n
  console.error(`Cannot start the soak: --${name} wants a number above 0, found "${values[name]}"`)
  process.exit(2)
}

interface Flat {
  readonly first: number
  readonly last: number
  readonly perMinute: number
  readonly highest: number
  /** Medians of each minute, from the first on. */
  readonly minutes: readonly number[]
  /** Seconds of each of the two windows. */
  readonly window: number
  /** Seconds before the first of them. */
  readonly warm: number
}

/** Is the memory flat? Medians of a window after the warm-up and of one at the end, and the slope of the line between (least squares). */
function flat(samples: readonly MemorySample[]): Flat {
  const warm = Math.min(60, seconds / 5)
  const window = Math.min(60, seconds / 5)
  const within = (from: number, to: number) => samples.filter(({ at }) => at >= from && at < to)
  const median = (of: readonly MemorySample[]) =>
    of.map((s) => s.rss).sort((a, b) => a - b)[of.length >> 1] ?? Number.NaN
  const after = within(warm, Number.POSITIVE_INFINITY)
  const mean = (of: readonly number[]) => of.reduce((a, b) => a + b, 0) / of.length
  const [x, y] = [mean(after.map((s) => s.at)), mean(after.map((s) => s.rss))]
  const slope =
    after.reduce((sum, s) => sum + (s.at - x) * (s.rss - y), 0) / after.reduce((sum, s) => sum + (s.at - x) ** 2, 0)
  return {
    first: median(within(warm, warm + window)),
    last: median(within(seconds - window, Number.POSITIVE_INFINITY)),
    perMinute: slope * 60,
    highest: Math.max(...samples.map((s) => s.rss)),
    minutes: Array.from({ length: Math.ceil(seconds / 60) }, (_, i) => median(within(i * 60, (i + 1) * 60))),
    window,
    warm,
  }
}

function tell({ most, rate, held, samples, heap, kills, exit, found }: Soaked): boolean {
  const mb = (bytes: number) => (bytes / 2 ** 20).toFixed(1)
  const memory = flat(samples)
  const asked = Object.values(held.asked).reduce((a, b) => a + b, 0)
  const silent = held.came["silent"] ?? 0
  const lost = found.lost.length + found.open.length
  const report = new Report("Soak", "npm run soak")
  report.text(
    `\`shadowgraph serve\`, ledger on disk (SQLite, \`synchronous=FULL\`), ${(seconds / 60).toFixed(1)} minutes; load, server and tools share the machine. The most that it does (${most.toFixed(0)} requests a second, ${values.connections} connections that each ask again when they are answered, the same graphs) is measured first; then requests begin at ${rate} a second (${held.perSecond.toFixed(0)} were reached), whatever becomes of those before. Meanwhile the HTTP tool was killed and started again ${kills.http} times, the MCP tool killed ${kills.mcp} times.`,
  )
  report.table(
    ["asked", "requests"],
    Object.entries(held.asked).map(([kind, n]) => [SAYS[kind as keyof typeof SAYS], String(n)]),
  )
  report.table(
    ["came to", "requests"],
    [
      ...Object.entries(held.came).map(([how, n]) => [CAME[how as keyof typeof CAME], String(n)]),
      ["wrong", String(held.wrong)],
    ],
  )
  report.text(
    `Milliseconds of an order, from when it was due: p50 ${held.p50.toFixed(2)}, p99 ${held.p99.toFixed(2)}, p99.9 ${held.p999.toFixed(1)}, longest ${held.most.toFixed(0)}. Memory of the server's process, median of ${memory.window.toFixed(0)} s: ${mb(memory.first)} MB after ${memory.warm.toFixed(0)} s, ${mb(memory.last)} MB at the end, ${mb(memory.highest)} MB at most; least squares over all after the warm-up: ${mb(memory.perMinute)} MB a minute. Objects held after a collection without load: ${mb(heap[0])} MB before, ${mb(heap[1])} MB afterwards. By the minute: ${memory.minutes.map(mb).join(", ")} MB.`,
  )
  report.text(
    `The ledger afterwards: ${found.runs} runs with ${found.entries} entries, of which clients were told of ${found.accepted}; ${found.open.length} without an end, ${found.asked.length} at rest until a person says what came of a payment, ${found.lost.length} not as they were told, ${found.findings.length} findings of the audit. ${found.payments} payments, ${found.twice.length} of them twice. The server ended with ${exit} when it was asked to.`,
  )
  report.figure("soak.lost", lost, undefined, "0")
  report.figure("soak.wrong", held.wrong + found.twice.length, undefined, "0")
  report.figure("soak.rss_growth_pct", (memory.last / memory.first - 1) * 100, "%", "flat")
  report.figure("soak.p99_ms", held.p99, "ms")
  report.figure("soak.shed_pct", ((held.came["shed"] ?? 0) / asked) * 100, "%")
  report.figure("soak.unanswered", silent, undefined, "0")
  report.figure("soak.requests", asked)
  report.figure("soak.requests_per_second", held.perSecond)
  report.end()
  for (const line of [
    ...held.wrongs,
    ...found.lost.slice(0, 20),
    ...found.open.slice(0, 20),
    ...found.twice,
    ...found.findings,
  ])
    console.error(line)
  return lost + held.wrong + silent + found.twice.length + found.findings.length === 0 && exit === 0
}
