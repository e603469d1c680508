/** `compile`: graphs to plan files. */
import { mkdir, stat, writeFile } from "node:fs/promises"
import { basename, dirname, join, relative, resolve } from "node:path"
import { type Compiled, compile } from "../../compile/mod.ts"
import { ProjectError, why } from "../project/project.ts"
import { loadAll, type Named, showProblems } from "./check.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"

export async function run(call: Call): Promise<number> {
  const { terminal } = call
  const graphs = await loadAll(call, call.words)
  showProblems(
    call,
    graphs.flatMap((g) => g.problems),
    graphs,
  )
  if (!graphs.every((g) => g.checked !== undefined)) return EXIT.failed
  const targets = await targetsOf(call, graphs)
  const written: object[] = []
  for (const [i, graph] of graphs.entries()) {
    const target = targets[i]!
    const compiled = compilePlan(graph)
    await write(target, compiled.bytes)
    const shown = relative(terminal.cwd, target)
    const { plan, bytes, hash } = compiled
    const steps = plan.scopes.reduce((n, s) => n + s.steps.length, 0)
    written.push({ file: shown, graph: plan.name, hash, bytes: bytes.length, steps, needs: plan.needs })
    if (call.on("json")) continue
    const { green, dim } = terminal.out.colours
    terminal.out.write(
      `${green("ok")}  ${shown}  ${dim(`${count(steps, "step")}, ${sizeOf(bytes.length)}, ${hash.slice(0, 12)}…`)}\n`,
    )
  }
  if (call.on("json")) terminal.out.write(`${JSON.stringify(written, null, 2)}\n`)
  return EXIT.ok
}

/** A plan that may leave this process. Fails with `CliError` where the graph holds closures. */
function compilePlan({ checked, source, inline }: Named): Compiled {
  const compiled = compile(checked!)
  const closure = compiled.plan.externs.find((e) => String(e.config["code"] ?? "").startsWith("inline:"))
  if (inline === undefined || closure === undefined) return compiled
  throw new CliError({
    reason: "failed",
    message: `Cannot compile "${source.shown}" to a file: the function "${String(closure.config["code"]).slice(7)}" is written in place`,
    hints: [
      "Code of a plan is named, as ./module.ts#export; a graph with functions in place runs in its own process only.",
    ],
    exit: EXIT.failed,
  })
}

/** The file of each graph's plan. */
async function targetsOf(call: Call, graphs: readonly Named[]): Promise<readonly string[]> {
  const out = call.text("out")
  const names = graphs.map(
    ({ source }) => `${basename(source.path).replace(/\.(graph\.)?(ya?ml|json|m?[jt]s)$/, "")}.plan`,
  )
  if (out === undefined) return graphs.map(({ source }, i) => join(dirname(source.path), names[i]!))
  const path = resolve(call.terminal.cwd, out)
  const folder = graphs.length > 1 || out.endsWith("/") || (await stat(path).catch(() => undefined))?.isDirectory()
  if (!folder) return [path]
  if (path.endsWith(".plan")) throw usage(`--out names one file, found ${graphs.length} graphs`, "Name a folder.")
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined)
    throw usage(`Two graphs would be written to "${join(out, twice)}"`, "Compile them one by one, with --out for each.")
  return names.map((name) => join(path, name))
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, bytes)
  } catch (cause) {
    throw new ProjectError({ reason: "unwritable", message: `Cannot write "${file}": ${why(cause)}`, cause })
  }
}

export const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? "" : "s"}`
const sizeOf = (bytes: number): string => (bytes < 1000 ? `${bytes} bytes` : `${(bytes / 1000).toFixed(1)} kB`)
