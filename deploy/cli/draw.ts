/** `draw`: a graph or a plan as a picture. */
import { mkdir, writeFile } from "node:fs/promises"
import { dirname, relative, resolve } from "node:path"
import { decodePlan } from "../../plan/mod.ts"
import { pictureOfGraph } from "../draw/graph.ts"
import { mermaidOf } from "../draw/mermaid.ts"
import { BOXES_MAX, boxesOf, type Picture } from "../draw/picture.ts"
import { pictureOfPlan } from "../draw/plan.ts"
import { svgOf } from "../draw/svg.ts"
import { textOf } from "../draw/text.ts"
import { ProjectError, why } from "../project/project.ts"
import { type Program, programOf } from "./bytes.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"

export async function run(call: Call): Promise<number> {
  const [named, ...more] = call.words
  if (named === undefined || more.length > 0)
    throw usage("draw wants one graph or plan", "shadowgraph draw quote.graph.yaml")
  if (call.on("mermaid") && call.text("svg") !== undefined)
    throw usage("draw makes an SVG file or Mermaid text, not both at once")
  const program = await programOf(call, named)
  if (program === undefined) return EXIT.failed
  const picture = pictureOf(program)
  if (call.on("mermaid")) {
    call.terminal.out.write(mermaidOf(picture))
    return EXIT.ok
  }
  if (call.on("text")) {
    showText(call, picture)
    if (call.text("svg") === undefined) return EXIT.ok
  }
  const { title, about } = titlesOf(program)
  const svg = svgOf([{ picture }], { title, ...(about === undefined ? {} : { about }) })
  const file = call.text("svg")
  if (file === "-" || (file === undefined && !call.terminal.out.isTerminal)) {
    call.terminal.out.write(svg)
    return EXIT.ok
  }
  await save(call, file ?? program.source.shown.replace(/(\.graph)?\.\w+$/, ".svg"), svg)
  return EXIT.ok
}

/** The picture as lines, painted as the live view of a run is. */
function showText({ terminal: { out } }: Call, picture: Picture): void {
  const { bold, cyan, magenta, dim } = out.colours
  const paints = { pure: bold, read: cyan, write: magenta, input: dim, output: dim }
  out.write(textOf(picture, { columns: Math.min(out.columns(), 110), paint: (tone, text) => paints[tone](text), dim }))
}

/** The graph as it was written; of a plan, its steps. */
export function pictureOf({ checked, bytes }: Program): Picture {
  return small(checked === undefined ? pictureOfPlan(decodePlan(bytes)) : pictureOfGraph(checked))
}

export function small(picture: Picture): Picture {
  const boxes = boxesOf(picture)
  if (boxes <= BOXES_MAX) return picture
  throw new CliError({
    reason: "failed",
    message: `Cannot draw ${boxes} boxes: a picture holds at most ${BOXES_MAX}`,
    hints: ["Draw its subgraphs one by one."],
    exit: EXIT.failed,
  })
}

export function titlesOf({ checked, bytes }: Program): { readonly title: string; readonly about: string | undefined } {
  if (checked === undefined) return { title: `plan ${decodePlan(bytes).name}`, about: undefined }
  return { title: checked.graph.name, about: checked.graph.about }
}

/** Writes a picture and says where. */
export async function save(call: Call, file: string, text: string): Promise<void> {
  const { cwd, err } = call.terminal
  const path = resolve(cwd, file)
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  } catch (cause) {
    throw new ProjectError({ reason: "unwritable", message: `Cannot write "${file}": ${why(cause)}`, cause })
  }
  err.write(`${err.colours.green("ok")}  ${relative(cwd, path)}\n`)
}
