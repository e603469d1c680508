/**
 * `npm start`: the delivery example from end to end. It starts the server that the graph speaks to, makes the database, and
 * then runs the commands that a person would type, each shown before its output. What it measures at the end it measured
 * just now: the graph as it is, and the same graph told to do one thing after another.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import process from "node:process"
import pc from "picocolors"
import { parseDocument, type YAMLMap } from "yaml"
import { environmentWith } from "../bin/runtimes.mjs"
import { seed } from "./delivery/seed.ts"
import { PORT, startServer } from "./delivery/server.ts"

const root = join(import.meta.dirname, "..")
const home = "examples/delivery"
const out = join(root, home, "out")
const columns = Math.min(process.stdout.columns || 80, 100)
const { bold, cyan, dim, green } = pc.createColors(process.stdout.isTTY === true && !process.env["NO_COLOR"])

const say = (text = "") => console.log(text)
const heading = (text: string) => say(`\n${dim("──")} ${bold(text)} ${dim("─".repeat(columns - text.length - 4))}\n`)

/** The command at work. Ctrl-C reaches it from the terminal itself; it stops its tools, and then this process ends, too. */
let running: ChildProcess | undefined
process.on("SIGINT", () => {
  if (running === undefined) process.exit(130)
  if (process.stdin.isTTY !== true) running.kill("SIGINT")
})

/** Runs `npx shadowgraph …` as the clone runs it, on this terminal. Ends this process where it fails. */
async function shadowgraph(...words: readonly string[]): Promise<void> {
  say(`${dim("$")} ${cyan(`npx shadowgraph ${words.join(" ")}`)}`)
  // Without a terminal nothing is shown live, so the timeline is asked for.
  const more = words[0] === "run" && process.stderr.isTTY !== true ? ["--timeline"] : []
  const child = spawn(process.execPath, [join(root, "bin/shadowgraph.mjs"), ...words, ...more], {
    cwd: root,
    env: environmentWith(process.execPath),
    stdio: "inherit",
  })
  running = child
  const exit = await new Promise<number>((done) => child.once("close", (code) => done(code ?? 130)))
  running = undefined
  if (exit !== 0) process.exit(exit)
}

/** The same graph with nothing at the same time: one item of the map, and each read after the one before. */
function oneByOne(text: string): string {
  const file = parseDocument(text)
  let before: unknown
  for (const { key, value } of (file.get("nodes") as YAMLMap<{ value: string }, YAMLMap>).items) {
    const kinds = ["sql", "mcp", "http"]
    if (!value!.has("parallel") && !kinds.some((kind) => value!.has(kind))) continue
    if (value!.has("parallel")) value!.set("parallel", 1)
    if (before !== undefined) value!.set("after", file.createNode([before], { flow: true }))
    before = key.value
  }
  return file.toString({ lineWidth: 0 })
}

interface Ran {
  readonly ms: number
  readonly outcome: string
}

/** The newest runs of the example's ledger, the latest first. */
async function ledger(count: number): Promise<readonly Ran[]> {
  const words = ["runs", "--in", home, "--limit", String(count), "--json"]
  const child = spawn(process.execPath, [join(root, "bin/shadowgraph.mjs"), ...words], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  })
  let text = ""
  for await (const chunk of child.stdout) text += String(chunk)
  return JSON.parse(text) as readonly Ran[]
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

const server = await startServer().catch((cause: NodeJS.ErrnoException) => {
  const used = `port ${PORT} is in use, perhaps by another \`npm start\`. End that, then start this one again.`
  const why = cause.code === "EADDRINUSE" ? used : cause.message
  console.error(`Cannot start the example's server: ${why}`)
  process.exit(1)
})
mkdirSync(out, { recursive: true })

say(`
${bold("Shadowgraph")}   a tool chain as one typed graph

A bicycle shop has ${seed()} parcels to send from four depots. One graph file joins a
SQLite database, files through an MCP server, a server of roads and exchange
rates, and two libraries for units and dates; it prices every parcel, asks the
carrier for a discount where the sum is worth it, and writes a report.

${dim(`The server of roads is on this machine, port ${PORT}; it takes 20 to 60 ms for an`)}
${dim("answer, as one in the same region does. Everything below is a command to type.")}`)

heading("Check: every name, type, effect and right, before anything runs")
await shadowgraph("check", home)

heading("Draw: what waits for what")
await shadowgraph("draw", home, "--text", "--svg", `${home}/out/picture.svg`)

heading("Compile: a plan, verified bytes that are the same on every machine")
await shadowgraph("compile", home, "--out", `${home}/out/delivery.plan`)

heading("Run the plan")
await shadowgraph("run", `${home}/out/delivery.plan`, "--in", home)
const report = readFileSync(join(out, "report.md"), "utf8")
say(`\n${dim(`${home}/out/report.md`)}\n`)
for (const line of report.split("\n").slice(0, 11)) say(`  ${line}`.trimEnd())
say(`  ${dim("… and a line for each parcel")}`)

heading("Run it once more, one thing after another")
const slow = join(root, home, ".shadowgraph/one-by-one.graph.yaml")
writeFileSync(slow, oneByOne(readFileSync(join(root, home, "delivery.graph.yaml"), "utf8")))
say(dim("The same file with `parallel: 1`, and `after:` the one before on every read.\n"))
await shadowgraph("run", relative(root, slow), "--in", home)

heading("What that saved")
const [last, first] = await ledger(2)
const same = readFileSync(join(out, "report.md"), "utf8") === report
say(`  as the graph allows      ${bold(seconds(first!.ms).padStart(7))}`)
say(`  one after another        ${seconds(last!.ms).padStart(7)}   ${dim("both measured just now, by the ledger")}`)
say(
  `  ${green(`${(last!.ms / first!.ms).toFixed(1)} times as fast`)}, and the two reports are ${same ? "the same, byte for byte" : "NOT the same"}.`,
)

heading("Next")
const next = [
  [`${home}/delivery.graph.yaml`, "the graph: change it, npm start again"],
  [`${home}/out/report.md`, "what it wrote"],
  [`${home}/out/picture.svg`, "the picture"],
  ["examples/README.md", "short examples, one step at a time"],
  [],
  ["npx shadowgraph init", "a project of your own"],
]
for (const [what = "", why = ""] of next)
  say(`  ${what.startsWith("npx") ? cyan(what.padEnd(38)) : what.padEnd(38)}  ${dim(why)}`.trimEnd())
say()
server.closeAllConnections()
server.close()
process.exit(same ? 0 : 1)
