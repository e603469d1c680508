/** `test`: plays the cases of `<name>.test.yaml`; no tool is touched. */
import { readdir, readFile, stat, writeFile } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { jsonOf, nearest, type Problem, renderProblems } from "../../graph/mod.ts"
import { loadGraph } from "../project/load.ts"
import { openProject, ProjectError, why } from "../project/project.ts"
import { findSource, sourceOf } from "../project/source.ts"
import { type Case, readTestFile, type TestFile } from "../rehearsal/cases.ts"
import { callsOf, type Rehearsed, rehearse, type Stage, stageOf } from "../rehearsal/rehearse.ts"
import { namesOf } from "../rehearsal/script.ts"
import { showProblems } from "./check.ts"
import { type Call, CliError, EXIT } from "./command.ts"
import { printable } from "./errors.ts"
import { policyOf } from "./policy.ts"

const TEST_FILE = /\.test\.ya?ml$/
const SKIPPED = /^(\.|node_modules$|dist$)/

interface Tally {
  cases: number
  failed: number
  /** Files that could not be played. */
  broken: number
}

export async function run(call: Call): Promise<number> {
  const files = await testFiles(call)
  const tally: Tally = { cases: 0, failed: 0, broken: 0 }
  const results: object[] = []
  for (const file of files) await playFile(call, file, tally, results)
  const { out } = call.terminal
  const ok = tally.failed === 0 && tally.broken === 0
  if (call.on("json")) out.write(`${JSON.stringify({ ok, ...tally, results }, null, 2)}\n`)
  else out.write(`${summary(call, tally)}\n`)
  return ok ? EXIT.ok : EXIT.failed
}

function summary(call: Call, { cases, failed, broken }: Tally): string {
  const { green, red } = call.terminal.out.colours
  const some = (n: number, word: string) => `${n} ${word}${n === 1 ? "" : "s"}`
  const more = broken === 0 ? "" : `, ${some(broken, "file")} could not be played`
  return failed + broken === 0
    ? `${some(cases, "case")}, ${green("all pass")}`
    : `${some(cases, "case")}, ${red(`${failed} failed`)}${more}`
}

async function playFile(call: Call, path: string, tally: Tally, results: object[]): Promise<void> {
  const { cwd, out } = call.terminal
  const { shown } = sourceOf(path, cwd)
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new ProjectError({ reason: "unreadable", message: `Cannot read "${shown}": ${why(cause)}`, cause })
  })
  const read = readTestFile(shown, text)
  if ("problems" in read) return broken(call, tally, read.problems, new Map([[shown, text]]))
  const stage = await stageFor(call, path, read.test, tally)
  if (stage === undefined) return
  const { dim } = out.colours
  if (!call.on("json")) out.write(`${shown}  ${dim(stage.checked.graph.name)}\n`)
  const only = call.text("only")
  const played: Rehearsed[] = []
  for (const one of read.test.cases) {
    if (only !== undefined && !one.name.includes(only)) continue
    const misnamed = unknownNames(stage, one)
    const result = await rehearse(stage, one)
    const whole = misnamed.length === 0 ? result : { ...result, ok: false, wrong: [...misnamed, ...result.wrong] }
    played.push(whole)
    tally.cases++
    if (!whole.ok && !call.on("update")) tally.failed++
    results.push({ file: shown, line: one.line, name: one.name, ok: whole.ok, wrong: whole.wrong })
    if (!call.on("json")) showCase(call, shown, whole)
  }
  if (call.on("update")) await update(path, read.test, played)
}

function showCase(call: Call, file: string, { case: one, ok, wrong, effects }: Rehearsed): void {
  const { out } = call.terminal
  const { green, red, yellow, dim } = out.colours
  const calls = `${effects.length} call${effects.length === 1 ? "" : "s"}`
  const word = ok ? green("ok  ") : call.on("update") ? yellow("set ") : red("FAIL")
  out.write(`  ${word}  ${printable(one.name)}  ${dim(ok ? calls : `${file}:${one.line}`)}\n`)
  for (const line of wrong) out.write(`        ${printable(line)}\n`)
}

/** The graph of a test file, checked and compiled; undefined where that fails, which is then shown. */
async function stageFor(call: Call, path: string, test: TestFile, tally: Tally): Promise<Stage | undefined> {
  const { cwd } = call.terminal
  const named = test.graph ?? `./${basename(path).replace(TEST_FILE, "")}`
  const source = await findSource(resolve(dirname(path), named), cwd)
  const project = await openProject(source.folder, policyOf(call))
  const graph = await loadGraph(source, project, { cwd })
  if (graph.checked === undefined) {
    showProblems(call, graph.problems, [graph])
    tally.broken++
    return undefined
  }
  const { moduleService } = await import("../services/modules.ts")
  return stageOf(graph.checked, project, {
    modules: moduleService(source.folder),
    ...(graph.inline ? { inline: graph.inline } : {}),
  })
}

function broken(call: Call, tally: Tally, problems: readonly Problem[], sources: ReadonlyMap<string, string>): void {
  const { err } = call.terminal
  tally.broken++
  err.write(renderProblems(problems, (file) => sources.get(file), { colour: err.colours.isColorSupported }))
}

/** Names under `tools:`, `faults:` and `effects:` that are nothing this graph calls. */
function unknownNames({ checked }: Stage, one: Case): readonly string[] {
  const known = new Set(callsOf(checked).flatMap(({ path, kind, signature }) => namesOf(path, kind, signature)))
  const used: (readonly [section: string, key: string])[] = [
    ...[...one.tools.keys()].map((key) => ["tools", key] as const),
    ...[...one.faults.keys()].map((key) => ["faults", key] as const),
    ...(one.effects ?? []).map(({ key }) => ["effects", key] as const),
  ]
  return used.flatMap(([section, key]) => {
    if (known.has(key.replace(/\[\d+\]/g, "")) || known.has(key)) return []
    const near = nearest(key, known)
    return [
      `${section}  nothing that this graph calls is named "${key}"${near === undefined ? `; it calls ${[...known].slice(0, 12).join(", ")}` : `; did you mean ${near}?`}`,
    ]
  })
}

/** Writes what the cases gave into the file, keeping its comments. */
async function update(path: string, test: TestFile, played: readonly Rehearsed[]): Promise<void> {
  const { document } = test
  let changed = false
  for (const { case: one, ok, outcome, effects } of played) {
    if (ok) continue
    const at = ["cases", test.cases.indexOf(one)]
    document.deleteIn([...at, outcome.ok ? "failure" : "output"])
    if (outcome.ok) document.setIn([...at, "output"], document.createNode(jsonOf(outcome.value, { nonFinite: "text" })))
    else document.setIn([...at, "failure"], outcome.failure.code)
    if (one.effects !== undefined) {
      const calls = effects.map((e) => ({
        [e.path.filter((p) => typeof p === "string").join(".")]: jsonOf(e.args, { nonFinite: "text" }),
      }))
      document.setIn([...at, "effects"], document.createNode(calls))
    }
    changed = true
  }
  if (changed) await writeFile(path, document.toString({ lineWidth: 120 }))
}

async function testFiles(call: Call): Promise<readonly string[]> {
  const { cwd } = call.terminal
  const words = call.words.length === 0 ? ["."] : call.words
  const files = await Promise.all(
    words.map(async (word) => {
      const path = resolve(cwd, word)
      const found = await stat(path).catch(() => undefined)
      if (found?.isDirectory()) return below(path)
      if (found?.isFile() && TEST_FILE.test(path)) return [path]
      const { path: graph } = await findSource(word, cwd)
      return [graph.replace(/\.graph\.\w+$/, ".test.yaml")]
    }),
  )
  const all = [...new Set(files.flat())].sort()
  if (all.length > 0) return all
  throw new CliError({
    reason: "failed",
    message: `There is no test file in ${words.map((w) => `"${w}"`).join(", ")}`,
    hints: ["The cases of quote.graph.yaml stand in quote.test.yaml beside it: see shadowgraph help test."],
    exit: EXIT.failed,
  })
}

async function below(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const found = await Promise.all(
    entries.map(async (entry) => {
      if (entry.isDirectory()) return SKIPPED.test(entry.name) ? [] : await below(join(folder, entry.name))
      return TEST_FILE.test(entry.name) ? [join(folder, entry.name)] : []
    }),
  )
  return found.flat()
}
