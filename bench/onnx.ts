/**
 * `npm run bench:onnx`: the providers of models against one another, in one run: a processor and WASM, and WebGPU on a GPU where the
 * machine has one, else on a device in software, which says that it works and nothing of what a GPU would do.
 */
import { HOSTS, Stand, softwareGpu } from "../tests/hosts/launch.ts"
import type { Case, Rates } from "../tests/hosts/onnx-rates.ts"
import { Report } from "./report.ts"

const TURNS = Number(process.argv[2] ?? 7)
const CASES: readonly Case[] = [
  { widths: [64, 64, 32], rows: 1 },
  { widths: [128, 256, 256, 64], rows: 1 },
  { widths: [128, 256, 256, 64], rows: 64 },
  { widths: [512, 1024, 1024, 256], rows: 256 },
]
const ON = { Bun: "onnx-servers", Chromium: "onnx-page" } as const

const stand = new Stand()
const report = new Report("Models", "npm run bench:onnx")
report.text(
  `Milliseconds a call, medians of ${TURNS} turns in which the providers of a host take turns; in brackets how many times the rows a second of WASM on that host. Every answer is compared with a loop in float64 first.`,
)
try {
  const rows: string[][] = []
  for (const [host, program] of Object.entries(ON)) {
    const kind = HOSTS.find(({ name }) => name === host)!
    if (kind.missing !== undefined) {
      report.text(`Not in it: ${host}, because ${kind.missing}.`)
      continue
    }
    const started = await stand.start(kind, await stand.program(`tests/hosts/${program}.ts`), true)
    const { rates, runtimes, lacks } = (await started.ask({ cases: CASES, turns: TURNS, turnMs: 50 })) as Rates
    for (const [provider, reason] of Object.entries(lacks)) report.text(`Not in it: ${provider} on ${host}: ${reason}.`)
    const at = (provider: string, i: number) => rates.find((r) => r.provider === provider && r.case === i)!
    for (const [provider, runtime] of Object.entries(runtimes)) {
      const times = CASES.map((_, i) => at(provider, i).rowsPerSecond / at("wasm", i).rowsPerSecond)
      const cells = CASES.map((_, i) => `${at(provider, i).msPerCall.toPrecision(3)} (${times[i]!.toPrecision(3)})`)
      rows.push([`${provider} on ${host}`, runtime, ...cells])
      if (provider !== "wasm") report.figure(`onnx.${host.toLowerCase()}_${provider}_vs_wasm`, times.at(-1)!)
    }
  }
  report.table(
    ["", "runtime", ...CASES.map(({ widths, rows }) => `${widths.join("-")}, ${rows} row${rows > 1 ? "s" : ""}`)],
    rows,
  )
  const gpu =
    softwareGpu() === undefined
      ? "the machine's own"
      : "SwiftShader, in software (`SHADOWGRAPH_GPU=own`: the machine's)"
  report.text(`WebGPU's device: ${gpu}. Figures are of the last column.`)
  report.end()
} finally {
  await stand.close()
}
