/**
 * `npm run bench:compile`: what compiling costs, by size, from a checked graph to verified bytes. A node is a call of a
 * function or an expression, by turns, in a graph with chains and joins.
 */
import * as v from "valibot"
import { compile } from "../compile/mod.ts"
import * as build from "../graph/build/mod.ts"
import { summary } from "./measure.ts"
import { checked } from "./ours.ts"
import { Report, show } from "./report.ts"

type Loose = (...args: unknown[]) => unknown
type Yielded = Iterable<unknown> & { [Symbol.iterator](): Iterator<unknown, unknown> }
const { graph, fn, expr, num } = build as unknown as { readonly [k in "graph" | "fn" | "expr" | "num"]: Loose }

function mixed(size: number): unknown {
  const tool = fn(
    "f",
    { input: { a: v.number(), b: v.number() }, output: v.number(), effect: "pure", async: false },
    ({ a, b }: { a: number; b: number }) => a + b,
  ) as Loose
  return graph("mixed", { input: { x: v.number() } }, function* (input: { x: unknown }): Generator<
    unknown,
    unknown,
    unknown
  > {
    const ports: unknown[] = [input.x, input.x]
    for (let i = 2; i < size + 2; i++) {
      const [a, b] = [ports[i - 1], ports[Math.floor(i / 2)]]
      ports.push(
        i % 2 === 0
          ? yield* expr(`n${i}`, num(["", " * 0.5 + ", ""], a, b)) as Yielded
          : yield* tool({ a, b }, { name: `n${i}` }) as Yielded,
      )
    }
    return ports[ports.length - 1]
  })
}

const report = new Report("Compile", "npm run bench:compile")
const rows: string[][] = []
const perNode = new Map<number, number>()
let bytesPerNode = 0
for (const size of [1_000, 10_000, 100_000]) {
  const made = mixed(size)
  let start = performance.now()
  const { graph: sound } = checked(made)
  const checkMs = performance.now() - start
  const times: number[] = []
  let bytes = 0
  for (let i = 0; i < (size >= 100_000 ? 3 : 9); i++) {
    start = performance.now()
    bytes = compile(sound).bytes.length
    times.push(performance.now() - start)
  }
  const s = summary("", times)
  perNode.set(size, (s.median * 1000) / size)
  bytesPerNode = bytes / size
  const mb = process.memoryUsage().rss / 2 ** 20
  rows.push([
    size.toLocaleString("en"),
    checkMs.toFixed(0),
    s.median.toFixed(0),
    show(perNode.get(size)!),
    (bytes / size).toFixed(1),
    mb.toFixed(0),
  ])
}
report.text(
  "From a checked graph to verified bytes: resolve, passes, fusing, scheduling, slots, encoding, and the verifier at the end.",
)
report.table(["nodes", "check ms", "compile ms", "µs per node", "bytes per node", "process MB"], rows)
report.figure("compile.us_per_node_1k", perNode.get(1_000)!, "µs")
report.figure("compile.us_per_node_100k", perNode.get(100_000)!, "µs", "as many as at 1,000: linear")
report.figure("compile.bytes_per_node", bytesPerNode, "B")
report.end()
process.exit(0)
