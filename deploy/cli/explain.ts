/** `explain`: a code of `check`, a failure, a refusal, an exit code, a pass of the compiler, or what the compiler made of a graph and why. */
import { CHOICES, type Compiled, compile, PASSES, type PassReport } from "../../compile/mod.ts"
import { type Code, leastNeeds, MESSAGES, type Message, nearest } from "../../graph/mod.ts"
import { decodePlan, disasm, explainMarks, type Plan, planHash } from "../../plan/mod.ts"
import { pictureOfGraph } from "../draw/graph.ts"
import { pictureOfPlan } from "../draw/plan.ts"
import { svgOf } from "../draw/svg.ts"
import { ProjectError } from "../project/project.ts"
import { findSource } from "../project/source.ts"
import { meaningOf } from "./admit.ts"
import { type Program, programOf } from "./bytes.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"
import { save, small, titlesOf } from "./draw.ts"
import { type Found, listed, names, pagesOf } from "./pages/pages.ts"
import { exitOf } from "./pages/refusals.ts"

export async function run(call: Call): Promise<number> {
  const [word, ...more] = call.words
  if (more.length > 0)
    throw usage("explain takes one word: a code, a pass, a graph or a plan", "shadowgraph explain G101")
  if (word === undefined) return index(call)
  if (/^g\d+$/i.test(word)) return code(call, word.toUpperCase())
  if (/^\d+$/.test(word)) return exitCode(call, Number(word))
  if (ORDER.some(({ name }) => name === word)) return onePass(call, word)
  // A file of that name comes first: its owner has chosen it.
  const found = /^[A-Za-z][A-Za-z0-9-]*$/.test(word) ? await fileOrPage(call, word) : undefined
  if (found !== undefined) return showPages(call, found)
  const program = await programOf(call, word)
  if (program === undefined) return EXIT.failed
  const { checked } = program
  const compiled = checked === undefined ? undefined : compile(checked, { texts: true })
  const plan = compiled?.plan ?? decodePlan(program.bytes)
  const file = call.text("picture")
  if (file !== undefined) await picture(call, program, plan, file)
  else if (compiled === undefined || checked === undefined) explainPlan(call, program, plan)
  else explainGraph(call, compiled, leastNeeds(checked))
  return EXIT.ok
}

/** The pages of a word that names no file; undefined where it names one. Fails with `CliError` (`usage`) where it names neither. */
async function fileOrPage(call: Call, word: string): Promise<readonly Found[] | undefined> {
  try {
    await findSource(word, call.terminal.cwd)
    return undefined
  } catch (cause) {
    if (!(cause instanceof ProjectError)) throw cause
    const pages = pagesOf(word)
    if (pages.length > 0) return pages
    throw new CliError({
      reason: "usage",
      message: `"${word}" is no code, no pass and no file`,
      hints: ["shadowgraph explain   lists codes and passes; a code of your own function is explained by nobody else"],
      exit: EXIT.usage,
      near: { word, among: [...ORDER.map(({ name }) => name), ...names()] },
      cause,
    })
  }
}

function showPages({ terminal: { out } }: Call, pages: readonly Found[]): number {
  const { bold, dim } = out.colours
  const columns = Math.min(out.columns(), 100)
  const texts = pages.map(
    ({ name, title, page, of }) =>
      `${bold(`${name}  ${title}`)}\n\n${fill(page, columns)}\n\n${dim(fill(of, columns))}\n`,
  )
  out.write(texts.join("\n"))
  return EXIT.ok
}

function exitCode({ terminal: { out } }: Call, code: number): number {
  const means = exitOf(code)
  if (means === undefined) throw usage(`No command ends with ${code}`, `Exit codes: ${Object.values(EXIT).join(" ")}`)
  out.write(`${out.colours.bold(`exit code ${code}`)}  ${means}\n`)
  return EXIT.ok
}

/** What the compiler does, in its order: rewriting passes, what lowering chooses, and the writing itself. */
const ORDER: readonly { readonly name: string; readonly about: string }[] = [
  { name: "resolve", about: "give every value one name, and every tool its signature" },
  ...PASSES,
  ...CHOICES,
  { name: "lower", about: "write steps and instructions, in this order and these slots" },
]

function index(call: Call): number {
  const { out } = call.terminal
  const { bold, cyan, dim } = out.colours
  const codes = Object.keys(MESSAGES).sort() as Code[]
  out.write(`${bold("what check can find")}\n`)
  for (const c of codes) out.write(`  ${cyan(c)}  ${MESSAGES[c].title}\n`)
  out.write(`${bold("what the compiler does, in this order")}\n`)
  const list = (entries: readonly (readonly [name: string, about: string])[]) => {
    const width = Math.max(...entries.map(([name]) => name.length))
    for (const [name, about] of entries) out.write(`  ${cyan(name.padEnd(width))}  ${about}\n`)
  }
  list(ORDER.map(({ name, about }) => [name, about]))
  for (const [heading, entries] of listed()) {
    out.write(`${bold(heading)}\n`)
    list(entries)
  }
  out.write(`${bold("what an exit code says")}\n`)
  list(Object.values(EXIT).map((value) => [String(value), exitOf(value)!]))
  out.write(dim("shadowgraph explain <code|exit code|pass|graph|plan>\n"))
  return EXIT.ok
}

function code(call: Call, word: string): number {
  const { out } = call.terminal
  const { bold, dim } = out.colours
  if (!Object.hasOwn(MESSAGES, word)) {
    const near = nearest(word, Object.keys(MESSAGES))
    throw usage(
      `There is no code ${word}`,
      ...(near === undefined ? [] : [`Did you mean ${near}?`]),
      "shadowgraph explain   lists them",
    )
  }
  const { title, page, wrong, right }: Message = MESSAGES[word as Code]
  const indented = (text: string) => text.replace(/^/gm, "    ")
  out.write(`${bold(`${word}  ${title}`)}\n\n${fill(page, Math.min(out.columns(), 100))}\n`)
  if (wrong !== undefined) out.write(`\n  ${dim("wrong")}\n${indented(wrong)}\n`)
  if (right !== undefined) out.write(`\n  ${dim("right")}\n${indented(right)}\n`)
  return EXIT.ok
}

function onePass(call: Call, name: string): number {
  const { out } = call.terminal
  const at = ORDER.findIndex((pass) => pass.name === name)
  const { about } = ORDER[at]!
  const around = [ORDER[at - 1] && `after ${ORDER[at - 1]!.name}`, ORDER[at + 1] && `before ${ORDER[at + 1]!.name}`]
    .filter(Boolean)
    .join(", ")
  out.write(
    `${out.colours.bold(name)}  ${out.colours.dim(`pass ${at + 1} of ${ORDER.length}, ${around}`)}\n\n${fill(`${about[0]!.toUpperCase()}${about.slice(1)}.`, 100)}\n\n`,
  )
  out.write(out.colours.dim("shadowgraph explain <graph>   shows what it changed in a graph of yours\n"))
  return EXIT.ok
}

function explainGraph(call: Call, { plan, bytes, hash, passes }: Compiled, needs: readonly string[]): void {
  const { out } = call.terminal
  const { bold, dim } = out.colours
  out.write(`${bold(plan.name)}  ${dim(`${bytes.length} bytes, ${hash.slice(0, 12)}…`)}\n`)
  showNeeds(call, needs)
  for (const pass of passes) showPass(call, pass)
  out.write(`\n${bold("lower")}  ${dim(ORDER.at(-1)!.about)}\n${disasm(plan, hash).replace(/^(?=.)/gm, "    ")}`)
  showAhead(call, plan)
}

function showPass(call: Call, { name, about, changes, text }: PassReport): void {
  const { out } = call.terminal
  const { bold, dim, cyan } = out.colours
  out.write(`\n${bold(name)}  ${dim(about)}\n`)
  const width = Math.min(30, Math.max(0, ...changes.map((c) => c.at.length)))
  for (const { at, what } of changes) out.write(`    ${cyan(at.padEnd(width))}  ${what}\n`)
  if (changes.length === 0 && name !== "resolve") out.write(dim("    nothing to change\n"))
  // The compiler's own form, at the start and wherever it changed.
  if (text !== undefined && (call.on("verbose") ? changes.length > 0 || name === "resolve" : false)) {
    out.write(`${dim(text.trimEnd().replace(/^/gm, "      "))}\n`)
  }
}

function explainPlan(call: Call, { bytes }: Program, plan: Plan): void {
  const { out } = call.terminal
  const { bold, dim } = out.colours
  out.write(`${bold(plan.name)}  ${dim(`${bytes.length} bytes, of the graph ${plan.graph.slice(0, 12)}…`)}\n`)
  showNeeds(call, plan.needs)
  out.write(`\n${disasm(plan, planHash(bytes), { verbose: true })}`)
  out.write(dim("\ne: touches the world, b: pure. v ← what a step gives and takes; in: the input.\n"))
  showAhead(call, plan)
}

/** What may be guessed, called early and taken back, and what waits, in words. */
function showAhead(call: Call, plan: Plan): void {
  const lines = explainMarks(plan)
  if (lines.length === 0) return
  const { out } = call.terminal
  const { bold, dim, cyan } = out.colours
  out.write(
    `\n${bold("looking ahead")}  ${dim("with --speculate, where a shadow speaks for a tool; the outcome is the same")}\n`,
  )
  const width = Math.max(...lines.map(({ at }) => at.length))
  for (const { at, what } of lines) out.write(`    ${cyan(at.padEnd(width))}  ${what}\n`)
}

function showNeeds(call: Call, needs: readonly string[]): void {
  const { out } = call.terminal
  const width = Math.max(0, ...needs.map((n) => n.length))
  for (const need of needs) out.write(`  needs ${need.padEnd(width)}  ${out.colours.dim(meaningOf(need))}\n`)
}

/** The graph as it was written, and what the compiler made of it, side by side. */
async function picture(call: Call, program: Program, plan: Plan, file: string): Promise<void> {
  const { title, about } = titlesOf(program)
  const made = { heading: "the plan", picture: small(pictureOfPlan(plan)) }
  const written =
    program.checked === undefined ? [] : [{ heading: "the graph", picture: small(pictureOfGraph(program.checked)) }]
  await save(call, file, svgOf([...written, made], { title, ...(about === undefined ? {} : { about }) }))
}

function fill(text: string, columns: number): string {
  const lines: string[] = []
  let line = ""
  for (const word of text.split(/\s+/)) {
    if (line.length + word.length + 1 > columns && line !== "") {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line].join("\n")
}
