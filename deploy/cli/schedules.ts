/** `schedules`: what a project starts by the clock: when it comes next, and what came of it last. */
import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { type LedgerStore, openRow } from "../../kernel/mod.ts"
import { LEDGER_FILE } from "../ledger/place.ts"
import { readProjectFile } from "../project/file.ts"
import { openLedger } from "../project/project.ts"
import { systemClock } from "../services/clock.ts"
import type { Schedule } from "../triggers/read.ts"
import { localTime, tickId } from "../triggers/scheduler.ts"
import { type Call, EXIT, usage } from "./command.ts"

/** So many ticks back a run is looked for. */
const TICKS_BACK = 20

export async function run(call: Call): Promise<number> {
  const { cwd, out, env } = call.terminal
  if (call.words.length > 0) throw usage("schedules takes no words")
  const many = Number(call.text("limit") ?? 3)
  if (!Number.isInteger(many) || many < 1 || many > 100)
    throw usage(`--limit wants 1 to 100, found "${call.text("limit")}"`)
  const folder = resolve(cwd, call.text("in") ?? ".")
  const { triggers, ledger: place = "file" } = await readProjectFile(folder)
  const none = place === "memory" || (place === "file" && !existsSync(join(folder, LEDGER_FILE)))
  const ledger = none ? undefined : await openLedger(folder, place, env)
  try {
    const told: Told[] = []
    for (const schedule of triggers?.schedules ?? []) told.push(await tell(schedule, ledger, many))
    if (call.on("json")) out.write(`${JSON.stringify(told, null, 2)}\n`)
    else if (told.length === 0) out.write('No schedules: "schedules" in shadowgraph.project.json declares them.\n')
    else for (const t of told) show(call, t)
    return EXIT.ok
  } finally {
    await ledger?.close()
  }
}

interface Told {
  readonly schedule: string
  readonly graph: string
  readonly cron: string
  readonly timezone: string
  /** Moments in UTC, as ISO 8601 writes them. */
  readonly next: readonly string[]
  /** The latest first. */
  readonly last: readonly { readonly tick: string; readonly run: string; readonly state: State }[]
}
type State = "ok" | "failed" | "rests" | "unfinished"

async function tell(schedule: Schedule, ledger: LedgerStore | undefined, many: number): Promise<Told> {
  const { name, graph, cron, timezone, table } = schedule
  const now = systemClock.now()
  const next: string[] = []
  for (let at = table.after(now); at !== undefined && next.length < many; at = table.after(at)) next.push(iso(at))
  const last: Told["last"][number][] = []
  let at = ledger === undefined ? undefined : table.last(now, Number.NEGATIVE_INFINITY)
  for (let i = 0; at !== undefined && i < TICKS_BACK && last.length < many; i++) {
    const id = tickId(schedule, at)
    const { rows } = await ledger!.entries("", id)
    if (rows.length > 0) last.push({ tick: iso(at), run: id, state: stateOf(openRow(rows.at(-1)!).body) })
    at = table.last(at - 1, Number.NEGATIVE_INFINITY)
  }
  return { schedule: name, graph, cron, timezone, next, last }
}

const stateOf = (body: ReturnType<typeof openRow>["body"]): State =>
  body.kind === "end" ? (body.message === null ? "ok" : "failed") : body.kind === "parked" ? "rests" : "unfinished"

const iso = (ms: number): string => new Date(ms).toISOString()

function show(call: Call, { schedule, graph, cron, timezone, next, last }: Told): void {
  const { out } = call.terminal
  const { bold, dim, green, red, yellow } = out.colours
  const local = (tick: string) => localTime(Date.parse(tick), timezone).replace("T", " ")
  out.write(`${bold(schedule)}  ${graph}  ${dim(`${cron}  ${timezone}`)}\n`)
  out.write(`  next  ${next.map(local).join("   ") || "never again"}\n`)
  if (last.length === 0) out.write(`  ${dim("it has not run yet")}\n`)
  for (const { tick, run, state } of last) {
    const paint = state === "ok" ? green : state === "failed" ? red : yellow
    out.write(`  last  ${local(tick)}  ${dim(run)}  ${paint(state)}\n`)
  }
}
