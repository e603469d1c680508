/** `runs`: what ran in a folder, from its ledger; with a run's id, what that run did. */
import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { decode, hex, isRecord, jsonOf, printPath, sha256, type Value } from "../../graph/mod.ts"
import { type Entry, KernelError, type LedgerStore, openRow, type Row, verifyChain } from "../../kernel/mod.ts"
import { LEDGER_FILE } from "../ledger/place.ts"
import type { SqlLedger } from "../ledger/sql.ts"
import { openLedger, readProjectFile } from "../project/project.ts"
import { printMs } from "../view/bars.ts"
import { type Call, EXIT, usage } from "./command.ts"
import { printable } from "./errors.ts"
import { noRun, runNamed, spaceOf } from "./run_named.ts"
import { takeUp, VERBS } from "./taking_up.ts"

export async function run(call: Call): Promise<number> {
  const { cwd, out } = call.terminal
  const [first, ...more] = call.words
  const verb = VERBS.find((v) => v === first)
  if (verb !== undefined) {
    if (more.length !== 1) throw usage(`runs ${verb} wants one run's id`)
    return await takeUp(call, verb, more[0]!)
  }
  const word = first === "show" ? more.shift() : first
  if (more.length > 0 || (first === "show" && word === undefined)) throw usage("runs takes one run's id, or none")
  const folder = resolve(cwd, call.text("in") ?? ".")
  const { ledger: place = "file" } = await readProjectFile(folder)
  if (place === "memory" || (place === "file" && !existsSync(join(folder, LEDGER_FILE)))) {
    if (word !== undefined) throw noRun(word, spaceOf(call))
    out.write(call.on("json") ? "[]\n" : "Nothing has run here yet.\n")
    return EXIT.ok
  }
  const ledger = await openLedger(folder, place, call.terminal.env)
  try {
    return word === undefined ? await list(call, ledger) : await one(call, ledger, word)
  } finally {
    await ledger.close()
  }
}

interface Told {
  readonly run: string
  readonly graph: string
  readonly plan: string
  readonly began: number
  readonly ms?: number
  readonly outcome: string
  readonly reads: number
  readonly writes: number
  readonly trace?: string
}

async function list(call: Call, ledger: LedgerStore): Promise<number> {
  const { out } = call.terminal
  const limit = Number(call.text("limit") ?? 20)
  if (!Number.isInteger(limit) || limit < 1) throw usage(`--limit wants a whole number, found "${call.text("limit")}"`)
  const space = spaceOf(call)
  const heads = await ledger.runs(space, limit)
  const told: (Told | Damaged)[] = []
  for (const { run } of heads) told.push(await tellAny(ledger, space, run))
  if (call.on("json")) {
    out.write(`${JSON.stringify(told, null, 2)}\n`)
    return EXIT.ok
  }
  const { dim, green, red, yellow } = out.colours
  const paint = (outcome: string) =>
    (outcome === "ok" ? green : outcome === "unfinished" || outcome === "parked" ? yellow : red)(outcome.padEnd(12))
  for (const t of told) {
    if ("message" in t) {
      out.write(`${t.run}  ${red(t.outcome)}  ${printable(t.message)}\n`)
      continue
    }
    const took = t.ms === undefined ? "" : printMs(t.ms)
    out.write(
      `${t.run}  ${dim(new Date(t.began).toISOString().replace("T", " ").slice(0, 19))}  ${paint(t.outcome)}  ${took.padStart(8)}  ${dim(`${some(t.reads, "read")}, ${some(t.writes, "write")}  graph ${t.graph.slice(0, 12)}…`)}\n`,
    )
  }
  return EXIT.ok
}

/** A run whose entries cannot be read hides no other. */
interface Damaged extends Pick<Told, "run" | "outcome"> {
  readonly message: string
}

async function tellAny(ledger: LedgerStore, space: string, run: string): Promise<Told | Damaged> {
  try {
    return tell(run, (await ledger.entries(space, run)).rows)
  } catch (cause) {
    if (!(cause instanceof KernelError) || (cause.reason !== "corrupt" && cause.reason !== "format")) throw cause
    return { run, outcome: cause.reason, message: `${cause.message}; shadowgraph ledger verify says more` }
  }
}

const some = (n: number, word: string): string => `${n} ${word}${n === 1 ? "" : "s"}`

function tell(run: string, rows: readonly Row[]): Told {
  const entries = rows.map((row) => openRow(row))
  const bodies = entries.map((e) => e.body)
  const first = entries[0]
  const start = bodies.find((b) => b.kind === "start")
  const last = entries.at(-1)
  const end = last?.body.kind === "end" ? last : undefined
  const endBody = end?.body.kind === "end" ? end.body : undefined
  const began = first?.at ?? 0
  return {
    run,
    graph: start?.graph ?? "",
    plan: start?.plan ?? "",
    began,
    ...(end === undefined ? {} : { ms: end.at - began }),
    outcome:
      endBody === undefined
        ? bodies.at(-1)?.kind === "parked"
          ? "parked"
          : "unfinished"
        : end?.redacted
          ? "redacted"
          : endBody.message === null
            ? "ok"
            : failureCode(rows.at(-1)!),
    reads: bodies.filter((b) => b.kind === "read").length,
    writes: bodies.filter((b) => b.kind === "intent").length,
    ...(endBody === undefined ? {} : { trace: endBody.trace }),
  }
}

/** The code of the failure that an entry ended in; its data are `["failure", { failure, data }]` or of that sense. */
function failureCode(row: Row): string {
  const found = row.data === null ? null : outcomeOf(row.data)
  return isRecord(found) && typeof found["failure"] === "string" ? found["failure"] : "failed"
}

function outcomeOf(data: Uint8Array): Value {
  const value = decode(data)
  return Array.isArray(value) ? (value as readonly Value[])[1]! : value
}

async function one(call: Call, ledger: SqlLedger, word: string): Promise<number> {
  const { out } = call.terminal
  const space = spaceOf(call)
  const run = await runNamed(ledger, space, word)
  const chain = await ledger.entries(space, run)
  const options = { digest: sha256, space, run }
  const first = verifyChain(chain, options)
  const redacted = !first.ok && first.reason === "redacted"
  const verdict = redacted ? verifyChain(chain, { ...options, redactions: await ledger.redactions(space, run) }) : first
  const entries = chain.rows.map((row) => ({ entry: openRow(row), row }))
  if (call.on("json")) {
    const all = entries.map(({ entry, row }) => ({ seq: entry.seq, at: entry.at, ...bodyJson(entry, row) }))
    out.write(`${JSON.stringify({ ...tell(run, chain.rows), sound: verdict.ok, entries: all }, null, 2)}\n`)
    return verdict.ok ? EXIT.ok : EXIT.failed
  }
  const { dim, green, red, bold } = out.colours
  out.write(`${bold(run)}\n`)
  const began = entries[0]?.entry.at ?? 0
  for (const { entry, row } of entries) {
    out.write(
      `  ${String(entry.seq).padStart(3)}  ${dim(printMs(entry.at - began).padStart(8))}  ${printable(lineOf(entry, row))}\n`,
    )
  }
  const said = verdict.ok
    ? green(`chain of ${verdict.entries} entries is whole${redacted ? "; what was redacted has its note" : ""}`)
    : red(`chain is broken at entry ${verdict.seq}: ${verdict.message}`)
  out.write(`       ${said}\n`)
  return verdict.ok ? EXIT.ok : EXIT.failed
}

function lineOf(entry: Entry, row: Row): string {
  const { body } = entry
  switch (body.kind) {
    case "start":
      return `start    ${short(row)}`
    case "read":
      return `read     ${printPath(body.path)}  ${body.resource ?? ""}  ${body.message ?? short(row)}`
    case "intent":
      return `intent   ${printPath(body.path)}  ${body.resource ?? ""}  ${short(row)}`.trimEnd()
    case "outcome":
      return `outcome  of ${body.intent}, ${body.how}  ${body.message ?? short(row)}`
    case "part":
      return `part     ${printPath(body.path)}  ${body.n}  ${short(row)}`
    case "parked":
      return `parked   ${printPath(body.path)}  ${body.why}${body.until === null ? "" : ` until ${new Date(body.until).toISOString()}`}`
    case "answer":
      return `answer   ${printPath(body.path)}  ${body.how} by ${body.by}  ${body.message ?? short(row)}`
    case "taken":
      return `taken    ${printPath(body.path)}  ${body.from === null ? "given" : `from run ${body.from}`}  ${body.message ?? short(row)}`
    case "guess":
      return `guess    ${printPath(body.path)}  ${body.verdict}${body.by === null ? "" : ` by ${body.by.slice(0, 12)}…, at most ${Number((body.alpha! * 100).toPrecision(4))} % wrong`}${body.why === null ? "" : `: ${body.why}`}`
    case "discarded":
      return `discard  ${printPath(body.path)}  ${body.resource ?? ""}  guessed at ${body.on.map(printPath).join(", ")}`
    case "met":
      return `met      ${printPath(body.path)}  ${body.message ?? short(row)}`
    case "resume":
      return `resume   by ${body.by}`
    case "undo":
      return `undo     by ${body.by}${body.left.length === 0 ? "" : `, but for ${body.left.join(", ")}`}`
    case "end":
      return `end      ${body.message ?? short(row)}  trace ${body.trace.slice(0, 12)}…`
  }
}

/** Beside an entry stands a value, or the outcome of a call. */
const dataOf = (kind: Row["kind"], data: Uint8Array): Value =>
  kind === "start" || kind === "parked" || kind === "part" || kind === "intent" ? decode(data) : outcomeOf(data)

function short(row: Row): string {
  if (row.data === null)
    return row.kind !== "resume" && row.kind !== "intent" && row.told === undefined ? "(redacted)" : ""
  const text = JSON.stringify(jsonOf(dataOf(row.kind, row.data), { nonFinite: "text" }))
  return text.length > 100 ? `${text.slice(0, 99)}…` : text
}

function bodyJson({ body }: Entry, row: Row): object {
  const plain = Object.fromEntries(
    Object.entries(body).map(([k, v]) => [
      k,
      v instanceof Uint8Array ? hex(v) : k === "path" ? printPath(v as readonly (string | number)[]) : v,
    ]),
  )
  const data =
    row.data === null
      ? {}
      : {
          data: jsonOf(dataOf(row.kind, row.data), { nonFinite: "text" }),
        }
  return { ...plain, ...data }
}
