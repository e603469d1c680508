/** `shadow ls`, `shadow show` and `shadow report`: what is in the store, and why something there may not serve. */
import { writeFile } from "node:fs/promises"
import { resolve } from "node:path"
import type { DoorState } from "../../learn/mod.ts"
import type { Promised } from "../../shadow/mod.ts"
import { ProjectError, why } from "../project/project.ts"
import { ShadowStoreError } from "../shadows/card.ts"
import { doorBrief, doorText, reopeningText } from "../shadows/door_text.ts"
import { Doors } from "../shadows/doors.ts"
import { reportPage } from "../shadows/report.ts"
import { type KeptShadow, ShadowStore } from "../shadows/store.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"
import { printable } from "./errors.ts"
import { cardLines, percent } from "./shadow_text.ts"

const folderOf = (call: Call): string => resolve(call.terminal.cwd, call.text("in") ?? ".")

interface Found extends KeptShadow {
  /** Undefined where nobody can know. */
  readonly door: DoorState | undefined
}

async function found(call: Call): Promise<readonly Found[]> {
  const { err } = call.terminal
  const say = ({ reason, message }: ShadowStoreError) =>
    err.write(`${err.colours.red(reason)}: ${printable(message)}\n`)
  const doors = doorsOf(folderOf(call), say)
  try {
    const doorOf = doors && ((shadow: string, promised: Promised) => doors.of(shadow, promised))
    const { shadows, problems } = await new ShadowStore(folderOf(call)).all(doorOf)
    problems.forEach(say)
    return shadows.map((kept) => ({ ...kept, door: doors?.of(kept.card.hash, kept.opened.package.promised).state }))
  } finally {
    doors?.close()
  }
}

function doorsOf(folder: string, say: (problem: ShadowStoreError) => void): Doors | undefined {
  try {
    return new Doors({ folder })
  } catch (cause) {
    if (!(cause instanceof ShadowStoreError)) throw cause
    say(cause)
    return undefined
  }
}

const nothingMore = (action: string, words: readonly string[]): void => {
  if (words.length > 0) throw usage(`shadow ${action} takes no more words, found "${words.join(" ")}"`)
}

export async function ls(call: Call, words: readonly string[]): Promise<number> {
  nothingMore("ls", words)
  const shadows = await found(call)
  const { out } = call.terminal
  if (call.on("json")) {
    out.write(
      `${JSON.stringify(
        shadows.map(({ card, door }) => ({ ...brief(card), door })),
        null,
        2,
      )}\n`,
    )
    return EXIT.ok
  }
  if (shadows.length === 0) out.write("No tool has a shadow here.\n")
  const width = Math.max(0, ...shadows.map(({ card }) => printable(card.tool).length))
  for (const { card, door } of shadows) {
    const { calibration, verdict } = card
    out.write(
      `${printable(card.tool).padEnd(width)}  ${card.hash.slice(0, 12)}  ${card.family.padEnd(8)}  answers ${percent(calibration.coverage)}, ${verdict.wrong} wrong in ${verdict.cases}, ${doorBrief(door)}\n`,
    )
  }
  return EXIT.ok
}

const brief = ({ tool, version, hash, family, calibration, verdict, fresh, made }: KeptShadow["card"]) => ({
  ...{ tool, version, hash, family, made },
  ...{ calibration, verdict, fresh },
})

/** The shadows of a tool, of each of its versions. */
function ownOf(shadows: readonly Found[], tool: string): readonly Found[] {
  const own = shadows.filter(({ card }) => card.tool === tool)
  if (own.length > 0) return own
  throw new CliError({
    reason: "failed",
    message: `"${tool}" has no shadow here`,
    hints: ["shadowgraph shadow ls   lists those that there are", "shadowgraph train <graph>   learns them"],
    exit: EXIT.failed,
    near: { word: tool, among: shadows.map(({ card }) => card.tool) },
  })
}

/** Of several versions the newest one. */
export async function ask(call: Call, [tool, ...words]: readonly string[]): Promise<number> {
  if (tool === undefined)
    throw usage("shadow ask wants the name of a tool and arguments", "shadowgraph shadow ask fn:add a=1 b=2")
  const { askShadow } = await import("./shadow_ask.ts")
  const newest = [...ownOf(await found(call), tool)].sort((a, b) => (a.card.made < b.card.made ? 1 : -1))[0]!
  return askShadow(call, newest, words)
}

export async function show(call: Call, words: readonly string[]): Promise<number> {
  // Names of requests hold a space, which a shell takes for the end of a word.
  const tool = words.join(" ")
  if (tool === "") throw usage("shadow show wants the name of a tool", "shadowgraph shadow ls   lists them")
  const own = ownOf(await found(call), tool)
  const { out } = call.terminal
  if (call.on("json"))
    out.write(
      `${JSON.stringify(
        own.map(({ card, door }) => ({ ...card, door })),
        null,
        2,
      )}\n`,
    )
  else
    for (const { card, door } of own) {
      out.write(`${out.colours.bold(printable(card.tool))}\n${cardLines(card, out.colours)}`)
      for (const line of door === undefined ? [] : [doorText(door), ...door.history.map(reopeningText)])
        out.write(`  ${out.colours.dim("door")}      ${line}\n`)
      for (const w of card.worst)
        out.write(
          `  ${out.colours.dim("worst")}     ${printable(`${w.place} ${w.where}`)}: ${w.wrong} wrong, ${w.unsure} without an answer, of ${w.cases}\n`,
        )
    }
  return EXIT.ok
}

export async function report(call: Call, words: readonly string[]): Promise<number> {
  nothingMore("report", words)
  const shadows = await found(call)
  const { out } = call.terminal
  if (call.on("json")) {
    out.write(
      `${JSON.stringify(
        shadows.map(({ card, door }) => ({ ...card, door })),
        null,
        2,
      )}\n`,
    )
    return EXIT.ok
  }
  const file = resolve(call.terminal.cwd, call.text("out") ?? "shadows.html")
  try {
    await writeFile(file, reportPage(shadows.map(({ card, door }) => (door === undefined ? { card } : { card, door }))))
  } catch (cause) {
    throw new ProjectError({ reason: "unreadable", message: `Cannot write the report "${file}": ${why(cause)}`, cause })
  }
  out.write(`Wrote ${printable(file)}: ${shadows.length} shadow${shadows.length === 1 ? "" : "s"}\n`)
  return EXIT.ok
}
